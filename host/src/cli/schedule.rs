//! `besom schedule`: when jobs are due. The database is asked only which versions of plugins are in use, and
//! what jobs it has tables for.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::output::{Align, Table, Tone};
use super::targets::{Offer, Target, in_view, select, tell_unknown};
use crate::config::{Config, ENVIRONMENT_VARIABLE};
use crate::plugin::{Job, Plugin};
use crate::request::{JobName, Timestamp};
use crate::runner::{self, Known};
use crate::schedule::{Timetable, Zone};

/// Show when jobs are due, in their zones and in UTC.
///
/// By this machine's clock. The database is asked only which versions of plugins are installed in it, and
/// which jobs are absent because a table of theirs is; where it does not answer, the plugins are those of this
/// binary and of the file, with a warning. A pause is not known here.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 shown, 1 a plugin does not load, or the file names a job that its plugin does not have (the
others are shown), 2 wrong usage or a configuration at fault.

Examples:
  besom schedule
  besom schedule tokens --next 5
  besom schedule --json | jq '.[] | {job, next: .next[0].utc}'")]
pub struct ScheduleArgs {
    /// `plugin/job`, or a plugin for all its jobs; without any, every job of the configured plugins
    #[arg(value_name = "JOB")]
    pub targets: Vec<Target>,
    /// Show so many due times of each job
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=MOST_SHOWN))]
    pub next: u16,
    /// Print a JSON array, one object a job
    #[arg(long)]
    pub json: bool,
}

/// More are no help to anybody who reads them.
const MOST_SHOWN: i64 = 1000;

/// Shows the schedules.
///
/// # Errors
/// When a plugin does not load, and for jobs that are not configured.
pub async fn execute(args: ScheduleArgs, mut config: Config, terminal: &Terminal) -> Result<Exit> {
    let Known {
        plugins,
        absent,
        unasked,
    } = runner::known_plugins(&config).await?;
    if let Some(error) = unasked {
        tracing::warn!(
            "without the versions of plugins that are installed in the database: {error}"
        );
    }
    runner::carry_over(&mut config, &plugins, true)?;
    if let Some(here) = config.schedule.skipped() {
        tracing::warn!(
            "no job runs here: {ENVIRONMENT_VARIABLE} is `{here}`, which [schedule] skip-in names"
        );
    }
    let now = Timestamp(Utc::now().timestamp_micros());
    let unknown = runner::unknown_jobs(&config, &plugins);
    let unknown: Vec<_> = in_view(unknown, &args.targets).collect();
    let jobs = jobs(args.targets, &config, &plugins)?;
    let exit = tell_unknown(unknown.into_iter());
    let lines = jobs
        .iter()
        .filter_map(|name| {
            let job = plugins.get(&name.plugin)?.manifest().job(&name.job)?;
            let absent = absent.get(name).cloned();
            Line::of(&config, name, job, absent, now, usize::from(args.next))
        })
        .collect::<Vec<_>>();
    match args.json {
        true => terminal.output.json(&lines)?,
        false => terminal
            .output
            .print(&text(&lines, terminal.output.color()))?,
    }
    Ok(exit)
}

/// The jobs that the targets name, by their names of today; without any, all.
fn jobs(
    targets: Vec<Target>,
    config: &Config,
    plugins: &BTreeMap<String, Plugin>,
) -> Result<Vec<JobName>, Refusal> {
    let of_plugin = |(name, plugin): (&String, &Plugin)| {
        let offer = |job: &Job| Offer {
            job: JobName::new(name, &job.name),
            opt_in: false, // it is told of each whether it runs
        };
        plugin.manifest().jobs.iter().map(offer).collect::<Vec<_>>()
    };
    let offers: Vec<_> = plugins.iter().flat_map(of_plugin).collect();
    if targets.is_empty() {
        return Ok(offers.into_iter().map(|offer| offer.job).collect());
    }
    let today = |target| match target {
        Target::Job(job) => Target::Job(runner::names(job, plugins).0),
        plugin => plugin,
    };
    let targets: Vec<_> = targets.into_iter().map(today).collect();
    for target in &targets {
        if let Target::Job(job) = target
            && let Some(why) = runner::not_there(config, plugins, job)
        {
            return Err(Refusal(why.to_string()));
        }
    }
    select(&targets, &offers)
}

