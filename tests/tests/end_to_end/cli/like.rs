//! The same job twice: a job of the file's own that runs the code of one of the plugin's.

mod versions;

use besom_tests::TestDatabase;
use besom_tests::fixtures::{Versioned, hostile, hostile_describe};
use serde_json::{Value, json};

use super::super::service::client::{Client, TOKEN};
use super::super::service::{Server, until};
use super::{Desk, both, place};

const FILE: &str = "[plugins.tokens]\nsettings = { profile = \"refresh-tokens\" }\n";

const OWN: &str = "[plugins.tokens.jobs.api-tokens]\nlike = \"refresh-tokens\"\nschedule = \"30 4 * * *\"\n\
    settings = { refresh-tokens-table = \"api_tokens\", retention = \"30d\" }\n";

const JOB: &str = "tokens/refresh-tokens";
const LIKE: &str = "tokens/api-tokens";

/// Two tables of one kind. In each, two tokens that expired ten days ago, three that did sixty days ago,
/// and one that lives.
pub(super) async fn desk(database: TestDatabase, file: &str) -> Desk {
    let postgres = database.url.starts_with("postgres");
    let types = match postgres {
        true => {
            "(id bigint PRIMARY KEY, revoked boolean NOT NULL, expires_at timestamptz NOT NULL)"
        }
        false => "(id INTEGER PRIMARY KEY, revoked INTEGER NOT NULL, expires_at TEXT NOT NULL)",
    };
    let ago = |days: i64| match postgres {
        true => format!("now() - interval '{days} days'"),
        false => format!("datetime('now', '{} days')", -days),
    };
    let desk = Desk::with_file(database, file);
    for table in ["refresh_tokens", "api_tokens"] {
        let (recently, long) = (ago(10), ago(60));
        let alive = ago(-30);
        desk.script(&format!(
            "CREATE TABLE {table} {types}; CREATE INDEX {table}_expires_at ON {table} (expires_at); \
             CREATE INDEX {table}_revoked ON {table} (id) WHERE revoked {}; \
             INSERT INTO {table} VALUES (1, {no}, {recently}), (2, {no}, {recently}), (3, {no}, {long}), \
             (4, {no}, {long}), (5, {no}, {long}), (6, {no}, {alive})",
            if postgres { "" } else { "= 1" },
            no = if postgres { "false" } else { "0" },
        ))
        .await;
    }
    desk.says(&["migrate"]);
    desk
}

pub(super) async fn left(desk: &Desk, table: &str) -> i64 {
    desk.count(&format!("SELECT count(*) FROM {table}")).await
}

pub(super) fn change(desk: &Desk, change: impl Fn(&str) -> String) {
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, change(&text)).unwrap();
}

fn of(job: &str, list: &Value) -> Value {
    let list = list.get("jobs").unwrap_or(list).as_array().unwrap();
    let found: Vec<_> = list.iter().filter(|one| one["job"] == job).collect();
    assert_eq!(found.len(), 1, "{job} in {list:?}");
    found[0].clone()
}

#[tokio::test]
async fn two_tables_of_one_kind_are_cleaned_by_jobs_with_retentions_and_runs_of_their_own() {
    for database in both().await {
        let desk = desk(database, &format!("{FILE}{OWN}")).await;

        let checked = desk.json(&["check", "--json"]);
        assert_eq!(of(JOB, &checked)["tables"], json!(["refresh_tokens"]));
        assert_eq!(of(LIKE, &checked)["tables"], json!(["api_tokens"]));
        let ran = desk.json(&["run", "tokens", "--json"]);

        assert_eq!(of(JOB, &ran)["affected"], 5, "{ran}");
        assert_eq!(of(LIKE, &ran)["affected"], 3, "{ran}");
        assert_eq!(left(&desk, "refresh_tokens").await, 1);
        assert_eq!(left(&desk, "api_tokens").await, 3);
        let again = desk.json(&["run", "tokens", "--json"]);
        assert_eq!(of(JOB, &again)["affected"], 0);
        assert_eq!(of(LIKE, &again)["affected"], 0);
        for job in [JOB, LIKE] {
            let shown = desk.json(&["runs", "list", "--job", job, "--json"]);
            assert_eq!(shown.as_array().unwrap().len(), 2, "{shown}");
        }
        let schedule = desk.json(&["schedule", "--json"]);
        assert_eq!(of(JOB, &schedule)["schedule"], "0 3 * * *");
        assert_eq!(of(LIKE, &schedule)["schedule"], "30 4 * * *");
        assert_eq!(of(LIKE, &schedule)["source"], "file");
        let explained = desk.json(&["explain", LIKE, "--json"]);
        assert_eq!(explained["job"], LIKE);
        let explained = explained["sweeps"].to_string();
        assert!(
            explained.contains("api_tokens") && !explained.contains("refresh_tokens"),
            "{explained}"
        );
    }
}

