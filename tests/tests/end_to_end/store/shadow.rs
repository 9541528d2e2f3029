//! A new version, counted beside the one in use until it is promoted.

use besom_tests::fixtures::Versioned;
use besom_tests::sqlite;

use super::*;
use crate::service::{Server, until};

async fn done(desk: &Desk) {
    desk.says(&["trigger", JOB]);
    let open = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
    until("the run to be over", async || desk.count(open).await == 0).await;
}

#[tokio::test]
async fn a_shadow_is_counted_before_each_run_and_ends_after_the_last() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let server = Server::start(&desk, "only");
        server.says("serving").await;
        let component = Versioned::at("2.0.0").build();
        place(desk.folder.path(), "next.wasm", &component);
        desk.says(&["plugin", "install", "next.wasm", "--shadow=2"]);
        server.says("are in force").await;

        done(&desk).await;

        assert_eq!(desk.count("SELECT count(*) FROM victims").await, 0);
        let runs = desk.json(&["runs", "list", "--json"]);
        let of = |cause: &str| {
            let runs = runs.as_array().unwrap().iter();
            runs.filter(|run| run["cause"] == cause)
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(of("request").len(), 1);
        assert_eq!(of("request")[0]["version"], "1.0.0");
        assert_eq!(of("shadow").len(), 1, "{runs}");
        assert_eq!(of("shadow")[0]["version"], "2.0.0");
        assert_eq!(of("shadow")[0]["mode"], "dry-run");
        assert_eq!(of("shadow")[0]["affected"], 3, "before they went");
        server
            .says("2.0.0 would touch the same 3 rows as 1.0.0")
            .await;
        let audited =
            "SELECT count(*) FROM besom_audit WHERE action = 'shadow' AND outcome = 'done'";
        until("the audit", async || desk.count(audited).await == 1).await;

        done(&desk).await;
        until("the second", async || desk.count(audited).await == 2).await;
        // It was for two runs, whether or not the host has noticed yet.
        done(&desk).await;
        done(&desk).await;
        assert_eq!(desk.count(audited).await, 2);

        let list = desk.says(&["plugin", "list"]);
        for words in [
            "counted beside all its runs",
            "2.0.0 would touch the same 3 rows as 1.0.0",
        ] {
            assert!(list.contains(words), "no {words} in {list}");
        }
        let found = listed(&desk, "versioned")["installed"]["shadow_found"].clone();
        assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
        assert_eq!(found[0]["host"], "only");
        desk.says(&["plugin", "promote", "versioned"]);
        until("the promoted version to run", async || {
            let running =
                "SELECT count(*) FROM besom_generation WHERE state = 'running' AND digest = ";
            let digest = Digest::of(&component);
            desk.count(&format!("{running}'{digest}'")).await == 1
        })
        .await;
        done(&desk).await;
        let runs = desk.json(&["runs", "list", "--json"]);
        assert_eq!(runs[0]["version"], "2.0.0");
    }
}

#[tokio::test]
async fn a_version_in_use_is_not_counted_beside_itself() {
    let desk = desk(sqlite(), ANY).await;
    place(
        desk.folder.path(),
        "one.wasm",
        &Versioned::at("1.0.0").build(),
    );
    desk.says(&["plugin", "install", "one.wasm"]);

    let said = desk.says(&["plugin", "install", "one.wasm", "--shadow"]);

    assert!(said.contains("was in use already"), "{said}");
    let list = desk.says(&["plugin", "list"]);
    assert!(!list.contains("shadow"), "{list}");
}
