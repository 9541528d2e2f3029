//! Counts, checkpoints and outcomes that were not what had happened.

use super::*;
use besom::request::{Comparison, Condition, Mode, Request, Step, Value};
use besom::scope::Grants;
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain};
use std::time::Duration;

#[tokio::test]
async fn a_child_that_arrives_while_the_batch_waits_is_in_the_ledger() {
    let mut worst = (0, 0, 0);
    for pause in [2, 4, 6, 8, 10, 12] {
        let lab = Lab::postgres(
            "CREATE TABLE item (id bigint PRIMARY KEY);
             CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE);
             CREATE INDEX ON note (item_id);
             INSERT INTO item SELECT n FROM generate_series(1, 10) AS n;
             INSERT INTO note SELECT n, n FROM generate_series(1, 10) AS n;",
        )
        .await;
        let mut application = lab.session().await;
        application
            .begin("BEGIN; INSERT INTO note VALUES (100, 5)")
            .await
            .unwrap();
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", Condition::Everything))
            .await
            .unwrap();
        let batch = tokio::spawn(async move { sweep.next().await });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        application.commit().await.unwrap();
        let Step::Batch(batch) = batch.await.unwrap().unwrap() else {
            panic!("a batch")
        };
        let gone = 11 - lab.count("SELECT count(*) FROM note").await;
        if gone as u64 != batch.cascaded {
            worst = (pause, gone, batch.cascaded);
        }
    }
    assert_eq!(worst, (0, 0, 0), "pause, gone, counted");
}

#[tokio::test]
async fn a_child_that_hangs_on_two_keys_is_counted_once() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY,
            a INTEGER REFERENCES item ON DELETE CASCADE, b INTEGER REFERENCES item ON DELETE CASCADE);
         INSERT INTO item VALUES (1), (2);
         INSERT INTO note VALUES (1, 1, 1), (2, 1, 2);";
    for lab in both(schema, schema).await {
        let (total, _) = lab
            .run(Request::delete("item", Condition::Everything))
            .await
            .unwrap();
        let gone = 2 - lab.count("SELECT count(*) FROM note").await;
        assert_eq!(total.cascaded, gone as u64, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_order_is_not_resumed() {
    let postgres = format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, at bigint NOT NULL);
         CREATE INDEX item_at ON item (at);
         INSERT INTO item SELECT n, {NOW} + n FROM generate_series(1, 100) AS n;"
    );
    let sqlite = format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, b INTEGER);
         CREATE INDEX item_at ON item (at, b);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
         SELECT n, {NOW} + n, 0 FROM s;"
    );
    for mut lab in both(&postgres, &sqlite).await {
        lab.options.batch_size = 10;
        lab.lease = Duration::ZERO;
        let request = || {
            Request::delete(
                "item",
                compare("at", Comparison::Greater, Value::Integer(0)),
            )
            .order_by("at")
        };
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, request()).await.unwrap();
        sweep.next().await.unwrap();
        drop((sweep, context));
        lab.script("DROP INDEX item_at").await;
        let (context, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let (total, end) = drain(&context, request()).await.unwrap();
        assert_eq!(
            (total.affected, end),
            (90, Step::Drained),
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_sweep_that_was_refused_does_not_leave_a_finished_run() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);";
    for mut lab in both(schema, schema).await {
        lab.grants = Some(Grants::default());
        let (context, _) = lab.begin().await;
        Sweep::open(&context, Request::delete("item", Condition::Everything))
            .await
            .unwrap_err();
        let progress = context.settle().await;
        assert!(progress.unfinished, "this run would be called drained");
    }
}

#[tokio::test]
async fn an_outcome_is_not_recorded_twice_nor_claimed_by_the_one_who_lost_the_run() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);";
    for mut lab in both(schema, schema).await {
        lab.lease = Duration::ZERO;
        let (context, _) = lab.begin().await;
        let (_later, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let ending = besom::ledger::Ending {
            state: "drained",
            reason: None,
            error: None,
            verification: None,
            dry_run: None,
            findings: "[]",
            blocked_by: "{}",
            remains: "[]",
            throttled: "{}",
            again: besom::ledger::Again::No,
        };
        let fence = context.settle().await.fence;
        let done = besom::ledger::finish(&lab.database, &fence, Mode::Apply, &ending).await;
        assert!(done.is_err(), "{done:?}");
    }
}

#[tokio::test]
async fn a_dry_run_after_another_refuses_a_table_with_inheritance_children_as_any_run_does() {
    let mut lab = Lab::postgres(
        "CREATE TABLE other (id bigint PRIMARY KEY);
         INSERT INTO other VALUES (1);
         CREATE TABLE item (id bigint PRIMARY KEY);
         CREATE TABLE special () INHERITS (item);
         INSERT INTO item VALUES (1);
         INSERT INTO special VALUES (2);",
    )
    .await;
    lab.options.mode = Mode::DryRun;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("other", Condition::Everything))
        .await
        .unwrap();
    let refused = drain(&context, Request::delete("item", Condition::Everything))
        .await
        .unwrap_err();
    lab.end(&context).await;
    assert_eq!(refused.problem().code, "inherited-table");
}

#[tokio::test]
async fn a_row_in_the_way_does_not_keep_its_neighbour_of_the_same_instant() {
    // The key that is in the way hangs on a partition alone, so besom does not see it.
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, at timestamptz NOT NULL);
         CREATE INDEX item_at ON item (at);
         CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE) PARTITION BY RANGE (id);
         CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (100);
         CREATE TABLE holder (id bigint PRIMARY KEY, note_id bigint REFERENCES note_1 (id));
         INSERT INTO item SELECT n, '2025-01-01Z' FROM generate_series(1, 2) AS n;
         INSERT INTO note VALUES (1, 1);
         INSERT INTO holder VALUES (1, 1);",
    )
    .await;
    lab.options.batch_size = 16;
    let (total, _) = lab
        .run(Request::delete("item", older("at", NOW)).order_by("at"))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [1], "{total:?}");
    assert_eq!((total.affected, total.blocked, total.examined), (1, 1, 2));
}
