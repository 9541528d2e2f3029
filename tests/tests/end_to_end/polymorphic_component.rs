//! Dependents with a condition, as a component asks for them through the contract.

use besom_tests::fixtures::Versioned;

use crate::cli::{Desk, both, place};

const FILE: &str = "[store]\ninstall = \"any\"\n[plugins.versioned]\nsource = \"store\"\n\
    [plugins.versioned.grant.victims]\nread = [\"id\"]\ndelete = true\n\
    [plugins.versioned.grant.note]\nread = [\"about_id\", \"about_kind\"]\ndelete = true\n\
    [plugins.versioned.grant.mark]\nread = [\"about_id\", \"about_kind\"]\nupdate = [\"about_id\"]\n";

/// Victims and cards have the same ids, and notes and marks are about either.
const SCHEMA: &str = "
    CREATE TABLE victims (id bigint PRIMARY KEY);
    CREATE TABLE card (id bigint PRIMARY KEY);
    CREATE TABLE note (id bigint PRIMARY KEY, about_kind text, about_id bigint);
    CREATE TABLE mark (id bigint PRIMARY KEY, about_kind text, about_id bigint);
    CREATE INDEX note_about ON note (about_kind, about_id);
    CREATE INDEX mark_about ON mark (about_kind, about_id);
    INSERT INTO victims VALUES (1), (2), (-1);
    INSERT INTO card VALUES (1), (2);
    INSERT INTO note VALUES (10, 'victim', 1), (11, 'card', 1), (12, 'victim', 2), (13, NULL, 2), (14, 'victim', -1);
    INSERT INTO mark VALUES (20, 'victim', 1), (21, 'card', 1), (22, 'victim', 2), (23, NULL, 2), (24, 'victim', -1)";

const JOB: &str = "versioned/old";

async fn desk(database: besom_tests::TestDatabase, mode: &'static str, file: &str) -> Desk {
    let desk = Desk::with_file(database, file);
    desk.script(SCHEMA).await;
    desk.says(&["migrate"]);
    let component = Versioned {
        mode,
        ..Versioned::default()
    };
    place(desk.folder.path(), "plugin.wasm", &component.build());
    desk
}

/// Both victims go, each with what is about it: so many, in the rehearsal as in the run.
async fn only_its_own_go(desk: &Desk, along: i64) {
    desk.says(&["plugin", "install", "plugin.wasm"]);
    let dry = desk.json(&["run", JOB, "--dry-run", "--json"]);
    let ran = desk.json(&["run", JOB, "--json"]);

    for report in [&dry, &ran] {
        let url = &desk.database.url;
        assert_eq!(report[0]["affected"], 2, "{url} {report}");
        assert_eq!(report[0]["dependents"], along, "{url} {report}");
    }
    assert_eq!(desk.count("SELECT count(*) FROM card").await, 2);
    let notes = "SELECT count(*) FROM note WHERE id IN (11, 13, 14)";
    assert_eq!(desk.count(notes).await, 3);
    assert_eq!(desk.count("SELECT count(*) FROM note").await, 3);
    assert_eq!(desk.count("SELECT count(*) FROM mark").await, 5);
    let still = "SELECT count(*) FROM mark WHERE id IN (21, 23, 24) AND about_id IS NOT NULL";
    assert_eq!(desk.count(still).await, 3);
}

#[tokio::test]
async fn a_sweep_of_a_component_deletes_and_unlinks_rows_of_the_one_kind() {
    for database in both().await {
        let desk = desk(database, "kinds", FILE).await;
        only_its_own_go(&desk, 4).await;
        let gone = "SELECT count(*) FROM mark WHERE about_id IS NULL";
        assert_eq!(desk.count(gone).await, 2);
    }
}

#[tokio::test]
async fn a_reader_of_a_component_deletes_rows_of_the_one_kind() {
    for database in both().await {
        let desk = desk(database, "pages", FILE).await;
        only_its_own_go(&desk, 2).await;
    }
}

#[tokio::test]
async fn the_column_of_the_kind_has_to_be_granted_to_a_component_too() {
    for mode in ["kinds", "pages"] {
        for database in both().await {
            let file = FILE.replacen(", \"about_kind\"", "", 1);
            let desk = desk(database, mode, &file).await;

            let said = desk.run(&["plugin", "install", "plugin.wasm"]);

            assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
            let asked = "may not read column `about_kind` of table `note`";
            assert!(said.stdout.contains(asked), "{}", said.stdout);
            let said = desk.run(&["run", JOB]);
            assert_ne!(said.code, 0, "{}{}", said.stdout, said.stderr);
            assert_eq!(desk.count("SELECT count(*) FROM note").await, 5);
            assert_eq!(desk.count("SELECT count(*) FROM victims").await, 3);
        }
    }
}
