//! What lies in the queue and may not run, and what it keeps from running.

use std::time::Duration;

use besom_tests::{postgres, sqlite};

use super::super::cli::Desk;
use super::{FILE, JOB, ROWS, Server, gone, revoked, until};

/// Due times of a job, waiting since then, whichever host considered them.
async fn queue(desk: &Desk, job: &str, times: i64) {
    let sqlite = desk.database.url.starts_with("sqlite");
    let numbers = format!(
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {times})"
    );
    let (id, at) = match sqlite {
        true => (
            "'01900000-0000-7000-8000-' || printf('%012d', n)",
            "(unixepoch() - 86400 + n) * 1000000",
        ),
        false => (
            "gen_random_uuid()",
            "now() - interval '1 day' + n * interval '1 second'",
        ),
    };
    desk.script(&format!(
        "INSERT INTO besom_queue (id, plugin, job, mode, cause, due_at, queued_at, not_before) {numbers} \
         SELECT {id}, 'tokens', '{job}', 'apply', 'schedule', {at}, {at}, {at} FROM s"
    ))
    .await;
}

async fn done(desk: &Desk, mode: &str) -> i64 {
    desk.count(&format!(
        "SELECT count(*) FROM besom_run WHERE state = 'drained' AND mode = '{mode}'"
    ))
    .await
}

#[tokio::test]
async fn a_dry_run_that_is_asked_for_does_not_bring_a_due_time_of_a_job_that_is_switched_off() {
    for database in [postgres().await, sqlite()] {
        let desk = Desk::filled(database, 2_000, FILE).await;
        revoked(&desk).await;
        queue(&desk, "revoked-access", 1).await;
        desk.says(&["trigger", JOB, "--dry-run"]);

        let host = Server::start(&desk, "only");
        until("the dry run to be over", async || {
            done(&desk, "dry-run").await == 1
        })
        .await;
        tokio::time::sleep(Duration::from_secs(2)).await;

        assert_eq!(gone(&desk).await, 0, "{}", host.log());
        assert_eq!(
            desk.count("SELECT count(*) FROM besom_run WHERE mode = 'apply'")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn a_thousand_due_times_that_no_host_may_take_do_not_hide_a_job_that_is_asked_for() {
    for database in [postgres().await, sqlite()] {
        let desk = Desk::filled(database, 2_000, FILE).await;
        revoked(&desk).await;
        queue(&desk, "expired-access", 1_500).await;
        desk.says(&["trigger", JOB]);

        let _host = Server::start(&desk, "only");

        until("the rows to go", async || gone(&desk).await == ROWS).await;
    }
}

#[tokio::test]
async fn a_job_does_not_wait_for_one_before_it_that_is_switched_off() {
    let desk = Desk::filled(postgres().await, 2_000, FILE).await;
    queue(&desk, "expired-access", 1).await;
    desk.says(&["trigger", "tokens/consumed-refresh"]);

    let _host = Server::start(&desk, "only");

    until("the job to have run", async || {
        done(&desk, "apply").await == 1
    })
    .await;
}
