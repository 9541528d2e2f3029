//! Times that cannot be read, in each place where a job reads one.

use serde_json::Value;

use crate::cli::{Desk, both as databases};

/// A bundled job on a table of the application's own, whose times are text.
pub async fn desk(database: besom_tests::TestDatabase, more: &str, schema: &str) -> Desk {
    let desk = Desk::with_file(
        database,
        &format!(
            "[plugins.sessions]\nsettings = {{ profile = \"server-sessions\", sessions-table = \"app_logins\", \
             sessions-absolute-expires-at-column = \"ends_at\" }}\n\
             [time-forms]\n\"app_logins.ends_at\" = \"rfc3339\"\n{more}"
        ),
    );
    desk.script(schema).await;
    desk.says(&["migrate"]);
    desk
}

pub const JOB: &str = "sessions/expired";

const LOGINS: &str = "
    CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at text, tenant text, made_at text);
    CREATE INDEX logins_end ON app_logins (ends_at);
    INSERT INTO app_logins VALUES
        (1, '2025-01-05T03:04:05Z', 'a', '2024-01-05T03:04:05Z'),
        (2, '2025-01-05T03:04:05.250+02:00', 'b', '2024-01-05T03:04:05Z'),
        (3, '9999-01-01T00:00:00Z', 'a', '2024-01-05T03:04:05Z'),
        (4, NULL, 'a', '2024-01-05T03:04:05Z');";

/// Nothing of the kind is a time in any form.
const ODD: &str = "
    INSERT INTO app_logins VALUES
        (11, 'soon', 'a', '2024-01-05T03:04:05Z'), (12, '', 'a', '2024-01-05T03:04:05Z'),
        (13, 'n/a', 'b', '2024-01-05T03:04:05Z'), (14, '2025-13-45T03:04:05Z', 'b', '2024-01-05T03:04:05Z');";

pub fn column<'j>(report: &'j Value, name: &str) -> &'j Value {
    let sweeps = report[0]["remains"].as_array().unwrap();
    let of = sweeps.iter().map(|sweep| &sweep["unread_of"][name]);
    of.into_iter()
        .find(|of| !of.is_null())
        .unwrap_or_else(|| panic!("{name}: {report}"))
}

#[tokio::test]
async fn times_that_cannot_be_read_stay_and_the_run_is_not_verified() {
    for database in databases().await {
        let desk = desk(database, "", LOGINS).await;
        let clean = desk.json(&["run", JOB, "--json"]);
        assert_eq!(
            (&clean[0]["affected"], &clean[0]["verified"]),
            (&2.into(), &true.into())
        );
        // Arrived after the form was told by the file.
        desk.script(ODD).await;

        let ran = desk.run(&["run", JOB, "--json"]);

        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            desk.count("SELECT count(*) FROM app_logins WHERE id > 10")
                .await,
            4
        );
        assert_eq!(report[0]["verified"], Value::Null, "{report}");
        let verification = report[0]["verification"].as_str().unwrap();
        let told =
            "unverified: 4 rows of `app_logins.ends_at` hold a time that is not read, such as ";
        assert!(verification.starts_with(told), "{verification}");
        let of = column(&report, "app_logins.ends_at");
        assert_eq!((&of["rows"], &of["read_as"]), (&4.into(), &"time".into()));
        let find = of["find"].as_str().unwrap().replacen('*', "count(*)", 1);
        assert_eq!(desk.count(&find).await, 4, "{find}");
    }
}

#[tokio::test]
async fn of_a_narrowed_grant_only_its_own_rows_are_counted() {
    for database in databases().await {
        let grant =
            "[plugins.sessions.grant.app_logins]\ndelete = true\nwhere = { tenant = \"a\" }\n";
        let desk = desk(database, grant, LOGINS).await;
        desk.script(ODD).await;

        let report = desk.json(&["run", JOB, "--json"]);

        assert_eq!(column(&report, "app_logins.ends_at")["rows"], 2, "{report}");
    }
}

