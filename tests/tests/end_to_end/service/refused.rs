//! A job that cannot run is told when that begins and when it is over, and the others run.

use serde_json::{Value, json};

use super::super::cli::refused::notes;
use super::super::cli::{Desk, absent, place};
use super::client::{Client, TOKEN};
use super::reload::rewrite;
use super::{Server, everywhere, exposition, until};

const JOB: &str = "recovery/password-resets";

const OTHER: &str = "recovery/registrations";

/// Nothing is due for months.
const YEARLY: &str = "enabled = true\nschedule = \"0 0 1 1 *\"\n";

/// A look is never far.
fn file() -> String {
    format!(
        "[schedule]\nlook-every = \"1s\"\n[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n\
         [plugins.recovery]\nenabled = false\n\
         [plugins.recovery.jobs.password-resets]\n{YEARLY}\
         [plugins.recovery.jobs.registrations]\n{YEARLY}"
    )
}

async fn get(server: &Server, path: &str) -> (u16, Value) {
    let answer = Client::to(server, Some(TOKEN)).await.get(path).await;
    (answer.status, answer.json())
}

async fn of_job(server: &Server, job: &str) -> Value {
    let (_, jobs) = get(server, "/v1/jobs").await;
    let mut jobs = jobs.as_array().unwrap().iter();
    jobs.find(|one| one["job"] == job).unwrap().clone()
}

/// The metric of a job; `None`: it has no series.
async fn runnable(server: &Server, job: &str) -> Option<f64> {
    let answer = Client::to(server, Some(TOKEN)).await.get("/metrics").await;
    let metrics = exposition::read(&answer.body);
    let (plugin, job) = job.split_once('/').unwrap();
    let labels = [("plugin", plugin), ("job", job)];
    metrics.get("besom_job_runnable")?.sum(&labels)
}

fn times(server: &Server, words: &str) -> usize {
    let log = server.log();
    log.lines().filter(|line| line.contains(words)).count()
}

#[tokio::test]
async fn a_job_that_cannot_run_is_told_until_it_can_and_the_others_run() {
    for database in everywhere().await {
        let desk = Desk::filled(database, 2_000, &file()).await;
        notes(&desk).await;
        let server = Server::start(&desk, "only");

        server.says("the job cannot run").await;
        until("the other job to be looked at", async || {
            runnable(&server, OTHER).await == Some(1.0)
        })
        .await;
        assert_eq!(runnable(&server, JOB).await, Some(0.0));
        let (status, ready) = get(&server, "/readyz").await;
        assert_eq!((status, &ready["ready"]), (200, &json!(true)));
        assert_eq!(
            ready["refused"],
            json!([{ "job": JOB, "codes": ["denied"] }])
        );
        let told = of_job(&server, JOB).await;
        assert_eq!(told["runnable"], json!(false));
        assert_eq!(told["refused"]["codes"], json!(["denied"]));
        let why = told["refused"]["why"].as_str().unwrap();
        assert!(why.contains("`notes`"), "{why}");
        let other = of_job(&server, OTHER).await;
        assert_eq!(
            (&other["runnable"], &other["refused"]),
            (&json!(true), &Value::Null)
        );

        // One that is asked for is on record as refused, and that is not told anew; the other one runs.
        for job in [JOB, OTHER] {
            desk.says(&["trigger", job]);
        }
        until("both to be over", async || {
            desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
                .await
                == 0
        })
        .await;
        for (job, state) in [("password-resets", "failed"), ("registrations", "drained")] {
            let ran =
                format!("SELECT count(*) FROM besom_run WHERE job = '{job}' AND state = '{state}'");
            assert_eq!(desk.count(&ran).await, 1, "{job}");
        }
        // Some looks later.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert_eq!(times(&server, "the job cannot run"), 1, "{}", server.log());

        desk.script("DROP TABLE notes").await;
        server.says("the job can run again").await;
        assert_eq!(runnable(&server, JOB).await, Some(1.0));
        let (status, ready) = get(&server, "/readyz").await;
        assert_eq!((status, &ready["refused"]), (200, &json!([])));
        assert_eq!(of_job(&server, JOB).await["refused"], Value::Null);
    }
}

