//! `besom demo`: a database of its own, filled, cleaned and checked.

pub mod data;
pub mod kept;
mod place;
mod report;
pub mod schema;

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Result;

use super::exit::Exit;
use super::run::Ran;
use super::{Terminal, UrlArgument};
use crate::config::{Config, Environment, Rules};
use crate::request::{JobName, Mode};
use crate::runner::{Host, JobOptions};
use place::Place;
pub use report::{DemoReport, Filled, Kept, PluginUsed, present};

/// Make a database, fill it with believable rows, run every bundled job on it and check the result.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 every job drained and verified, otherwise as `besom run`.

Examples:
  besom demo                                    a SQLite file in a temporary folder
  besom demo --rows 1000000 --json
  besom demo --database postgres://me@localhost/scratch
  besom demo --database sqlite://demo.db --keep   and again: the second time deletes nothing")]
pub struct DemoArgs {
    /// Rows to fill the tables with
    #[arg(long, value_name = "N", default_value_t = 200_000,
          value_parser = clap::value_parser!(u64).range(2_000..=data::MOST_ROWS))]
    pub rows: u64,
    /// A database to use instead; its tables of the demo's names are written to
    #[arg(long, value_name = "URL")]
    pub database: Option<UrlArgument>,
    /// Leave the database behind, and use again what an earlier demo left there
    #[arg(long)]
    pub keep: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Makes the database, fills it, runs every bundled job and counts what stayed.
///
/// # Errors
/// When the database cannot be made or filled; a run that fails is in its report.
pub async fn execute(
    args: DemoArgs,
    environment: Environment,
    terminal: &Terminal,
) -> Result<Exit> {
    let url = args.database.map(|url| url.url()).transpose()?;
    let place = Place::make(url, args.keep).await?;
    let report = run_in(&place, args.rows, environment, terminal).await;
    let left = place.leave().await;
    let report = report?;
    left?;
    present(&report, args.json, terminal)
}

async fn run_in(
    place: &Place,
    rows: u64,
    environment: Environment,
    terminal: &Terminal,
) -> Result<DemoReport> {
    let bundled = super::bundled_names();
    let rules = Rules {
        environment,
        bundled: &bundled,
    };
    let mut config = Config::bundled(place.url().clone(), &rules);
    // The demo is a whole backlog at once; a service would take it in several runs.
    config.defaults.max_rows = NonZeroU64::new(rows.saturating_mul(10));
    config.defaults.deadline = Some(DEADLINE);
    config.defaults.tolerate = Some(TOLERATED.map(str::to_owned).to_vec());

    for (plugin, setting, value) in SETTINGS {
        if let Some(plugin) = config.plugins.get_mut(plugin) {
            let values = &mut plugin.settings.values;
            values.insert(setting.to_owned(), value.into());
        }
    }

    let filling = terminal.progress.rows("filling the tables");
    let now = place.fill(rows).await?;
    filling.add(rows);
    drop(filling);
    let (rows_before, before) = (place.rows().await?, place.kept(now).await?);

    let host = Host::open(config).await?;
    let named = host.plugins().iter().flat_map(|(name, plugin)| {
        // The opt-in ones, too: this database is nobody's.
        let jobs = plugin.manifest().jobs.iter();
        jobs.map(move |job| JobName::new(name, &job.name))
            .collect::<Vec<_>>()
    });
    let jobs = host.in_order(named.collect())?;
    let options = JobOptions {
        mode: Mode::Apply,
        set: Vec::new(),
        tolerate: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: super::run::stop_on_signal(),
        queued: None,
        cause: crate::ledger::Cause::Command,
    };
    let Ran {
        reports: runs,
        not_run,
        ..
    } = super::run::run_all(&host, &jobs, &options, terminal).await?;
    if !not_run.is_empty() {
        anyhow::bail!("not every job could begin: the log above says why");
    }
    let plugins = host.plugins().values().map(|plugin| PluginUsed {
        name: plugin.manifest().name.clone(),
        version: plugin.manifest().version.to_string(),
        digest: plugin.digest().to_string(),
    });
    let plugins = plugins.collect();
    host.database().close().await;
    let (rows_after, after) = (place.rows().await?, place.kept(now).await?);
    let tables = rows_before.into_iter().zip(rows_after);
    let tables = tables.map(|((table, before), (_, after))| Filled {
        table: table.to_owned(),
        before,
        after,
    });
    let kept = before
        .into_iter()
        .zip(after)
        .map(|((group, before), (_, after))| Kept {
            plugin: group.plugin.map(str::to_owned),
            label: group.what.to_owned(),
            before,
            after,
        });
    Ok(DemoReport {
        database: place.shown.clone(),
        plugins,
        runs,
        tables: tables.collect(),
        kept: kept.collect(),
    })
}

/// What the data needs beside the defaults, by plugin.
const SETTINGS: [(&str, &str, &str); 2] = [
    // The demo's refresh tokens have families, and a live family keeps its dead members.
    ("tokens", "family-column", "family_id"),
    // Nobody can guess after how long an unused session is over; the data leaves a gap here.
    ("sessions", "ttl", "60d"),
];

/// The products left some keys and ages without an index. A demo of a million rows is done in two minutes
/// all the same; a larger one takes as long as it takes.
const TOLERATED: [&str; 2] = ["unindexed-foreign-key", "unindexed-sweep"];

/// However large the demo, it is not cut off half-way.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
