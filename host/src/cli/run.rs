//! `besom run`: runs jobs now.

mod due;
mod ran;

pub use ran::{NotRun, Ran, Why};

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Terminal;
use super::exit::Exit;
use super::progress::Bar;
use super::report;
use super::targets::{Target, in_view, present_here, selected};
use crate::config::{self, Config, DEADLINES, ENVIRONMENT_VARIABLE, ROW_BUDGETS};
use crate::ledger::{self, Pause};
use crate::request::{JobName, Mode};
use crate::runner::{Host, JobOptions, Prepared, RunReport, RunnerError};
use crate::sql::Plan;
use crate::sweep::RunContext;

/// Run jobs now, one after another.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["targets", "all", "due"]), after_help = "\
A job that cannot run does not keep the others from running: it is told on stderr with the way out, and
the command ends with 1; with 2 where nothing ran and it is the configuration that is at fault or denies it.
So it is for a job that the file names and its plugin does not have.

Exit codes: 0 every run drained, 3 a run was suspended and left a backlog, 1 a run failed, or a job was
refused or is paused, 2 wrong usage, or nothing ran because the configuration is at fault or denies it.

Examples:
  besom run tokens --dry-run              what every job of a plugin would delete
  besom run tokens/revoked-access         one job
  besom run tokens --set retention=90d --max-rows 10000
  besom run tokens --tolerate unindexed-foreign-key
  besom run --all --dry-run               what every job with a schedule would delete
  besom run --due                         in a crontab: what has become due, each due time once
  besom run tokens sessions --json | jq '.[] | {job, affected, outcome}'")]
pub struct RunArgs {
    /// `plugin/job`, or a plugin for all its jobs
    #[arg(value_name = "JOB")]
    pub targets: Vec<Target>,
    /// Every job that the file has run by a schedule, due or not
    #[arg(long)]
    pub all: bool,
    /// What is due, as `besom serve` would find it: within its window, and each due time once, whoever runs it
    #[arg(long)]
    pub due: bool,
    /// Count what would be deleted, in a read-only transaction, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a JSON array, one object a run, and one a job that did not run (`refused` says why)
    #[arg(long)]
    pub json: bool,
    /// A setting of the plugin for these runs only; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
    /// A finding's code that does not keep the jobs from running; may be given several times
    #[arg(long, value_name = "CODE", value_parser = tolerable)]
    pub tolerate: Vec<String>,
    /// Suspend a run after so many rows, whatever the configuration says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(ROW_BUDGETS))]
    pub max_rows: Option<u64>,
    /// Suspend a run after this time, such as 30s, 5m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    pub deadline: Option<Duration>,
}

impl RunArgs {
    /// The mode of the runs.
    pub fn mode(&self) -> Mode {
        if self.dry_run {
            Mode::DryRun
        } else {
            Mode::Apply
        }
    }

    /// What is to run, as the command line says it.
    fn named(&self) -> String {
        match (self.all, self.due) {
            (true, _) => "every job with a schedule".to_owned(),
            (_, true) => "what is due".to_owned(),
            (false, false) => {
                let named: Vec<_> = self.targets.iter().map(ToString::to_string).collect();
                named.join(", ")
            }
        }
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example retention=14d".to_owned()),
    }
}

fn deadline(text: &str) -> Result<Duration, String> {
    config::duration(text, &DEADLINES)
}

fn tolerable(code: &str) -> Result<String, String> {
    config::tolerable(code).map(|()| code.to_owned())
}

/// Prints what became of the jobs and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(ran: &Ran, json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(&ran.to_json())?;
    } else if !ran.reports.is_empty() {
        let text = report::text(&ran.reports, terminal.output.color());
        terminal.output.print(&text)?;
    }
    ran.tell_lines();
    Ok(ran.exit())
}

/// Runs the jobs.
///
/// # Errors
/// When nothing can run: wrong usage, a database that does not answer. What is wrong with one job is
/// told, and the others run.
pub async fn execute(args: RunArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    if let (Some(here), Mode::Apply) = (config.schedule.skipped(), args.mode()) {
        let why = format!(
            "{ENVIRONMENT_VARIABLE} is `{here}`, which [schedule] skip-in names (--dry-run works)"
        );
        if args.json {
            tracing::warn!("no job runs here: {why}");
            return present(&Ran::default(), true, terminal);
        }
        let told = format!("skipped {}: {why}\n", args.named());
        terminal.output.print(&told)?;
        return Ok(Exit::Done);
    }
    let host = Host::open(config).await?;
    host.note_loads().await;
    let (json, due) = (args.json, args.due);
    let options = JobOptions {
        mode: args.mode(),
        set: args.settings,
        tolerate: args.tolerate,
        max_rows: args.max_rows,
        deadline: args.deadline,
        stop: stop_on_signal(),
        queued: None,
        cause: ledger::Cause::Command,
    };
    let (mut ran, mut absent) = (Ran::default(), Exit::Done);
    let others = if due {
        ran.refuse_all(in_view(host.unknown_jobs(), &[]));
        due::run(&host, &options, terminal).await?
    } else {
        let targets = args.targets.into_iter().map(|target| match target {
            Target::Job(job) => Target::Job(host.present_name(job)),
            plugin => plugin,
        });
        let targets: Vec<_> = targets.collect();
        let jobs = match args.all {
            true => host.scheduled().into_iter().map(|one| one.name).collect(),
            false => selected(&host, &targets)?,
        };
        let jobs = host.in_order(jobs)?;
        ran.refuse_all(in_view(host.unknown_jobs(), &targets));
        let here = present_here(&host, jobs, &targets, &options.set).await?;
        absent = here.exit;
        ran.left_out(here.absent);
        run_all(&host, &here.jobs, &options, terminal).await?
    };
    ran.reports.extend(others.reports);
    ran.not_run.extend(others.not_run);
    ran.nothing_is_here = others.nothing_is_here;
    host.database().close().await;
    if ran.is_empty() && absent == Exit::Done && !json {
        // A target that names nothing is refused, and one that is absent has been told.
        let nothing = match due {
            true => "nothing is due\n",
            false => "no job of the file runs by a schedule\n",
        };
        terminal.output.print(nothing)?;
    }
    let of_jobs = (!ran.is_empty()).then(|| ran.exit());
    present(&ran, json, terminal)?;
    let absent = (absent != Exit::Done).then_some(absent);
    Ok(Exit::of_jobs(absent.into_iter().chain(of_jobs)))
}

