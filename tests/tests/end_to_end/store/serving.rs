//! Versions that are put in use while hosts serve.

use besom_tests::fixtures::Versioned;

use super::*;
use crate::service::client::Client;
use crate::service::{Server, until};

/// Until every host that serves runs the version.
pub async fn taken_up(desk: &Desk, hosts: i64, digest: &str) {
    let rows = format!(
        "SELECT count(*) FROM besom_generation WHERE state = 'running' AND digest = '{digest}'"
    );
    until("the hosts to take the version up", async || {
        desk.count(&rows).await == hosts
    })
    .await;
}

pub async fn done(desk: &Desk, version: &str) {
    desk.says(&["trigger", JOB]);
    let open = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
    until("the run to be over", async || desk.count(open).await == 0).await;
    let runs = desk.json(&["runs", "list", "--json"]);
    assert_eq!(runs[0]["version"], version);
    assert_eq!(runs[0]["outcome"], "drained", "{runs}");
}

#[tokio::test]
async fn hosts_that_serve_take_up_a_version_together_and_go_on_with_it_where_a_later_one_is_bad() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        let one = install(&desk, &Versioned::at("1.0.0"));
        let servers = [Server::start(&desk, "one"), Server::start(&desk, "two")];
        for server in &servers {
            server.says("serving").await;
        }
        taken_up(&desk, 2, &one).await;
        done(&desk, "1.0.0").await;

        let two = install(&desk, &Versioned::at("2.0.0"));
        taken_up(&desk, 2, &two).await;
        done(&desk, "2.0.0").await;

        forge_version(&desk, "versioned", "3.0.0", b"no component", Bind::Null).await;
        for server in &servers {
            server.says("is not run").await;
        }
        done(&desk, "2.0.0").await;

        // The bad one is gone, and the one before with it.
        deploy(&desk, "versioned", &two).await;
        desk.says(&["plugin", "pin", "versioned", &one]);
        taken_up(&desk, 2, &one).await;
        done(&desk, "1.0.0").await;
    }
}

#[tokio::test]
async fn a_folder_that_is_watched_brings_versions_in_but_not_one_that_was_taken_back() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        let folder = desk.folder.path().join("built");
        std::fs::create_dir(&folder).unwrap();
        let one = Versioned::at("1.0.0").build();
        place(&folder, "plugin.wasm", &one);
        let server = Server::start_with(&desk, "only", &["--watch", "built"]);
        taken_up(&desk, 1, &Digest::of(&one).to_string()).await;
        done(&desk, "1.0.0").await;

        // Other bytes of the same version, as somebody who writes a plugin makes them.
        let other = besom_tests::fixtures::padded(&one, 7);
        place(&folder, "plugin.wasm", &other);
        taken_up(&desk, 1, &Digest::of(&other).to_string()).await;

        desk.says(&["plugin", "rollback", "versioned"]);
        taken_up(&desk, 1, &Digest::of(&one).to_string()).await;
        // The same bytes in a newer file.
        place(&folder, "plugin.wasm", b"");
        server.says("plugin.wasm is not installed").await;
        place(&folder, "plugin.wasm", &other);
        server.says("rolled back or quarantined before").await;
        done(&desk, "1.0.0").await;
        let active = listed(&desk, "versioned")["digest"].clone();
        assert_eq!(active, Digest::of(&one).to_string());
    }
}

#[tokio::test]
async fn a_folder_that_is_watched_is_followed_through_links_and_past_what_is_no_file() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    let folder = desk.folder.path().join("built");
    std::fs::create_dir(&folder).unwrap();
    let pipe = folder.join("a.wasm");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let vast = std::fs::File::create(folder.join("b.wasm")).unwrap();
    vast.set_len(64 << 30).unwrap();
    let (one, two) = (
        Versioned::at("1.0.0").build(),
        Versioned::at("2.0.0").build(),
    );
    let elsewhere = desk.folder.path();
    place(elsewhere, "release.wasm", &one);
    std::os::unix::fs::symlink(elsewhere.join("release.wasm"), folder.join("c.wasm")).unwrap();

    let server = Server::start_with(&desk, "only", &["--watch", "built"]);
    taken_up(&desk, 1, &Digest::of(&one).to_string()).await;
    server.says("b.wasm is not installed").await;

    place(elsewhere, "release.wasm", &two);
    taken_up(&desk, 1, &Digest::of(&two).to_string()).await;
}

#[tokio::test]
async fn a_version_that_a_host_runs_is_not_collected() {
    let desk = desk(besom_tests::postgres().await, ANY).await;
    let one = install(&desk, &Versioned::at("1.0.0"));
    for version in ["2.0.0", "3.0.0"] {
        install(&desk, &Versioned::at(version));
    }
    // The file wants what the ledger does not name any more.
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let pinned = format!("source = \"store\"\ndigest = \"{one}\"\n");
    std::fs::write(&file, text.replace("source = \"store\"\n", &pinned)).unwrap();
    let server = Server::start(&desk, "only");
    server.says("serving").await;
    taken_up(&desk, 1, &one).await;
    desk.script("UPDATE besom_component SET stored_at = stored_at - interval '2 days'")
        .await;

    let database = crate::cli::connect(&desk.database).await;
    besom::store::collect(&database).await.unwrap();
    database.close().await;

    let there = format!("SELECT count(*) FROM besom_component WHERE digest = '{one}'");
    assert_eq!(desk.count(&there).await, 1);
    done(&desk, "1.0.0").await;
}

#[tokio::test]
async fn a_version_is_installed_and_taken_back_over_http() {
    let http = "[http]\nlisten = \"127.0.0.1:0\"\n";
    let desk = desk(besom_tests::sqlite(), &format!("{ANY}{http}")).await;
    let first = install(&desk, &Versioned::at("1.0.0"));
    let server = Server::start(&desk, "only");
    server.says("serving").await;
    let component = Versioned::at("2.0.0").build();
    let mut client = Client::to(&server, None).await;

    let wrong = client.send("/v1/plugins/other/install", &component).await;
    assert_eq!(wrong.status, 409, "{}", wrong.body);
    assert!(
        wrong.body.contains("calls itself `versioned`"),
        "{}",
        wrong.body
    );
    let wrong = client.send("/v1/plugins/versioned/install", b"text").await;
    assert_eq!(wrong.status, 409, "{}", wrong.body);
    assert!(wrong.body.contains("text"), "{}", wrong.body);
    let installed = client
        .send("/v1/plugins/versioned/install", &component)
        .await;
    assert_eq!(installed.status, 200, "{}", installed.body);
    assert_eq!(installed.json()["version"], "2.0.0");
    taken_up(&desk, 1, &Digest::of(&component).to_string()).await;
    done(&desk, "2.0.0").await;

    let mut client = Client::to(&server, None).await;
    let back = client
        .post("/v1/plugins/versioned/rollback", &serde_json::json!({}))
        .await;
    assert_eq!(back.json()["digest"], first);
    taken_up(&desk, 1, &first).await;
    done(&desk, "1.0.0").await;
}