/// One job.
#[derive(Debug, Serialize)]
struct Line {
    job: String,
    /// Why it has no due times.
    idle: Option<Idle>,
    /// What of it is not in the database, where that is why.
    absent: Option<String>,
    schedule: Option<String>,
    source: Option<Source>,
    timezone: &'static str,
    window: Option<String>,
    jitter: Option<String>,
    next: Vec<Coming>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Idle {
    Absent,
    OptIn,
    Disabled,
    OnRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Source {
    File,
    Plugin,
}

/// One due time.
#[derive(Debug, Serialize)]
struct Coming {
    /// On the clock of the job's zone.
    local: String,
    utc: String,
    /// When a run may begin: jitter later, and within the window.
    begins: String,
    #[serde(skip)]
    at: (DateTime<Utc>, DateTime<Utc>, Zone),
}

impl Line {
    /// `None`: the file does not name its plugin.
    fn of(
        config: &Config,
        name: &JobName,
        job: &Job,
        absent: Option<String>,
        now: Timestamp,
        count: usize,
    ) -> Option<Self> {
        let timetable = Timetable::of(config, name, job.schedule.as_deref())?;
        let settings = config.job(name)?;
        let of_plugin = config.plugins.get(&name.plugin)?;
        let idle = match (timetable.expression(), settings.enabled) {
            (_, false) => Some(Idle::Disabled),
            _ if job.opt_in && !of_plugin.jobs.contains_key(&name.job) => Some(Idle::OptIn),
            _ if absent.is_some() => Some(Idle::Absent),
            (None, true) => Some(Idle::OnRequest),
            (Some(_), true) => None,
        };
        let source = match settings.schedule {
            Some(_) => Source::File,
            None => Source::Plugin,
        };
        let due = timetable.due_after(now);
        let due = due.take(if idle.is_some() { 0 } else { count });
        let jitter = timetable.jitter();
        Some(Self {
            job: name.to_string(),
            idle,
            absent: absent.filter(|_| idle == Some(Idle::Absent)),
            schedule: timetable.expression().map(ToString::to_string),
            source: timetable.expression().map(|_| source),
            timezone: timetable.zone().name(),
            window: timetable.window().map(ToString::to_string),
            jitter: (!jitter.is_zero()).then(|| humantime::format_duration(jitter).to_string()),
            next: due.map(|due| Coming::of(&timetable, name, due)).collect(),
        })
    }
}

impl Coming {
    fn of(timetable: &Timetable, job: &JobName, due: DateTime<Utc>) -> Self {
        let begins = timetable.not_before(job, Timestamp(due.timestamp_micros()));
        let begins = DateTime::from_timestamp_micros(begins.0).unwrap_or(due);
        let opens = timetable.window().filter(|window| !window.is_open(begins));
        let begins = opens
            .and_then(|window| window.opens(begins))
            .unwrap_or(begins);
        Self {
            local: due.with_timezone(&timetable.zone()).to_rfc3339(),
            utc: rfc3339(due),
            begins: rfc3339(begins),
            at: (due, begins, timetable.zone()),
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn text(lines: &[Line], color: bool) -> String {
    let mut table = Table::new([
        ("job", Align::Left),
        ("schedule", Align::Left),
        ("from", Align::Left),
        ("zone", Align::Left),
        ("due", Align::Left),
        ("in UTC", Align::Left),
        ("begins", Align::Left),
        ("window", Align::Left),
    ]);
    for line in lines {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        let from = match line.source {
            Some(Source::File) => "file",
            Some(Source::Plugin) => "plugin",
            None => "–",
        };
        let row = |[due, utc, begins]: [String; 3]| {
            [
                line.job.clone(),
                or_none(&line.schedule),
                from.to_owned(),
                line.timezone.to_owned(),
                due,
                utc,
                begins,
                or_none(&line.window),
            ]
        };
        let Some((first, others)) = line.next.split_first() else {
            let why = match line.idle {
                Some(Idle::OptIn) => "never: opt-in, and the file does not name it".to_owned(),
                Some(Idle::Disabled) => "never: enabled = false".to_owned(),
                Some(Idle::OnRequest) => "on request".to_owned(),
                Some(Idle::Absent) => format!("absent: {}", or_none(&line.absent)),
                None => "never again".to_owned(),
            };
            let none = || "–".to_owned();
            table.row(row([why, none(), none()]), Tone::Plain);
            continue;
        };
        table.row(row(first.cells()), Tone::Plain);
        for coming in others {
            let [due, utc, begins] = coming.cells();
            let [a, b, c, d, last] = [const { String::new() }; 5];
            table.row([a, b, c, d, due, utc, begins, last], Tone::Plain);
        }
    }
    table.render(color)
}

impl Coming {
    /// When it is due, on the zone's clock and in UTC, and when a run begins where that is later. With the
    /// zone's abbreviation, which tells an hour that clocks show twice apart.
    fn cells(&self) -> [String; 3] {
        let (due, begins, zone) = self.at;
        let on_clock =
            |at: DateTime<Utc>, format| at.with_timezone(&zone).format(format).to_string();
        [
            on_clock(due, "%a %Y-%m-%d %H:%M %Z"),
            due.format("%a %Y-%m-%d %H:%M").to_string(),
            match begins > due {
                true => on_clock(begins, "%a %Y-%m-%d %H:%M:%S %Z"),
                false => "when due".to_owned(),
            },
        ]
    }
}
