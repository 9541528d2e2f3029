//! Jobs of a plugin whose tables or columns this database does not have.

use besom_tests::TestDatabase;
use serde_json::{Value, json};

use super::super::least_privilege::Office;
use super::{Desk, both, place};

const PLAIN: &str = "[plugins.tokens]\n";

const JOB: &str = "tokens/refresh-tokens";
const ABSENT: &str = "tokens/revoked-access";

/// A database that has the tokens of one product of those that the plugin knows: one expired, one alive.
pub async fn desk(database: TestDatabase, file: &str) -> Desk {
    let desk = Desk::with_file(database, file);
    desk.script(&tables(&desk)).await;
    desk.says(&["migrate"]);
    desk
}

pub fn tables(desk: &Desk) -> String {
    let (types, expired, alive, no, yes) = match desk.database.url.starts_with("postgres") {
        true => (
            "id bigint PRIMARY KEY, revoked boolean NOT NULL, expires_at timestamptz NOT NULL",
            "now() - interval '10 days'",
            "now() + interval '10 days'",
            "false",
            "true",
        ),
        false => (
            "id INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, expires_at TEXT NOT NULL",
            "datetime('now', '-10 days')",
            "datetime('now', '10 days')",
            "0",
            "1",
        ),
    };
    format!(
        "CREATE TABLE refresh_tokens ({types}); \
         CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at); \
         CREATE INDEX refresh_tokens_revoked ON refresh_tokens (id) WHERE revoked = {yes}; \
         INSERT INTO refresh_tokens VALUES (1, {no}, {expired}), (2, {no}, {alive})"
    )
}

fn of(job: &str, list: &Value) -> Value {
    let list = list.get("jobs").unwrap_or(list).as_array().unwrap();
    let found: Vec<_> = list.iter().filter(|one| one["job"] == job).collect();
    assert_eq!(found.len(), 1, "{job} in {list:?}");
    found[0].clone()
}

const RUNS: &str = "SELECT count(*) FROM besom_run";

