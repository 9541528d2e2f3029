//! A setting that takes the foreign keys of new connections away, under the feet of a run.

use besom::database::Statement;
use besom::request::Suspension;
use besom::sweep::Sweep;

use super::*;

#[tokio::test]
async fn a_batch_on_a_connection_whose_keys_do_not_act_suspends_the_run_whoever_looks_at_the_schema()
 {
    let mut lab = Lab::postgres(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         INSERT INTO sessions SELECT n, 1 FROM generate_series(1, 40) AS n;",
    )
    .await;
    lab.options.batch_size = 1;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, sessions()).await.unwrap();
    // Connections are lent in turn: several know nothing of the setting, and the last one does.
    let mut older = vec![lab.session().await, lab.session().await];
    let mut holds = lab.session().await;
    holds
        .run_script(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$",
        )
        .await
        .unwrap();
    let mut role = Statement::new(lab.dialect());
    role.push("SELECT current_setting('session_replication_role')");
    let knows = loop {
        let mut session = lab.session().await;
        let told = session.fetch_one(&role).await.unwrap();
        if told.get(0).as_text() == Some("replica") {
            break session;
        }
        older.push(session);
    };
    drop(knows);
    drop(older);

    let end = loop {
        match sweep.next().await {
            Ok(Step::Batch(_)) => {}
            end => break end,
        }
    };

    assert_eq!(end, Ok(Step::Suspended(Suspension::SchemaChanged)));
    assert!(lab.count("SELECT count(*) FROM sessions").await > 0);
}
