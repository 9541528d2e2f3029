//! A deploy that holds its locks while a batch begins: the batch waits for it, and then knows.

use std::time::Duration;

use besom::request::Suspension;
use besom::sweep::Sweep;

use super::*;

const CHANGED: Step = Step::Suspended(Suspension::SchemaChanged);

fn tables(token: &str) -> String {
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions {token});
         CREATE INDEX ON tokens (session);
         CREATE TABLE uses (id bigint PRIMARY KEY, token bigint REFERENCES tokens ON DELETE CASCADE);
         CREATE INDEX ON uses (token);
         CREATE TABLE orders (id bigint PRIMARY KEY, session bigint, token bigint, used bigint);
         INSERT INTO sessions SELECT n, 1 FROM generate_series(1, 30) AS n;
         INSERT INTO tokens SELECT n, n FROM generate_series(1, 30) AS n;
         INSERT INTO uses SELECT n, n FROM generate_series(1, 30) AS n;
         INSERT INTO orders SELECT n, n, n, n FROM generate_series(1, 30) AS n;
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
    )
}

/// The change is open when a batch begins, and committed while it waits. `batches`: so many go before, after which
/// PostgreSQL keeps the plan of a prepared statement.
async fn meets(token: &str, change: &str, batches: usize) {
    let mut lab = Lab::postgres(&tables(token)).await;
    if token.is_empty() {
        lab.script("DELETE FROM uses; DELETE FROM tokens").await;
    }
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, sessions()).await.unwrap();
    for _ in 0..batches {
        assert!(matches!(sweep.next().await, Ok(Step::Batch(_))));
    }
    let left = lab.count("SELECT count(*) FROM sessions").await;
    let used = lab.count("SELECT count(*) FROM uses").await;
    let mut deploy = lab.session().await;
    deploy.begin("BEGIN").await.unwrap();
    deploy.run_script(change).await.unwrap();

    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!batch.is_finished(), "the batch waits for {change}");
    deploy.commit().await.unwrap();

    assert_eq!(batch.await.unwrap(), Ok(CHANGED), "{change}");
    assert_eq!(
        lab.count("SELECT count(*) FROM orders").await,
        30,
        "{change}"
    );
    assert_eq!(
        lab.count("SELECT count(*) FROM sessions").await,
        left,
        "{change}"
    );
    assert_eq!(
        lab.count("SELECT count(*) FROM uses").await,
        used,
        "{change}"
    );
    lab.end(&context).await;
}

fn key(column: &str, parent: &str) -> String {
    format!(
        "ALTER TABLE orders ADD FOREIGN KEY ({column}) REFERENCES {parent} ON DELETE CASCADE NOT VALID"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_one_statement_that_waits_for_a_deploy_sees_what_it_did() {
    for batches in [0, 1, 8] {
        meets("", &key("session", "sessions"), batches).await;
    }
    meets(
        "",
        "CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()",
        2,
    )
    .await;
    meets(
        "",
        "CREATE RULE keep AS ON DELETE TO sessions DO INSTEAD
               UPDATE sessions SET dead_at = 2 WHERE id = OLD.id RETURNING OLD.*",
        2,
    )
    .await;
    meets("", "ALTER TABLE sessions DISABLE TRIGGER ALL", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_locks_first_sees_it_at_every_depth_of_a_cascade() {
    let cascade = "ON DELETE CASCADE";
    for (column, parent) in [
        ("session", "sessions"),
        ("token", "tokens"),
        ("used", "uses"),
    ] {
        for batches in [0, 3] {
            meets(cascade, &key(column, parent), batches).await;
        }
    }
    for table in ["sessions", "tokens", "uses"] {
        let change = format!(
            "CREATE TRIGGER keep BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION keep()"
        );
        meets(cascade, &change, 1).await;
    }
    meets(
        cascade,
        "CREATE RULE keep AS ON DELETE TO uses DO ALSO NOTHING",
        1,
    )
    .await;
    meets(
        "ON DELETE SET NULL",
        "CREATE TRIGGER keep BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION keep()",
        1,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_begins_while_a_batch_is_open_waits_for_it() {
    // A row of the child is held for a while, so that the batch is open meanwhile.
    let lab = Lab::postgres(&tables("ON DELETE CASCADE")).await;
    let mut holder = lab.session().await;
    holder
        .begin("BEGIN; DELETE FROM sessions WHERE id = 1")
        .await
        .unwrap();

    // The lock that a delete of besom's takes is that of any delete.
    let mut deploy = lab.session().await;
    deploy
        .begin("BEGIN; SET LOCAL lock_timeout = 100")
        .await
        .unwrap();
    for (column, parent) in [
        ("session", "sessions"),
        ("token", "tokens"),
        ("used", "uses"),
    ] {
        deploy.run_script("SAVEPOINT s").await.unwrap();
        let waits = deploy.run_script(&key(column, parent)).await.unwrap_err();
        assert_eq!(waits.code, "55P03", "{parent}");
        deploy.run_script("ROLLBACK TO SAVEPOINT s").await.unwrap();
    }
    deploy.rollback().await.unwrap();
    holder.rollback().await.unwrap();
}
