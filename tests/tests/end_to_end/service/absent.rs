//! Due jobs whose tables are not there.

use besom::request::Timestamp;
use besom::runner::Host;
use besom::service;
use besom_tests::fixtures::padded;
use besom_tests::{postgres, sqlite};

use super::super::cli::absent::{desk, tables};
use super::super::cli::{Desk, place};
use super::due::host;
use super::{Server, until};

const MINUTE: i64 = 60_000_000;

const EACH_MINUTE: &str = "[plugins.tokens]\nenabled = false\n\
    [plugins.tokens.jobs.refresh-tokens]\nenabled = true\nschedule = \"* * * * *\"\n";

const RUNS: &str = "SELECT count(*) FROM besom_run";

/// Has the job come due, on a clock that is so many minutes ahead.
async fn due(desk: &Desk, scheduler: &Host, start: Timestamp, minutes: i64) {
    let now = Timestamp(start.0 + minutes * MINUTE);
    let found = service::consider(scheduler, &[], now).await.unwrap();
    assert_eq!(found, 1, "minute {minutes}");
    let soon = "UPDATE besom_queue SET not_before = queued_at WHERE done_at IS NULL";
    desk.script(soon).await;
}

async fn queue_is_empty(desk: &Desk) {
    let open = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
    until("the queue to be empty", async || {
        desk.count(open).await == 0
    })
    .await;
}

#[tokio::test]
async fn it_is_told_once_and_passed_by_until_the_table_comes() {
    for database in [postgres().await, sqlite()] {
        let desk = desk(database, EACH_MINUTE).await;
        desk.script("DROP TABLE refresh_tokens").await;
        let scheduler = host(&desk, "scheduler").await;
        let start = scheduler.database().now().await.unwrap();
        assert_eq!(service::consider(&scheduler, &[], start).await.unwrap(), 0);
        let server = Server::start(&desk, "only");
        server.says("serving").await;

        for minutes in [2, 4, 6] {
            due(&desk, &scheduler, start, minutes).await;
            queue_is_empty(&desk).await;
        }
        let words = "the job is absent: table `refresh_tokens` is not in this database";
        assert_eq!(server.log().matches(words).count(), 1, "{}", server.log());
        assert_eq!(desk.count(RUNS).await, 0);
        let passed = "SELECT count(*) FROM besom_queue WHERE outcome = 'absent'";
        assert_eq!(desk.count(passed).await, 3);

        desk.script(&tables(&desk)).await;
        due(&desk, &scheduler, start, 8).await;
        until("the job to run", async || desk.count(RUNS).await == 1).await;
        server.says("the job is absent no more").await;
        queue_is_empty(&desk).await;
        assert_eq!(desk.count("SELECT count(*) FROM refresh_tokens").await, 1);
        // But that there was nothing else to do: the file has this job alone.
        let log = server.log();
        let mut told = log
            .lines()
            .filter(|line| !line.contains("no job has anything"));
        assert!(
            told.all(|line| !line.contains("ERROR") && !line.contains("WARN")),
            "{log}"
        );
    }
}

#[tokio::test]
async fn that_all_of_them_are_absent_is_a_warning() {
    let desk = Desk::with_file(postgres().await, "[plugins.tokens]\n[plugins.ips]\n");
    desk.says(&["migrate"]);

    let server = Server::start(&desk, "only");

    server
        .says("no job has anything to do here: look whether this is the right database")
        .await;
}

#[tokio::test]
async fn who_asked_for_it_finds_why_it_did_not_run() {
    for database in [postgres().await, sqlite()] {
        let desk = desk(database, EACH_MINUTE).await;
        desk.says(&["trigger", "tokens/refresh-tokens"]);
        desk.script("DROP TABLE refresh_tokens").await;
        let server = Server::start(&desk, "only");

        until("the request to be answered", async || {
            desk.count("SELECT count(*) FROM besom_run WHERE state = 'failed'")
                .await
                == 1
        })
        .await;
        let runs = desk.json(&["runs", "list", "--json"]);
        let shown = desk.says(&["runs", "show", runs[0]["run"].as_str().unwrap(), "--json"]);
        let words = "is absent: table `refresh_tokens` is not in this database";
        assert!(shown.contains(words), "{shown}");
        let words = "the run is refused, as the job is absent: table `refresh_tokens` is not in this database";
        server.says(words).await;
        assert!(!server.log().contains("ERROR"), "{}", server.log());
    }
}

#[tokio::test]
async fn a_version_is_taken_up_though_some_of_its_jobs_are_absent() {
    for database in [postgres().await, sqlite()] {
        let desk = desk(database, "[store]\ninstall = \"any\"\n[plugins.tokens]\n").await;
        let mut bundled = besom_bundle::PLUGINS.iter();
        let tokens = bundled.find(|one| one.name == "tokens").unwrap();
        let folder = desk.folder.path().join("watched");
        std::fs::create_dir(&folder).unwrap();
        let other = padded(tokens.component, 4);
        place(&folder, "tokens.wasm", &other);
        let server = Server::start_with(&desk, "only", &["--watch", "watched"]);
        server
            .says("the versions of plugins that the ledger names are in force")
            .await;

        desk.says(&["run", "tokens/refresh-tokens"]);

        let digest = besom::plugin::Digest::of(&other);
        let ran = format!("SELECT count(*) FROM besom_run WHERE digest = '{digest}'");
        assert_eq!(desk.count(&ran).await, 1, "{}", server.log());
    }
}
