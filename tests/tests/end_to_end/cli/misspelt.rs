//! A job whose name the file has wrong: the one that was meant runs with its defaults, so whoever looks is told.

use serde_json::{Value, json};

use super::super::service::client::{Client, TOKEN};
use super::super::service::{Server, until};
use super::like::{change, desk, left};
use super::{Desk, both};

const JOB: &str = "tokens/refresh-tokens";
const MISSPELT: &str = "tokens/refresh-token";

const FILE: &str = "[plugins.tokens]\nsettings = { profile = \"refresh-tokens\" }\n\
    [plugins.tokens.jobs.refresh-token]\nsettings = { retention = \"90d\" }\n";

const WHY: &str = "plugin `tokens` has no such job; it has: ";

/// The command ends with this code, and tells the name with its line once.
fn told(desk: &Desk, command: &[&str], code: i32) -> String {
    let said = desk.run(command);
    assert_eq!(
        said.code, code,
        "{command:?} {}{}",
        said.stdout, said.stderr
    );
    assert_eq!(said.stderr.matches(WHY).count(), 1, "{}", said.stderr);
    for words in [
        MISSPELT,
        "besom.toml:",
        "plugins.tokens.jobs.refresh-token: ",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    said.stdout
}

#[tokio::test]
async fn each_command_that_would_meet_it_tells_it_and_the_others_run() {
    for database in both().await {
        let desk = desk(database, FILE).await;

        told(&desk, &["run", "--due"], 1);
        assert_eq!(left(&desk, "refresh_tokens").await, 1, "the other ran");
        let ran = told(&desk, &["run", "--all", "--json"], 1);
        let ran: Value = serde_json::from_str(&ran).unwrap();
        assert_eq!(ran[0]["job"], JOB);
        assert_eq!(ran[0]["outcome"], "drained");
        assert_eq!(ran[1]["job"], MISSPELT);
        assert_eq!(ran[1]["outcome"], "refused");
        assert_eq!(ran[1]["codes"], json!(["unknown-job"]));
        let queued = told(&desk, &["trigger", "tokens"], 1);
        assert!(queued.contains("tokens/refresh-tokens queued"), "{queued}");
        let schedule = told(&desk, &["schedule"], 1);
        assert!(schedule.contains(JOB), "{schedule}");
        told(&desk, &["schedule", "tokens"], 1);

        // Where nothing is due, nothing has happened.
        told(&desk, &["run", "--due"], 2);
        // Who names another job has not been about to meet it.
        for command in [&["run", JOB][..], &["trigger", JOB], &["schedule", JOB]] {
            let said = desk.run(command);
            assert_eq!(
                (said.code, said.stderr.contains(WHY)),
                (0, false),
                "{command:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_has_it_among_the_refused_until_it_is_mended() {
    let service = format!(
        "[schedule]\nlook-every = \"1s\"\n[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n"
    );
    for database in both().await {
        let desk = desk(database, &format!("{service}{FILE}")).await;
        let host = Server::start(&desk, "only");
        let get = async |path: &str| Client::to(&host, Some(TOKEN)).await.get(path).await;

        host.says("the job cannot run: ").await;
        host.says(WHY).await;
        let ready = get("/readyz").await;
        assert_eq!(ready.status, 200);
        let refused = json!([{ "job": MISSPELT, "codes": ["unknown-job"] }]);
        assert_eq!(ready.json()["refused"], refused);
        let jobs = get("/v1/jobs").await.json();
        let jobs = jobs.as_array().unwrap();
        let told = jobs.iter().find(|one| one["job"] == MISSPELT).unwrap();
        assert_eq!(
            (&told["runnable"], &told["next"]),
            (&json!(false), &Value::Null)
        );
        let why = told["refused"]["why"].as_str().unwrap();
        assert!(why.contains(WHY) && why.contains("besom.toml:"), "{why}");
        let metric = "besom_job_runnable{plugin=\"tokens\",job=\"refresh-token\"} 0";
        let metrics = get("/metrics").await.body;
        assert!(metrics.contains(metric), "{metrics}");

        change(&desk, |text| {
            text.replace("refresh-token]", "refresh-tokens]")
        });
        until("it to be mended", async || {
            get("/readyz").await.json()["refused"] == json!([])
        })
        .await;
        let metrics = get("/metrics").await.body;
        assert!(!metrics.contains("job=\"refresh-token\""), "{metrics}");
        assert_eq!(host.log().matches(WHY).count(), 1, "{}", host.log());
    }
}