#[tokio::test]
async fn an_age_that_cannot_be_read_is_counted_too() {
    for database in databases().await {
        let grant = "\"app_logins.made_at\" = \"rfc3339\"\n\
                     [plugins.sessions.grant.app_logins]\ndelete = true\n\
                     min-age = { column = \"made_at\", age = \"30d\" }\n";
        let desk = desk(database, grant, LOGINS).await;
        desk.script("UPDATE app_logins SET made_at = 'long ago' WHERE id IN (2, 3)")
            .await;

        let report = desk.json(&["run", JOB, "--json"]);

        // The third one does not end for a long time, whenever it was made.
        assert_eq!(report[0]["affected"], 1, "{report}");
        assert_eq!(column(&report, "app_logins.made_at")["rows"], 1, "{report}");
        assert_eq!(
            desk.count("SELECT count(*) FROM app_logins WHERE id = 2")
                .await,
            1
        );
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_in_a_negated_relation_keeps_the_row_and_is_counted() {
    for database in databases().await {
        let desk = Desk::with_file(
            database,
            "[plugins.tokens]\nsettings = { profile = \"refresh-tokens\", refresh-tokens-table = \"app_refresh\", \
             family-column = \"family\", revoked-column = \"is_revoked\", expires-at-column = \"ends_at\" }\n\
             [time-forms]\n\"app_refresh.ends_at\" = \"rfc3339\"\n",
        );
        desk.script(
            "CREATE TABLE app_refresh (id bigint PRIMARY KEY, family text, is_revoked BOOLEAN, ends_at text);
             CREATE INDEX by_family ON app_refresh (family);
             CREATE INDEX by_end ON app_refresh (ends_at);
             INSERT INTO app_refresh VALUES
                 (1, 'odd', TRUE, '2999-01-01T00:00:00Z'), (2, 'odd', FALSE, 'never'),
                 (3, 'over', TRUE, '2999-01-01T00:00:00Z'), (4, 'over', FALSE, '2020-01-01T00:00:00Z')",
        )
        .await;
        desk.says(&["migrate"]);

        let report = desk.json(&["run", "tokens/refresh-tokens", "--json"]);

        assert_eq!(
            desk.count("SELECT count(*) FROM app_refresh WHERE id < 3")
                .await,
            2
        );
        assert_eq!(report[0]["affected"], 2, "{report}");
        let sweeps = report[0]["remains"].as_array().unwrap();
        assert_eq!(sweeps.len(), 2);
        for sweep in sweeps {
            assert_eq!(
                sweep["unread_of"]["app_refresh.ends_at"]["rows"], 1,
                "{sweep}"
            );
        }
        let verification = report[0]["verification"].as_str().unwrap();
        let told = "unverified: 1 row of `app_refresh.ends_at` holds a time that is not read, such as 'never'";
        assert_eq!(verification, told);
    }
}

#[tokio::test]
async fn the_leaves_of_a_partitioned_table_are_counted_together() {
    let database = besom_tests::postgres().await;
    let schema = "
        CREATE TABLE app_logins (id bigint, ends_at text, tenant text) PARTITION BY LIST (tenant);
        CREATE TABLE logins_a PARTITION OF app_logins FOR VALUES IN ('a');
        CREATE TABLE logins_b PARTITION OF app_logins FOR VALUES IN ('b');
        CREATE INDEX logins_end ON app_logins (ends_at);
        INSERT INTO app_logins VALUES (1, 'soon', 'a'), (2, 'later', 'b'), (3, 'then', 'b'),
            (4, '2025-01-05T03:04:05Z', 'b');";
    let desk = desk(database, "", schema).await;

    let report = desk.json(&["run", JOB, "--json"]);

    assert_eq!(report[0]["affected"], 1);
    assert_eq!(column(&report, "app_logins.ends_at")["rows"], 3, "{report}");
}

/// PostgreSQL's own types hold nothing else, and are not looked at: no run is slower for them.
#[tokio::test]
async fn a_row_that_never_ends_is_no_unread_one() {
    let database = besom_tests::postgres().await;
    let desk = Desk::with_file(
        database,
        "[plugins.sessions]\nsettings = { profile = \"server-sessions\", sessions-table = \"app_logins\", \
         sessions-absolute-expires-at-column = \"ends_at\" }\n",
    );
    desk.script(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at timestamptz);
         CREATE INDEX logins_end ON app_logins (ends_at);
         INSERT INTO app_logins VALUES (1, 'infinity'), (2, '-infinity'), (3, NULL), (4, '1970-01-01 00:00Z'),
             (5, '2025-01-01 00:00Z')",
    )
    .await;
    desk.says(&["migrate"]);

    let checked = desk.json(&["check", "--json"]);
    let report = desk.json(&["run", JOB, "--json"]);

    assert_eq!(
        (&report[0]["affected"], &report[0]["verified"]),
        (&1.into(), &true.into())
    );
    assert_eq!(report[0]["remains"][0]["unread"], 0);
    let mut jobs = checked["jobs"].as_array().unwrap().iter();
    let job = jobs.find(|of| of["job"] == JOB).unwrap();
    let mut findings = job["findings"].as_array().unwrap().iter();
    let told = findings.find(|of| of["code"] == "no-instant").unwrap();
    let message = told["message"].as_str().unwrap();
    assert!(
        message.starts_with("3 rows of `app_logins.ends_at` hold no time"),
        "{message}"
    );
    assert!(message.contains("oldest"), "{message}");
    assert_eq!(told["severity"], "info");
}

#[tokio::test]
async fn where_times_that_stand_for_never_are_not_looked_for_that_is_told() {
    let desk = desk(
        besom_tests::postgres().await,
        "",
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at text);
         INSERT INTO app_logins VALUES (1, '0001-01-01T00:00:00Z');
         ANALYZE app_logins;
         UPDATE pg_class SET reltuples = 3000000, relpages = 30000 WHERE relname = 'app_logins';",
    )
    .await;

    let checked = desk.run(&["check", "--json"]);

    let checked: Value = serde_json::from_str(&checked.stdout).unwrap();
    let mut jobs = checked["jobs"].as_array().unwrap().iter();
    let job = jobs.find(|of| of["job"] == JOB).unwrap();
    let mut findings = job["findings"].as_array().unwrap().iter();
    let told = findings.find(|of| of["code"] == "no-instant");
    let message = told.unwrap_or_else(|| panic!("{job}"))["message"].as_str();
    let message = message.unwrap();
    assert!(
        message.starts_with("whether rows of `app_logins.ends_at` hold no time"),
        "{message}"
    );
    assert!(message.contains("is not known"), "{message}");
}
