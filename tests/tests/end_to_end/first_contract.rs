//! A component that was built against version 1.0 of the contract, on a host of a later minor version.

use besom_tests::fixtures;

use crate::cli::{Desk, both, place};

const FILE: &str = "[store]\ninstall = \"any\"\n\
    [plugins.first-contract]\nsource = \"store\"\n\
    [plugins.first-contract.grant.account]\nread = [\"id\", \"over\"]\ndelete = true\n\
    [plugins.first-contract.grant.note]\nread = [\"about_id\"]\ndelete = true\n";

const SCHEMA: &str = "
    CREATE TABLE account (id bigint PRIMARY KEY, over boolean NOT NULL);
    CREATE TABLE note (id bigint PRIMARY KEY, about_id bigint REFERENCES account (id));
    CREATE INDEX note_about ON note (about_id);
    INSERT INTO account VALUES (1, TRUE), (2, FALSE), (3, TRUE);
    INSERT INTO note VALUES (10, 1), (11, 2), (12, 3), (13, 3)";

#[tokio::test]
async fn a_component_of_the_first_minor_version_is_shown_as_such_and_runs() {
    for database in both().await {
        let desk = Desk::with_file(database, FILE);
        desk.script(SCHEMA).await;
        desk.says(&["migrate"]);
        place(
            desk.folder.path(),
            "plugin.wasm",
            &fixtures::first_contract(),
        );

        let inside = desk.json(&["plugin", "inspect", "plugin.wasm", "--json"]);
        assert_eq!(inside["contract"], "besom:cleanup@1.0.0", "{inside:#}");

        desk.says(&["plugin", "install", "plugin.wasm"]);
        let done = desk.json(&["run", "first-contract/accounts", "--json"]);
        assert_eq!(done[0]["affected"], 2, "{done:#}");
        assert_eq!(done[0]["dependents"], 3, "{done:#}");
        assert_eq!(desk.count("SELECT count(*) FROM account").await, 1);
        assert_eq!(desk.count("SELECT count(*) FROM note").await, 1);
    }
}