#[tokio::test]
async fn a_plugin_without_a_profile_works_on_a_database_that_has_some_of_its_tables() {
    for database in both().await {
        let desk = desk(database, PLAIN).await;

        let checked = desk.json(&["check", "--json"]);
        let jobs = checked["jobs"].as_array().unwrap();
        assert_eq!(jobs.len(), 8, "{checked}");
        for job in jobs.iter().filter(|job| job["job"] != JOB) {
            assert_eq!(
                (&job["refusal"], &job["findings"]),
                (&Value::Null, &json!([]))
            );
            let missing = job["absent"].as_str().unwrap();
            assert!(missing.ends_with("is not in this database"), "{missing}");
        }
        assert_eq!(
            of(ABSENT, &checked)["absent"],
            "table `oauth2_access_tokens` is not in this database"
        );
        assert_eq!(of(JOB, &checked)["absent"], Value::Null);
        let text = desk.says(&["check"]);
        let lines: Vec<_> = text.lines().filter(|line| line.contains(ABSENT)).collect();
        assert_eq!(lines.len(), 1, "{text}");
        let words = "absent  table `oauth2_access_tokens` is not in this database";
        assert!(lines[0].ends_with(words), "{text}");

        let said = desk.run(&["run", "tokens", "--json"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let told: Vec<_> = said
            .stderr
            .lines()
            .filter(|line| line.contains(ABSENT))
            .collect();
        assert_eq!(told.len(), 1, "{}", said.stderr);
        assert!(told[0].contains("is absent and left out: table `oauth2_access_tokens`"));
        let runs: Value = serde_json::from_str(&said.stdout).unwrap();
        let mut others = runs.as_array().unwrap().iter().skip(1);
        assert!(others.all(|job| job["outcome"] == "absent"), "{runs}");
        assert_eq!(runs[0]["affected"], 1, "{runs}");
        assert_eq!(desk.count(RUNS).await, 1);

        let schedule = desk.json(&["schedule", "--json"]);
        let line = of(ABSENT, &schedule);
        assert_eq!(
            (&line["idle"], &line["next"]),
            (&json!("absent"), &json!([]))
        );
        assert!(
            line["absent"]
                .as_str()
                .unwrap()
                .contains("oauth2_access_tokens")
        );
        assert_eq!(of(JOB, &schedule)["idle"], Value::Null);
        let text = desk.says(&["schedule", ABSENT]);
        assert!(
            text.contains("absent: table `oauth2_access_tokens`"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn who_names_an_absent_job_is_told_and_nothing_is_queued_or_recorded() {
    for database in both().await {
        let desk = desk(database, PLAIN).await;
        let words = "`tokens/revoked-access` is absent";
        for command in [
            &["run", ABSENT][..],
            &["explain", ABSENT],
            &["trigger", ABSENT],
            &["run", "tokens", ABSENT],
        ] {
            let said = desk.run(command);
            assert_eq!(said.code, 1, "{command:?} {}", said.stderr);
            assert!(said.stderr.contains(words), "{command:?} {}", said.stderr);
            let missing = "table `oauth2_access_tokens` is not in this database";
            assert!(said.stderr.contains(missing), "{command:?} {}", said.stderr);
        }
        assert_eq!(desk.count(RUNS).await, 1, "the one that is there");

        desk.says(&["trigger", "tokens"]);
        let queued = "SELECT count(*) FROM besom_queue WHERE job <> 'refresh-tokens'";
        assert_eq!(desk.count(queued).await, 0);
    }
}

#[tokio::test]
async fn a_job_is_absent_for_want_of_one_column_too() {
    for database in both().await {
        let desk = desk(database, PLAIN).await;
        desk.script(
            "DROP INDEX refresh_tokens_revoked; ALTER TABLE refresh_tokens RENAME COLUMN revoked TO gone",
        )
        .await;

        let said = desk.run(&["check", "--json"]);

        // Nothing is left of what the plugin knows.
        assert_eq!(said.code, 1, "{}", said.stderr);
        let checked: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(
            of(JOB, &checked)["absent"],
            "column `revoked` of table `refresh_tokens` is not in this database"
        );
        assert_eq!(desk.run(&["run", JOB]).code, 1);
        assert_eq!(desk.count("SELECT count(*) FROM refresh_tokens").await, 2);
    }
}

#[tokio::test]
async fn a_name_of_the_operators_that_is_not_there_stays_an_error() {
    for database in both().await {
        let desk = desk(database, PLAIN).await;
        let path = desk.folder.path().join("besom.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        for (setting, value, code) in [
            ("refresh-tokens-table", "refresh_tokenz", "unknown-table"),
            ("revoked-column", "is_revoked", "unknown-column"),
            ("expires-at-column", "EXPIRES", "unknown-column"),
        ] {
            let line = format!("settings = {{ {setting} = \"{value}\" }}\n");
            for table in ["", "[plugins.tokens.jobs.refresh-tokens]\n"] {
                std::fs::write(&path, format!("{before}{table}{line}")).unwrap();
                let said = desk.run(&["check", "--json"]);
                let checked: Value = serde_json::from_str(&said.stdout).unwrap();
                let job = of(JOB, &checked);
                assert_eq!(said.code, 1, "{line}{}", said.stdout);
                assert_eq!(job["absent"], Value::Null, "{line}");
                let findings = job["findings"].to_string();
                assert!(findings.contains(code), "{line}{findings}");
                let ran = desk.run(&["run", "tokens"]);
                assert_ne!(ran.code, 0, "{line}{}", ran.stderr);
                assert!(ran.stderr.contains(value), "{line}{}", ran.stderr);
            }
            std::fs::write(&path, &before).unwrap();
            let set = format!("{setting}={value}");
            let said = desk.run(&["run", JOB, "--set", &set]);
            assert_ne!(said.code, 0, "{set}");
            assert!(!said.stderr.contains("is absent"), "{set} {}", said.stderr);
        }
        let grant = "[plugins.tokens.grant.nothing]\nwhere = { tenant = \"a\" }\n";
        std::fs::write(&path, format!("{before}{grant}")).unwrap();
        let said = desk.run(&["check"]);
        assert_eq!(said.code, 2, "{}", said.stdout);
        assert!(
            said.stdout.contains("[plugins.tokens.grant.\"nothing\"]"),
            "{}",
            said.stdout
        );
        assert_eq!(desk.count("SELECT count(*) FROM refresh_tokens").await, 2);
    }
}

#[tokio::test]
async fn a_database_that_has_nothing_for_any_job_is_an_error() {
    for database in both().await {
        let desk = Desk::with_file(database, PLAIN);
        desk.says(&["migrate"]);
        let words = "no job has anything to do here: look whether this is the right database";

        let checked = desk.run(&["check"]);
        assert_eq!(checked.code, 1, "{}", checked.stdout);
        assert!(checked.stdout.contains(words), "{}", checked.stdout);
        let ran = desk.run(&["run", "tokens"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);

        // Also for what is due, as a job is that no run has followed since it was.
        let minutely =
            format!("{PLAIN}[plugins.tokens.jobs.revoked-access]\nschedule = \"* * * * *\"\n");
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(PLAIN, &minutely)).unwrap();
        let ran = desk.run(&["run", "--due"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn the_json_of_a_run_lists_what_is_absent_too() {
    for database in both().await {
        let desk = desk(database, PLAIN).await;
        let ran = desk.json(&["run", "tokens", "--json"]);
        let told = of(ABSENT, &ran);
        assert_eq!(told["outcome"], "absent", "{told}");
        let words = "table `oauth2_access_tokens` is not in this database";
        assert_eq!(told["absent"], words, "{told}");
        assert_eq!(of(JOB, &ran)["outcome"], "drained");
    }
}

/// What cannot be seen may well be there.
#[tokio::test]
async fn where_the_file_names_the_profile_a_table_that_is_out_of_sight_is_not_absent() {
    let named = "[plugins.tokens]\nsettings = { profile = \"refresh-tokens\" }\n";
    let desk = desk(besom_tests::postgres().await, named).await;

    // In another case.
    let tokens = "ALTER TABLE refresh_tokens RENAME TO";
    desk.script(&format!("{tokens} \"Refresh_Tokens\"")).await;
    let checked = desk.run(&["check", "--json"]).stdout;
    let job = of(JOB, &serde_json::from_str(&checked).unwrap());
    assert_eq!(job["absent"], Value::Null, "{job}");
    let back = tokens.replace("refresh_tokens", "\"Refresh_Tokens\"");
    desk.script(&format!("{back} refresh_tokens")).await;
    desk.script("CREATE SCHEMA auth; ALTER TABLE refresh_tokens SET SCHEMA auth")
        .await;

    // In a schema that the search path does not lead to.
    let checked = desk.run(&["check", "--json"]);
    let found: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(checked.code, 1);
    let job = of(JOB, &found);
    assert_eq!(job["absent"], Value::Null);
    let findings = job["findings"].to_string();
    assert!(
        findings.contains("did you mean `auth.refresh_tokens`?"),
        "{findings}"
    );

    // In one that the role may not use.
    let office = Office::of(desk, "besom_absent").await;
    let explained = office.run(&["explain", JOB, "--json"]);
    assert!(
        explained.stdout.contains("unknown-table"),
        "{}",
        explained.stderr
    );
    office.desk.script("DROP TABLE auth.refresh_tokens").await;
    let explained = office.run(&["explain", JOB, "--json"]);
    assert_eq!(explained.code, 1, "{}", explained.stdout);
    let words = "is absent: table `refresh_tokens` is not in this database";
    assert!(explained.stderr.contains(words), "{}", explained.stderr);
}

/// Many products have tables of these names, in a schema of their own.
#[tokio::test]
async fn where_it_does_not_such_a_table_is_somebody_elses() {
    let desk = desk(besom_tests::postgres().await, PLAIN).await;
    desk.script("CREATE SCHEMA auth; ALTER TABLE refresh_tokens SET SCHEMA auth")
        .await;
    let words = "table `refresh_tokens` is in no schema of the role's search path under that name";
    let absent = |said: &str| {
        let found: Value = serde_json::from_str(said).unwrap();
        of(JOB, &found)["absent"].as_str().unwrap_or("-").to_owned()
    };

    let told = absent(&desk.run(&["check", "--json"]).stdout);
    assert!(told.starts_with(words), "{told}");

    // The same where the role may not even look into it.
    let office = Office::of(desk, "besom_elsewhere").await;
    let said = office.run(&["explain", JOB, "--json"]);
    let told = format!("is absent: {words}");
    assert!(said.stderr.contains(&told), "{}", said.stderr);
}

#[tokio::test]
async fn a_third_partys_job_is_absent_but_for_what_its_grant_names() {
    let file = "[plugins.policy-data]\ncomponent = \"policy-data.wasm\"\n";
    let grant = "[plugins.policy-data.grant.policy_data]\ndelete = true\nall-rows = true\n";
    let read = "read = [\"policy_data_id\"]\n";
    for database in both().await {
        let desk = Desk::with_file(database, file);
        let component = besom_tests::fixtures::policy_data();
        place(desk.folder.path(), "policy-data.wasm", &component);
        desk.says(&["migrate"]);
        let path = desk.folder.path().join("besom.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        let explained = |more: &str| {
            std::fs::write(&path, format!("{before}{more}")).unwrap();
            desk.run(&["explain", "policy-data/superseded"])
        };
        let table = "is absent: table `policy_data` is not in this database";
        let column = "is absent: column `policy_data_id` of table `policy_data`";

        let said = explained("");
        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(said.stderr.contains(table), "{}", said.stderr);
        let said = explained(grant);
        assert_eq!(said.code, 2, "the grant is at fault: {}", said.stderr);

        desk.script("CREATE TABLE policy_data (id bigint PRIMARY KEY)")
            .await;
        let said = explained(grant);
        assert!(said.stderr.contains(column), "{}", said.stderr);
        let said = explained(&format!("{grant}{read}"));
        assert!(!said.stderr.contains("is absent"), "{}", said.stderr);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(told.contains("policy_data_id"), "{told}");
    }
}
