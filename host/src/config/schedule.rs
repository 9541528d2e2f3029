//! `[schedule]`, and a job's own `schedule`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Node, Section};
use super::environment::Environment;
use super::error::ConfigError;
use crate::schedule::{Expression, Zone, zone};

/// The variable that says which environment this is.
pub const ENVIRONMENT_VARIABLE: &str = "BESOM_ENV";

/// The keys of `[schedule]`.
pub(super) const KEYS: [&str; 2] = ["skip-in", "look-every"];

/// Whoever has taken a right or an index away is still at it, and whoever has given it waits to see that it
/// helped. A look asks the database a few questions a job.
pub const DEFAULT_LOOK_EVERY: Duration = Duration::from_secs(2 * 60);

/// Beyond a day a job would be refused before anybody heard that it will be.
const LOOKS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// Where jobs do not run, and how often a service looks whether they could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleConfig {
    /// Environments in which no job runs.
    pub skip_in: Vec<String>,
    /// What [`ENVIRONMENT_VARIABLE`] says; `None`: nothing.
    pub environment: Option<String>,
    /// From one look of a service at every job to the next.
    pub look_every: Duration,
}

impl ScheduleConfig {
    pub(super) fn in_environment(environment: &Environment) -> Self {
        Self {
            skip_in: Vec::new(),
            environment: environment.get(ENVIRONMENT_VARIABLE),
            look_every: DEFAULT_LOOK_EVERY,
        }
    }

    pub(super) fn read(root: &Section<'_>) -> Result<Self, ConfigError> {
        let mut schedule = Self::in_environment(root.source.environment);
        if let Some(node) = root.get("schedule") {
            let section = node.section()?;
            section.only(&KEYS, &[])?;
            if let Some(node) = section.get("skip-in") {
                schedule.skip_in = node.names("[\"test\"]")?;
            }
            if let Some(node) = section.get("look-every") {
                schedule.look_every = node.duration(&LOOKS)?;
            }
        }
        Ok(schedule)
    }

    /// The environment, if it is one where no job runs.
    pub fn skipped(&self) -> Option<&str> {
        let here = self.environment.as_deref()?;
        self.skip_in.iter().any(|name| name == here).then_some(here)
    }
}

/// A job's cron expression.
pub(super) fn expression(node: &Node<'_>) -> Result<Expression, ConfigError> {
    let text = node.text("0 3 * * *")?;
    text.parse()
        .map_err(|error: crate::schedule::ExpressionError| {
            let from = node
                .behind()
                .map_or_else(String::new, |raw| format!("; the file says {raw:?}"));
            node.error(format!("{error}{from}"))
        })
}

/// The time zone that schedules are read in.
pub(super) fn timezone(node: &Node<'_>) -> Result<Zone, ConfigError> {
    zone(&node.text("Europe/Berlin")?).map_err(|problem| node.error(problem))
}

/// Refuses a schedule that stands for many jobs at once: they would all begin in one minute.
pub(super) fn of_jobs_only(section: &Section<'_>) -> Result<(), ConfigError> {
    match section.get("schedule") {
        None => Ok(()),
        Some(node) => {
            Err(node.error("a schedule belongs to one job: write it under [plugins.NAME.jobs.JOB]"))
        }
    }
}
