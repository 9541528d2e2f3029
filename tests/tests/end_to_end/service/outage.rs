//! The database goes, and comes back.

use besom_tests::{Cluster, TestDatabase};

use super::super::cli::Desk;
use super::{FILE, JOB, ROWS, Server, finished, gone, revoked, until};

#[tokio::test]
async fn a_server_that_stops_at_once_in_mid_run_and_starts_again_costs_nothing() {
    let mut cluster = tokio::task::spawn_blocking(Cluster::start)
        .await
        .unwrap()
        .unwrap();
    let database = TestDatabase::on_postgres(&cluster.url("postgres")).await;
    let desk = Desk::filled(database, 2_000, FILE).await;
    revoked(&desk).await;
    desk.says(&["trigger", JOB]);
    let host = Server::start(&desk, "only");
    until("rows to go", async || gone(&desk).await > 200).await;

    cluster.stop_immediately().unwrap();
    host.says("the ledger does not answer").await;
    cluster.start_again().unwrap();

    host.says("the ledger answers").await;
    finished(&desk).await;
    assert!(gone(&desk).await == ROWS);
    drop(host);
    drop(desk);
}