/// Checks every job before the first begins, then runs one after another. A job that cannot run is told
/// on stderr and does not keep the others from running.
///
/// # Errors
/// When nothing can run: the ledger or the database is not there, or the command line has a setting
/// that a job does not take.
pub async fn run_all(
    host: &Host,
    jobs: &[JobName],
    options: &JobOptions,
    terminal: &Terminal,
) -> Result<Ran> {
    // A ledger that is not there is told before anything about the jobs.
    ledger::list(host.database(), 1).await?;
    let pauses = match options.mode {
        Mode::Apply => ledger::pauses(host.database()).await?,
        Mode::DryRun => Vec::new(),
    };
    let mut ran = Ran::default();
    let ready = look(host, jobs, &pauses, options, &mut ran).await?;
    let mut history = Vec::new();
    for prepared in &ready {
        match begin(host, prepared, options, &mut history, terminal).await {
            Ok(report) => ran.reports.push(report),
            Err(error) => ran.refuse(prepared.job(), error),
        }
    }
    Ok(ran)
}

/// The jobs that can run; the others are told, and noted in `ran`.
///
/// # Errors
/// When that says nothing about a job: the database is gone, or the command line is at fault.
async fn look(
    host: &Host,
    jobs: &[JobName],
    pauses: &[Pause],
    options: &JobOptions,
    ran: &mut Ran,
) -> Result<Vec<Prepared>> {
    let catalog = host.catalog().await?;
    let mut ready = Vec::new();
    for job in jobs {
        if let Some(pause) = host.pause_of(job, pauses) {
            ran.skip(job, pause);
            continue;
        }
        let examined = host.examine_to_run(job, &options.set, &catalog).await;
        match examined.and_then(|examined| examined.tolerating(&options.tolerate)) {
            Ok(prepared) => ready.push(prepared),
            Err(error) if by_the_command_line(&error, options) => return Err(error.into()),
            Err(error) => {
                // Without the database each of the others would wait for it in vain.
                if error.passes() {
                    ledger::list(host.database(), 1).await?;
                }
                ran.refuse(job, error);
            }
        }
    }
    Ok(ready)
}

/// A setting of `--set` is at fault: that is wrong usage, and says nothing about the job.
fn by_the_command_line(error: &RunnerError, options: &JobOptions) -> bool {
    let RunnerError::Settings { source, .. } = error else {
        return false;
    };
    let name = source.setting();
    let mut set = options.set.iter();
    set.any(|(given, _)| Some(given.as_str()) == name)
}

/// One run, with its progress bar.
async fn begin(
    host: &Host,
    prepared: &Prepared,
    options: &JobOptions,
    history: &mut Vec<Arc<Plan>>,
    terminal: &Terminal,
) -> Result<RunReport, RunnerError> {
    let bar = terminal.progress.rows(&prepared.job().to_string());
    let (done, finished) = tokio::sync::oneshot::channel::<()>();
    let watch = |context: Arc<RunContext>| drop(tokio::spawn(follow(context, bar, finished)));
    let ran = host.run(prepared, options, history, watch).await;
    drop(done);
    ran
}

/// Moves a progress bar until the run is over.
async fn follow(context: Arc<RunContext>, bar: Bar, mut over: tokio::sync::oneshot::Receiver<()>) {
    /// Often enough to look alive.
    const LOOK: Duration = Duration::from_millis(200);
    let mut shown = 0;
    while tokio::time::timeout(LOOK, &mut over).await.is_err() {
        let examined = context.examined();
        bar.add(examined - shown);
        shown = examined;
    }
}

/// Cancelled by the first SIGINT or SIGTERM: the batch in hand finishes and the run is suspended.
/// A second one ends the process, which loses nothing either.
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            tracing::warn!("signals cannot be caught: an interrupt ends the process at once");
            return;
        };
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tracing::warn!("stopping after the batch in hand; a second signal stops at once");
        token.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    });
    stop
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_odd_form_are_refused_with_an_example() {
        assert_eq!(
            setting("a=b=c").unwrap(),
            ("a".to_owned(), "b=c".to_owned())
        );
        assert!(setting("a").unwrap_err().contains("retention=14d"));
        assert!(setting("=a").is_err());
        assert!(deadline("0s").unwrap_err().contains("from 1s to 7d"));
    }

    #[test]
    fn the_row_budget_of_the_command_is_that_of_the_file() {
        use clap::Parser;
        let most = ROW_BUDGETS.end();
        let parse = |rows: u64| {
            super::super::Cli::try_parse_from([
                "besom",
                "run",
                "tokens",
                "--max-rows",
                &rows.to_string(),
            ])
        };
        assert!(parse(*most).is_ok() && parse(most + 1).is_err() && parse(0).is_err());
    }
}
