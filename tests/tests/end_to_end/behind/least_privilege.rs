//! A role with no more than it needs: cascades run with the owner's rights, so its rights hold nothing back.

use besom::database::{Database, DatabaseOptions};
use besom::request::Suspension;
use besom::sweep::Sweep;

use super::*;

#[tokio::test]
async fn a_role_without_rights_on_the_new_table_is_no_guard_and_the_look_at_the_schema_is() {
    let mut lab = Lab::postgres(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE INDEX ON tokens (session);
         CREATE TABLE orders (id bigint PRIMARY KEY, session bigint, token bigint);
         INSERT INTO sessions SELECT n, 1 FROM generate_series(1, 6) AS n;
         INSERT INTO tokens SELECT n, n FROM generate_series(1, 6) AS n;
         INSERT INTO orders SELECT n, n, n FROM generate_series(1, 6) AS n;
         DO $$ BEGIN CREATE ROLE besom_behind; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         GRANT SELECT, DELETE, UPDATE ON sessions TO besom_behind;
         GRANT SELECT (id, session), UPDATE (session) ON tokens TO besom_behind;
         DO $$ DECLARE t regclass; BEGIN
             FOR t IN SELECT oid FROM pg_class WHERE relname LIKE 'besom\\_%' AND relkind = 'r' LOOP
                 EXECUTE format('GRANT ALL ON %s TO besom_behind', t); END LOOP; END $$",
    )
    .await;
    lab.options.batch_size = 2;
    let sign = if lab.home.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{sign}options[role]=besom_behind", lab.home.url);
    let narrow = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();
    let owner = std::mem::replace(&mut lab.database, narrow);
    for change in [
        "ALTER TABLE orders ADD FOREIGN KEY (session) REFERENCES sessions ON DELETE CASCADE NOT VALID",
        "ALTER TABLE orders ADD FOREIGN KEY (token) REFERENCES tokens ON DELETE CASCADE NOT VALID",
    ] {
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, sessions()).await.unwrap();
        assert!(matches!(sweep.next().await, Ok(Step::Batch(batch)) if batch.affected == 2));
        let mut session = owner.session().await.unwrap();
        session.run_script(change).await.unwrap();

        let next = sweep.next().await;

        assert_eq!(
            next,
            Ok(Step::Suspended(Suspension::SchemaChanged)),
            "{change}"
        );
        lab.end(&context).await;
        session
            .run_script(
                "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_session_fkey,
                     DROP CONSTRAINT IF EXISTS orders_token_fkey",
            )
            .await
            .unwrap();
    }
    lab.database = owner;
    assert_eq!(lab.count("SELECT count(*) FROM orders").await, 6);
    assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 2);
}
