//! Where an operator is told of rows that were not read: the run's text and JSON, its record, the log, the
//! service.

use crate::cli::Desk;

/// Sessions before a login, some of which hold a word that is no truth value.
async fn desk() -> Desk {
    let desk = Desk::with_file(
        besom_tests::sqlite(),
        "[plugins.sessions]\nsettings = { profile = \"server-sessions\", sessions-table = \"app_logins\", \
         sessions-pre-login-column = \"is_anonymous\" }\n\
         [time-forms]\n\"app_logins.created_at\" = \"unix-s\"\n",
    );
    desk.script(
        "CREATE TABLE app_logins (id INTEGER PRIMARY KEY, is_anonymous BOOLEAN, created_at INTEGER NOT NULL);
         CREATE INDEX made ON app_logins (created_at);
         INSERT INTO app_logins VALUES
             (1, 1, 1700000000), (2, 't', 1700000000), (3, 'oui', 1700000000), (4, 'oui', 1700000000),
             (5, 'non', 1700000000), (6, 'oui', unixepoch()), (7, 0, 1700000000)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

const JOB: &str = "sessions/pre-login";
const TOLD: &str =
    "3 rows of `app_logins.is_anonymous` hold a truth value that is not read, such as 'non', 'oui'";

#[tokio::test]
async fn the_report_of_a_run_says_it_and_never_that_it_is_verified() {
    let desk = desk().await;

    let said = desk.run(&["run", JOB]);

    assert_eq!(said.code, 0, "as where rows are left");
    assert!(
        said.stdout.contains(&format!("{JOB} unverified: {TOLD}")),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("yes"), "{}", said.stdout);
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, 5);
}

#[tokio::test]
async fn json_and_the_record_hold_the_columns_with_examples_and_how_to_find_the_rows() {
    let desk = desk().await;

    let ran = desk.json(&["run", JOB, "--json"]);

    let run = ran[0]["run"].as_str().unwrap();
    let shown = desk.json(&["runs", "show", run, "--json"]);
    let listed = desk.json(&["runs", "list", "--json"]);
    for record in [&ran[0], &shown, &listed[0]] {
        assert_eq!(record["verified"], serde_json::Value::Null, "{record}");
        assert_eq!(record["verification"], format!("unverified: {TOLD}"));
        let sweep = &record["remains"][0];
        assert_eq!(
            (&sweep["left"], &sweep["unread"]),
            (&0.into(), &3.into()),
            "{sweep}"
        );
        let column = &sweep["unread_of"]["app_logins.is_anonymous"];
        assert_eq!(column["rows"], 3);
        assert_eq!(column["examples"], serde_json::json!(["'non'", "'oui'"]));
        let find = column["find"].as_str().unwrap();
        // Also the one that is not old enough yet.
        assert_eq!(desk.count(&find.replacen('*', "count(*)", 1)).await, 4);
    }
    let text = desk.says(&["runs", "show", run]);
    assert!(text.contains(TOLD), "{text}");
}

#[tokio::test]
async fn a_dry_run_says_it_beforehand() {
    let desk = desk().await;

    let text = desk.says(&["run", JOB, "--dry-run"]);
    let json = desk.json(&["run", JOB, "--dry-run", "--json"]);

    assert!(text.contains(&format!("{JOB}: {TOLD}")), "{text}");
    assert_eq!(json[0]["remains"][0]["unread"], 3);
    assert_eq!(json[0]["verification"], "unverified: dry run");
    assert_eq!(json[0]["affected"], 2);
}

#[tokio::test]
async fn the_log_of_a_run_warns_of_it() {
    let desk = desk().await;

    let said = desk.run(&["run", JOB, "--log", "warn"]);

    let log = &said.stderr;
    assert!(
        log.contains("rows stay because a value cannot be read"),
        "{log}"
    );
    assert!(log.contains("app_logins.is_anonymous"), "{log}");
}

#[tokio::test]
async fn where_everything_is_read_nothing_is_said() {
    let desk = desk().await;
    desk.script("UPDATE app_logins SET is_anonymous = 'F' WHERE id IN (3, 4, 5, 6)")
        .await;

    let ran = desk.json(&["run", JOB, "--json"]);

    assert_eq!(ran[0]["verified"], true, "{ran}");
    assert_eq!(ran[0]["remains"][0]["unread"], 0);
    assert_eq!(desk.count("SELECT count(*) FROM app_logins").await, 5);
}
