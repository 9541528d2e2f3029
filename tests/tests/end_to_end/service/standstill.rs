//! A job whose runs get nowhere is told by whoever is asked.

use besom_tests::{postgres, sqlite};

use super::super::cli::Desk;
use super::client::{Client, TOKEN, with_token};
use super::exposition::read;
use super::{JOB, Server, revoked, until};

#[tokio::test]
async fn runs_that_change_nothing_are_told_by_the_record_the_metric_and_the_list_of_jobs() {
    for database in [postgres().await, sqlite()] {
        let seldom =
            "[plugins.tokens.jobs.revoked-access]\nenabled = true\nschedule = \"0 0 1 1 *\"\n";
        let desk = Desk::filled(database, 2_000, &(with_token() + seldom)).await;
        revoked(&desk).await;
        desk.script(match desk.database.url.starts_with("postgres") {
            true => {
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'undefined_function'; END $$;
                 CREATE TRIGGER no AFTER DELETE ON oauth2_access_tokens FOR EACH ROW EXECUTE FUNCTION no()"
            }
            false => {
                "CREATE TRIGGER no AFTER DELETE ON oauth2_access_tokens BEGIN INSERT INTO nowhere VALUES (1); END"
            }
        })
        .await;
        for _ in 0..3 {
            assert_eq!(desk.run(&["run", JOB]).code, 1);
        }

        let runs = desk.json(&["runs", "list", "--job", JOB, "--json"]);
        assert_eq!(runs[0]["runs_without_progress"], 3, "{runs:#}");
        let shown = desk.says(&["runs", "show", runs[0]["run"].as_str().unwrap()]);
        assert!(shown.contains("no progress for 3 runs"), "{shown}");
        let server = Server::start(&desk, "only");
        server.says("the ledger answers").await;
        until("the list of jobs to tell it", async || {
            let mut client = Client::to(&server, Some(TOKEN)).await;
            let answer = client.get("/v1/jobs").await;
            let jobs: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let mut jobs = jobs.as_array().unwrap().iter();
            let job = jobs.find(|job| job["job"] == JOB).unwrap();
            job["runs_without_progress"] == 3
        })
        .await;
        let metrics = Client::to(&server, Some(TOKEN)).await.get("/metrics").await;
        let metrics = read(&metrics.body);
        let (plugin, job) = JOB.split_once('/').unwrap();
        let stuck = &metrics["besom_job_runs_without_progress"];
        assert_eq!(stuck.sum(&[("plugin", plugin), ("job", job)]), Some(3.0));

        desk.script(match desk.database.url.starts_with("postgres") {
            true => "DROP TRIGGER no ON oauth2_access_tokens",
            false => "DROP TRIGGER no",
        })
        .await;
        desk.says(&["trigger", JOB]);
        until("it to be over", async || {
            let metrics = Client::to(&server, Some(TOKEN)).await.get("/metrics").await;
            let metrics = read(&metrics.body);
            let stuck = &metrics["besom_job_runs_without_progress"];
            stuck.sum(&[("plugin", plugin), ("job", job)]) == Some(0.0)
        })
        .await;
    }
}
