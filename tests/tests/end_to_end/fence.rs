//! The fence: no batch of a host that lost its run, none twice, none torn.

use std::time::{Duration, Instant};

use besom::database::Statement;
use besom::ledger::{Claimed, Fence, LedgerError};
use besom::request::{Condition, Request, Step};
use besom::sweep::{RunContext, Sweep};
use besom_tests::lab::{Lab, all_granted, both, drain, job};

const POSTGRES: &str = "CREATE TABLE item (id bigint PRIMARY KEY, pad text);
    INSERT INTO item SELECT n, 'x' FROM generate_series(1, 5000) AS n;";
const SQLITE: &str = "CREATE TABLE item (id INTEGER PRIMARY KEY, pad TEXT) STRICT;
    INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) SELECT n, 'x' FROM s;";

fn all() -> Request {
    Request::delete("item", Condition::Everything)
}

async fn recorded(lab: &Lab) -> i64 {
    lab.count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_batch")
        .await
}

/// A context with the fence as another process would hold it.
async fn with_fence(
    lab: &Lab,
    fence: Fence,
    now: besom::request::Timestamp,
) -> std::sync::Arc<RunContext> {
    let catalog = lab.catalog().await;
    let grants = std::sync::Arc::new(all_granted(&catalog));
    let subject = besom::scope::Subject {
        job: job(),
        bundled: false,
    };
    RunContext::new(
        lab.database.clone(),
        catalog,
        grants,
        subject,
        &Claimed {
            fence,
            now,
            checkpoint: "{}".to_owned(),
            resumed: false,
            changed: 0,
            suspended: None,
        },
        Vec::new(),
        lab.options.clone(),
    )
}

#[tokio::test]
async fn a_take_over_between_snapshot_and_delete_leaves_every_row() {
    let lab = Lab::postgres(POSTGRES).await;
    let (context, claimed) = lab.begin().await;
    let sweep = Sweep::open(&context, all()).await.unwrap();

    // Another host raises the token and has not committed yet: the batch takes its snapshot, then
    // waits for the fence's row.
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    let mut raise = Statement::new(lab.dialect());
    raise
        .push("UPDATE besom_run SET token = token + 1 WHERE id = ")
        .bind_as(claimed.fence.run.to_string(), "uuid");
    other.execute(&raise).await.unwrap();
    let batch = tokio::spawn(async move { sweep.next().await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    other.commit().await.unwrap();

    let refused = batch.await.unwrap().unwrap_err();
    assert_eq!(refused.problem().code, "lease-lost", "{refused}");
    assert_eq!(lab.count("SELECT count(*) FROM item").await, 5000);
    assert_eq!(recorded(&lab).await, 0);
}

#[tokio::test]
async fn a_duplicate_of_a_batch_whose_client_died_takes_the_recorded_answer() {
    for lab in both(POSTGRES, SQLITE).await {
        let (first, claimed) = lab.begin().await;
        let Step::Batch(batch) = Sweep::open(&first, all())
            .await
            .unwrap()
            .next()
            .await
            .unwrap()
        else {
            panic!("a batch");
        };

        // The answer was lost: the same host, with the fence as it was before, tries again.
        let again = with_fence(&lab, claimed.fence, claimed.now).await;
        let sweep = Sweep::open(&again, all()).await.unwrap();
        let Step::Batch(repeated) = sweep.next().await.unwrap() else {
            panic!("a batch")
        };

        assert_eq!(repeated, batch);
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 4000);
        assert_eq!(recorded(&lab).await, 1000);

        // And it goes on where that batch ended.
        let Step::Batch(_) = sweep.next().await.unwrap() else {
            panic!("a batch")
        };
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 3000);
        assert_eq!(lab.count("SELECT min(id) FROM item").await, 2001);
    }
}

