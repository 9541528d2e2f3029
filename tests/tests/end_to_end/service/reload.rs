//! The file, changed while the service runs.

use besom_tests::{postgres, sqlite};

use super::super::cli::Desk;
use super::{FILE, JOB, Server, finished, gone, revoked};

pub fn rewrite(desk: &Desk, change: impl Fn(&str) -> String) {
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, change(&text)).unwrap();
}

#[tokio::test]
async fn a_file_that_is_wrong_leaves_the_one_before_in_force_and_a_right_one_takes_its_place() {
    for database in [postgres().await, sqlite()] {
        let desk = Desk::filled(database, 2_000, FILE).await;
        revoked(&desk).await;
        let host = Server::start(&desk, "only");
        host.says("serving").await;

        rewrite(&desk, |text| {
            text.replace("batch-size = 10", "batch-sise = 10")
        });
        host.says("did you mean `batch-size`").await;
        host.says("the configuration before stays in force").await;
        assert_eq!(gone(&desk).await, 0);

        // Without its plugin the job cannot be asked for; with it it runs.
        rewrite(&desk, |text| {
            text.replace("batch-sise = 10", "batch-size = 500")
        });
        host.says("the configuration was read again and is in force")
            .await;
        desk.says(&["trigger", JOB]);
        finished(&desk).await;
        let batches = desk.count("SELECT batches FROM besom_run").await;
        assert!(
            batches < 100,
            "{batches} batches: the old size was in force"
        );
    }
}

#[tokio::test]
async fn a_setting_that_the_plugin_does_not_have_is_refused_before_any_run_meets_it() {
    let desk = Desk::filled(sqlite(), 2_000, FILE).await;
    revoked(&desk).await;
    let host = Server::start(&desk, "only");
    host.says("serving").await;

    rewrite(&desk, |text| {
        text.replace(
            "enabled = false",
            "settings = { retentoin = \"1h\", profile = \"all\" }",
        )
    });
    host.says("no setting `retentoin`").await;
    host.says("did you mean `retention`?").await;
    host.says("the configuration before stays in force").await;
    desk.says(&["trigger", JOB]);
    finished(&desk).await;
    drop(host);

    // At the start it is said at once, too, and the service serves the other jobs.
    let host = Server::start(&desk, "only");
    host.says("serving").await;
    host.says("the job cannot run").await;
}

#[tokio::test]
async fn a_file_that_is_gone_is_told_of_and_what_it_said_stays_in_force() {
    let desk = Desk::filled(sqlite(), 2_000, FILE).await;
    revoked(&desk).await;
    let host = Server::start(&desk, "only");
    host.says("serving").await;
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();

    std::fs::remove_file(&file).unwrap();

    host.says("the configuration file cannot be read").await;
    std::fs::write(&file, text).unwrap();
    desk.says(&["trigger", JOB]);
    finished(&desk).await;
}

#[tokio::test]
async fn another_database_needs_a_new_start() {
    let desk = Desk::filled(sqlite(), 2_000, FILE).await;
    let mut host = Server::start(&desk, "only");
    host.says("serving").await;

    rewrite(&desk, |text| text.replace("test.db", "other.db"));
    host.says("restart besom for them").await;

    // SIGHUP reads it again, changed or not.
    rewrite(&desk, |text| text.replace("other.db", "test.db"));
    host.says("is in force").await;
    let before = host.log().matches("is in force").count();
    host.signal("HUP");
    super::until("the file to be read again", async || {
        host.log().matches("is in force").count() > before
    })
    .await;
    host.signal("INT");
    assert_eq!(host.ended().await, Some(0));
}
