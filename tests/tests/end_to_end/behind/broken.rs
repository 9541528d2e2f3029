//! Foreign keys that SQLite takes and then refuses every delete for.

use super::*;

const ALL: &str = "SELECT count(*) FROM sessions";

#[tokio::test]
async fn a_key_that_leads_nowhere_is_found_at_either_end_before_the_run() {
    for (sessions_more, tokens) in [
        ("", "session INT REFERENCES sessions (name)"),
        (
            "",
            "session INT, org INT, FOREIGN KEY (session, org) REFERENCES sessions (name, org)",
        ),
        (
            "",
            "session INT REFERENCES sessions ON DELETE CASCADE, owner INT REFERENCES gone (id)",
        ),
        (", owner INT REFERENCES gone (id)", "session INT"),
        (", owner INT REFERENCES users (name)", "session INT"),
    ] {
        let lab = Lab::sqlite(&format!(
            "PRAGMA foreign_keys = OFF; CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
             CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT, name TEXT, org INT {sessions_more});
             CREATE TABLE tokens (id INTEGER PRIMARY KEY, {tokens});
             CREATE UNIQUE INDEX partial ON sessions (name) WHERE org = 1;
             INSERT INTO sessions (id, dead_at) VALUES (1, 1); PRAGMA foreign_keys = ON"
        ))
        .await;
        assert_eq!(
            refused(&lab, &sessions(), ALL).await,
            "broken-key",
            "{sessions_more} {tokens}"
        );
    }
}

/// What SQLite itself says to a delete of no row.
async fn sqlite_says(lab: &Lab, table: &str) -> Option<String> {
    let mut session = lab.session().await;
    let said = session
        .run_script(&format!("DELETE FROM {table} WHERE 0"))
        .await;
    said.err().map(|error| error.to_string())
}

#[tokio::test]
async fn a_key_to_an_index_of_another_collation_than_its_column_is_found_where_sqlite_calls_it_a_mismatch()
 {
    let (mut broken, mut whole) = (0, 0);
    for (own, index, key) in [
        (
            "name TEXT COLLATE NOCASE",
            "(name COLLATE BINARY)",
            "(name)",
        ),
        ("name TEXT", "(name COLLATE NOCASE)", "(name)"),
        ("name TEXT COLLATE RTRIM", "(name COLLATE NOCASE)", "(name)"),
        (
            "name TEXT, org TEXT COLLATE NOCASE",
            "(name, org COLLATE BINARY)",
            "(name, org)",
        ),
        (
            "name TEXT, org TEXT COLLATE NOCASE",
            "(org, name)",
            "(name, org)",
        ),
        ("name TEXT COLLATE NOCASE", "(name)", "(NAME)"),
        (
            "name TEXT COLLATE NOCASE",
            "(name COLLATE nocase)",
            "(name)",
        ),
        (
            "name TEXT COLLATE NOCASE UNIQUE",
            "(name COLLATE BINARY)",
            "(name)",
        ),
        ("name TEXT COLLATE \"binary\"", "(name)", "(name)"),
    ] {
        let (columns, refer) = match key.contains(',') {
            true => ("session TEXT, org TEXT", "session, org"),
            false => ("session TEXT", "session"),
        };
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT, {own});
             CREATE UNIQUE INDEX named ON sessions {index};
             CREATE TABLE tokens (id INTEGER PRIMARY KEY, {columns}, FOREIGN KEY ({refer}) REFERENCES sessions {key});
             CREATE INDEX at ON tokens ({refer});
             INSERT INTO sessions (id, dead_at) VALUES (1, 1)"
        ))
        .await;
        let case = format!("{own} {index} {key}");
        match sqlite_says(&lab, "sessions").await {
            Some(said) => {
                assert!(said.contains("mismatch"), "{case}: {said}");
                let found = crate::preflight::found(&lab, &sessions(), "broken-key").await;
                assert!(
                    found.message.contains("`named`"),
                    "{case}: {}",
                    found.message
                );
                assert_eq!(
                    refused(&lab, &sessions(), ALL).await,
                    "broken-key",
                    "{case}"
                );
                // The way out.
                lab.script(&format!("CREATE UNIQUE INDEX plain ON sessions {key}"))
                    .await;
                assert_eq!(drained(&lab, &sessions()).await.affected, 1, "{case}");
                broken += 1;
            }
            None => {
                assert_eq!(drained(&lab, &sessions()).await.affected, 1, "{case}");
                whole += 1;
            }
        }
    }
    assert_eq!((broken, whole), (4, 5));
}

#[tokio::test]
async fn a_primary_key_of_another_collation_leads_the_keys_that_do_not_name_it() {
    for (key, without, broken) in [
        ("REFERENCES sessions", "", false),
        ("REFERENCES sessions (name)", "", true),
        ("REFERENCES sessions", "WITHOUT ROWID", false),
    ] {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE sessions (name TEXT, dead_at INT, PRIMARY KEY (name COLLATE NOCASE)) {without};
             CREATE TABLE tokens (id INTEGER PRIMARY KEY, session TEXT {key});
             CREATE INDEX at ON tokens (session); INSERT INTO sessions VALUES ('a', 1)"
        ))
        .await;
        assert_eq!(
            sqlite_says(&lab, "sessions").await.is_some(),
            broken,
            "{key} {without}"
        );
        let codes = crate::preflight::codes(&lab, &sessions()).await;
        assert_eq!(
            codes.contains(&"broken-key".to_owned()),
            broken,
            "{key} {without}: {codes:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_leads_to_unique_columns_in_any_order_does_not_stop_the_job() {
    let lab = Lab::sqlite(
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT, name TEXT, org INT, UNIQUE (org, name));
         CREATE TABLE tokens (id INTEGER PRIMARY KEY, name TEXT, org INT, session INT REFERENCES sessions,
             FOREIGN KEY (name, org) REFERENCES sessions (name, org) ON DELETE CASCADE);
         CREATE INDEX a ON tokens (name, org); CREATE INDEX b ON tokens (session);
         CREATE TABLE elsewhere (id INTEGER PRIMARY KEY, x INT REFERENCES gone (id));
         INSERT INTO sessions VALUES (1, 1, 'a', 1), (2, 1, 'b', 1); INSERT INTO tokens VALUES (1, 'a', 1, NULL)",
    )
    .await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (2, 1));
}

#[tokio::test]
async fn a_default_behind_a_key_that_leads_nowhere_stops_no_other_command() {
    for (parent, key) in [
        ("", "p INTEGER DEFAULT 1 REFERENCES users (nope)"),
        (
            "CREATE VIEW seen AS SELECT id FROM no_table;",
            "p INTEGER DEFAULT 1 REFERENCES seen (id)",
        ),
    ] {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE users (id INTEGER PRIMARY KEY); {parent}
             CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
             CREATE TABLE tokens (id INTEGER PRIMARY KEY, {key} ON DELETE SET DEFAULT);
             INSERT INTO users VALUES (1); INSERT INTO sessions VALUES (1, 1);"
        ))
        .await;
        assert_eq!(drained(&lab, &sessions()).await.affected, 1, "{key}");
        if parent.is_empty() {
            let all = Request::delete("users", Condition::Everything);
            let rows = "SELECT count(*) FROM users";
            assert_eq!(refused(&lab, &all, rows).await, "broken-key", "{key}");
        }
    }
}
