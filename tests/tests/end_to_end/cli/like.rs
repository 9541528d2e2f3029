//! The same job twice: a job of the file's own that runs the code of one of the plugin's.

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

const HOSTILE: &str = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
    [plugins.hostile.grant.others]\nread = [\"id\"]\ndelete = true\n\
    [plugins.hostile.jobs.second]\nlike = \"good\"\nsettings = { table = \"others\" }\n";

#[tokio::test]
async fn it_follows_the_job_that_it_is_like_to_its_new_name() {
    for database in both().await {
        let desk = Desk::with_file(database, HOSTILE);
        place(desk.folder.path(), "hostile.wasm", &hostile());
        desk.script(TABLES).await;
        desk.says(&["migrate"]);
        desk.says(&["run", "hostile/second"]);
        let later = hostile_describe(b"past");
        place(desk.folder.path(), "hostile.wasm", &later);

        let said = desk.run(&["run", "hostile/second", "--json"]);

        assert_eq!(said.code, 0, "{}", said.stderr);
        let place = "plugins.hostile.jobs.second.like: this job of `hostile` is called `fine` now: write \
                     like = \"fine\"";
        assert!(said.stderr.contains(place), "{}", said.stderr);
        let runs = "SELECT count(*) FROM besom_run WHERE job = 'second' AND state = 'drained' AND \
                    settings LIKE '%others%'";
        assert_eq!(desk.count(runs).await, 2);

        // Nor may a job of the file's own have the old name.
        change(&desk, |text| {
            text.replace(
                "jobs.second]\nlike = \"good\"",
                "jobs.good]\nlike = \"fine\"",
            )
        });
        let refused = desk.run(&["check"]);
        assert_eq!(refused.code, 2);
        let words = "`good` was the name of `fine`, a job of `hostile`";
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}

const STORE: &str = "[store]\ninstall = \"any\"\n[plugins.versioned]\nsource = \"store\"\n\
    [plugins.versioned.grant.victims]\nread = [\"id\"]\ndelete = true\n\
    [plugins.versioned.jobs.second]\nlike = \"old\"\n";

async fn installed(database: TestDatabase) -> Desk {
    let desk = Desk::with_file(database, STORE);
    desk.script(
        "CREATE TABLE victims (id bigint PRIMARY KEY); INSERT INTO victims VALUES (1), (2)",
    )
    .await;
    desk.says(&["migrate"]);
    install(&desk, &Versioned::at("1.0.0"));
    desk
}

fn install(desk: &Desk, version: &Versioned) {
    place(desk.folder.path(), "plugin.wasm", &version.build());
    let said = desk.run(&["plugin", "install", "plugin.wasm"]);
    let _ = said; // whether it is taken is what the tests look at
}

#[tokio::test]
async fn a_version_without_the_job_that_it_is_like_leaves_it_told_and_its_history_there() {
    for database in both().await {
        let desk = installed(database).await;
        desk.says(&["run", "versioned/second"]);

        install(
            &desk,
            &Versioned {
                job: "new",
                ..Versioned::at("2.0.0")
            },
        );

        let said = desk.run(&["check"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert!(
            said.stdout
                .contains("plugin `versioned` has no job `old` that this one could be like"),
            "{}",
            said.stdout
        );
        let shown = desk.json(&["runs", "list", "--job", "versioned/second", "--json"]);
        assert_eq!(shown.as_array().unwrap().len(), 1, "{shown}");
        desk.says(&["plugin", "rollback", "versioned"]);
        desk.says(&["run", "versioned/second"]);
    }
}

#[tokio::test]
async fn a_version_with_a_job_of_its_name_does_not_take_its_place() {
    for database in both().await {
        let desk = installed(database).await;

        install(
            &desk,
            &Versioned {
                job: "second",
                ..Versioned::at("2.0.0")
            },
        );

        let ran = desk.json(&["run", "versioned/second", "--json"]);
        assert_eq!(ran[0]["affected"], 2, "{ran}");
        let version = "SELECT count(*) FROM besom_run WHERE job = 'second' AND version = '1.0.0'";
        assert_eq!(desk.count(version).await, 1);
    }
}

#[tokio::test]
async fn an_installed_version_of_a_bundled_plugin_is_granted_it_as_the_binarys_own_is() {
    for database in both().await {
        let desk = desk(
            database,
            &format!("[store]\ninstall = \"any\"\n{FILE}{OWN}"),
        )
        .await;
        let mut bundled = besom_bundle::PLUGINS.iter();
        let tokens = bundled.find(|one| one.name == "tokens").unwrap();
        // The same version under another digest comes in by `--watch` alone.
        let other = besom_tests::fixtures::padded(tokens.component, 3);
        let folder = desk.folder.path().join("watched");
        std::fs::create_dir(&folder).unwrap();
        place(&folder, "tokens.wasm", &other);
        let mut host = Server::start_with(&desk, "only", &["--watch", "watched"]);
        host.says("the versions of plugins that the ledger names are in force")
            .await;
        desk.says(&["trigger", LIKE]);
        until("it to run", async || left(&desk, "api_tokens").await == 3).await;
        let digest = besom::plugin::Digest::of(&other).to_string();
        let ran = format!(
            "SELECT count(*) FROM besom_run WHERE job = 'api-tokens' AND digest = '{digest}'"
        );
        assert_eq!(desk.count(&ran).await, 1);
        host.kill();
    }
}

#[tokio::test]
async fn a_version_on_which_it_crashes_again_and_again_is_suspended_for_it_alone() {
    let file = "[plugins.hostile]\ncomponent = \"hostile.wasm\"\n\
        [plugins.hostile.grant.victims]\nread = [\"id\"]\ndelete = true\n\
        [plugins.hostile.jobs.second]\nlike = \"recursion\"\n";
    let desk = Desk::with_file(besom_tests::sqlite(), file);
    place(desk.folder.path(), "hostile.wasm", &hostile());
    desk.script(TABLES).await;
    desk.says(&["migrate"]);
    for _ in 0..3 {
        assert_eq!(desk.run(&["run", "hostile/second"]).code, 1);
    }

    let suspended = desk.run(&["run", "hostile/second"]);
    let words = "`hostile/second` is suspended on 1.0.0";
    assert!(suspended.stderr.contains(words), "{}", suspended.stderr);
    let other = desk.run(&["run", "hostile/recursion"]);
    assert!(
        !other.stderr.contains("is suspended on 1.0.0: it crashed"),
        "{}",
        other.stderr
    );
    assert!(other.stderr.contains("job recursion"), "{}", other.stderr);
}