#[tokio::test]
async fn it_has_the_schedule_of_the_job_that_it_is_like_until_it_is_given_one() {
    let file = format!("{FILE}{}", OWN.replace("schedule = \"30 4 * * *\"\n", ""));
    let desk = desk(besom_tests::sqlite(), &file).await;
    let schedule = desk.json(&["schedule", LIKE, "--json"]);
    assert_eq!(of(LIKE, &schedule)["schedule"], "0 3 * * *");
    assert_eq!(of(LIKE, &schedule)["source"], "plugin");
}

#[tokio::test]
async fn it_has_a_budget_a_floor_and_a_pause_of_its_own() {
    for database in both().await {
        let file = format!("{FILE}{OWN}").replace("schedule =", "max-rows-per-run = 2\nschedule =");
        let desk = desk(database, &file).await;

        desk.says(&["pause", LIKE]);
        let refused = desk.run(&["run", LIKE]);
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("`tokens/api-tokens` is paused"),
            "{}",
            refused.stderr
        );
        desk.says(&["run", JOB]);
        assert_eq!(left(&desk, "refresh_tokens").await, 1);
        assert_eq!(left(&desk, "api_tokens").await, 6);

        desk.says(&["resume", LIKE]);
        let suspended = desk.run(&["run", LIKE]);
        assert_eq!(
            suspended.code, 3,
            "{}{}",
            suspended.stdout, suspended.stderr
        );
        assert_eq!(left(&desk, "api_tokens").await, 4, "two rows a run");

        change(&desk, |text| {
            text.replace("max-rows-per-run = 2", "min-retention = \"31d\"")
        });
        let refused = desk.run(&["run", LIKE]);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("retention"), "{}", refused.stderr);
        assert_eq!(left(&desk, "api_tokens").await, 4);
    }
}

#[tokio::test]
async fn a_service_runs_both_and_takes_the_second_up_and_gives_it_up_with_the_file() {
    let http = format!("[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n");
    for database in both().await {
        let desk = desk(database, &format!("{http}{FILE}")).await;
        let host = Server::start(&desk, "only");
        host.says("serving").await;
        assert_eq!(desk.run(&["trigger", LIKE]).code, 2);

        change(&desk, |text| format!("{text}{OWN}"));
        host.says("was read again and is in force").await;
        desk.says(&["trigger", LIKE]);
        desk.says(&["trigger", JOB]);
        until("both to be done", async || {
            left(&desk, "refresh_tokens").await == 1 && left(&desk, "api_tokens").await == 3
        })
        .await;
        let over = "SELECT count(*) FROM besom_run WHERE state = 'drained' AND \
                    job IN ('api-tokens', 'refresh-tokens')";
        until("both runs to be over", async || desk.count(over).await == 2).await;
        let mut client = Client::to(&host, Some(TOKEN)).await;
        let listed = client.get("/v1/jobs").await.json();
        let like = of(LIKE, &listed);
        assert!(
            like["about"]
                .as_str()
                .unwrap()
                .starts_with("Like `refresh-tokens`: "),
            "{like}"
        );
        assert_eq!(like["schedule"], "30 4 * * *");
        let success = "last_success_timestamp_seconds{plugin=\"tokens\",job=\"api-tokens\"}";
        let metrics = client.get("/metrics").await.body;
        assert!(metrics.contains(success), "{metrics}");

        change(&desk, |text| text.replace(OWN, ""));
        let again = "was read again and is in force";
        until("it to be gone", async || {
            host.log().matches(again).count() == 2
        })
        .await;
        assert_eq!(desk.run(&["trigger", LIKE]).code, 2);
        let listed = client.get("/v1/jobs").await.body;
        assert!(!listed.contains("api-tokens"), "{listed}");
        // Nobody waits for its next success; what it did stays on record.
        let metrics = client.get("/metrics").await.body;
        assert!(!metrics.contains(success), "{metrics}");
        let shown = desk.json(&["runs", "list", "--job", LIKE, "--json"]);
        assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
    }
}

