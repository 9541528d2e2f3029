//! A zone that another role's sessions begin in, or the server's own: by both, times without a zone need a word.
//! Settings of a whole server, so it is one of these tests' own.

use besom_tests::{Cluster, TestDatabase};

use crate::cli::Desk;

const JOB: &str = "sessions/expired";

/// The expiry, and the age that a row must have.
const FILE: &str = "[plugins.sessions]\nsettings = { profile = \"server-sessions\", sessions-table = \"app_logins\", \
    sessions-absolute-expires-at-column = \"ends_at\" }\n\
    [plugins.sessions.grant.app_logins]\ndelete = true\nmin-age = { column = \"made_at\", age = \"1h\" }\n";

/// Written by the clock of New York: made this moment and live, made this moment and over, and old; all in UTC: old.
const LOGINS: &str = "
    CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at timestamp, made_at timestamp);
    CREATE INDEX logins_end ON app_logins (ends_at);
    BEGIN; SET LOCAL timezone = 'America/New_York';
    INSERT INTO app_logins VALUES (1, now() + interval '2 hours', now()), (2, now() - interval '30 days', now()),
        (3, now() - interval '30 days', now() - interval '30 days');
    COMMIT;";

async fn is_refused(desk: &Desk, whose: &str) {
    let checked = desk.run(&["check"]);
    assert_eq!(checked.code, 1, "{whose}: {}", checked.stdout);
    for column in ["ends_at", "made_at"] {
        let line = format!("\"public.app_logins.{column}\" = \"local:America/New_York\"");
        let told = &checked.stdout;
        assert!(told.contains(&line), "{whose}: {line} in {told}");
    }
    for mode in [&["run", JOB][..], &["run", JOB, "--dry-run"]] {
        let said = desk.run(mode);
        assert_eq!(said.code, 1, "{whose}: {}{}", said.stdout, said.stderr);
        let told = said.stdout + &said.stderr;
        assert!(told.contains("New_York"), "{whose}: {told}");
    }
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, 3);
}

#[tokio::test]
async fn the_zone_of_another_role_and_that_of_the_server_need_a_word_which_holds_for_ages_as_well()
{
    let cluster = tokio::task::spawn_blocking(Cluster::start)
        .await
        .unwrap()
        .unwrap();
    let database = TestDatabase::on_postgres(&cluster.url("postgres")).await;
    let desk = Desk::with_file(database, FILE);
    desk.script(LOGINS).await;
    desk.says(&["migrate"]);

    desk.script(
        "CREATE ROLE app_writer LOGIN; ALTER ROLE app_writer SET timezone = 'America/New_York'",
    )
    .await;
    is_refused(&desk, "a role").await;
    desk.script("ALTER ROLE app_writer RESET timezone").await;

    desk.script("ALTER SYSTEM SET timezone = 'America/New_York'")
        .await;
    desk.script("SELECT pg_reload_conf()").await;
    is_refused(&desk, "the server").await;

    let path = desk.folder.path().join("besom.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    let zone = "\"local:America/New_York\"";
    let word =
        format!("[time-forms]\n\"app_logins.ends_at\" = {zone}\n\"app_logins.made_at\" = {zone}\n");
    std::fs::write(&path, file + &word).unwrap();
    let dry = desk.json(&["run", JOB, "--dry-run", "--json"]);
    let ran = desk.json(&["run", JOB, "--json"]);
    for report in [&dry, &ran] {
        assert_eq!(report[0]["affected"], 1, "{report}");
    }
    let kept = "SELECT count(*) FROM app_logins WHERE id < 3";
    assert_eq!(desk.count(kept).await, 2);
    assert_eq!(ran[0]["verified"], true, "{ran}");
    drop(desk);
}
