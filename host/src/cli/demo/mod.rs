//! `besom demo`: a database of its own, filled, cleaned and checked.

pub mod data;
pub mod kept;
mod place;
pub mod schema;

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::exit::Exit;
use super::output::{Align, Table, Tone, many_lines, thousands};
use super::report::{self, RunJson};
use super::{Terminal, UrlArgument};
use crate::config::{Config, Environment, Rules};
use crate::request::{JobName, Mode};
use crate::runner::{Host, JobOptions, RunReport};
use place::Place;

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

/// What a demo came to.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoReport {
    /// The database, without password.
    pub database: String,
    /// The plugins that ran.
    pub plugins: Vec<PluginUsed>,
    /// Their runs.
    pub runs: Vec<RunReport>,
    /// The rows that had to stay.
    pub kept: Vec<Kept>,
}

/// One plugin of a demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginUsed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of its component.
    pub digest: String,
}

/// Rows that had to stay, by why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What they are.
    pub label: String,
    /// How many there were before.
    pub before: u64,
    /// How many there are now.
    pub after: u64,
}

impl DemoReport {
    /// How the command ends: anything that is not drained, verified and rightly kept is a failure.
    pub fn exit(&self) -> Exit {
        let runs = self.runs.iter().map(Exit::of_verified_run);
        let kept = self.kept.iter().map(|kept| {
            if kept.before == kept.after {
                Exit::Done
            } else {
                Exit::Failed
            }
        });
        Exit::worst(runs.chain(kept))
    }

    /// The report as text.
    pub fn text(&self, color: bool) -> String {
        let mut text = format!("database  {}\n", many_lines(&self.database));
        for plugin in &self.plugins {
            text.push_str(&many_lines(&format!(
                "plugin    {} {} ({})\n",
                plugin.name, plugin.version, plugin.digest
            )));
        }
        text.push('\n');
        text.push_str(&report::text(&self.runs, color));
        if !self.kept.is_empty() {
            text.push('\n');
            text.push_str(&self.kept_table().render(color));
        }
        text
    }

    fn kept_table(&self) -> Table {
        let mut table = Table::new([
            ("rightly kept", Align::Left),
            ("before", Align::Right),
            ("after", Align::Right),
        ]);
        for kept in &self.kept {
            let tone = if kept.before == kept.after {
                Tone::Plain
            } else {
                Tone::Bad
            };
            let cells = [
                kept.label.clone(),
                thousands(kept.before),
                thousands(kept.after),
            ];
            table.row(cells, tone);
        }
        table
    }
}

/// The demo in the JSON output.
#[derive(Debug, Serialize)]
struct DemoJson<'a> {
    database: &'a str,
    plugins: &'a [PluginUsed],
    jobs: Vec<RunJson<'a>>,
    kept: &'a [Kept],
    totals: Totals,
}

/// Sums over the jobs, in rows and seconds.
#[derive(Debug, Serialize)]
struct Totals {
    affected: u64,
    dependents: u64,
    cascaded: u64,
    blocked: u64,
    locked: u64,
    seconds: f64,
}

impl<'a> From<&'a DemoReport> for DemoJson<'a> {
    fn from(report: &'a DemoReport) -> Self {
        let sum = |of: fn(&RunReport) -> u64| report.runs.iter().map(of).sum();
        Self {
            database: &report.database,
            plugins: &report.plugins,
            jobs: report.runs.iter().map(RunJson::from).collect(),
            kept: &report.kept,
            totals: Totals {
                affected: sum(|run| run.totals.affected),
                dependents: sum(|run| run.totals.dependents),
                cascaded: sum(|run| run.totals.cascaded),
                blocked: sum(|run| run.totals.blocked),
                locked: sum(|run| run.totals.locked),
                seconds: report::milliseconds(report.runs.iter().map(|run| run.elapsed).sum()),
            },
        }
    }
}

