//! The same as operators meet it: tables of an application that writes 0 for "not yet".

use serde_json::Value;

use crate::cli::{Desk, both as databases};

const JOB: &str = "tokens/compat-tokens";

/// Expired access tokens of a session each: over by 0 and -1, or not at all.
async fn desk(database: besom_tests::TestDatabase, said: &str) -> Desk {
    let file = format!(
        "[plugins.tokens]\nsettings = {{ profile = \"mas\", compat-sessions-table = \"session\", \
         compat-sessions-id-column = \"id\", compat-sessions-finished-at-column = \"finished\", \
         compat-access-tokens-table = \"access\", compat-access-tokens-session-column = \"session\", \
         compat-access-tokens-expires-at-column = \"ends_at\", compat-refresh-tokens-table = \"refresh\", \
         compat-refresh-tokens-session-column = \"session\", compat-refresh-tokens-consumed-at-column = \"used\" }}\n\
         [time-forms]\n\"access.ends_at\" = \"unix-s\"\n\"refresh.used\" = \"unix-s\"\n{said}"
    );
    let desk = Desk::with_file(database, &file);
    desk.script(
        "CREATE TABLE session (id bigint PRIMARY KEY, finished bigint);
         CREATE TABLE access (id bigint PRIMARY KEY, session bigint REFERENCES session, ends_at bigint);
         CREATE INDEX access_end ON access (ends_at);
         CREATE TABLE refresh (id bigint PRIMARY KEY, session bigint REFERENCES session, used bigint);
         CREATE INDEX refresh_used ON refresh (used);
         INSERT INTO session VALUES (1, 0), (2, -1), (3, 0), (4, NULL);
         INSERT INTO access VALUES (1, 1, 1700000000), (2, 2, 1700000000), (3, 3, 1700000000), (4, 4, 1700000000)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

/// Expired access tokens with a refresh token each: used, used, and by 0 and -1 live.
async fn refreshed(database: besom_tests::TestDatabase, said: &str) -> Desk {
    let file = format!(
        "[plugins.tokens]\nsettings = {{ profile = \"mas\", oauth2-access-tokens-table = \"access\", \
         oauth2-access-tokens-id-column = \"id\", oauth2-access-tokens-expires-at-column = \"ends_at\", \
         oauth2-refresh-tokens-table = \"refresh\", oauth2-refresh-tokens-access-token-column = \"access\", \
         oauth2-refresh-tokens-consumed-at-column = \"used\", oauth2-refresh-tokens-revoked-at-column = \"revoked\" }}\n\
         [time-forms]\n\"access.ends_at\" = \"unix-s\"\n{said}"
    );
    let desk = Desk::with_file(database, &file);
    desk.script(
        "CREATE TABLE access (id bigint PRIMARY KEY, ends_at bigint);
         CREATE INDEX access_end ON access (ends_at);
         CREATE TABLE refresh (id bigint PRIMARY KEY, access bigint REFERENCES access (id) ON DELETE SET NULL,
                               used bigint, revoked bigint);
         CREATE INDEX refresh_access ON refresh (access);
         INSERT INTO access VALUES (1, 1700000000), (2, 1700000000), (3, 1700000000), (4, 1700000000);
         INSERT INTO refresh VALUES (1, 1, 0, 0), (2, 2, -1, 0), (3, 3, 0, NULL), (4, 4, NULL, NULL)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

fn finding<'j>(checked: &'j Value, code: &str) -> Vec<&'j str> {
    let mut jobs = checked["jobs"].as_array().unwrap().iter();
    let job = jobs.find(|of| of["job"] == JOB).unwrap();
    let findings = job["findings"].as_array().unwrap().iter();
    let told = findings.filter(|of| of["code"] == code);
    told.map(|of| of["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_whose_session_ended_at_zero_stays_and_is_told() {
    for database in databases().await {
        let desk = desk(database, "").await;

        // Its other jobs lack their tables.
        let checked = desk.run(&["check", "--json"]).stdout;
        let checked = serde_json::from_str(&checked).unwrap();
        let dry = desk.json(&["run", JOB, "--dry-run", "--json"]);
        let ran = desk.json(&["run", JOB, "--json"]);

        assert_eq!(
            (&dry[0]["affected"], &ran[0]["affected"]),
            (&1.into(), &1.into())
        );
        assert_eq!(desk.count("SELECT count(*) FROM access").await, 3);
        let told = finding(&checked, "no-instant").join("\n");
        for part in [
            "3 rows of `session.finished` hold what may stand for no value",
            "[time-forms]",
            "\"session.finished\" = \"value\"",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        for report in [&dry, &ran] {
            let of = &report[0]["remains"][1]["unread_of"]["session.finished"];
            assert_eq!(
                (&of["rows"], &of["read_as"]),
                (&3.into(), &"value".into()),
                "{report}"
            );
            let find = of["find"].as_str().unwrap().replacen('*', "count(*)", 1);
            assert_eq!(desk.count(&find).await, 3, "{find}");
        }
        assert_eq!(ran[0]["verified"], Value::Null, "{ran}");
        desk.says(&["explain", JOB]);
    }
}

#[tokio::test]
async fn where_it_is_said_what_zero_is_nothing_is_in_doubt() {
    for said in ["unix-s", "value"] {
        for database in databases().await {
            let desk = desk(database, &format!("\"session.finished\" = \"{said}\"\n")).await;

            let checked = desk.run(&["check", "--json"]).stdout;
            let checked = serde_json::from_str(&checked).unwrap();
            let ran = desk.json(&["run", JOB, "--json"]);

            assert_eq!(
                (&ran[0]["affected"], &ran[0]["verified"]),
                (&1.into(), &true.into()),
                "{ran}"
            );
            assert_eq!(desk.count("SELECT count(*) FROM access").await, 3);
            if said == "value" {
                assert_eq!(finding(&checked, "no-instant"), [""; 0]);
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_used_at_zero_keeps_its_access_token() {
    let job = "tokens/expired-access";
    for database in databases().await {
        let desk = refreshed(database, "").await;
        // Where nothing says how the columns hold times the job does not run.
        let said = desk.run(&["run", job]);
        assert!(
            said.code == 0 || said.stderr.contains("unknown-time-form"),
            "{}",
            said.stderr
        );
        assert_eq!(desk.count("SELECT count(*) FROM access").await, 4);
    }
    for database in databases().await {
        let said = "\"refresh.used\" = \"unix-s\"\n\"refresh.revoked\" = \"unix-s\"\n";
        let desk = refreshed(database, said).await;
        desk.script("UPDATE refresh SET used = 1700000000 WHERE id = 2")
            .await;

        let ran = desk.json(&["run", job, "--json"]);

        assert_eq!(
            (&ran[0]["affected"], &ran[0]["verified"]),
            (&1.into(), &true.into()),
            "{ran}"
        );
        let kept = "SELECT count(*) FROM access WHERE id <> 2";
        assert_eq!(desk.count(kept).await, 3);
    }
}

#[tokio::test]
async fn what_is_said_to_be_no_time_is_not_compared_with_one() {
    for database in databases().await {
        let desk = desk(database, "").await;
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("= \"unix-s\"", "= \"value\"")).unwrap();

        let checked = desk.run(&["check", "--json"]).stdout;
        let checked = serde_json::from_str(&checked).unwrap();

        let told = finding(&checked, "unknown-time-form").join("\n");
        assert!(
            told.contains("refresh.used")
                && told.contains("[time-forms] says that it holds none: `value`"),
            "{told}"
        );
        assert_eq!(desk.count("SELECT count(*) FROM access").await, 4);
    }
}

#[tokio::test]
async fn beside_times_that_nobody_has_declared_it_is_the_same() {
    for database in databases().await {
        let desk = desk(database, "").await;
        let more = "INSERT INTO session SELECT n + 10, 1700000000 + n FROM n;
            INSERT INTO access SELECT n + 10, n + 10, 1700000000 FROM n";
        let numbers = "CREATE TABLE n (n bigint); INSERT INTO n
            WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 40) SELECT n FROM s;";
        desk.script(&format!("{numbers} {more}")).await;

        let ran = desk.json(&["run", JOB, "--json"]);

        assert_eq!(
            (&ran[0]["affected"], &ran[0]["verified"]),
            (&1.into(), &true.into()),
            "{ran}"
        );
        assert_eq!(desk.count("SELECT count(*) FROM access").await, 43);
    }
}
