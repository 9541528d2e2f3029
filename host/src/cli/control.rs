//! `besom pause`, `resume` and `trigger`: what is said to every host that serves the database.

use anyhow::Result;
use serde::Serialize;

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::targets::{Target, in_view, jobs_of, present_here, tell_unknown};
use crate::config::{Config, ENVIRONMENT_VARIABLE, Environment};
use crate::ledger::{self, Asked, Cause, Pause, Scope};
use crate::request::{JobName, Mode};
use crate::runner::Host;

/// Hold jobs back on every host, until `besom resume`.
///
/// What runs is laid by after its batch in hand and goes on when it is resumed. Due times that pass
/// meanwhile are caught up with as `catch-up` says.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  besom pause --why 'restoring a backup'      everything
  besom pause tokens                          the jobs of a plugin
  besom pause tokens/revoked-access           one job")]
pub struct PauseArgs {
    /// A plugin, or `plugin/job`; without it everything
    #[arg(value_name = "WHAT")]
    pub what: Option<Target>,
    /// The reason, for whoever finds the jobs paused
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub why: String,
}

/// Let paused jobs run again, on every host.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, or no such pause.

Examples:
  besom resume                  ends the pause of everything
  besom resume tokens           ends the pause of a plugin")]
pub struct ResumeArgs {
    /// A plugin, or `plugin/job`; without it everything
    #[arg(value_name = "WHAT")]
    pub what: Option<Target>,
}

/// Ask the hosts that serve the database to run jobs soon.
///
/// The runs are put into the queue; a host takes them as soon as the jobs' tables are free, also outside
/// their maintenance windows. `besom run` runs jobs here and now instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 queued, 1 failed, or the file names a job that a plugin named here does not have (the others
are queued), 2 wrong usage.

Examples:
  besom trigger tokens/revoked-access
  besom trigger tokens --dry-run --json")]
pub struct TriggerArgs {
    /// `plugin/job`, or a plugin for all its jobs
    #[arg(required = true, value_name = "JOB")]
    pub targets: Vec<Target>,
    /// Count what would be deleted, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a JSON array, one object a run
    #[arg(long)]
    pub json: bool,
}

/// Pauses.
///
/// # Errors
/// For a plugin or job that is not configured, and when the ledger does not answer.
pub async fn pause(args: PauseArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let what = scope(&host, args.what)?;
    ledger::pause(host.database(), &what, &args.why, &whoever()).await?;
    let line = format!("{} paused: {}\n", in_words(&what), args.why);
    terminal.output.print(&line)?;
    host.database().close().await;
    Ok(Exit::Done)
}

/// Resumes.
///
/// # Errors
/// When nothing of the kind is paused, and when the ledger does not answer.
pub async fn resume(args: ResumeArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    // What is paused may be configured no more.
    let what = args.what.map_or(Scope::Everything, Target::into_scope);
    let ended = ledger::resume(host.database(), &what).await?;
    let left = ledger::pauses(host.database()).await?;
    host.database().close().await;
    if !ended {
        return Err(not_paused(&what, &left).into());
    }
    let mut text = format!("{} resumed\n", in_words(&what));
    for pause in &left {
        let Pause { what, why, .. } = pause;
        text.push_str(&format!("still paused: {} ({why})\n", in_words(what)));
    }
    terminal.output.print(&text)?;
    Ok(Exit::Done)
}

/// Queues runs.
///
/// # Errors
/// For jobs that are not configured, and when the ledger does not answer.
pub async fn trigger(args: TriggerArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let targets: Vec<_> = args
        .targets
        .into_iter()
        .map(|target| match target {
            Target::Job(job) => Target::Job(host.present_name(job)),
            plugin => plugin,
        })
        .collect();
    if let (Some(here), false) = (host.config().schedule.skipped(), args.dry_run) {
        tracing::warn!(
            "hosts of this environment run nothing, because {ENVIRONMENT_VARIABLE} is `{here}`, which \
             [schedule] skip-in names: these runs wait for others"
        );
    }
    let mode = match args.dry_run {
        true => Mode::DryRun,
        false => Mode::Apply,
    };
    let mut queued = Vec::new();
    let jobs = host.in_order(jobs_of(&host, &targets)?)?;
    let unknown = tell_unknown(in_view(host.unknown_jobs(), &targets));
    let here = present_here(&host, jobs, &targets, &[]).await?;
    for job in here.jobs {
        let asked = Asked {
            job: job.clone(),
            mode,
            cause: Cause::Request,
            by: whoever(),
        };
        let run = asked.enqueue(host.database()).await?.to_string();
        queued.push(QueuedJson {
            job: job.to_string(),
            run,
            mode,
        });
    }
    let alive = ledger::hosts(host.database()).await?;
    if !alive.iter().any(|host| host.alive) {
        tracing::warn!("no host serves this database now: the runs wait for a `besom serve`");
    }
    host.database().close().await;
    if args.json {
        terminal.output.json(&queued)?;
    } else {
        let lines = queued
            .iter()
            .map(|one| format!("{} queued as run {}\n", one.job, one.run));
        terminal.output.print(&lines.collect::<String>())?;
    }
    Ok(Exit::worst([unknown, here.exit]))
}

#[derive(Serialize)]
struct QueuedJson {
    job: String,
    run: String,
    mode: Mode,
}

impl Target {
    fn into_scope(self) -> Scope {
        match self {
            Self::Plugin(plugin) => Scope::Plugin(plugin),
            Self::Job(job) => Scope::Job(job),
        }
    }
}

fn scope(host: &Host, what: Option<Target>) -> Result<Scope> {
    let Some(what) = what else {
        return Ok(Scope::Everything);
    };
    match &what {
        Target::Job(job) => drop(host.in_order(vec![job.clone()])?),
        Target::Plugin(plugin) if host.plugins().contains_key(plugin) => {}
        Target::Plugin(plugin) => {
            // For its words on what was meant.
            host.in_order(vec![JobName::new(plugin, "")])?;
        }
    }
    Ok(what.into_scope())
}

fn not_paused(what: &Scope, left: &[Pause]) -> Refusal {
    let paused: Vec<_> = left.iter().map(|pause| in_words(&pause.what)).collect();
    let paused = paused.join(", ");
    Refusal(match (what, left) {
        (_, []) => "nothing is paused".to_owned(),
        (Scope::Everything, _) => format!(
            "there is no pause of everything; paused are: {paused}: name what is to be resumed"
        ),
        _ => format!("{} is not paused; paused are: {paused}", in_words(what)),
    })
}

fn in_words(what: &Scope) -> String {
    match what {
        Scope::Everything => "everything".to_owned(),
        Scope::Plugin(plugin) => format!("plugin `{plugin}`"),
        Scope::Job(job) => format!("`{job}`"),
    }
}

/// Who is at the keyboard, for the ledger.
pub(super) fn whoever() -> String {
    let environment = Environment::of_process();
    let user = environment
        .get("USER")
        .or_else(|| environment.get("LOGNAME"));
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    format!("{user}@{}", crate::config::machine(&environment))
}
