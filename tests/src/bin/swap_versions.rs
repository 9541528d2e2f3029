//! A service whose plugin is swapped again and again while its jobs run: `swap_versions CONFIG SWAPS
//! GOOD,GOOD BAD,BAD,…`, the last two being digests of components in the ledger.
//!
//! A process of its own, so that its memory is its own. Prints its resident memory in KiB after a fifth
//! of the swaps and after all of them, how many bad versions were passed over, and the rows that it made.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use besom::config::{Config, Environment, Rules};
use besom::database::{Database, Statement};
use besom::ledger::{Asked, Cause};
use besom::request::{JobName, Mode};
use besom::runner::Host;
use besom::service::{self, Loader, Shared, Signals};

const PLUGIN: &str = "versioned";

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, swaps, good, bad] = arguments.as_slice() else {
        anyhow::bail!("four arguments");
    };
    let swaps: usize = swaps.parse()?;
    let [good, bad] = [good, bad].map(|list| list.split(',').collect::<Vec<_>>());
    let rules = Rules {
        environment: Environment::of([("BESOM_HTTP__LISTEN", "off")]),
        bundled: &[],
    };
    let text = std::fs::read_to_string(file)?;
    let shared = Shared::new(Host::open(Config::parse(&text, Path::new(file), &rules)?).await?);
    let database = shared.database().clone();
    let signals = Signals::default();
    let stop = signals.stop.clone();
    let config = shared.host().config().clone();
    let loader = Loader {
        load: Box::new(move || Ok(config.clone())),
        text: Box::new(|| None),
    };
    let serving = tokio::spawn(service::start(Arc::clone(&shared), loader, signals));

    let over = Arc::new(AtomicBool::new(false));
    let rows = Arc::new(AtomicU64::new(1000));
    let asking = tokio::spawn(ask(database.clone(), Arc::clone(&rows), Arc::clone(&over)));
    let mut passed_over = 0;
    let mut early = 0;
    for swap in 0..swaps {
        // Every tenth is one that does not run.
        let is_bad = swap % 10 == 9;
        let from = if is_bad { &bad } else { &good };
        let digest = from[(swap / if is_bad { 10 } else { 1 }) % from.len()];
        let before = *shared.host().plugins()[PLUGIN].digest();
        deploy(&database, digest).await?;
        // The service's own look may have been first.
        if let Some(host) = shared.host().followed().await? {
            shared.swap(host);
        }
        let now = shared.host().plugins()[PLUGIN].digest().to_string();
        if is_bad {
            anyhow::ensure!(
                now == before.to_string(),
                "{digest} took the place of {before}"
            );
            passed_over += 1;
        } else {
            anyhow::ensure!(now == digest, "{digest} did not take the place of {before}");
        }
        if swap + 1 == swaps / 5 {
            early = resident()?;
        }
    }
    over.store(true, Ordering::Relaxed);
    asking.await??;
    while count(
        &database,
        "SELECT count(*) FROM besom_queue WHERE done_at IS NULL",
    )
    .await?
        > 0
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "{early} {} {passed_over} {}",
        resident()?,
        rows.load(Ordering::Relaxed)
    );
    stop.cancel();
    serving.await??;
    Ok(())
}

/// The version before stays named as such, so that there is one to fall back to.
async fn deploy(database: &Database, digest: &str) -> anyhow::Result<()> {
    let mut w = Statement::new(database.dialect());
    w.push("UPDATE besom_deployment SET previous = CASE WHEN active IN (SELECT digest FROM besom_component WHERE version IN ('1.0.0', '1.0.1')) THEN active ELSE previous END, active = ")
        .bind(digest)
        .push(", counter = counter + 1 WHERE plugin = ")
        .bind(PLUGIN);
    database.session().await?.execute(&w).await?;
    Ok(())
}

/// Rows, and a run that takes them, over and over.
async fn ask(
    database: Database,
    rows: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    const ROWS: u64 = 200;
    while !over.load(Ordering::Relaxed) {
        let from = rows.fetch_add(ROWS, Ordering::Relaxed);
        let insert = format!(
            "INSERT INTO victims SELECT n FROM generate_series({from}, {}) AS n",
            from + ROWS - 1
        );
        database.session().await?.run_script(&insert).await?;
        let asked = Asked {
            job: JobName::new(PLUGIN, "old"),
            mode: Mode::Apply,
            cause: Cause::Request,
            by: "test".to_owned(),
        };
        asked.enqueue(&database).await?;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    Ok(())
}

async fn count(database: &Database, sql: &str) -> anyhow::Result<i64> {
    let mut w = Statement::new(database.dialect());
    w.push(sql);
    let row = database.session().await?.fetch_one(&w).await?;
    Ok(row.get(0).as_integer().unwrap_or_default())
}

fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.unwrap_or_default().parse()?)
}
