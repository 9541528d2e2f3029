//! When a job is due, when it may run, and how often it is tried.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::due::{newest_due, next_due};
use super::spread::part_of;
use super::{Expression, Window, Zone};
use crate::config::{Config, JobSettings};
use crate::request::{JobName, Timestamp};

/// When a job is due, when it may run, and how often it is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    expression: Option<Expression>,
    zone: Zone,
    jitter: Duration,
    window: Option<Window>,
    catch_up: CatchUp,
    retries: u32,
    retry_after: Duration,
}

/// What becomes of a due time at which no host looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// Nothing: the job waits for its next one.
    Skip,
    /// One run, however many were missed.
    #[default]
    Once,
}

/// What has become due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The due time to run; `None` where it is late and the job does not catch up.
    pub run: Option<Timestamp>,
    /// Due times until this one have been considered.
    pub until: Timestamp,
    /// Due times that were passed over, or are late; counted up to [`MOST_COUNTED`].
    pub missed: usize,
}

/// A due time that is older than this is late. Hosts look each second; a restart takes some.
const ON_TIME: TimeDelta = TimeDelta::minutes(1);

/// Nobody acts on a larger number, and counting takes time.
pub const MOST_COUNTED: usize = 1000;

/// Waits between attempts double up to this: an outage that is over is then not waited out for long.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// The part of a wait by which it may be longer, so that jobs that one outage failed do not come back
/// together.
const WAIT_SPREAD: u32 = 5;

impl Timetable {
    /// The timetable of a job, under the schedule that its plugin proposes where the file has none;
    /// `None` where its plugin is not configured.
    pub fn of(config: &Config, job: &JobName, proposed: Option<&str>) -> Option<Self> {
        Some(Self::under(config.job(job)?, proposed))
    }

    fn under(settings: JobSettings, proposed: Option<&str>) -> Self {
        // It was checked when the plugin was loaded.
        let proposed = || proposed.and_then(|text| text.parse().ok());
        Self {
            expression: settings.schedule.or_else(proposed),
            zone: settings.timezone,
            jitter: settings.timing.jitter,
            window: settings.timing.window,
            catch_up: settings.timing.catch_up,
            retries: settings.timing.retries,
            retry_after: settings.timing.retry_after,
        }
    }

    /// When the job is due, on the clock of [`Timetable::zone`]; `None`: on request only.
    pub fn expression(&self) -> Option<&Expression> {
        self.expression.as_ref()
    }

    /// The zone that the expression is read in.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// When the job's runs may be under way; `None`: always.
    pub fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// A run begins at most so much later than it is due.
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// What became due after `from`, until `now`: the newest due time alone, where there were several,
    /// and none to run where it is late and the job does not catch up. `None`: nothing became due.
    pub fn due(&self, from: Timestamp, now: Timestamp) -> Option<Found> {
        let expression = self.expression.as_ref()?;
        let (from, now) = (instant(from)?, instant(now)?);
        let newest = newest_due(expression, self.zone, from, now)?;
        let late = now - newest > ON_TIME;
        let before = self.due_times(from).take_while(|due| *due < newest);
        let missed = before.take(MOST_COUNTED).count() + usize::from(late);
        let until = Timestamp(newest.timestamp_micros());
        Some(Found {
            run: (!late || self.catch_up == CatchUp::Once).then_some(until),
            until,
            missed: missed.min(MOST_COUNTED),
        })
    }

    /// The coming due times after an instant.
    pub fn due_after(&self, after: Timestamp) -> impl Iterator<Item = DateTime<Utc>> {
        instant(after)
            .into_iter()
            .flat_map(|after| self.due_times(after))
    }

    fn due_times(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let next = move |after: &DateTime<Utc>| {
            let expression = self.expression.as_ref()?;
            next_due(expression, self.zone, *after)
        };
        std::iter::successors(next(&after), next)
    }

    /// When a run that is due may begin: jitter later, by as much as every host finds out for itself.
    pub fn not_before(&self, job: &JobName, due: Timestamp) -> Timestamp {
        let later = part_of(self.jitter, job, due.0);
        let later = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
        Timestamp(due.0.saturating_add(later))
    }

    /// Whether a run may be under way at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        match (&self.window, instant(at)) {
            (Some(window), Some(at)) => window.is_open(at),
            _ => true,
        }
    }

    /// The time until no run may be under way any more (none, where that is so already), and from then
    /// until one may be again; `None`: there is no such time.
    pub fn closes_in(&self, now: Timestamp) -> Option<(Duration, Duration)> {
        let (window, now) = (self.window.as_ref()?, instant(now)?);
        let closes = match window.is_open(now) {
            true => window.closes(now)?,
            false => now,
        };
        let wait = window.opens(closes)? - closes;
        Some(((closes - now).to_std().ok()?, wait.to_std().ok()?))
    }

    /// The wait before another attempt after one that failed, the first being 1; `None`: it was the last.
    pub fn retry(&self, job: &JobName, attempt: u32) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        let doublings = 2u32.saturating_pow(attempt.saturating_sub(1));
        let wait = self.retry_after.saturating_mul(doublings).min(LONGEST_WAIT);
        let wait = wait + part_of(wait / WAIT_SPREAD, job, i64::from(attempt));
        Some(wait.min(LONGEST_WAIT))
    }
}

fn instant(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(at.0)
}

#[cfg(test)]
mod tests;
