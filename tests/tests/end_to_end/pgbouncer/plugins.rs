//! The binary and the bundled plugins.

use serde_json::{Value, json};

use super::{left, untouched, with_and_without_prepared};
use crate::cli::Desk;

const JOBS: [&str; 4] = ["tokens", "sessions", "ips", "queue"];

const PLUGINS: &str = "[plugins.tokens]\n[plugins.sessions]\n[plugins.ips]\n[plugins.queue]\n";

/// What a dry run and the run after it must agree on.
fn counts(runs: &Value) -> Vec<(String, u64, u64)> {
    let number = |run: &Value, key: &str| run[key].as_u64().unwrap();
    let of = |run: &Value| {
        let job = run["job"].as_str().unwrap().to_owned();
        (job, number(run, "affected"), number(run, "dependents"))
    };
    runs.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn every_command_works_and_the_plugins_clean_as_they_do_without() {
    for options in with_and_without_prepared() {
        let Some(home) = besom_tests::behind_pgbouncer(options).await else {
            return;
        };
        // The desk has migrated through the pooler.
        let desk = Desk::filled(home, 5_000, PLUGINS).await;
        let alone = Desk::filled(besom_tests::postgres().await, 5_000, PLUGINS).await;
        desk.run(&["check"]);
        desk.says(&["grants", "--sql", "besom"]);
        desk.says(&["explain", "tokens/expired-access"]);

        let dry = desk.json(&[&["run", "--dry-run", "--json"], &JOBS[..]].concat());
        let run = [&["run", "--json"], &JOBS[..]].concat();
        let done = desk.json(&run);

        assert_eq!(counts(&dry), counts(&done));
        assert_eq!(counts(&done), counts(&alone.json(&run)));
        let runs = done.as_array().unwrap();
        assert!(runs.len() > 10);
        assert!(
            runs.iter().all(|run| run["verified"] == json!(true)),
            "{done:#}"
        );
        let said: u64 = runs
            .iter()
            .map(|run| run["affected"].as_u64().unwrap())
            .sum();
        let recorded = desk
            .count("SELECT coalesce(sum(affected), 0)::bigint FROM besom_batch")
            .await;
        assert_eq!(u64::try_from(recorded).unwrap(), said);
        desk.says(&["runs"]);
        assert_eq!(left(&desk.database).await, untouched(&desk.database).await);
    }
}
