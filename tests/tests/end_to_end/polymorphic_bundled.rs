//! A bundled job whose dependent the operator's settings point at a table with rows of several kinds.

use serde_json::Value;

use crate::cli::{Desk, both};

const JOB: &str = "recovery/email-authentications";
const CODE: &str = "polymorphic-dependent";

/// ULIDs of 2016.
const FIRST: &str = "01ARYZ6S41TSV4RRFFQ69G5FA1";
const SECOND: &str = "01ARYZ6S41TSV4RRFFQ69G5FA2";
const THIRD: &str = "01ARYZ6S41TSV4RRFFQ69G5FA3";

const SETTINGS: &str = r#"[plugins.recovery.settings]
profile = "mas"
email-authentications-table = "proofs"
email-authentications-id-column = "id"
email-authentication-codes-table = "notes"
email-authentication-codes-authentication-column = "about_id"
"#;

/// Proofs and cards have the same ids, and notes are about either.
async fn desks(kind: &str, proof: &str, card: &str) -> Vec<Desk> {
    let mut desks = Vec::new();
    for database in both().await {
        let desk = Desk::with_file(database, SETTINGS);
        desk.script(&format!(
            "CREATE TABLE proofs (id TEXT PRIMARY KEY);
             CREATE TABLE user_registrations (user_registration_id TEXT PRIMARY KEY, email_authentication_id TEXT);
             CREATE TABLE notes (id BIGINT PRIMARY KEY, about_kind {kind} NOT NULL, about_id TEXT NOT NULL);
             CREATE INDEX notes_about ON notes (about_id);
             INSERT INTO proofs VALUES ('{FIRST}'), ('{SECOND}'), ('{THIRD}');
             INSERT INTO notes VALUES (1, {proof}, '{FIRST}'), (2, {proof}, '{SECOND}'), (3, {card}, '{SECOND}'),
                 (4, {card}, '{THIRD}'), (5, {proof}, '{THIRD}'), (6, {card}, '01ARYZ6S41TSV4RRFFQ69G5FA4')"
        ))
        .await;
        desk.says(&["migrate"]);
        desks.push(desk);
    }
    desks
}

/// What `check` warns of, if it does.
fn warned(desk: &Desk) -> Option<String> {
    let checked = desk.json(&["check", "--json"]);
    let mut jobs = checked["jobs"].as_array().unwrap().iter();
    let job = jobs.find(|of| of["job"] == JOB).unwrap();
    let mut findings = job["findings"].as_array().unwrap().iter();
    let found = findings.find(|of| of["code"] == CODE)?;
    assert_eq!(found["severity"], "warning");
    Some(found["message"].as_str().unwrap().to_owned())
}

/// Adds the lines that the warning prints to the file, or puts them in the place of what stands there.
fn paste(desk: &Desk, warning: &str, kind: (&str, &str)) {
    const TABLE: &str = "[plugins.recovery.grant.notes]";
    let at = warning.find(TABLE).unwrap();
    let place = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&place).unwrap();
    let (before, stands) = text
        .split_once(TABLE)
        .map_or((text.as_str(), false), |(before, _)| (before, true));
    assert_eq!(
        warning.contains("# in place of what stands there:"),
        stands,
        "{warning}"
    );
    let lines = warning[at..].replace(kind.0, kind.1);
    std::fs::write(&place, format!("{before}\n{lines}")).unwrap();
}

fn ran(desk: &Desk, more: &[&str]) -> (Value, Value, Value) {
    let arguments = [&["run", JOB, "--json"], more].concat();
    let report = desk.json(&arguments);
    let of = |name: &str| report[0][name].clone();
    (of("affected"), of("dependents"), of("blocked"))
}

async fn notes(desk: &Desk) -> i64 {
    desk.count("SELECT CAST(sum(1 << CAST(id AS INTEGER)) AS BIGINT) FROM notes")
        .await
}

#[tokio::test]
async fn the_lines_that_the_warning_prints_keep_rows_of_other_kinds() {
    for desk in desks("TEXT", "'proof'", "'card'").await {
        let warning = warned(&desk).unwrap();
        assert!(
            warning
                .ends_with("\n\n[plugins.recovery.grant.notes]\nwhere = { about_kind = \"…\" }\n"),
            "{warning}"
        );
        assert_eq!(ran(&desk, &["--dry-run"]), (3.into(), 5.into(), 0.into()));
        let in_words = desk.says(&["check"]);
        assert!(
            in_words.contains("\nwhere = { about_kind = \"…\" }\n"),
            "{in_words}"
        );

        // As they stand they let nothing go.
        paste(&desk, &warning, ("", ""));
        assert_eq!(ran(&desk, &["--dry-run"]), (0.into(), 0.into(), 3.into()));
        let toml = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&toml).unwrap();
        std::fs::write(&toml, text.replace('…', "proof")).unwrap();

        assert_eq!(warned(&desk), None);
        assert_eq!(ran(&desk, &["--dry-run"]), (1.into(), 1.into(), 2.into()));
        assert_eq!(ran(&desk, &[]), (1.into(), 1.into(), 2.into()));
        assert_eq!(notes(&desk).await, 4 + 8 + 16 + 32 + 64);
        // Once no card has their ids, they go with the notes of their kind.
        desk.script("DELETE FROM notes WHERE about_kind = 'card' AND id < 6")
            .await;
        assert_eq!(ran(&desk, &[]), (2.into(), 2.into(), 0.into()));
        assert_eq!(notes(&desk).await, 64);
        assert_eq!(desk.count("SELECT count(*) FROM proofs").await, 0);
    }
}

#[tokio::test]
async fn the_lines_have_a_number_where_kinds_are_numbers_and_what_the_file_says_already() {
    for desk in desks("INTEGER", "7", "8").await {
        let toml = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&toml).unwrap();
        let stands = "\n[plugins.recovery.grant.notes]\nwhere = { id = 1 }\n";
        std::fs::write(&toml, format!("{text}{stands}")).unwrap();

        let warning = warned(&desk).unwrap();
        assert!(
            warning.ends_with("where = { about_kind = 0, id = 1 }\n"),
            "{warning}"
        );
        paste(&desk, &warning, ("about_kind = 0", "about_kind = 7"));

        assert_eq!(warned(&desk), None);
        assert_eq!(ran(&desk, &[]), (1.into(), 1.into(), 2.into()));
        assert_eq!(notes(&desk).await, 4 + 8 + 16 + 32 + 64);
    }
}
