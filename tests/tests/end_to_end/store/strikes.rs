//! Versions that crash before a run: when they are loaded, and when a job is looked at.

use besom_tests::fixtures::Versioned;

use super::following::{host, look, runs};
use super::serving::done;
use super::*;
use crate::service::client::Client;
use crate::service::{Server, until};

/// A desk that runs 1.0.0, and a 2.0.0 in the ledger that crashes in this way. No installation would have
/// let it through.
async fn with_a_bad_version(database: TestDatabase, mode: &'static str) -> (Desk, String) {
    let desk = desk(database, ANY).await;
    install(&desk, &Versioned::at("1.0.0"));
    let component = bad(mode);
    forge_version(&desk, "versioned", "2.0.0", &component, Bind::Null).await;
    (desk, Digest::of(&component).to_string())
}

fn bad(mode: &'static str) -> Vec<u8> {
    let version = Versioned {
        mode,
        ..Versioned::at("2.0.0")
    };
    version.build()
}

/// Crashes on record of a job of this plugin, or of the whole of it.
async fn strikes(desk: &Desk, job: &str) -> i64 {
    let of = format!("FROM besom_quarantine WHERE plugin = 'versioned' AND job = '{job}'");
    desk.count(&format!("SELECT coalesce(max(strikes), 0) {of}"))
        .await
}

#[tokio::test]
async fn a_version_that_crashes_in_preflight_gives_way_after_three_attempts() {
    for database in both().await {
        let (desk, digest) = with_a_bad_version(database, "look").await;

        for attempt in 1..=3 {
            let said = desk.run(&["run", JOB]);
            assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
            assert!(said.stderr.contains("preflight"), "{}", said.stderr);
            assert_eq!(strikes(&desk, "old").await, attempt);
        }

        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let installed = listed(&desk, "versioned")["installed"].clone();
        assert_eq!(installed["suspended"][0]["job"], JOB);
        assert_eq!(installed["suspended"][0]["digest"], digest);
    }
}

#[tokio::test]
async fn hosts_that_serve_leave_a_version_that_crashes_in_preflight_too() {
    for database in both().await {
        let (desk, _) = with_a_bad_version(database, "look").await;
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{text}[http]\nlisten = \"127.0.0.1:0\"\n")).unwrap();
        let server = Server::start(&desk, "only");
        server.says("serving").await;

        for attempt in 1..=3 {
            desk.says(&["trigger", JOB]);
            let failed = "SELECT count(*) FROM besom_run WHERE state = 'failed'";
            until("the run to fail", async || {
                desk.count(failed).await == attempt
            })
            .await;
            assert_eq!(strikes(&desk, "old").await, attempt);
        }

        server
            .says("the versions of plugins that the ledger names are in force")
            .await;
        let metrics = Client::to(&server, None).await.get("/metrics").await;
        let counted = "besom_plugin_passed_over{plugin=\"versioned\"} 1\n";
        assert!(metrics.body.contains(counted), "{}", metrics.body);
        done(&desk, "1.0.0").await;
    }
}

#[tokio::test]
async fn a_version_that_crashes_when_it_is_loaded_is_not_tried_for_ever() {
    for (mode, job, words) in [
        ("trap", "*", "crashed 3 times in a row when it was loaded"),
        ("access", "old", "`versioned/old` crashed 3 times in a row"),
    ] {
        for database in both().await {
            let (desk, digest) = with_a_bad_version(database, mode).await;

            // The one before it runs from the start.
            for attempt in 1..=3 {
                assert_eq!(ran(&desk, JOB).await, "1.0.0", "{mode}");
                assert_eq!(strikes(&desk, job).await, attempt, "{mode}");
            }

            assert_eq!(ran(&desk, JOB).await, "1.0.0", "{mode}");
            assert_eq!(
                strikes(&desk, job).await,
                3,
                "{mode}: it is not asked again"
            );
            let installed = listed(&desk, "versioned")["installed"].clone();
            assert_eq!(installed["suspended"][0]["digest"], digest, "{mode}");
            let why = installed["passed_over"][0]["why"].as_str().unwrap();
            assert!(why.contains(words), "{mode}: {why}");
            let quarantined = "SELECT count(*) FROM besom_audit WHERE action = 'quarantine'";
            assert_eq!(desk.count(quarantined).await, 1, "{mode}");
        }
    }
}

#[tokio::test]
async fn a_look_at_a_version_that_crashes_counts_nothing() {
    for mode in ["trap", "access", "look"] {
        let (desk, _) = with_a_bad_version(besom_tests::sqlite(), mode).await;

        desk.run(&["check"]);
        desk.run(&["plugin", "list"]);
        desk.run(&["explain", JOB]);
        place(desk.folder.path(), "bad.wasm", &bad(mode));
        assert_ne!(desk.run(&["plugin", "install", "bad.wasm"]).code, 0);

        let all = "SELECT count(*) FROM besom_quarantine";
        assert_eq!(desk.count(all).await, 0, "{mode}");
    }
}

#[tokio::test]
async fn crashes_at_load_with_a_good_one_between_them_are_not_in_a_row() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let digest = install(&desk, &Versioned::at("1.0.0"));
    let twice = format!("('{digest}', 'versioned', '*', 2, 'the machine was short of time', 0)");
    desk.script(&format!("INSERT INTO besom_quarantine VALUES {twice}"))
        .await;

    assert_eq!(ran(&desk, JOB).await, "1.0.0");

    assert_eq!(strikes(&desk, "*").await, 0);
}

#[tokio::test]
async fn hosts_that_take_up_a_version_which_crashes_count_it_together() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let mut hosts = Vec::new();
        for name in ["one", "two", "three"] {
            hosts.push(host(&desk, name, FILE).await);
        }

        forge_version(&desk, "versioned", "2.0.0", &bad("access"), Bind::Null).await;
        for (strike, host) in hosts.into_iter().enumerate() {
            let host = look(host).await;
            assert_eq!(runs(&host).as_deref(), Some("1.0.0"));
            assert_eq!(strikes(&desk, "old").await, strike as i64 + 1);
        }

        let late = host(&desk, "late", FILE).await;
        assert_eq!(runs(&late).as_deref(), Some("1.0.0"));
        assert_eq!(strikes(&desk, "old").await, 3, "it is not asked any more");
    }
}