#[tokio::test]
async fn the_lines_for_several_jobs_are_told_once_and_let_them_all_run() {
    let both = file() + &format!("[plugins.recovery.jobs.recovery-sessions]\n{YEARLY}");
    let desk = Desk::filled(besom_tests::sqlite(), 2_000, &both).await;
    notes(&desk).await;
    let server = Server::start(&desk, "only");
    server.says("write in besom.toml").await;
    assert_eq!(times(&server, "the job cannot run"), 2, "{}", server.log());
    let log = server.log();
    assert_eq!(log.matches("[plugins.").count(), 1, "{log}");

    // A job's own words have no lines that would collide with another one's.
    let blocks = [JOB, "recovery/recovery-sessions"].map(async |job| {
        let refused = of_job(&server, job).await["refused"].clone();
        let why = refused["why"].as_str().unwrap();
        assert!(
            why.contains("`notes`") && !why.contains("[plugins."),
            "{why}"
        );
        refused["allowed_by"].as_str().unwrap().to_owned()
    });
    let [one, other] = blocks;
    let (one, other) = (one.await, other.await);
    assert_eq!(one, other);
    assert!(log.contains(&one), "{one}");

    // From the first line of a table to the next line of the log.
    let (_, block) = log.split_once("\n[plugins.").unwrap();
    let lines = block.lines().take_while(|line| !line.starts_with("20"));
    let lines: Vec<_> = lines.collect();
    rewrite(&desk, |text| {
        format!("{text}\n[plugins.{}\n", lines.join("\n"))
    });

    until("both to be told to run again", async || {
        times(&server, "the job can run again") == 2
    })
    .await;
    let (_, ready) = get(&server, "/readyz").await;
    assert_eq!(ready["refused"], json!([]));
}

#[tokio::test]
async fn another_file_is_looked_at_with_at_once_and_a_job_that_it_leaves_out_is_forgotten() {
    let desk = Desk::filled(besom_tests::sqlite(), 2_000, &file()).await;
    rewrite(&desk, |text| {
        text.replace("look-every = \"1s\"", "look-every = \"1d\"")
    });
    notes(&desk).await;
    let server = Server::start(&desk, "only");
    server.says("the job cannot run").await;
    until("the first look to be over", async || {
        runnable(&server, OTHER).await.is_some()
    })
    .await;

    // The next look is a day away but for this.
    desk.script("DROP TABLE notes").await;
    rewrite(&desk, |text| format!("{text}\n# read again\n"));
    server.says("the job can run again").await;

    rewrite(&desk, |text| {
        text.replacen("enabled = true", "enabled = false", 1)
    });
    until("the job to be forgotten", async || {
        runnable(&server, JOB).await.is_none()
    })
    .await;
    assert_eq!(runnable(&server, OTHER).await, Some(1.0));
}

#[tokio::test]
async fn a_job_that_is_absent_is_neither_runnable_nor_refused() {
    let job = "tokens/revoked-access";
    for database in everywhere().await {
        let plain = format!(
            "[schedule]\nlook-every = \"1s\"\n[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n\
             [plugins.tokens]\nenabled = false\n\
             [plugins.tokens.jobs.revoked-access]\n{YEARLY}\
             [plugins.tokens.jobs.refresh-tokens]\n{YEARLY}"
        );
        let desk = absent::desk(database, &plain).await;
        let server = Server::start(&desk, "only");

        server
            .says("the job is absent: table `oauth2_access_tokens`")
            .await;
        until("the one that is there to be looked at", async || {
            runnable(&server, "tokens/refresh-tokens").await == Some(1.0)
        })
        .await;
        assert_eq!(runnable(&server, job).await, None);
        let (status, ready) = get(&server, "/readyz").await;
        assert_eq!((status, &ready["refused"]), (200, &json!([])));
        assert_eq!(ready["absent"], json!([job]));
        let told = of_job(&server, job).await;
        assert_eq!(
            (&told["runnable"], &told["refused"]),
            (&Value::Null, &Value::Null)
        );
        let missing = "table `oauth2_access_tokens` is not in this database";
        assert_eq!(told["absent"], missing);
        assert!(!server.log().contains("WARN"), "{}", server.log());
    }
}

