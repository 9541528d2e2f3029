//! Ages of rows that go along with others: one that cannot be read, or that stands for "never", holds the row.

use super::counted::{JOB, column, desk};
use crate::cli::{Desk, both as databases};

/// Old; no age that is read; no time; none said; old, in another form; and two more that are old.
const MADE: [&str; 7] = [
    "'2020-01-01T00:00:00Z'",
    "'long ago'",
    "'0001-01-01T00:00:00Z'",
    "NULL",
    "'2020-01-01 00:00:00'",
    "'2020-01-01T00:00:00+02:00'",
    "'2020-01-01T00:00:00Z'",
];

const STAYS: &str = "(2, 3, 4, 5)";

/// `table (id, of, made_at)` with a row of each age.
fn along(table: &str, references: &str) -> String {
    let rows: Vec<_> = MADE
        .iter()
        .enumerate()
        .map(|(n, made)| format!("({0}, {0}, {made})", n + 1))
        .collect();
    format!(
        "CREATE TABLE {table} (id bigint PRIMARY KEY, of bigint REFERENCES {references}, made_at text);
         CREATE INDEX {table}_of ON {table} (of);
         INSERT INTO {table} VALUES {};",
        rows.join(", ")
    )
}

/// The rehearsal and the run alike let the old ones go and hold the four others with theirs.
async fn four_are_held(desk: &Desk, job: &str, [swept, along]: [&str; 2]) {
    let dry = desk.json(&["run", job, "--dry-run", "--json"]);
    let ran = desk.json(&["run", job, "--json"]);

    for report in [&dry, &ran] {
        let url = &desk.database.url;
        assert_eq!(report[0]["affected"], 3, "{url} {report}");
        assert_eq!(report[0]["blocked"], 4, "{url} {report}");
        assert_eq!(report[0]["verified"], serde_json::Value::Null, "{report}");
        // The word, and the time without an offset.
        let of = column(report, &format!("{along}.made_at"));
        assert_eq!(of["rows"], 2, "{url} {report}");
    }
    for table in [swept, along] {
        let kept = format!("SELECT count(*) FROM {table} WHERE id IN {STAYS}");
        assert_eq!(desk.count(&kept).await, 4, "{table}");
        let all = format!("SELECT count(*) FROM {table}");
        assert_eq!(desk.count(&all).await, 4, "{table}");
    }
}

#[tokio::test]
async fn a_child_whose_age_is_not_known_holds_the_row_that_would_take_it_along() {
    let ends = (1..=MADE.len()).map(|id| format!("({id}, '2020-01-01T00:00:00Z')"));
    let ends = ends.collect::<Vec<_>>().join(", ");
    let schema = format!(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at text);
         CREATE INDEX logins_end ON app_logins (ends_at);
         INSERT INTO app_logins VALUES {ends}; {}",
        along("uses", "app_logins ON DELETE CASCADE")
    );
    let grant = "\"uses.made_at\" = \"rfc3339\"\n\
        [plugins.sessions.grant.app_logins]\ndelete = true\n\
        [plugins.sessions.grant.uses]\ndelete = true\nmin-age = { column = \"made_at\", age = \"1d\" }\n";
    for database in databases().await {
        let desk = desk(database, grant, &schema).await;
        four_are_held(&desk, JOB, ["app_logins", "uses"]).await;
    }
}

#[tokio::test]
async fn a_dependent_whose_age_is_not_known_holds_the_row_that_it_would_go_ahead_of() {
    let file = "[plugins.sessions]\nsettings = { profile = \"mas\", compat-sessions-table = \"app_sessions\", \
        compat-sessions-id-column = \"id\", compat-sessions-finished-at-column = \"finished\", \
        compat-access-tokens-table = \"access\", compat-access-tokens-session-column = \"of\", \
        compat-refresh-tokens-table = \"refresh\", compat-refresh-tokens-session-column = \"of\", \
        compat-sso-logins-table = \"sso\", compat-sso-logins-session-column = \"of\" }\n\
        [plugins.sessions.grant.app_sessions]\ndelete = true\n\
        [plugins.sessions.grant.access]\ndelete = true\nmin-age = { column = \"made_at\", age = \"1d\" }\n\
        [plugins.sessions.grant.refresh]\ndelete = true\n\
        [plugins.sessions.grant.sso]\ndelete = true\n\
        [time-forms]\n\"app_sessions.finished\" = \"rfc3339\"\n\"access.made_at\" = \"rfc3339\"\n";
    let finished = (1..=MADE.len()).map(|id| format!("({id}, '2020-01-01T00:00:00Z')"));
    let finished = finished.collect::<Vec<_>>().join(", ");
    for database in databases().await {
        let desk = Desk::with_file(database, file);
        desk.script(&format!(
            "CREATE TABLE app_sessions (id bigint PRIMARY KEY, finished text);
             CREATE INDEX sessions_end ON app_sessions (finished);
             INSERT INTO app_sessions VALUES {finished}; {}
             CREATE TABLE refresh (id bigint PRIMARY KEY, of bigint REFERENCES app_sessions);
             CREATE INDEX refresh_of ON refresh (of);
             CREATE TABLE sso (id bigint PRIMARY KEY, of bigint REFERENCES app_sessions);
             CREATE INDEX sso_of ON sso (of);",
            along("access", "app_sessions")
        ))
        .await;
        desk.says(&["migrate"]);
        four_are_held(
            &desk,
            "sessions/finished-compat",
            ["app_sessions", "access"],
        )
        .await;
    }
}
