//! The ledger's history, kept for a while.

use std::time::Duration;

use besom::catalog::Dialect;
use besom::ledger;
use besom_tests::lab::{Lab, both};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A run of a job in a state, begun so many days ago, with one batch.
async fn run(lab: &Lab, number: u32, job: &str, state: &str, days: i64) {
    let id = format!("01900000-0000-7000-8000-{number:012}");
    let at = match lab.dialect() {
        Dialect::Postgres => format!("now() - interval '{days} days'"),
        Dialect::Sqlite => format!("(unixepoch() - {days} * 86400) * 1000000"),
    };
    lab.script(&format!(
        "INSERT INTO besom_run (id, plugin, job, mode, state, host, version, digest, contract, settings, \
         started_at) VALUES ('{id}', 'p', '{job}', 'apply', '{state}', 'h', '1', '00', 'c', '{{}}', {at}); \
         INSERT INTO besom_batch (run, seq, examined, affected, dependents, cascaded, locked, blocked, \
         revived, at) VALUES ('{id}', 1, 1, 1, 0, 0, 0, 0, 0, {at}); \
         INSERT INTO besom_queue (id, plugin, job, mode, cause, due_at, queued_at, not_before, run, done_at) \
         VALUES ('{id}', 'p', '{job}', 'apply', 'schedule', {at}, {at}, {at}, '{id}', \
         CASE WHEN '{state}' = 'running' THEN NULL ELSE {at} END)"
    ))
    .await;
}

#[tokio::test]
async fn what_ended_long_ago_goes_but_what_says_when_a_job_last_did_its_work() {
    for lab in both("SELECT 1", "SELECT 1").await {
        run(&lab, 1, "a", "drained", 200).await;
        run(&lab, 2, "a", "failed", 150).await;
        run(&lab, 3, "a", "drained", 120).await;
        run(&lab, 4, "a", "failed", 110).await;
        run(&lab, 5, "a", "drained", 10).await;
        // Its newest drained run is old, and what failed after it is still news.
        run(&lab, 6, "b", "drained", 200).await;
        run(&lab, 7, "b", "failed", 150).await;
        run(&lab, 8, "c", "running", 200).await;
        lab.script(
            "INSERT INTO besom_lease (run, host, expires) SELECT id, 'h', started_at FROM besom_run \
             WHERE state = 'running'",
        )
        .await;
        // The due times of `a` are behind it; those of `b` could come again.
        let at = match lab.dialect() {
            Dialect::Postgres => "now()",
            Dialect::Sqlite => "unixepoch() * 1000000",
        };
        lab.script(&format!(
            "INSERT INTO besom_schedule VALUES ('p', 'a', {at})"
        ))
        .await;

        assert_eq!(
            ledger::prune(&lab.database, 90 * DAY, DAY).await.unwrap(),
            4
        );

        let left = |job: &str| {
            let sql = format!("SELECT count(*) FROM besom_run WHERE job = '{job}'");
            let lab = &lab;
            async move { lab.count(&sql).await }
        };
        assert_eq!(left("a").await, 1, "the newest drained one");
        assert_eq!(left("b").await, 2);
        assert_eq!(left("c").await, 1, "one under way is nobody's to remove");
        assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 4);
        let of_a = "SELECT count(*) FROM besom_queue WHERE job = 'a'";
        assert_eq!(lab.count(of_a).await, 1);
        let of_b = "SELECT count(*) FROM besom_queue WHERE job = 'b'";
        assert_eq!(lab.count(of_b).await, 2);
        assert_eq!(
            ledger::prune(&lab.database, 90 * DAY, DAY).await.unwrap(),
            0
        );
    }
}

#[tokio::test]
async fn years_of_history_go_a_step_at_a_time_where_there_is_no_time_for_more() {
    for lab in both("SELECT 1", "SELECT 1").await {
        let (id, at) = match lab.dialect() {
            Dialect::Postgres => ("gen_random_uuid()", "now() - interval '1 year'"),
            Dialect::Sqlite => (
                "'01900000-0000-7000-8000-' || printf('%012d', n)",
                "(unixepoch() - 31536000) * 1000000",
            ),
        };
        lab.script(&format!(
            "INSERT INTO besom_queue (id, plugin, job, mode, cause, queued_at, not_before, done_at) \
             WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 600) \
             SELECT {id}, 'p', 'a', 'apply', 'request', {at}, {at}, {at} FROM s"
        ))
        .await;
        let left = "SELECT count(*) FROM besom_queue";

        for expected in [100, 0] {
            let pruned = ledger::prune(&lab.database, 90 * DAY, Duration::ZERO).await;
            pruned.unwrap();
            assert_eq!(lab.count(left).await, expected);
        }
    }
}
