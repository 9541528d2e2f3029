//! Partitions that come and go while a run is under way.

use std::time::Duration;

use besom::request::{Request, Step};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, drain};

use super::{below, one, rest};

/// Leaves a, b, c and d with a thousand rows each.
async fn leaves() -> Lab {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint, part text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
         CREATE TABLE item_a PARTITION OF item FOR VALUES IN ('a');
         CREATE TABLE item_b PARTITION OF item FOR VALUES IN ('b');
         CREATE TABLE item_c PARTITION OF item FOR VALUES IN ('c');
         CREATE TABLE item_d PARTITION OF item FOR VALUES IN ('d');
         INSERT INTO item SELECT n, chr(97 + n % 4) FROM generate_series(0, 3999) AS n;",
    )
    .await;
    lab.options.batch_size = 300;
    lab.lease = Duration::ZERO;
    lab
}

fn all() -> Request {
    Request::delete("item", below("id", 1_000_000))
}

/// Six batches: the whole of the first leaf (four batches) and 600 rows of the second.
async fn into_the_second(lab: &Lab) -> Sweep {
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, all()).await.unwrap();
    for _ in 0..6 {
        one(&sweep).await;
    }
    assert_eq!(lab.count("SELECT count(*) FROM item_b").await, 400);
    context.settle().await;
    sweep
}

#[tokio::test]
async fn a_resumed_run_goes_on_in_the_leaf_and_at_the_row_where_it_stood() {
    let lab = leaves().await;
    drop(into_the_second(&lab).await);
    // Behind the cursor: for the next run.
    lab.script("INSERT INTO item VALUES (0, 'a'), (1, 'b')")
        .await;

    let (context, _) = lab.begin().await;
    let (total, end) = drain(&context, all()).await.unwrap();

    assert_eq!(
        (total.affected, total.examined, end),
        (2_400, 2_400, Step::Drained)
    );
    assert_eq!(lab.ids("SELECT id FROM item").await, [0, 1]);
}

#[tokio::test]
async fn a_leaf_that_is_dropped_before_the_run_is_resumed_is_passed_over() {
    let lab = leaves().await;
    drop(into_the_second(&lab).await);
    lab.script("DROP TABLE item_b; CREATE TABLE item_bb PARTITION OF item FOR VALUES IN ('b', 'e'); INSERT INTO item VALUES (1, 'e')")
        .await;

    let (context, _) = lab.begin().await;
    let (total, end) = drain(&context, all()).await.unwrap();

    assert_eq!((total.affected, end), (2_001, Step::Drained));
    assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
}

#[tokio::test]
async fn a_leaf_that_is_dropped_under_the_sweep_is_passed_over() {
    let lab = leaves().await;
    let sweep = into_the_second(&lab).await;
    lab.script("DROP TABLE item_b; DROP TABLE item_d").await;

    let (total, end) = rest(&sweep).await;

    assert_eq!((total.affected, end), (1_000, Step::Drained));
}

#[tokio::test]
async fn the_rows_of_a_leaf_that_is_detached_under_the_sweep_are_its_own_again() {
    let lab = leaves().await;
    let sweep = into_the_second(&lab).await;
    lab.script(
        "ALTER TABLE item DETACH PARTITION item_b; ALTER TABLE item DETACH PARTITION item_c",
    )
    .await;

    let (total, end) = rest(&sweep).await;

    assert_eq!((total.affected, end), (1_000, Step::Drained));
    assert_eq!(lab.count("SELECT count(*) FROM item_b").await, 400);
    assert_eq!(lab.count("SELECT count(*) FROM item_c").await, 1_000);
}

#[tokio::test]
async fn a_leaf_that_is_attached_under_the_sweep_is_the_next_runs() {
    let lab = leaves().await;
    let sweep = into_the_second(&lab).await;
    lab.script("CREATE TABLE item_z PARTITION OF item FOR VALUES IN ('z'); INSERT INTO item VALUES (5, 'z')")
        .await;

    let (total, end) = rest(&sweep).await;
    assert_eq!((total.affected, end), (2_400, Step::Drained));

    let (context, _) = lab.begin().await;
    assert_eq!(
        drain(&context, all()).await.unwrap().0.affected,
        0,
        "the same run, drained"
    );
    lab.end(&context).await;
    assert_eq!(lab.run(all()).await.unwrap().0.affected, 1);
}

#[tokio::test]
async fn a_leaf_whose_order_has_changed_starts_over() {
    let lab = leaves().await;
    drop(into_the_second(&lab).await);
    lab.script(
        "ALTER TABLE item DROP CONSTRAINT item_pkey; INSERT INTO item VALUES (1, 'b'), (0, 'a')",
    )
    .await;

    let (context, _) = lab.begin().await;
    let (total, end) = drain(&context, all()).await.unwrap();

    assert_eq!((total.affected, end), (2_401, Step::Drained));
    assert_eq!(lab.ids("SELECT id FROM item").await, [0]);
}

#[tokio::test]
async fn a_leaf_that_is_detached_while_the_batch_waits_for_it_keeps_its_rows() {
    let lab = leaves().await;
    let sweep = into_the_second(&lab).await;
    let mut operator = lab.session().await;
    operator
        .begin("BEGIN; ALTER TABLE item DETACH PARTITION item_b")
        .await
        .unwrap();
    let waiting = sweep.clone();
    let batch = tokio::spawn(async move { waiting.next().await });
    let held = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'item_b'::regclass";
    while lab.count(held).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    operator.commit().await.unwrap();
    batch.await.unwrap().unwrap();

    let (_, end) = rest(&sweep).await;

    assert_eq!(end, Step::Drained);
    assert_eq!(lab.count("SELECT count(*) FROM item_b").await, 400);
    assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
}

#[tokio::test]
async fn a_row_that_is_moved_to_another_leaf_while_the_batch_waits_for_it_is_met_there() {
    let lab = leaves().await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE item SET part = 'd' WHERE id = 4; UPDATE item SET id = 2000000 WHERE id = 8")
        .await
        .unwrap();
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, all()).await.unwrap();
    let waiting = sweep.clone();
    let batch = tokio::spawn(async move { waiting.next().await });
    tokio::time::sleep(Duration::from_millis(8)).await;
    application.commit().await.unwrap();
    batch.await.unwrap().unwrap();

    let (_, end) = rest(&sweep).await;

    assert_eq!(end, Step::Drained);
    assert_eq!(lab.ids("SELECT id FROM item").await, [2_000_000]);
}