#[tokio::test]
async fn a_slip_in_the_name_that_it_is_like_is_told_with_line_and_way_out_and_the_others_run() {
    for database in both().await {
        let desk = desk(database, &format!("{FILE}{OWN}")).await;
        let host = Server::start(&desk, "only");
        host.says("serving").await;

        change(&desk, |text| {
            text.replace("like = \"refresh-tokens\"", "like = \"refresh-token\"")
        });

        let words = "plugin `tokens` has no job `refresh-token` that this one could be like; did you \
                     mean like = \"refresh-tokens\"?";
        let place = "plugins.tokens.jobs.api-tokens.like: ";
        for (command, code) in [
            (&["check"][..], 2),
            (&["run", LIKE], 2),
            (&["run", "tokens"], 1),
            (&["run", "--all"], 1),
            (&["run", "--due"], 2),
            (&["trigger", "tokens"], 1),
            (&["schedule"], 1),
        ] {
            let said = desk.run(command);
            let all = format!("{}{}", said.stdout, said.stderr);
            assert_eq!(said.code, code, "{command:?} {all}");
            for words in [words, place, "besom.toml:"] {
                assert!(all.contains(words), "{command:?} {words}: {all}");
            }
        }
        assert_eq!(left(&desk, "refresh_tokens").await, 1, "the other ran");
        assert_eq!(left(&desk, "api_tokens").await, 6);
        host.says("the configuration before stays in force").await;
        host.says(words).await;
        drop(host);

        let host = Server::start(&desk, "other");
        host.says("the job cannot run: ").await;
        host.says(words).await;
    }
}

#[tokio::test]
async fn a_name_of_the_plugins_own_is_refused_with_its_line() {
    let own = "[plugins.tokens.jobs.revoked-access]\nlike = \"refresh-tokens\"\n";
    let desk = desk(besom_tests::sqlite(), &format!("{FILE}{own}")).await;
    for command in [&["check"][..], &["run", "tokens"], &["schedule"]] {
        let said = desk.run(command);
        assert_eq!(said.code, 2, "{}", said.stderr);
        for words in [
            "plugins.tokens.jobs.revoked-access.like: `revoked-access` is a job of `tokens`",
            "[plugins.tokens.jobs.another-name]",
        ] {
            assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
        }
    }
    assert_eq!(left(&desk, "refresh_tokens").await, 6);
}

#[tokio::test]
async fn like_a_job_of_another_profile_it_is_there_under_a_profile_of_its_own_alone() {
    let file = format!("{}{OWN}", FILE.replace("refresh-tokens", "mas"));
    let desk = desk(besom_tests::sqlite(), &file).await;
    let said = desk.run(&["run", LIKE]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(
        said.stderr.contains(
            "`tokens/api-tokens` is like `refresh-tokens`, which is of profile `refresh-tokens`"
        ),
        "{}",
        said.stderr
    );
    let way_out = "to have it run, have profile = \"refresh-tokens\" among the `settings` of \
                   [plugins.tokens.jobs.api-tokens]";
    assert!(said.stderr.contains(way_out), "{}", said.stderr);

    change(&desk, |text| {
        text.replace(
            "settings = { refresh-tokens-table",
            "settings = { profile = \"refresh-tokens\", refresh-tokens-table",
        )
    });
    let ran = desk.json(&["run", LIKE, "--json"]);
    assert_eq!(ran[0]["affected"], 3);
}

const POLICY: &str = "[plugins.policy-data]\ncomponent = \"policy-data.wasm\"\n\
    settings = { key-column = \"id\", table = \"victims\", keep = 1 }\n\
    [plugins.policy-data.grant.victims]\nread = [\"id\"]\ndelete = true\nall-rows = true\n\
    [plugins.policy-data.jobs.second]\nlike = \"superseded\"\nsettings = { table = \"others\" }\n";

const OTHERS: &str =
    "[plugins.policy-data.grant.others]\nread = [\"id\"]\ndelete = true\nall-rows = true\n";

/// Two rows in one table, three in the other.
const TABLES: &str = "CREATE TABLE victims (id bigint NOT NULL PRIMARY KEY); INSERT INTO victims VALUES (1), (2); \
    CREATE TABLE others (id bigint NOT NULL PRIMARY KEY); INSERT INTO others VALUES (1), (2), (3)";

#[tokio::test]
async fn a_third_partys_job_is_had_twice_under_its_grant() {
    for database in both().await {
        let desk = Desk::with_file(database, POLICY);
        let component = besom_tests::fixtures::policy_data();
        place(desk.folder.path(), "policy-data.wasm", &component);
        desk.script(TABLES).await;
        desk.says(&["migrate"]);

        let denied = desk.run(&["run", "policy-data/second"]);
        assert_eq!(denied.code, 2, "{}", denied.stderr);
        for words in ["policy-data/second", "[plugins.policy-data.grant.others]"] {
            assert!(denied.stderr.contains(words), "{words}: {}", denied.stderr);
        }
        assert_eq!(left(&desk, "others").await, 3);

        change(&desk, |text| format!("{text}{OTHERS}"));
        let ran = desk.json(&["run", "policy-data", "--json"]);
        assert_eq!(of("policy-data/superseded", &ran)["affected"], 1, "{ran}");
        assert_eq!(of("policy-data/second", &ran)["affected"], 2, "{ran}");
        assert_eq!(left(&desk, "others").await, 1);
    }
}