/// Prints the report and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(report: &DemoReport, json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(&DemoJson::from(report))?;
    } else {
        terminal
            .output
            .print(&report.text(terminal.output.color()))?;
    }
    Ok(report.exit())
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
    if args.json {
        terminal.output.json(&DemoJson::from(&report))?;
    } else {
        terminal
            .output
            .print(&report.text(terminal.output.color()))?;
    }
    Ok(report.exit())
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

    if let Some(tokens) = config.plugins.get_mut("tokens") {
        // The demo's refresh tokens have families, and a live family keeps its dead members.
        tokens
            .settings
            .values
            .insert("family-column".to_owned(), "family_id".into());
    }

    let filling = terminal.progress.rows("filling the tables");
    let now = place.fill(rows).await?;
    filling.add(rows);
    drop(filling);
    let before = place.kept(now).await?;

    let host = Host::open(config).await?;
    let named = host.plugins().iter().flat_map(|(name, plugin)| {
        let jobs = plugin.manifest().jobs.iter().filter(|job| !job.opt_in);
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
    };
    let (runs, refused) = super::run::run_all(&host, &jobs, &options, terminal).await?;
    if refused != Exit::Done {
        anyhow::bail!("not every job could begin: the log above says why");
    }
    let plugins = host.plugins().values().map(|plugin| PluginUsed {
        name: plugin.manifest().name.clone(),
        version: plugin.manifest().version.to_string(),
        digest: plugin.digest().to_string(),
    });
    let plugins = plugins.collect();
    host.database().close().await;
    let after = place.kept(now).await?;
    let kept = before
        .into_iter()
        .zip(after)
        .map(|((label, before), (_, after))| Kept {
            label: label.to_owned(),
            before,
            after,
        });
    Ok(DemoReport {
        database: place.shown.clone(),
        plugins,
        runs,
        kept: kept.collect(),
    })
}

/// However large the demo, it is not cut off half-way.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::super::report::samples;
    use super::*;

    fn report() -> DemoReport {
        DemoReport {
            database: "sqlite:///tmp/besom-demo/demo.db".to_owned(),
            plugins: vec![PluginUsed {
                name: "tokens".to_owned(),
                version: "1.0.0".to_owned(),
                digest: "sha256:ab12".to_owned(),
            }],
            runs: vec![samples::drained(), samples::drained()],
            kept: vec![Kept {
                label: "live access tokens".to_owned(),
                before: 51_000,
                after: 51_000,
            }],
        }
    }

    #[test]
    fn a_demo_prints_its_runs_and_what_was_rightly_kept() {
        let expected = "\
database  sqlite:///tmp/besom-demo/demo.db
plugin    tokens 1.0.0 (sha256:ab12)

job                    affected  dependents  cascaded  blocked  locked  seconds  rows/s  verified
─────────────────────────────────────────────────────────────────────────────────────────────────
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
tokens/revoked-access    40,000           0         0        7       0     1.60  25,000  yes
─────────────────────────────────────────────────────────────────────────────────────────────────
total                    80,000           0         0       14       0     3.20  25,000  2 of 2

rightly kept        before   after
──────────────────────────────────
live access tokens  51,000  51,000
";
        assert_eq!(report().text(false), expected);
        assert_eq!(report().exit(), Exit::Done);
    }

    #[test]
    fn a_row_that_should_have_stayed_and_did_not_is_a_failure() {
        let mut report = report();
        report.kept[0].after -= 1;
        assert_eq!(report.exit(), Exit::Failed);
        assert!(report.text(true).contains("\u{1b}[31mlive access tokens"));
    }

    #[test]
    fn a_demo_as_json_has_the_promised_shape() {
        let json = serde_json::to_value(DemoJson::from(&report())).unwrap();
        assert_eq!(json["database"], "sqlite:///tmp/besom-demo/demo.db");
        let plugin =
            serde_json::json!({"name": "tokens", "version": "1.0.0", "digest": "sha256:ab12"});
        assert_eq!(json["plugins"], serde_json::json!([plugin]));
        assert_eq!(json["jobs"][1]["affected"], 40_000);
        assert_eq!(json["kept"][0]["before"], 51_000);
        assert_eq!(json["totals"]["affected"], 80_000);
        assert_eq!(json["totals"]["seconds"], 3.2);
    }
}
