//! What is paused on one host is paused on all.

use std::time::Duration;

use besom_tests::{TestDatabase, postgres};

use super::super::cli::Desk;
use super::{
    FILE, JOB, ROWS, Server, everywhere, finished, gone, in_mid_run, recorded, revoked, until,
};

/// In batches so small that the run lasts until the command has said its word, on a busy machine, too.
/// SQLite is done with one in a millisecond or two.
fn slow(database: &TestDatabase) -> String {
    let rows = if database.url.starts_with("sqlite") {
        1
    } else {
        5
    };
    format!("[plugins.tokens]\nenabled = false\nbatch-size = {rows}\n")
}

#[tokio::test]
async fn a_pause_lays_the_run_by_and_resume_lets_it_go_on() {
    for database in everywhere().await {
        let file = slow(&database);
        let (desk, host) = in_mid_run(database, &file, "only").await;

        let said = desk.says(&["pause", "tokens", "--why", "an audit"]);
        assert_eq!(said, "plugin `tokens` paused: an audit\n");
        until("the run to lie still", async || {
            desk.count("SELECT count(*) FROM besom_lease").await == 0
        })
        .await;
        let done = gone(&desk).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(gone(&desk).await, done, "{}", host.log());
        assert!(done < ROWS);
        assert_eq!(recorded(&desk).await, done);

        let refused = desk.run(&["run", JOB]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("an audit"), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("besom resume tokens"),
            "{}",
            refused.stderr
        );
        desk.says(&["run", JOB, "--dry-run"]);
        let wrong = desk.run(&["resume"]);
        assert_eq!(wrong.code, 2);
        assert!(
            wrong.stderr.contains("paused are: plugin `tokens`"),
            "{}",
            wrong.stderr
        );

        assert_eq!(
            desk.says(&["resume", "tokens"]),
            "plugin `tokens` resumed\n"
        );
        finished(&desk).await;
    }
}

#[tokio::test]
async fn a_ledger_that_wakes_up_in_another_cluster_is_paused_until_somebody_has_looked() {
    let desk = Desk::filled(postgres().await, 2_000, FILE).await;
    revoked(&desk).await;
    {
        let first = Server::start(&desk, "first");
        first.says("serving").await;
    }
    // As a backup of another server would have it.
    desk.script("UPDATE besom_cluster SET system = '1'").await;
    desk.says(&["trigger", JOB]);

    let mut host = Server::start(&desk, "restored");
    host.says("everything is paused").await;
    host.says("serving").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(gone(&desk).await, 0);
    let refused = desk.run(&["run", JOB]);
    assert!(
        refused.stderr.contains("restored or copied"),
        "{}",
        refused.stderr
    );
    // Still so after a restart.
    host.signal("TERM");
    host.ended().await;
    let host = Server::start(&desk, "again");
    host.says("serving").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(gone(&desk).await, 0);

    desk.says(&["resume"]);
    finished(&desk).await;
    // An older timeline is told, too; a newer one is a failover.
    desk.script("UPDATE besom_cluster SET timeline = 7").await;
    let older = Server::start(&desk, "older");
    older.says("timeline 7").await;
    desk.says(&["resume"]);
    desk.script("UPDATE besom_cluster SET timeline = 0").await;
    let newer = Server::start(&desk, "newer");
    newer.says("serving").await;
    assert_eq!(desk.count("SELECT count(*) FROM besom_pause").await, 0);
    assert_eq!(desk.count("SELECT timeline FROM besom_cluster").await, 1);
}
