//! `besom runs`: what the ledger says about runs.

mod json;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::Terminal;
use super::exit::{Exit, Refusal};
use crate::config::Config;
use crate::database::Database;
use crate::ledger::{self, BatchRecord, Cause, LedgerError};
use crate::preflight::Finding;
use crate::request::{Batch, JobName, Mode, RunId, Timestamp};
use crate::runner::{self, Remains, Verification};

/// Show runs from the ledger: the newest ones, or one with its batches.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  besom runs                         the newest 20
  besom runs list --limit 5 --json
  besom runs show 01900000-0000-7000-8000-000000000000")]
pub struct RunsArgs {
    /// What to show; the list if nothing is named
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

impl RunsArgs {
    /// What to show.
    pub fn into_command(self) -> RunsCommand {
        self.command.unwrap_or(RunsCommand::List(ListArgs {
            job: None,
            limit: DEFAULT_LIMIT,
            json: false,
        }))
    }
}

/// As many as fit a terminal's window.
const DEFAULT_LIMIT: u32 = 20;

/// What to show of the ledger.
#[derive(Debug, clap::Subcommand)]
pub enum RunsCommand {
    /// The newest runs, newest first
    #[command(after_help = "\
Examples:
  besom runs list --limit 100 --json
  besom runs list --job tokens/expired-access")]
    List(ListArgs),
    /// One run with its batches
    #[command(
        after_help = "Example:\n  besom runs show 01900000-0000-7000-8000-000000000000 --json"
    )]
    Show(ShowArgs),
}

/// Which runs to list.
#[derive(Debug, Clone, clap::Args)]
pub struct ListArgs {
    /// Only the runs of this job, `plugin/job`, under whatever name it ran
    #[arg(long, value_name = "JOB")]
    pub job: Option<JobName>,
    /// How many, newest first
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMIT,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print a JSON array
    #[arg(long)]
    pub json: bool,
}

/// Which run to show.
#[derive(Debug, Clone, clap::Args)]
pub struct ShowArgs {
    /// The run's id, as the list has it
    #[arg(value_name = "ID")]
    pub run: RunId,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// One run of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// The plugin's version and the SHA-256 of its component.
    pub plugin: (String, String),
    /// Apply or dry run.
    pub mode: Mode,
    /// queued, running, drained, suspended, failed or cancelled.
    pub state: String,
    /// Why it ended before it was drained.
    pub reason: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it began, by the database's clock.
    pub started: Timestamp,
    /// How long it took; `None` while it goes on.
    pub elapsed: Option<Duration>,
    /// The sum over its batches.
    pub totals: Batch,
    /// Batches committed.
    pub batches: u64,
    /// What the probe found.
    pub verification: Verification,
    /// The same by sweep.
    pub remains: Vec<Remains>,
    /// Blocked rows by the table whose rows hold them.
    pub blocked_by: BTreeMap<String, u64>,
    /// What preflight noticed before it.
    pub findings: Vec<Finding>,
    /// The host that has it, or had it last.
    pub host: String,
    /// What brought it about.
    pub cause: Cause,
    /// The time of its schedule.
    pub due: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// 1, and one more with each attempt that failed before it.
    pub attempt: u32,
}

impl RunRecord {
    /// The ledger's record; `None` where it holds words that this version does not know.
    fn from_ledger(record: ledger::RunRecord) -> Option<Self> {
        let mode = match record.mode.as_str() {
            "apply" => Mode::Apply,
            "dry-run" => Mode::DryRun,
            _ => return None,
        };
        let micros = |ended: Timestamp| u64::try_from(ended.0 - record.started_at.0).unwrap_or(0);
        Some(Self {
            run: record.id,
            job: record.job.parse().ok()?,
            plugin: (record.version, record.digest),
            mode,
            state: record.state,
            reason: record.reason,
            error: record.error,
            started: record.started_at,
            elapsed: record.ended_at.map(micros).map(Duration::from_micros),
            totals: record.totals,
            batches: record.batches,
            verification: Verification::from_ledger(record.verification.as_deref()),
            remains: Remains::from_ledger(&record.remains),
            blocked_by: serde_json::from_str(&record.blocked_by).unwrap_or_default(),
            findings: Finding::from_ledger(&record.findings),
            host: record.host,
            cause: record.cause,
            due: record.due_at,
            asked_by: record.asked_by,
            attempt: record.attempt,
        })
    }
}

/// Prints the list.
///
/// # Errors
/// When stdout cannot be written.
pub fn present_list(records: &[RunRecord], json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        let runs: Vec<json::RunRecordJson<'_>> =
            records.iter().map(json::RunRecordJson::from).collect();
        terminal.output.json(&runs)?;
    } else {
        terminal
            .output
            .print(&text::list(records, terminal.output.color()))?;
    }
    Ok(Exit::Done)
}

/// Prints one run with its batches, in the order given.
///
/// # Errors
/// When stdout cannot be written.
pub fn present_run(
    record: &RunRecord,
    batches: &[BatchRecord],
    json: bool,
    terminal: &Terminal,
) -> Result<Exit> {
    if json {
        terminal.output.json(&json::detail(record, batches))?;
    } else {
        terminal
            .output
            .print(&text::run(record, batches, terminal.output.color()))?;
    }
    Ok(Exit::Done)
}

/// Reads the ledger.
///
/// # Errors
/// When the database does not answer, or the ledger has no such run.
pub async fn execute(args: RunsArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let database = runner::connect(&config).await?;
    let done = match args.into_command() {
        RunsCommand::List(args) => {
            let records = match args.job {
                None => ledger::list(&database, args.limit).await?,
                Some(job) => {
                    let (job, formerly) = names(job, &config).await;
                    ledger::list_of(&database, &job, &formerly, args.limit).await?
                }
            };
            let records: Vec<_> = records
                .into_iter()
                .filter_map(RunRecord::from_ledger)
                .collect();
            present_list(&records, args.json, terminal)
        }
        RunsCommand::Show(args) => {
            let record = match ledger::show(&database, args.run).await {
                Err(LedgerError::UnknownRun(run)) => return Err(not_begun(&database, run).await),
                known => known?,
            };
            let batches: Vec<_> = ledger::batches(&database, args.run).await?;
            match RunRecord::from_ledger(record) {
                Some(record) => present_run(&record, &batches, args.json, terminal),
                None => anyhow::bail!(
                    "run {} in the ledger was written by another version of besom",
                    args.run
                ),
            }
        }
    };
    database.close().await;
    done
}

/// Why there is no record of a run: there never was one, or it waits.
async fn not_begun(database: &Database, run: RunId) -> anyhow::Error {
    /// As many as anybody could have put there by hand.
    const LOOK: u32 = 10_000;
    let waiting = ledger::waiting(database, LOOK).await.unwrap_or_default();
    match waiting.into_iter().find(|waiting| waiting.entry.id == run) {
        Some(waiting) => Refusal(format!(
            "run {run} of `{}` has not begun: it waits in the queue, and no host takes it before {}",
            waiting.entry.job, waiting.not_before
        ))
        .into(),
        None => LedgerError::UnknownRun(run).into(),
    }
}

/// A job's name of today and its former ones. The ledger is read without its plugin as well, which may be
/// gone.
async fn names(job: JobName, config: &Config) -> (JobName, Vec<String>) {
    match runner::load_plugins(config).await {
        Ok(plugins) => runner::names(job, &plugins),
        Err(error) => {
            tracing::warn!(%error, "former names of `{job}` are not known: its plugin does not load");
            (job, Vec::new())
        }
    }
}
