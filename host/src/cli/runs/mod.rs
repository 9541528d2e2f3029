//! `besom runs`: what the ledger says about runs.

mod of_job;
#[cfg(test)]
mod tests;
mod text;

use anyhow::Result;

use super::Terminal;
use super::exit::{Exit, Refusal};
use crate::config::Config;
use crate::database::Database;
use crate::ledger::{self, BatchRecord, LedgerError};
use crate::request::{JobName, RunId};
use crate::runner::{self, RunRecord, RunRecordJson, detail};

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

/// Prints the list.
///
/// # Errors
/// When stdout cannot be written.
pub fn present_list(records: &[RunRecord], json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        let runs: Vec<RunRecordJson<'_>> = records.iter().map(RunRecordJson::from).collect();
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
        terminal.output.json(&detail(record, batches))?;
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
                Some(job) => of_job::list(&database, job, args.limit, &config).await?,
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
            let batches: Vec<_> = ledger::batches(&database, record.id).await?;
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
