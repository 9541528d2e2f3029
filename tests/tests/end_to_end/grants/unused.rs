//! What the file says about tables and no job makes use of.

use std::collections::BTreeSet;

use crate::cli::{Desk, both, place};

/// The texts of `unused-grant`.
fn unused(desk: &Desk) -> BTreeSet<String> {
    let said = desk.run(&["check", "--json"]);
    let checked: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let jobs = checked["jobs"].as_array().unwrap().iter();
    assert!(
        jobs.clone().all(|job| job["refusal"].is_null()),
        "{checked:#}"
    );
    let findings = jobs.flat_map(|job| job["findings"].as_array().unwrap());
    let unused = findings.filter(|finding| finding["code"] == "unused-grant");
    unused
        .map(|finding| finding["message"].as_str().unwrap().to_owned())
        .collect()
}

const TABLES: &str = "CREATE TABLE victims (id bigint PRIMARY KEY, at bigint, kind text);
    CREATE TABLE hangers_on (id bigint PRIMARY KEY, of bigint REFERENCES victims (id) ON DELETE SET NULL);
    CREATE INDEX hangers_of ON hangers_on (of);
    CREATE TABLE bystanders (id bigint PRIMARY KEY, at bigint);";

#[tokio::test]
async fn each_right_that_no_job_needs_is_told_and_what_a_rule_needs_is_not() {
    for database in both().await {
        let file = "[plugins.versioned]\ncomponent = \"versioned.wasm\"\n\
             [plugins.versioned.grant.victims]\nread = [\"id\", \"kind\"]\nupdate = [\"at\"]\n\
             delete = true\nall-rows = true\nwhere = { kind = \"a\" }\n\
             [plugins.versioned.grant.hangers_on]\nupdate = [\"of\"]\nread = [\"id\", \"of\"]\n\
             [plugins.versioned.grant.bystanders]\ndelete = true\n";
        let desk = Desk::with_file(database, file);
        let component = besom_tests::fixtures::Versioned::default().build();
        place(desk.folder.path(), "versioned.wasm", &component);
        desk.script(TABLES).await;
        desk.says(&["migrate"]);

        let told = unused(&desk);

        let expected = [
            "the file grants `read` of `kind`, `update` of `at`, `all-rows` on `victims`, which no job of \
             `versioned` needs",
            "the file grants `read` of `id`, `of` on `hangers_on`, which no job of `versioned` needs",
            "the file grants `bystanders`, which no job of `versioned` touches",
        ];
        assert_eq!(told, expected.map(str::to_owned).into());
    }
}

#[tokio::test]
async fn a_bundled_plugin_is_told_of_what_it_needs_no_more_than_of_what_narrows_nothing() {
    for database in both().await {
        let file = "[plugins.tokens]\n\
             [plugins.tokens.grant.oauth2_access_tokens]\ndelete = true\nread = [\"access_token\"]\n\
             min-age = { column = \"created_at\", age = \"1h\" }\n\
             [plugins.tokens.grant.users]\nmin-age = { column = \"created_at\", age = \"1h\" }\n\
             [plugins.tokens.grant.grown]\ndelete = true\n";
        let desk = Desk::with_schema(database, file).await;
        desk.script(
            "CREATE TABLE grown (id bigint PRIMARY KEY, token uuid \
             REFERENCES oauth2_access_tokens (oauth2_access_token_id) ON DELETE CASCADE); \
             CREATE INDEX grown_token ON grown (token)",
        )
        .await;

        let told = unused(&desk);

        let expected = [
            "the file grants `read` of `access_token` on `oauth2_access_tokens`, which no job of `tokens` \
             needs",
            "the file grants `users`, which no job of `tokens` touches",
        ];
        assert_eq!(told, expected.map(str::to_owned).into());
    }
}

#[tokio::test]
async fn a_floor_on_a_table_that_is_only_looked_at_is_told() {
    for database in both().await {
        let desk = Desk::with_schema(
            database,
            "[plugins.tokens]\n[plugins.tokens.grant.compat_sessions]\n\
             min-age = { column = \"created_at\", age = \"1h\" }\n",
        )
        .await;

        let told = unused(&desk);

        let expected = "the file narrows what may be changed of `compat_sessions`, and no job of `tokens` \
                        changes a row of it";
        assert_eq!(told, [expected.to_owned()].into());
    }
}
