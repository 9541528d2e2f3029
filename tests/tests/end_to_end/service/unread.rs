//! Rows that stay because a value cannot be read are told by whoever is asked.

use besom_tests::{postgres, sqlite};
use serde_json::Value;

use super::super::cli::Desk;
use super::client::{Client, TOKEN};
use super::exposition::read;
use super::{Server, until};

const JOB: &str = "sessions/expired";

/// Logins of an application, seven of which end at no time that there is.
async fn desk(database: besom_tests::TestDatabase) -> Desk {
    let file = format!(
        "[plugins.sessions]\nsettings = {{ profile = \"server-sessions\", sessions-table = \"app_logins\", \
         sessions-absolute-expires-at-column = \"ends_at\" }}\n\
         [plugins.sessions.jobs.expired]\nenabled = true\nschedule = \"0 0 1 1 *\"\n\
         [time-forms]\n\"app_logins.ends_at\" = \"rfc3339\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n"
    );
    let desk = Desk::with_file(database, &file);
    desk.script(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at text);
         CREATE INDEX logins_end ON app_logins (ends_at);
         INSERT INTO app_logins WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 27)
         SELECT n, CASE WHEN n <= 20 THEN '2025-01-05T03:04:05Z' ELSE 'soon' END FROM n",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

/// What the service says of the job: its latest run, itself, and the metric; once so many runs have drained.
async fn told(server: &Server, runs: usize) -> (Value, Value, f64) {
    until("the run to be told", async || {
        asked(server, runs).await.is_some()
    })
    .await;
    asked(server, runs).await.unwrap()
}

async fn asked(server: &Server, runs: usize) -> Option<(Value, Value, f64)> {
    let mut client = Client::to(server, Some(TOKEN)).await;
    let listed = client.get(&format!("/v1/runs?job={JOB}")).await.json();
    let listed = listed.as_array().unwrap();
    let drained = listed.iter().filter(|run| run["outcome"] == "drained");
    if drained.count() < runs {
        return None;
    }
    let jobs = client.get("/v1/jobs").await.json();
    let mut jobs = jobs.as_array().unwrap().iter();
    let job = jobs.find(|job| job["job"] == JOB).unwrap().clone();
    let metrics = read(&client.get("/metrics").await.body);
    let (plugin, name) = JOB.split_once('/').unwrap();
    let rows = metrics["besom_unread_rows"].sum(&[("plugin", plugin), ("job", name)]);
    Some((listed[0].clone(), job, rows?))
}

#[tokio::test]
async fn rows_with_a_time_that_is_not_read_are_in_the_metric_the_runs_and_the_jobs() {
    for database in [postgres().await, sqlite()] {
        let desk = desk(database).await;
        let server = Server::start(&desk, "only");
        server.says("the ledger answers").await;

        desk.says(&["trigger", JOB]);
        let (run, job, rows) = told(&server, 1).await;

        let words = "unverified: 7 rows of `app_logins.ends_at` hold a time that is not read, such as 'soon'";
        assert_eq!(
            (&run["verification"], &run["verified"]),
            (&words.into(), &Value::Null)
        );
        assert_eq!(run["remains"][0]["unread"], 7, "{run}");
        assert_eq!(
            run["remains"][0]["unread_of"]["app_logins.ends_at"]["rows"], 7,
            "{run}"
        );
        assert_eq!(job["last"]["verification"], words, "{job}");
        assert_eq!(rows, 7.0);
        let id = run["run"].as_str().unwrap();
        let mut client = Client::to(&server, Some(TOKEN)).await;
        let shown = client.get(&format!("/v1/runs/{id}")).await.json();
        assert_eq!(shown["remains"], run["remains"]);

        desk.script(
            "UPDATE app_logins SET ends_at = '2999-01-01T00:00:00Z' WHERE ends_at = 'soon'",
        )
        .await;
        desk.says(&["trigger", JOB]);
        until("none to be left", async || {
            let (run, job, rows) = told(&server, 2).await;
            run["verified"] == true
                && job["last"]["verification"] == run["verification"]
                && rows == 0.0
        })
        .await;
    }
}
