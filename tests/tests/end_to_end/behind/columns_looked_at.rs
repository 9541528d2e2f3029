//! Columns that come to stand for something else under what only looks: dry runs, readers, counts, the verification.

use besom::request::{Mode, Suspension};
use besom::sweep::{Verification, verify};
use besom_tests::lab::both;

use super::columns::{CHANGED, alone, begun, deploys, over, sqlite_tables, tables};
use super::*;

#[tokio::test]
async fn a_dry_run_counts_nothing_by_another_schema() {
    let change = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for mut lab in both(&tables(""), &sqlite_tables("")).await {
        lab.options.mode = Mode::DryRun;
        let (context, sweep) = begun(&mut lab, alone()).await;
        deploys(&lab, change).await;
        assert_eq!(sweep.next().await, Ok(CHANGED));
        assert_eq!(context.settle().await.totals.affected, 2);
    }
}

#[tokio::test]
async fn a_plugin_is_shown_and_told_nothing_by_another_schema() {
    use besom::request::Reading;
    use besom::sweep::{Change, Reader, count};
    let look = || Request::read("sessions", vec!["id".to_owned(), "note".to_owned()], over());
    let change =
        "ALTER TABLE sessions RENAME note TO was; ALTER TABLE sessions RENAME filler TO note";
    for mut lab in both(&tables(""), &sqlite_tables("")).await {
        lab.options.batch_size = 2;
        let (context, _) = lab.begin().await;
        let reader = Reader::open(&context, look()).await.unwrap();
        let page = reader.next().await.unwrap();
        assert!(matches!(page, Reading::Page(_)), "{page:?}");
        deploys(&lab, change).await;

        let done = reader.act(Change::Delete(vec![0])).await.unwrap();

        assert_eq!(done.affected, 0);
        let next = reader.next().await.unwrap();
        assert_eq!(next, Reading::Suspended(Suspension::SchemaChanged));
        assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 6);
        lab.end(&context).await;
    }
    for lab in both(&tables(""), &sqlite_tables("")).await {
        let (context, _) = lab.begin().await;
        let reader = Reader::open(&context, look()).await.unwrap();
        deploys(&lab, change).await;
        let shown = reader.next().await.unwrap();
        assert_eq!(shown, Reading::Suspended(Suspension::SchemaChanged));
        lab.end(&context).await;
    }
    let renamed = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    for lab in both(&tables(""), &sqlite_tables("")).await {
        let (context, _) = lab.begin().await;
        assert_eq!(count(&context, alone(), 9).await.unwrap(), 6);
        deploys(&lab, renamed).await;
        let fault = count(&context, alone(), 9).await.unwrap_err();
        assert_eq!(fault.problem().code, "schema-changed");
        let suspended = context.settle().await.suspended;
        assert_eq!(suspended, Some(Suspension::SchemaChanged));
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn a_column_that_changes_after_the_last_batch_is_not_verified_away() {
    let change = "ALTER TABLE sessions RENAME ends_at TO was; ALTER TABLE sessions RENAME began_at TO ends_at";
    let parts = "CREATE TABLE sessions (id bigint PRIMARY KEY, ends_at timestamptz, began_at timestamptz)
             PARTITION BY RANGE (id);
         CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES FROM (0) TO (5);
         CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES FROM (5) TO (9);
         INSERT INTO sessions SELECT n, '2020-01-01', '2019-01-01' FROM generate_series(1, 6) AS n;";
    let mut labs = both(&tables(""), &sqlite_tables("")).await;
    labs.push(Lab::postgres(parts).await);
    for lab in labs {
        let (context, _) = lab.begin().await;
        let (_, end) = besom_tests::lab::drain(&context, alone()).await.unwrap();
        assert_eq!(end, Step::Drained);
        deploys(&lab, change).await;
        let progress = context.settle().await;

        let remains = verify(&lab.database, &progress.ended).await;

        let found = Verification::of(&remains);
        assert!(
            matches!(&found, Verification::Unverified(why) if why.contains("columns")),
            "{found:?}"
        );
    }
    for (change, verified) in [
        ("ALTER TABLE sessions DETACH PARTITION sessions_1", true),
        ("DROP TABLE sessions_1", true),
        (
            "CREATE TABLE sessions_3 PARTITION OF sessions FOR VALUES FROM (9) TO (20)",
            true,
        ),
        ("ALTER TABLE sessions ALTER ends_at TYPE timestamp", false),
    ] {
        let lab = Lab::postgres(parts).await;
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, alone()).await.unwrap();
        deploys(&lab, change).await;
        let progress = context.settle().await;
        let remains = verify(&lab.database, &progress.ended).await;
        let found = Verification::of(&remains);
        assert_eq!(
            found == Verification::Verified,
            verified,
            "{change}: {found:?}"
        );
    }
}
