//! The database goes, and comes back.

use besom_tests::{Cluster, TestDatabase};

use super::super::cli::Desk;
use super::{FILE, JOB, ROWS, Server, finished, gone, in_mid_run, revoked, until};

#[tokio::test]
async fn a_server_that_stops_at_once_in_mid_run_and_starts_again_costs_nothing() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start)
        .await
        .unwrap()
        .unwrap();
    let database = TestDatabase::on_postgres(&cluster.url("postgres")).await;
    let (desk, host) = in_mid_run(database, FILE, "only").await;

    cluster.stop_immediately().unwrap();
    host.says("the ledger does not answer").await;
    cluster.start_again().unwrap();

    host.says("the ledger answers").await;
    finished(&desk).await;
    assert!(gone(&desk).await == ROWS);
    drop(host);
    drop(desk);
}

#[tokio::test]
async fn a_database_that_was_restored_under_a_host_is_looked_at_before_anything_runs_in_it() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start)
        .await
        .unwrap()
        .unwrap();
    let database = TestDatabase::on_postgres(&cluster.url("postgres")).await;
    let desk = Desk::filled(database, 2_000, FILE).await;
    revoked(&desk).await;
    let host = Server::start(&desk, "only");
    host.says("serving").await;
    desk.says(&["trigger", JOB, "--dry-run"]);
    until("the host to work", async || {
        desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NOT NULL")
            .await
            == 1
    })
    .await;

    // As a backup of another server would have it, with something due.
    desk.script(
        "UPDATE besom_cluster SET system = '1'; INSERT INTO besom_queue (id, plugin, job, mode, cause, \
         not_before) VALUES (gen_random_uuid(), 'tokens', 'revoked-access', 'apply', 'request', \
         clock_timestamp() + interval '1 second')",
    )
    .await;
    cluster.stop_immediately().unwrap();
    host.says("the ledger does not answer").await;
    cluster.start_again().unwrap();

    host.says("everything is paused").await;
    host.says("the ledger answers").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(gone(&desk).await, 0, "{}", host.log());
    drop(host);
    drop(desk);
}