#[tokio::test]
async fn a_host_whose_run_was_taken_over_changes_nothing_more() {
    for mut lab in both(POSTGRES, SQLITE).await {
        lab.lease = Duration::from_millis(200);
        let (old, _) = lab.begin().await;
        let stale = Sweep::open(&old, all()).await.unwrap();
        stale.next().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;

        // The lease has ended: the run goes on elsewhere, from its checkpoint.
        let (new, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        assert_eq!(claimed.now, old.now(), "the cut-off stays");
        let (rest, end) = drain(&new, all()).await.unwrap();

        assert_eq!((rest.affected, end), (4000, Step::Drained));
        let refused = stale.next().await.unwrap_err();
        assert_eq!(refused.problem().code, "lease-lost");
        assert_eq!(recorded(&lab).await, 5000);
    }
}

#[tokio::test]
async fn a_job_that_runs_elsewhere_is_not_begun() {
    for lab in both(POSTGRES, SQLITE).await {
        let _running = lab.begin().await;
        let refused = lab.claim().take(&lab.database).await.unwrap_err();
        let LedgerError::Busy { host, .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!(host, "lab");
        assert!(
            refused
                .to_string()
                .contains("`lab/sweep` is running already"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_heartbeat_does_not_wait_for_a_batch() {
    let lab = Lab::postgres(POSTGRES).await;
    let (_, lease) = lab.claim().take(&lab.database).await.unwrap();
    let mut batch = lab.session().await;
    batch
        .begin("BEGIN; UPDATE besom_run SET seq = seq")
        .await
        .unwrap();

    let began = Instant::now();
    assert!(lease.renew().await.unwrap());

    assert!(
        began.elapsed() < Duration::from_millis(400),
        "it waited {:?}",
        began.elapsed()
    );
    batch.rollback().await.unwrap();
}

/// sqlx 0.9's own `begin()` leaves a transaction open when it is dropped half-way. Here calls are
/// dropped at every stage of a batch, and no transaction is left, no batch torn.
#[tokio::test]
async fn calls_dropped_at_any_moment_leave_no_open_transaction_and_no_torn_batch() {
    for mut lab in both(POSTGRES, SQLITE).await {
        lab.options.batch_size = 50;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, all()).await.unwrap();
        let began = Instant::now();
        sweep.next().await.unwrap();
        let whole = began.elapsed();
        let mut dropped = 0;
        // At its first pause, after some turns of the runtime, and at any part of a batch's time.
        for turn in 0..60_u32 {
            let patience = async {
                match turn % 3 {
                    0 => {}
                    1 => yields(turn % 12).await,
                    _ => tokio::time::sleep(whole * (turn % 12) / 10).await,
                }
            };
            tokio::select! {
                biased;
                _ = sweep.next() => {}
                () = patience => dropped += 1,
            }
        }
        assert!(dropped > 5, "only {dropped} calls were dropped");
        context.settle().await;

        let gone = 5000 - lab.count("SELECT count(*) FROM item").await;
        assert_eq!(recorded(&lab).await, gone, "the ledger equals what is gone");
        if lab.dialect() == besom::catalog::Dialect::Postgres {
            let idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                        AND state LIKE 'idle in transaction%'";
            assert_eq!(lab.count(idle).await, 0);
        }
        // Whoever comes next is not in the way of anybody.
        lab.script("UPDATE item SET pad = 'y'").await;
    }
}

/// Lets the runtime take so many turns.
async fn yields(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_clock_that_went_back_stops_a_run_on_sqlite() {
    let lab = Lab::sqlite(SQLITE).await;
    let (context, _) = lab.begin().await;
    lab.end(&context).await;
    lab.script("UPDATE besom_run SET ended_at = ended_at + 600000000")
        .await;

    let refused = lab.claim().take(&lab.database).await.unwrap_err();
    assert!(
        matches!(
            refused,
            LedgerError::ClockWentBack {
                behind_seconds: 590..=600
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_without_a_ledger_says_what_to_do() {
    for home in [besom_tests::postgres().await, besom_tests::sqlite()] {
        let database = besom::database::Database::connect(&home.url, Default::default())
            .await
            .unwrap();
        let refused = besom::ledger::list(&database, 5).await.unwrap_err();
        assert!(refused.to_string().contains("besom migrate"), "{refused}");
    }
}
