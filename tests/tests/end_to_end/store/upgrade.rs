//! Runs under way, and runs that lie still, when another version takes over.

use besom_tests::fixtures::Versioned;

use super::*;
use crate::service::{Server, until};

/// In batches of two several seconds' work, and a host looks for versions each second.
const VICTIMS: i64 = 8_000;

async fn long_desk(database: TestDatabase, defaults: &str) -> Desk {
    let file = format!("{ANY}[defaults]\nbatch-size = 2\n{defaults}");
    let desk = desk(database, &file).await;
    more_victims(&desk, VICTIMS).await;
    desk
}

/// Instead of those that the desk has.
async fn more_victims(desk: &Desk, count: i64) {
    desk.script(&format!(
        "DELETE FROM victims; WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {count}) \
         INSERT INTO victims SELECT id FROM n"
    ))
    .await;
}

async fn left(desk: &Desk) -> i64 {
    desk.count("SELECT count(*) FROM victims").await
}

/// A host in the midst of the job.
async fn in_mid_run(desk: &Desk, name: &str) -> Server {
    let server = Server::start(desk, name);
    server.says("serving").await;
    desk.says(&["trigger", JOB]);
    until("rows to go", async || left(desk).await < VICTIMS - 100).await;
    server
}

/// The run lies still: its host has ended.
async fn lying_still(desk: &Desk) {
    let mut server = in_mid_run(desk, "first").await;
    server.signal("TERM");
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    let still = left(desk).await;
    assert!(still > 0, "it was stopped in mid run");
}

async fn over(desk: &Desk) {
    let open = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
    until("the queue to be empty", async || {
        desk.count(open).await == 0
    })
    .await;
    assert_eq!(left(desk).await, 0);
    let recorded = "SELECT CAST(sum(affected) AS bigint) FROM besom_batch";
    assert_eq!(desk.count(recorded).await, VICTIMS, "each row once");
}

/// Version, outcome and reason of each run, the newest first.
fn runs(desk: &Desk) -> Vec<[String; 3]> {
    let runs = desk.json(&["runs", "list", "--json"]);
    let of = |run: &serde_json::Value, key: &str| run[key].as_str().unwrap_or_default().to_owned();
    let runs = runs.as_array().unwrap().iter();
    runs.map(|run| ["version", "outcome", "reason"].map(|key| of(run, key)))
        .collect()
}

fn run(version: &str, outcome: &str, reason: &str) -> [String; 3] {
    [version, outcome, reason].map(str::to_owned)
}

#[tokio::test]
async fn a_run_that_lay_still_goes_on_on_the_version_that_it_was_begun_on() {
    for database in both().await {
        let desk = long_desk(database, "").await;
        install(&desk, &Versioned::at("1.0.0"));
        lying_still(&desk).await;
        install(&desk, &Versioned::at("2.0.0"));
        // Not even the one before: it is in the ledger for the run's sake alone.
        install(&desk, &Versioned::at("3.0.0"));

        let _second = Server::start(&desk, "second");
        over(&desk).await;

        assert_eq!(runs(&desk), [run("1.0.0", "drained", "")]);
        more_victims(&desk, 20).await;
        assert_eq!(ran(&desk, JOB).await, "3.0.0");
    }
}

#[tokio::test]
async fn a_run_does_not_go_on_on_a_version_that_was_rolled_back() {
    for database in both().await {
        let desk = long_desk(database, "").await;
        install(&desk, &Versioned::at("1.0.0"));
        install(&desk, &Versioned::at("2.0.0"));
        lying_still(&desk).await;
        desk.says(&["plugin", "rollback", "versioned"]);

        let second = Server::start(&desk, "second");
        over(&desk).await;

        let ended = runs(&desk);
        assert_eq!(ended[0], run("1.0.0", "drained", ""));
        assert_eq!(ended[1][..2], ["2.0.0", "cancelled"]);
        second.says("was taken out of use").await;
    }
}

#[tokio::test]
async fn a_run_whose_settings_somebody_wrote_into_the_ledger_is_not_gone_on_with() {
    let desk = long_desk(besom_tests::postgres().await, "").await;
    install(&desk, &Versioned::at("1.0.0"));
    lying_still(&desk).await;
    install(&desk, &Versioned::at("2.0.0"));
    desk.script("UPDATE besom_run SET settings = '{\"retention\":\"0s\"}'")
        .await;

    let second = Server::start(&desk, "second");
    over(&desk).await;

    let ended = runs(&desk);
    assert_eq!(ended[0], run("2.0.0", "drained", ""));
    assert_eq!(ended[1][..2], ["1.0.0", "cancelled"]);
    second.says("its settings have changed since").await;
}

#[tokio::test]
async fn a_run_does_not_go_on_on_bytes_that_the_ledger_has_under_another_digest() {
    let desk = long_desk(besom_tests::postgres().await, "").await;
    let one = install(&desk, &Versioned::at("1.0.0"));
    lying_still(&desk).await;
    install(&desk, &Versioned::at("2.0.0"));
    let other = Versioned {
        table: "users",
        ..Versioned::at("1.0.0")
    };
    forge(
        &desk,
        &[(
            "UPDATE besom_component SET bytes = ",
            Bind::Blob(other.build()),
        )],
        &format!(" WHERE digest = '{one}'"),
    )
    .await;

    let second = Server::start(&desk, "second");
    over(&desk).await;

    assert_eq!(runs(&desk)[0], run("2.0.0", "drained", ""));
    assert_eq!(desk.count("SELECT count(*) FROM users").await, 2);
    second.says("somebody has changed the ledger").await;
}

#[tokio::test]
async fn a_run_under_way_ends_on_the_version_that_it_began_on() {
    for database in both().await {
        let desk = long_desk(database, "").await;
        install(&desk, &Versioned::at("1.0.0"));
        let server = in_mid_run(&desk, "only").await;

        install(&desk, &Versioned::at("2.0.0"));
        server.says("are in force").await;
        assert!(left(&desk).await > 0, "the run was over too soon");
        over(&desk).await;

        assert_eq!(runs(&desk), [run("1.0.0", "drained", "")]);
    }
}

#[tokio::test]
async fn a_run_under_way_is_handed_over_where_the_file_says_so() {
    for database in both().await {
        let desk = long_desk(database, "on-upgrade = \"handover\"\n").await;
        install(&desk, &Versioned::at("1.0.0"));
        let _server = in_mid_run(&desk, "only").await;

        install(&desk, &Versioned::at("2.0.0"));
        over(&desk).await;

        let ended = [
            run("2.0.0", "drained", ""),
            run("1.0.0", "suspended", "upgraded"),
        ];
        assert_eq!(runs(&desk), ended);
    }
}

#[tokio::test]
async fn a_run_that_lay_still_is_handed_over_where_the_file_says_so() {
    let desk = long_desk(besom_tests::postgres().await, "on-upgrade = \"handover\"\n").await;
    install(&desk, &Versioned::at("1.0.0"));
    lying_still(&desk).await;
    install(&desk, &Versioned::at("2.0.0"));

    let _second = Server::start(&desk, "second");
    over(&desk).await;

    assert_eq!(runs(&desk)[0], run("2.0.0", "drained", ""));
}
