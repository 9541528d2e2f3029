//! `besom run`: runs jobs now.

use std::str::FromStr;
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
use crate::config::{self, Config, DEADLINES, ENVIRONMENT_VARIABLE, ROW_BUDGETS};
use crate::ledger::{self, Pause};
use crate::plugin::{self, Plugin};
use crate::request::{JobName, Mode, NameError};
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
    #[arg(long, value_name = "CODE")]
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

/// What is to run: a job, or every job of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every job of a plugin, except opt-in jobs that the file does not name.
    Plugin(String),
    /// One job.
    Job(JobName),
}

impl FromStr for Target {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.contains('/') {
            text.parse().map(Self::Job)
        } else {
            Ok(Self::Plugin(text.to_owned()))
        }
    }
}

/// A job that could run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The job.
    pub job: JobName,
    /// It runs only where the command names it: its plugin says opt-in, and the file does not name
    /// it; or the file says `enabled = false`.
    pub opt_in: bool,
}

/// The jobs that the targets name, each once, in the order in which they are named; within a
/// plugin in the order of `offers`.
///
/// # Errors
/// When a target names nothing that is offered; the message says what was probably meant.
pub fn select(targets: &[Target], offers: &[Offer]) -> Result<Vec<JobName>, Refusal> {
    let mut selected: Vec<JobName> = Vec::new();
    for target in targets {
        let mut known = false;
        for offer in offers.iter().filter(|offer| target.names(offer)) {
            known = true;
            if !selected.contains(&offer.job) {
                selected.push(offer.job.clone());
            }
        }
        if !known {
            return Err(unknown(target, offers));
        }
    }
    Ok(selected)
}

impl Target {
    fn names(&self, offer: &Offer) -> bool {
        match self {
            Self::Plugin(plugin) => offer.job.plugin == *plugin && !offer.opt_in,
            Self::Job(job) => offer.job == *job,
        }
    }
}

fn unknown(target: &Target, offers: &[Offer]) -> Refusal {
    let (what, name, known): (_, _, Vec<String>) = match target {
        Target::Plugin(name) if offers.iter().any(|offer| offer.job.plugin == *name) => {
            return Refusal(format!(
                "every job of `{name}` is opt-in or not enabled: name one on the command line, or in \
                 besom.toml"
            ));
        }
        Target::Plugin(name) => (
            "plugin",
            name.clone(),
            offers.iter().map(|o| o.job.plugin.clone()).collect(),
        ),
        Target::Job(job) => (
            "job",
            job.to_string(),
            offers.iter().map(|o| o.job.to_string()).collect(),
        ),
    };
    let meant = config::nearest(&name, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Refusal(format!(
        "no {what} `{name}` is configured{meant} (`besom plugin list` shows what there is; a \
         plugin runs only where besom.toml has a [plugins.NAME])"
    ))
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
        tracing::warn!(
            "no job runs here: {ENVIRONMENT_VARIABLE} is `{here}`, which [schedule] skip-in names \
             (--dry-run works)"
        );
        return present(&[], args.json, terminal);
    }
    let host = Host::open(config).await?;
    host.note_loads().await;
    let targets = args.targets.iter().map(|target| match target {
        Target::Job(job) => Target::Job(host.present_name(job.clone())),
        plugin => plugin.clone(),
    });
    let targets: Vec<_> = targets.collect();
    let jobs = host.in_order(select(&targets, &offers(&host))?)?;
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
    let (reports, refused) = run_all(&host, &jobs, &options, terminal).await?;
    host.database().close().await;
    Ok(present(&reports, args.json, terminal)?.max(refused))
}

/// The jobs that the targets name, or, without any, every job that runs without being named.
///
/// # Errors
/// As [`select`].
pub(super) fn jobs_of(host: &Host, targets: &[Target]) -> Result<Vec<JobName>, Refusal> {
    let offers = offers(host);
    if !targets.is_empty() {
        return select(targets, &offers);
    }
    let all = offers.into_iter().filter(|offer| !offer.opt_in);
    Ok(all.map(|offer| offer.job).collect())
}

/// The jobs of the configured plugins, in the order of their manifests.
fn offers(host: &Host) -> Vec<Offer> {
    let of_plugin = |(name, plugin): (&String, &Plugin)| {
        let named = host.config().plugins.get(name);
        let offer = |job: &plugin::Job| {
            let full = JobName::new(name, &job.name);
            let enabled = host.config().job(&full).is_none_or(|job| job.enabled);
            let named = named.is_some_and(|named| named.jobs.contains_key(&job.name));
            Offer {
                job: full,
                opt_in: !enabled || (job.opt_in && !named),
            }
        };
        plugin.manifest().jobs.iter().map(offer).collect::<Vec<_>>()
    };
    host.plugins().iter().flat_map(of_plugin).collect()
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

    fn offers() -> Vec<Offer> {
        let offer = |job: &str, opt_in| Offer {
            job: job.parse().unwrap(),
            opt_in,
        };
        vec![
            offer("tokens/revoked-access", false),
            offer("tokens/expired-access", false),
            offer("sessions/expire-inactive", true),
            offer("sessions/expired", false),
            offer("ips/all", true),
        ]
    }

    fn selected(targets: &[&str]) -> Result<Vec<String>, String> {
        let targets: Vec<Target> = targets.iter().map(|text| text.parse().unwrap()).collect();
        let jobs = select(&targets, &offers()).map_err(|error| error.to_string())?;
        Ok(jobs.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_plugin_stands_for_all_its_jobs_and_each_runs_once() {
        let jobs = selected(&["tokens/expired-access", "tokens"]).unwrap();
        assert_eq!(jobs, ["tokens/expired-access", "tokens/revoked-access"]);
    }

    #[test]
    fn an_opt_in_job_runs_only_when_it_is_named() {
        assert_eq!(selected(&["sessions"]).unwrap(), ["sessions/expired"]);
        let named = selected(&["sessions/expire-inactive"]).unwrap();
        assert_eq!(named, ["sessions/expire-inactive"]);
        assert!(selected(&["ips"]).unwrap_err().contains("is opt-in"));
    }

    #[test]
    fn an_unknown_job_is_refused_with_what_was_meant() {
        let error = selected(&["tokens/revoked-acces"]).unwrap_err();
        assert!(
            error.contains("did you mean `tokens/revoked-access`?"),
            "{error}"
        );
        let error = selected(&["token"]).unwrap_err();
        assert!(
            error.contains("no plugin `token`") && error.contains("`tokens`?"),
            "{error}"
        );
    }

    #[test]
    fn arguments_of_odd_form_are_refused_with_an_example() {
        assert!("tokens/".parse::<Target>().is_err());
        assert!("".parse::<Target>().is_err());
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
