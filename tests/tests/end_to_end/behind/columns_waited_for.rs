//! A migration of columns that holds its locks while a batch begins: the batch waits for it, and then knows.

use std::time::Duration;

use besom::request::Value;
use besom::sweep::Sweep;

use super::columns::{CHANGED, alone, begun, tables, without_live_tokens};
use super::*;

/// The change is open when a batch begins, and committed while the batch waits for it. `batches`: so many go before,
/// after which PostgreSQL keeps the plan of a prepared statement.
async fn meets(request: Request, key: &str, change: &str, batches: usize) {
    let mut lab = Lab::postgres(&tables(key)).await;
    lab.script("INSERT INTO sessions SELECT n, n, '2020-01-01', '2019-01-01' FROM generate_series(7, 30) AS n")
        .await;
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request).await.unwrap();
    for _ in 0..batches {
        assert!(matches!(sweep.next().await, Ok(Step::Batch(_))));
    }
    let left = lab.count("SELECT count(*) FROM sessions").await;
    let mut deploy = lab.session().await;
    deploy.begin("BEGIN").await.unwrap();
    deploy.run_script(change).await.unwrap();

    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!batch.is_finished(), "the batch waits for {change}");
    deploy.commit().await.unwrap();

    assert_eq!(batch.await.unwrap(), Ok(CHANGED), "{change}");
    assert_eq!(
        lab.count("SELECT count(*) FROM sessions").await,
        left,
        "{change}"
    );
    lab.end(&context).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_for_a_migration_sees_what_it_did() {
    let retyped = "ALTER TABLE sessions ALTER ends_at TYPE timestamp";
    let renamed = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for batches in [0, 1, 8] {
        for change in [retyped, renamed] {
            meets(alone(), "", change, batches).await;
            meets(
                without_live_tokens(Value::Boolean(true)),
                "",
                change,
                batches,
            )
            .await;
        }
    }
    let tied =
        "ALTER TABLE tokens RENAME session TO was; ALTER TABLE tokens RENAME other TO session";
    let swapped = "ALTER TABLE tokens RENAME live TO was; ALTER TABLE tokens RENAME dead TO live";
    for batches in [0, 1, 8] {
        for change in [tied, swapped] {
            meets(
                without_live_tokens(Value::Boolean(true)),
                "",
                change,
                batches,
            )
            .await;
        }
        for key in ["ON DELETE CASCADE", "ON DELETE SET NULL", ""] {
            meets(
                alone(),
                &format!("REFERENCES sessions {key}"),
                tied,
                batches,
            )
            .await;
        }
        let dependents = alone().delete_first("tokens", on("session", "id"), None);
        meets(dependents, "", tied, batches).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_behind_somebody_and_is_done_between_two_batches_is_seen() {
    let mut lab = Lab::postgres(&tables("")).await;
    let (context, sweep) = begun(&mut lab, without_live_tokens(Value::Boolean(true))).await;
    let mut reader = lab.session().await;
    reader.begin("BEGIN").await.unwrap();
    reader
        .run_script("SELECT count(*) FROM tokens")
        .await
        .unwrap();
    let mut deploy = lab.session().await;
    let migration = tokio::spawn(async move {
        let swap = "BEGIN; ALTER TABLE tokens RENAME live TO was; ALTER TABLE tokens RENAME dead TO live; COMMIT";
        deploy.run_script(swap).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!migration.is_finished() && !batch.is_finished());

    reader.rollback().await.unwrap();

    migration.await.unwrap().unwrap();
    assert_eq!(batch.await.unwrap(), Ok(CHANGED));
    assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 4);
    lab.end(&context).await;
}