#[tokio::test]
async fn a_job_that_becomes_absent_while_it_is_served_is_a_warning_and_in_a_list() {
    let job = "tokens/refresh-tokens";
    for database in everywhere().await {
        let plain = format!(
            "[schedule]\nlook-every = \"1s\"\n[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n\
             [plugins.tokens]\nenabled = false\n\
             [plugins.tokens.jobs.refresh-tokens]\n{YEARLY}"
        );
        let desk = absent::desk(database, &plain).await;
        let server = Server::start(&desk, "only");
        until("the job to be looked at", async || {
            runnable(&server, job).await == Some(1.0)
        })
        .await;
        let (_, ready) = get(&server, "/readyz").await;
        assert_eq!(ready["absent"], json!([]));

        desk.script("ALTER TABLE refresh_tokens RENAME TO renamed")
            .await;

        let words = "the job is absent, and was not until now: table `refresh_tokens`";
        server.says(words).await;
        let log = server.log();
        let line = log.lines().find(|line| line.contains(words)).unwrap();
        assert!(line.contains("WARN"), "{line}");
        let (status, ready) = get(&server, "/readyz").await;
        assert_eq!((status, &ready["refused"]), (200, &json!([])));
        assert_eq!(ready["absent"], json!([job]));
    }
}

#[tokio::test]
async fn a_look_at_a_job_that_crashes_counts_no_crash() {
    let file = format!(
        "[schedule]\nlook-every = \"1s\"\n[http]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n\
         [plugins.hostile]\ncomponent = \"hostile.wasm\"\nenabled = false\n\
         [plugins.hostile.jobs.panic]\n{YEARLY}"
    );
    let desk = Desk::with_file(besom_tests::sqlite(), &file);
    let hostile = besom_tests::fixtures::hostile();
    place(desk.folder.path(), "hostile.wasm", &hostile);
    desk.script("CREATE TABLE victims (id bigint PRIMARY KEY)")
        .await;
    desk.says(&["migrate"]);
    let server = Server::start(&desk, "only");

    server.says("the job cannot run").await;
    // More looks than crashes suspend a job after.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;

    let told = of_job(&server, "hostile/panic").await;
    assert_eq!(told["refused"]["codes"], json!(["access"]));
    assert_eq!(times(&server, "the job cannot run"), 1, "{}", server.log());
    let strikes = desk.count("SELECT count(*) FROM besom_quarantine").await;
    assert_eq!(strikes, 0);
}

#[tokio::test]
async fn a_run_that_is_refused_when_it_is_due_is_told_before_the_next_look() {
    let each_minute = file()
        .replacen("0 0 1 1 *", "* * * * *", 1)
        .replace("look-every = \"1s\"", "look-every = \"1d\"");
    let desk = Desk::filled(besom_tests::sqlite(), 2_000, &each_minute).await;
    let server = Server::start(&desk, "only");
    until("the first look", async || {
        runnable(&server, JOB).await == Some(1.0)
    })
    .await;

    notes(&desk).await;
    // As if it had been due some minutes ago.
    until("the scheduler to have looked", async || {
        desk.count("SELECT count(*) FROM besom_schedule").await == 2
    })
    .await;
    desk.script("UPDATE besom_schedule SET considered = considered - 180000000 WHERE job = 'password-resets'")
        .await;

    server.says("the job cannot run").await;
    assert_eq!(runnable(&server, JOB).await, Some(0.0));
    server.says("the run is refused").await;
    until("the refusal to be on record", async || {
        desk.count("SELECT count(*) FROM besom_run WHERE state = 'failed' AND error LIKE '%notes%'")
            .await
            >= 1
    })
    .await;
}
