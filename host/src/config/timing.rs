//! The keys of a job that say when it may run, and what becomes of a run that was missed or failed.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::Section;
use super::error::ConfigError;
use super::units::DAY;
use crate::schedule::{CatchUp, Days, Hours, Window, Zone, ZonedHours};

/// What one table (`[defaults]`, a plugin's, a job's) says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timing {
    /// A run begins at most so much later than it is due.
    pub jitter: Option<Duration>,
    /// From when to when runs may be under way.
    pub hours: Option<ZonedHours>,
    /// The days on which that begins.
    pub days: Option<Days>,
    /// What becomes of a due time that was missed.
    pub catch_up: Option<CatchUp>,
    /// Further attempts at a run that failed.
    pub retries: Option<u32>,
    /// The wait before the first of them.
    pub retry_after: Option<Duration>,
}

/// Enough for a database that is restarted in the midst of a run, and few enough that a fault that stays
/// is noticed within minutes.
pub const DEFAULT_RETRIES: u32 = 3;

/// A database that is restarted is back by then.
pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Beyond a day a run would belong to another day than its due time.
const JITTERS: RangeInclusive<Duration> = Duration::ZERO..=DAY;

/// More would go on for a day, and hide that the job fails.
const RETRIES: RangeInclusive<u64> = 0..=50;

/// Waits never grow beyond the upper end.
const RETRY_WAITS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30 * 60);

/// What is in force for one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimingSettings {
    /// A run begins at most so much later than it is due.
    pub jitter: Duration,
    /// When runs may be under way; `None`: always.
    pub window: Option<Window>,
    /// What becomes of a due time that was missed.
    pub catch_up: CatchUp,
    /// Further attempts at a run that failed.
    pub retries: u32,
    /// The wait before the first of them.
    pub retry_after: Duration,
}

impl Timing {
    /// These, and `outer`'s where these say nothing.
    pub(super) fn within(self, outer: Self) -> Self {
        Self {
            jitter: self.jitter.or(outer.jitter),
            hours: self.hours.or(outer.hours),
            days: self.days.or(outer.days),
            catch_up: self.catch_up.or(outer.catch_up),
            retries: self.retries.or(outer.retries),
            retry_after: self.retry_after.or(outer.retry_after),
        }
    }

    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let mut timing = Self::default();
        if let Some(node) = section.get("jitter") {
            timing.jitter = Some(node.duration(&JITTERS)?);
        }
        if let Some(node) = section.get("window") {
            let text = node.text("22:00-06:00 Europe/Berlin")?;
            timing.hours = Some(
                text.parse()
                    .map_err(|problem: String| node.error(problem))?,
            );
        }
        if let Some(node) = section.get("days") {
            let text = node.text("mon-fri")?;
            timing.days = Some(
                text.parse()
                    .map_err(|problem: String| node.error(problem))?,
            );
        }
        if let Some(node) = section.get("catch-up") {
            timing.catch_up = Some(match node.text("once")?.as_str() {
                "skip" => CatchUp::Skip,
                "once" => CatchUp::Once,
                other => {
                    return Err(node.error(format!(
                        "`{other}` is neither `once` (one run for all due times that were missed) nor `skip` \
                         (none): write one of the two"
                    )));
                }
            });
        }
        if let Some(node) = section.get("retries") {
            timing.retries = u32::try_from(node.whole(&RETRIES, "attempts")?).ok();
        }
        if let Some(node) = section.get("retry-after") {
            timing.retry_after = Some(node.duration(&RETRY_WAITS)?);
        }
        Ok(timing)
    }

    /// What is in force, besom's own defaults included, for a job in a zone.
    pub(super) fn in_zone(self, zone: Zone) -> TimingSettings {
        let said = self.hours.is_some() || self.days.is_some();
        let window = said.then(|| Window {
            hours: self.hours.map_or(Hours::ALL, |said| said.hours),
            days: self.days.unwrap_or(Days::ALL),
            zone: self.hours.and_then(|said| said.zone).unwrap_or(zone),
        });
        TimingSettings {
            jitter: self.jitter.unwrap_or_default(),
            window,
            catch_up: self.catch_up.unwrap_or_default(),
            retries: self.retries.unwrap_or(DEFAULT_RETRIES),
            retry_after: self.retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
        }
    }
}
