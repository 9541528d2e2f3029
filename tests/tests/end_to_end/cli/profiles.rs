//! A job of another profile than the one in force is not there.

use serde_json::Value;

use super::super::service::client::{Client, TOKEN};
use super::super::service::{Server, until};
use super::{Desk, both};

const MAS: &str = "[plugins.tokens]\nsettings = { profile = \"mas\" }\n";

const JOB: &str = "tokens/refresh-tokens";

/// The jobs in what a command prints as JSON.
fn jobs(printed: &Value) -> Vec<String> {
    let printed = printed.get("jobs").unwrap_or(printed).as_array().unwrap();
    let job = |one: &Value| one["job"].as_str().unwrap().to_owned();
    printed.iter().map(job).collect()
}

fn line_of(desk: &Desk, words: &str) -> usize {
    let text = std::fs::read_to_string(desk.folder.path().join("besom.toml")).unwrap();
    1 + text.lines().position(|line| line.contains(words)).unwrap()
}

#[tokio::test]
async fn it_is_in_no_list_and_leaves_nothing_in_the_ledger() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, MAS).await;

        let listed = [
            desk.json(&["check", "--json"]),
            desk.json(&["schedule", "--json"]),
            desk.json(&["run", "tokens", "--json"]),
        ];

        for listed in listed {
            let jobs = jobs(&listed);
            assert_eq!(jobs.len(), 7, "{jobs:?}");
            assert!(!jobs.contains(&JOB.to_owned()), "{jobs:?}");
        }
        let runs = "SELECT count(*) FROM besom_run WHERE job = 'refresh-tokens'";
        assert_eq!(desk.count(runs).await, 0);
        // What a component holds, whatever the file has of it.
        assert!(jobs_of_component(&desk).contains(&"refresh-tokens".to_owned()));
    }
}

fn jobs_of_component(desk: &Desk) -> Vec<String> {
    let plugins = desk.json(&["plugin", "list", "--json"]);
    let mut plugins = plugins.as_array().unwrap().iter();
    let tokens = plugins.find(|one| one["name"] == "tokens").unwrap();
    let jobs = tokens["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_names_it_is_told_of_the_profile_in_force_and_of_the_way_out_which_works() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, MAS).await;
        for command in [
            &["run", JOB][..],
            &["run", JOB, "--set", "profile=refresh-tokens"],
            &["explain", JOB],
            &["schedule", JOB],
            &["trigger", JOB],
        ] {
            let said = desk.run(command);

            assert_eq!(said.code, 2, "{command:?} {}", said.stderr);
            for words in [
                "`tokens/refresh-tokens` is of profile `refresh-tokens`".to_owned(),
                "profile = \"mas\" is in force".to_owned(),
                format!("besom.toml:{}: ", line_of(&desk, "profile")),
                "settings = { profile = \"refresh-tokens\" } under \
                 [plugins.tokens.jobs.refresh-tokens]"
                    .to_owned(),
            ] {
                assert!(said.stderr.contains(&words), "{words}: {}", said.stderr);
            }
        }

        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap()
            + "[plugins.tokens.jobs.refresh-tokens]\nsettings = { profile = \"refresh-tokens\" }\n";
        std::fs::write(file, text).unwrap();
        let ran = desk.json(&["run", JOB, "--json"]);
        assert!(ran[0]["affected"].as_u64().unwrap() > 0, "{ran}");
    }
}

#[tokio::test]
async fn a_file_that_speaks_of_it_serves_all_the_same_and_says_so() {
    let file = format!(
        "{MAS}[plugins.tokens.jobs.refresh-tokens]\nschedule = \"0 4 * * *\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n"
    );
    for database in both().await {
        let desk = Desk::with_schema(database, &file).await;
        let checked = desk.json(&["check", "--json"]);
        let found = checked["jobs"].as_array().unwrap().iter();
        let found: Vec<_> = found.filter(|one| one["job"] == JOB).collect();
        assert_eq!(found[0]["findings"][0]["code"], "other-profile");
        assert_eq!(found[0]["findings"][0]["severity"], "warning");

        let host = Server::start(&desk, "only");
        host.says("a job that the file names is not there").await;
        host.says("serving").await;
        let mut client = Client::to(&host, Some(TOKEN)).await;
        let listed = client.get("/v1/jobs").await.json();
        assert!(!jobs(&listed).contains(&JOB.to_owned()), "{listed}");
        let metrics = client.get("/metrics").await.body;
        assert!(!metrics.contains("job=\"refresh-tokens\""), "{metrics}");
        let path = "/v1/jobs/tokens/refresh-tokens/run";
        let asked = client.post(path, &serde_json::json!({})).await;
        assert_eq!(asked.status, 404, "{}", asked.body);
        assert!(asked.body.contains("is in force"), "{}", asked.body);

        // The file is changed, and it is there.
        let path_of_file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&path_of_file).unwrap();
        let text = text.replace("profile = \"mas\"", "profile = \"all\"");
        std::fs::write(path_of_file, text).unwrap();
        host.says("was read again and is in force").await;
        let asked = client.post(path, &serde_json::json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.body);
        let runs = "SELECT count(*) FROM besom_run WHERE job = 'refresh-tokens'";
        until("it to run", async || desk.count(runs).await == 1).await;
    }
}

#[tokio::test]
async fn a_profile_for_one_command_reaches_the_plugin_alone() {
    let desk = Desk::filled(besom_tests::sqlite(), 2_000, "[plugins.tokens]\n").await;

    let ran = desk.json(&["run", JOB, "--set", "profile=mas", "--json"]);

    assert_eq!(
        (&ran[0]["affected"], &ran[0]["outcome"]),
        (&0.into(), &"drained".into())
    );
}

#[tokio::test]
async fn a_profile_that_nobody_knows_is_refused_and_takes_no_job_away() {
    let file = "[plugins.tokens]\nsettings = { profile = \"msa\" }\n";
    let desk = Desk::with_schema(besom_tests::sqlite(), file).await;

    let said = desk.run(&["check"]);

    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(
        said.stdout.contains("tokens/refresh-tokens"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("msa"), "{}", said.stdout);
}

#[tokio::test]
async fn a_job_that_comes_behind_it_does_not_wait_for_what_is_left_of_it_in_the_queue() {
    for database in both().await {
        let file = "[plugins.sessions]\nenabled = false\n[plugins.tokens]\nenabled = false\n\
                    settings = { profile = \"all\" }\n";
        let desk = Desk::with_schema(database, file).await;
        desk.says(&["trigger", "tokens/authorization-grants"]);
        let path = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"all\"", "\"refresh-tokens\"")).unwrap();

        let _host = Server::start(&desk, "only");
        desk.says(&["trigger", "sessions/finished-oauth2"]);

        let ran = "SELECT count(*) FROM besom_run WHERE job =";
        let behind = format!("{ran} 'finished-oauth2'");
        until("it to run", async || desk.count(&behind).await == 1).await;
        let left_out = format!("{ran} 'authorization-grants'");
        assert_eq!(desk.count(&left_out).await, 0);
    }
}
