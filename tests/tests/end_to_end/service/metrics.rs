//! What `/metrics` says after real runs, and that the documentation says the same.

use std::collections::{BTreeMap, BTreeSet};

use besom_tests::{postgres, sqlite};
use serde_json::json;

use super::super::cli::Desk;
use super::client::{Client, TOKEN, with_token};
use super::exposition::{Family, read};
use super::reload::rewrite;
use super::{JOB, Server, finished, gone, revoked, until};

const OTHER: &str = "tokens/expired-access";

async fn scrape(server: &Server) -> BTreeMap<String, Family> {
    let answer = Client::to(server, Some(TOKEN)).await.get("/metrics").await;
    assert_eq!(answer.status, 200);
    read(&answer.body)
}

fn labels(job: &str) -> [(&'static str, &str); 2] {
    let (_, job) = job.split_once('/').unwrap();
    [("plugin", "tokens"), ("job", job)]
}

/// The value of a metric of this job; `None`: there is none.
fn of(metrics: &BTreeMap<String, Family>, name: &str, job: &str) -> Option<f64> {
    sum(metrics, name, &labels(job))
}

/// A family without a value is not in the text.
fn sum(metrics: &BTreeMap<String, Family>, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    metrics.get(&format!("besom_{name}"))?.sum(labels)
}

/// Until so many runs of the job are counted with this outcome.
async fn counted(server: &Server, job: &str, outcome: &str, runs: f64) {
    until(
        &format!("{runs} runs of {job} to be {outcome}"),
        async || {
            let metrics = scrape(server).await;
            let [plugin, job] = labels(job);
            let labels = [plugin, job, ("mode", "apply"), ("outcome", outcome)];
            sum(&metrics, "runs", &labels) == Some(runs)
        },
    )
    .await;
}

/// An index by which the job's rows are found, and a budget that they exceed.
async fn with_a_budget(desk: &Desk, rows: u32) {
    desk.script("CREATE INDEX revoked_tokens ON oauth2_access_tokens (revoked_at) WHERE revoked_at IS NOT NULL")
        .await;
    rewrite(desk, |text| {
        let limits = format!("batch-size = 10\nmax-rows-per-run = {rows}");
        text.replace("batch-size = 10", &limits)
    });
}

#[tokio::test]
async fn what_a_run_left_is_told_until_a_later_one_has_taken_it() {
    const DAY: f64 = 86_400.0;
    for database in [postgres().await, sqlite()] {
        let desk = Desk::filled(database, 2_000, &with_token()).await;
        revoked(&desk).await;
        with_a_budget(&desk, 500).await;
        let server = Server::start(&desk, "only");
        server.says("the ledger answers").await;

        // A dry run leaves everything, and says nothing of it.
        let mut client = Client::to(&server, Some(TOKEN)).await;
        let path = format!("/v1/jobs/{JOB}/run");
        client.post(&path, &json!({ "dry_run": true })).await;
        until("the dry run to be counted", async || {
            let metrics = scrape(&server).await;
            sum(&metrics, "runs", &[("mode", "dry-run")]) == Some(1.0)
        })
        .await;
        let metrics = scrape(&server).await;
        for name in [
            "rows",
            "backlog_rows",
            "backlog_oldest_age_seconds",
            "last_success_timestamp_seconds",
        ] {
            assert_eq!(of(&metrics, name, JOB), None, "{name} after a dry run");
        }

        desk.says(&["trigger", JOB]);
        counted(&server, JOB, "suspended", 1.0).await;
        until("the rows that are left", async || {
            of(&scrape(&server).await, "backlog_rows", JOB) == Some(4_500.0)
        })
        .await;
        let metrics = scrape(&server).await;
        assert_eq!(of(&metrics, "backlog_rows_bounded", JOB), Some(1.0));
        let age = of(&metrics, "backlog_oldest_age_seconds", JOB).unwrap();
        assert!((DAY..DAY + 3_600.0).contains(&age), "{age}");
        let memory = of(&metrics, "guest_memory_peak_bytes", JOB).unwrap();
        // From one page of WebAssembly to what a plugin may have.
        assert!((65_536.0..134_217_728.0).contains(&memory), "{memory}");
        let cpu = of(&metrics, "guest_cpu_seconds", JOB).unwrap();
        assert!(cpu > 0.0 && cpu < 60.0, "{cpu}");

        rewrite(&desk, |text| text.replace("= 500", "= 500_000"));
        server.says("is in force").await;
        desk.says(&["trigger", JOB]);
        counted(&server, JOB, "drained", 1.0).await;
        until("nothing to be left", async || {
            of(&scrape(&server).await, "backlog_rows", JOB) == Some(0.0)
        })
        .await;
        let metrics = scrape(&server).await;
        assert_eq!(of(&metrics, "backlog_rows_bounded", JOB), Some(0.0));
        assert_eq!(of(&metrics, "backlog_oldest_age_seconds", JOB), None);
        finished(&desk).await;
    }
}

#[tokio::test]
async fn another_host_that_has_run_the_job_since_is_asked_for_what_is_left() {
    let desk = Desk::filled(postgres().await, 2_000, &with_token()).await;
    revoked(&desk).await;
    with_a_budget(&desk, 500).await;
    let mut first = Server::start(&desk, "first");
    first.says("the ledger answers").await;
    desk.says(&["trigger", JOB]);
    until("the rows that are left", async || {
        of(&scrape(&first).await, "backlog_rows", JOB) == Some(4_500.0)
    })
    .await;

    // By hand, from another machine.
    let run = desk
        .command(&["run", JOB, "--max-rows", "500000"])
        .env("BESOM_HOST__NAME", "second")
        .status()
        .unwrap();
    assert!(run.success());

    // It looks once a minute.
    let began = std::time::Instant::now();
    while of(&scrape(&first).await, "backlog_rows", JOB).is_some() {
        assert!(began.elapsed().as_secs() < 150, "it is still told");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let metrics = scrape(&first).await;
    assert_eq!(of(&metrics, "backlog_oldest_age_seconds", JOB), None);
    first.kill();
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    // One job runs by itself, once a year.
    let seldom = "[plugins.tokens.jobs.refresh-tokens]\nenabled = true\nschedule = \"0 0 1 1 *\"\n";
    let file = format!("{}{seldom}", with_token());
    let desk = Desk::filled(postgres().await, 6_000, &file).await;
    revoked(&desk).await;
    with_a_budget(&desk, 3_000).await;
    let server = Server::start(&desk, "only");
    server.says("the ledger answers").await;

    // Both want one table, so that the other waits for it.
    desk.says(&["trigger", JOB]);
    until("rows to go", async || gone(&desk).await > 0).await;
    desk.says(&["trigger", OTHER]);
    until("both runs to be over", async || {
        desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
            .await
            == 0
    })
    .await;
    let file = desk.folder.path().join("besom.toml");
    let right = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{right}\n# once more\n")).unwrap();
    server.says("is in force").await;

    // The last of them comes a moment after its run is over.
    until("what the runs left", async || {
        let metrics = scrape(&server).await;
        [JOB, OTHER].map(|job| of(&metrics, "backlog_rows", job).is_some()) == [true; 2]
    })
    .await;
    // Some come when the service next looks at its jobs.
    let began = std::time::Instant::now();
    let metrics = loop {
        let metrics = scrape(&server).await;
        let printed = printed(&metrics);
        if printed == documented() {
            break metrics;
        }
        if began.elapsed().as_secs() > 90 {
            assert_eq!(printed, documented());
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };

    let waited = sum(&metrics, "throttled_seconds", &[("reason", "table")]);
    let runs = desk.json(&["runs", "list", "--json"]);
    let recorded: f64 = runs
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|run| run["throttled"]["table"].as_f64())
        .sum();
    let waited = waited.unwrap();
    assert!(
        recorded > 0.0 && (waited - recorded / 1000.0).abs() < 0.1,
        "{waited} s, {recorded} ms"
    );
}

/// By name the kind and the labels.
type Described = BTreeMap<String, (String, BTreeSet<String>)>;

fn printed(metrics: &BTreeMap<String, Family>) -> Described {
    let described = metrics.iter().map(|(name, family)| {
        let name = match family.kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name.clone(),
        };
        let labels = family.labels().into_iter().filter(|name| *name != "le");
        let labels = labels.map(str::to_owned).collect();
        (name, (family.kind.clone(), labels))
    });
    described.collect()
}

/// The table of docs/http.md.
fn documented() -> Described {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/http.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `besom_"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let series = cells.next().unwrap().trim_matches('`');
        let kind = cells.next().unwrap().to_owned();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split(',');
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        (name.to_owned(), (kind, labels.collect()))
    })
    .collect()
}
