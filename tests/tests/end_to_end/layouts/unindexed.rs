//! Large tables that no index helps with.

use besom::request::{Join, Request, Step};
use besom::sweep::{Sweep, Verification};
use besom_tests::lab::Lab;

use super::{below, one, rest, verified};

/// 300 000 rows, written in another order than that of their keys.
async fn large() -> Lab {
    let lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, age int);
         INSERT INTO item SELECT n::bigint * 7919 % 300007, n % 100 FROM generate_series(1, 300000) AS n;",
    )
    .await;
    lab.script("VACUUM ANALYZE item").await;
    lab
}

#[tokio::test]
async fn every_row_is_examined_once_and_the_order_that_no_index_serves_is_noted() {
    let mut lab = large().await;
    lab.options.batch_size = 10_000;
    let (context, _) = lab.begin().await;
    let request = Request::delete("item", below("age", 2)).order_by("age");
    let sweep = Sweep::open(&context, request).await.unwrap();

    let (total, end) = rest(&sweep).await;

    assert_eq!(
        (total.affected, total.examined, end),
        (6_000, 300_000, Step::Drained)
    );
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
    let progress = context.settle().await;
    assert!(
        (25..=40).contains(&progress.batches),
        "{}",
        progress.batches
    );
    let axis = progress.drained[0].axis();
    assert!(axis.physical);
    let note = axis.note.as_deref().unwrap();
    assert!(
        note.contains("order-by `age`") && note.contains("page by page"),
        "{note}"
    );
}

#[tokio::test]
async fn each_page_is_read_in_its_turn_and_no_other() {
    let mut lab = large().await;
    lab.options.batch_size = 10_000;
    // Of its own, so that another test's reads are not counted.
    let reads = "SELECT sum(heap_blks_read + heap_blks_hit)::bigint FROM pg_statio_user_tables WHERE relname = 'item'";
    let pages = lab
        .count("SELECT pg_relation_size('item') / current_setting('block_size')::bigint")
        .await;
    let settle = || async {
        // The counters of a backend are published when it is idle for a while.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        lab.script("SELECT pg_stat_clear_snapshot()").await;
        lab.count(reads).await
    };
    let before = settle().await;

    lab.run(Request::delete("item", below("age", 0)))
        .await
        .unwrap();

    // Once to count its rows, once to look for eligible ones.
    let read = settle().await - before;
    assert!(read <= 3 * pages, "{read} reads of {pages} pages");
}

#[tokio::test]
async fn a_row_that_is_updated_while_the_batch_waits_is_deleted_by_its_key_or_lives() {
    let lab = large().await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE item SET age = 50 WHERE id = 7919; UPDATE item SET age = age WHERE id = 7919 * 101 % 300007")
        .await
        .unwrap();
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("item", below("age", 2)))
        .await
        .unwrap();

    let first = one(&sweep).await;
    application.commit().await.unwrap();
    let (total, end) = rest(&sweep).await;

    assert_eq!((first.locked, end), (2, Step::Drained));
    // The second was moved to the end of the table, and is met there.
    assert_eq!(first.affected + total.affected, 5_999);
    assert_eq!(
        lab.count("SELECT count(*) FROM item WHERE age < 2").await,
        0
    );
}

#[tokio::test]
async fn a_small_table_and_a_bounded_key_are_swept_by_key() {
    let lab = large().await;
    lab.script("CREATE TABLE few (id bigint PRIMARY KEY, age int); INSERT INTO few VALUES (1, 1); ANALYZE few")
        .await;
    for (table, column) in [("few", "age"), ("item", "id")] {
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete(table, below(column, 2)))
            .await
            .unwrap();
        rest(&sweep).await;
        lab.end(&context).await;
        let drained = context.settle().await.drained;
        assert!(!drained[0].axis().physical, "{table} by {column}");
    }
}

#[tokio::test]
async fn rows_that_the_sweep_itself_lets_go_of_move_and_are_met_by_their_key() {
    const SETS: &str = "ON DELETE SET NULL";
    const ONE_PART: &str = "PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF item DEFAULT";
    for (rule, unlinks, parts) in [("", true, ""), (SETS, false, ""), (SETS, false, ONE_PART)] {
        let mut lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, age int, next bigint REFERENCES item {rule}) {parts};
             INSERT INTO item SELECT n, n % 100, CASE WHEN n > 1 THEN n - 1 END FROM generate_series(1, 110000) AS n;
             CREATE INDEX item_next ON item (next);"
        ))
        .await;
        lab.script("VACUUM ANALYZE item").await;
        lab.options.batch_size = 10_000;
        let (context, _) = lab.begin().await;
        let mut request = Request::delete("item", below("age", 2));
        if unlinks {
            request = request.unlink_first("item", vec![Join::new("next", "id")], None);
        }
        let sweep = Sweep::open(&context, request).await.unwrap();

        let (total, end) = rest(&sweep).await;

        let case = format!("{rule} {parts}");
        assert_eq!((total.affected, end), (2_200, Step::Drained), "{case}");
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
        let progress = context.settle().await;
        assert!(!progress.drained[0].axis().physical, "{case}");
    }
}
