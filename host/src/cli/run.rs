//! `besom run`: runs jobs now.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::output::many_lines;
use super::progress::Bar;
use super::report::{self, RunJson};
use super::targets::{Target, present_here, selected};
use crate::config::{self, Config, DEADLINES, ENVIRONMENT_VARIABLE, ROW_BUDGETS};
use crate::ledger::{self, Pause};
use crate::request::{JobName, Mode};
use crate::runner::{Host, JobOptions, RunReport};
use crate::sweep::RunContext;

/// Run jobs now, one after another.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 every run drained, 3 a run was suspended and left a backlog, 1 a run failed or a finding
kept it from running, 2 wrong usage, a configuration at fault, or denied.

Examples:
  besom run tokens --dry-run              what every job of a plugin would delete
  besom run tokens/revoked-access         one job
  besom run tokens --set retention=90d --max-rows 10000
  besom run tokens --tolerate unindexed-foreign-key
  besom run tokens sessions --json | jq '.[] | {job, affected, outcome}'")]
pub struct RunArgs {
    /// `plugin/job`, or a plugin for all its jobs
    #[arg(required = true, value_name = "JOB")]
    pub targets: Vec<Target>,
    /// Count what would be deleted, in a read-only transaction, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a JSON array, one object a run
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

/// Prints finished runs and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(reports: &[RunReport], json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        let runs: Vec<RunJson<'_>> = reports.iter().map(RunJson::from).collect();
        terminal.output.json(&runs)?;
    } else {
        terminal
            .output
            .print(&report::text(reports, terminal.output.color()))?;
    }
    Ok(Exit::worst(reports.iter().map(Exit::of_run)))
}

/// Runs the jobs.
///
/// # Errors
/// When a job cannot be started; a run that fails is in its report.
pub async fn execute(args: RunArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    if let (Some(here), Mode::Apply) = (config.schedule.skipped(), args.mode()) {
        let why = format!(
            "{ENVIRONMENT_VARIABLE} is `{here}`, which [schedule] skip-in names (--dry-run works)"
        );
        if args.json {
            tracing::warn!("no job runs here: {why}");
            return present(&[], true, terminal);
        }
        let named: Vec<_> = args.targets.iter().map(ToString::to_string).collect();
        let told = format!("skipped {}: {why}\n", named.join(", "));
        terminal.output.print(&told)?;
        return Ok(Exit::Done);
    }
    let host = Host::open(config).await?;
    host.note_loads().await;
    let targets = args.targets.iter().map(|target| match target {
        Target::Job(job) => Target::Job(host.present_name(job.clone())),
        plugin => plugin.clone(),
    });
    let targets: Vec<_> = targets.collect();
    let jobs = host.in_order(selected(&host, &targets)?)?;
    let strays = tell_strays(&host, &targets);
    let options = JobOptions {
        mode: args.mode(),
        set: args.settings,
        tolerate: args.tolerate,
        max_rows: args.max_rows,
        deadline: args.deadline,
        stop: stop_on_signal(),
        queued: None,
        cause: crate::ledger::Cause::Command,
    };
    let (jobs, absent) = present_here(&host, jobs, &targets, &options.set).await?;
    let (reports, refused) = run_all(&host, &jobs, &options, terminal).await?;
    host.database().close().await;
    let exit = present(&reports, args.json, terminal)?;
    Ok(exit.max(refused).max(strays).max(absent))
}

/// What the file names under these plugins and nobody has: an error, and the others run.
fn tell_strays(host: &Host, targets: &[Target]) -> Exit {
    let whole = |plugin: &String| targets.contains(&Target::Plugin(plugin.clone()));
    let strays = host.strays().into_iter();
    let strays = strays.filter(|stray| !stray.other_profile && whole(&stray.job.plugin));
    let told = strays.map(|stray| {
        tracing::error!("{}", many_lines(&stray.to_string()));
        Exit::Refused
    });
    Exit::worst(told)
}

/// Checks every job before the first begins, then runs one after another. A job that a finding stops,
/// or that cannot begin, is an error on stderr and does not keep the others from running.
///
/// # Errors
/// When a job's settings or grant are at fault: nothing has run then.
pub async fn run_all(
    host: &Host,
    jobs: &[JobName],
    options: &JobOptions,
    terminal: &Terminal,
) -> Result<(Vec<RunReport>, Exit)> {
    // A ledger that is not there is told before anything about the jobs.
    ledger::list(host.database(), 1).await?;
    if options.mode == Mode::Apply {
        refuse_paused(host, &ledger::pauses(host.database()).await?, jobs)?;
    }
    let catalog = host.catalog().await?;
    let mut ready = Vec::new();
    let mut refused = Exit::Done;
    for job in jobs {
        let examined = host.examine_to_run(job, &options.set, &catalog).await?;
        match examined.tolerating(&options.tolerate) {
            Ok(prepared) => ready.push((job, prepared)),
            Err(stopped) if jobs.len() == 1 => return Err(stopped.into()),
            Err(stopped) => {
                tracing::error!("{}", many_lines(&stopped.to_string()));
                refused = refused.max(Exit::of_error(&stopped.into()));
            }
        }
    }
    let mut reports = Vec::new();
    let mut history = Vec::new();
    for (job, prepared) in &ready {
        let bar = terminal.progress.rows(&job.to_string());
        let (done, finished) = tokio::sync::oneshot::channel::<()>();
        let watch = |context: Arc<RunContext>| drop(tokio::spawn(follow(context, bar, finished)));
        let ran = host.run(prepared, options, &mut history, watch).await;
        drop(done);
        match ran {
            Ok(report) => reports.push(report),
            Err(error) => {
                tracing::error!(%job, %error, "the run did not begin");
                refused = refused.max(Exit::of_error(&error.into()));
            }
        }
    }
    Ok((reports, refused))
}

/// A pause holds on every host, whoever sits at it.
fn refuse_paused(host: &Host, pauses: &[Pause], jobs: &[JobName]) -> Result<(), Refusal> {
    for job in jobs {
        if let Some(pause) = host.pause_of(job, pauses) {
            let (what, why, by) = (pause.what.to_string(), &pause.why, &pause.by);
            return Err(Refusal(format!(
                "`{job}` is paused by {by}: {why}. `{}` ends that; --dry-run works",
                format!("besom resume {what}").trim()
            )));
        }
    }
    Ok(())
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
