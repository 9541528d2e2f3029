//! Readers that go too far: each call is told what is wrong with it, and no row is touched.

use super::in_sweeps::{UNTOUCHED, labs};
use super::*;

/// What the plugin tells on both kinds of database.
async fn told_on_both(job: &str) -> Vec<String> {
    let plugin = hostile(Limits::default()).await;
    let mut told = Vec::new();
    for lab in labs().await {
        let context = lab.begin_as(JobName::new("hostile", job), NOW).await;
        let error = plugin
            .run(job, &settings(&plugin), Arc::clone(&context), WALL)
            .await;
        context.settle().await;
        match error.unwrap_err().cause() {
            Cause::Failed(text) => told.push(text.clone()),
            other => panic!("{job} ended otherwise: {other}"),
        }
        assert_eq!(lab.count(UNTOUCHED).await, 1);
    }
    told
}

#[tokio::test]
async fn nothing_that_is_not_granted_is_shown_ordered_by_or_counted() {
    for text in told_on_both("reader-ungranted").await {
        assert_eq!(
            text,
            "column: denied denied, no column: invalid unknown-column, \
             quoted: invalid unknown-column, table: denied denied, view: invalid not-a-table, \
             ledger: denied denied, condition: denied denied, all rows: denied denied, \
             order: denied denied, no order: invalid unknown-column, dependent: denied denied, \
             secret dependent: denied denied, count: denied denied, count all: denied denied, \
             count secrets: denied denied"
        );
    }
}

#[tokio::test]
async fn rows_that_were_not_shown_cannot_be_acted_on() {
    for text in told_on_both("reader-acts").await {
        assert_eq!(
            text,
            "early: invalid position, beyond: invalid position, largest: invalid position, \
             many: invalid position, same row: invalid not-assignable, \
             late order: invalid too-late, late dependent: invalid too-late, \
             read only: denied denied, secret: denied denied, nobody's: invalid unknown-column, \
             generated: invalid not-assignable, key: invalid not-assignable, \
             not null: invalid not-assignable, type: invalid value"
        );
    }
}

#[tokio::test]
async fn a_read_has_a_bounded_number_of_columns_and_bytes() {
    for text in told_on_both("reader-floods").await {
        assert_eq!(
            text,
            "columns: exhausted read-columns, names: exhausted sweep-bytes"
        );
    }
}

#[tokio::test]
async fn reading_anew_for_ever_ends_with_the_run_and_holds_nothing() {
    let plugin = hostile(Limits::default()).await;
    for lab in labs().await {
        let context = lab
            .begin_as(JobName::new("hostile", "reader-never-ending"), NOW)
            .await;
        plugin
            .run(
                "reader-never-ending",
                &settings(&plugin),
                Arc::clone(&context),
                WALL,
            )
            .await
            .unwrap();
        assert_eq!(context.settle().await.batches, 0);
    }
}

#[tokio::test]
async fn a_reader_that_was_dropped_is_gone() {
    let error = stopped_with(Limits::default(), "reader-used-after-drop", WALL).await;

    assert!(error.to_string().contains("unknown handle"), "{error}");
}
