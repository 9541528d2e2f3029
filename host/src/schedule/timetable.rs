//! When a job is due.

use std::time::Duration;

use chrono::DateTime;

use super::{Expression, Zone};
use crate::config::Config;
use crate::request::{JobName, Timestamp};

/// When a job is due, and how often it is tried.
#[derive(Debug, Clone)]
pub struct Timetable {
    expression: Option<Expression>,
    zone: Zone,
}

/// What has become due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The due time to run.
    pub run: Option<Timestamp>,
    /// Due times until this one have been considered.
    pub until: Timestamp,
    /// Due times that were passed over, or are late.
    pub missed: usize,
}

impl Timetable {
    /// The timetable of a job; `None` where its plugin is not configured.
    pub fn of(config: &Config, job: &JobName, proposed: Option<&str>) -> Option<Self> {
        let settings = config.job(job)?;
        let proposed = || proposed.and_then(|text| text.parse().ok());
        Some(Self {
            expression: settings.schedule.or_else(proposed),
            zone: settings.timezone,
        })
    }

    /// What became due after `from`, until `now`: the newest due time alone, where there were several.
    pub fn due(&self, from: Timestamp, now: Timestamp) -> Option<Found> {
        let expression = self.expression.as_ref()?;
        let mut at = DateTime::from_timestamp_micros(from.0)?.with_timezone(&self.zone);
        let mut newest = None;
        let mut missed = 0;
        while let Some(next) = expression.next_after(&at) {
            let next_at = Timestamp(next.timestamp_micros());
            if next_at > now {
                break;
            }
            missed += usize::from(newest.is_some());
            newest = Some(next_at);
            at = next;
        }
        newest.map(|run| Found {
            run: Some(run),
            until: run,
            missed,
        })
    }

    /// When a run that is due may begin.
    pub fn not_before(&self, _job: &JobName, due: Timestamp) -> Timestamp {
        due
    }

    /// Whether a run may be under way now.
    pub fn is_open(&self, _now: Timestamp) -> bool {
        true
    }

    /// The time until no run may be under way any more, and from then until one may be again.
    pub fn closes_in(&self, _now: Timestamp) -> Option<(Duration, Duration)> {
        None
    }

    /// The wait before another attempt; `None`: there is none.
    pub fn retry(&self, _job: &JobName, attempt: u32) -> Option<Duration> {
        (attempt < 3).then(|| Duration::from_secs(30 << attempt))
    }
}
