//! The host's keys of a job, and which value is in force.

use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Later, Node, Section};
use super::error::ConfigError;
use super::schedule;
use super::timing::{Timing, TimingSettings};
use super::units::DAY;
use crate::preflight;
use crate::schedule::{Expression, Zone};

/// What one table (`[defaults]`, a plugin's, a job's) says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobLimits {
    /// Rows that one batch deletes at most.
    pub batch_size: Option<NonZeroU32>,
    /// How long a run may take before it is suspended.
    pub deadline: Option<Duration>,
    /// Rows that a run changes at most before it is suspended.
    pub max_rows: Option<NonZeroU64>,
    /// The part of a table that a run changes at most before it is suspended.
    pub max_fraction: Option<Fraction>,
    /// No retention of a job is shorter.
    pub min_retention: Option<Duration>,
    /// Codes of findings that do not keep a job from running.
    pub tolerate: Option<Vec<String>>,
    /// The time zone that schedules are read in.
    pub timezone: Option<Zone>,
    /// Whether the job runs unless a command names it.
    pub enabled: Option<bool>,
    /// When it may run, and what becomes of a run that was missed or failed.
    pub timing: Timing,
    /// What becomes of a run under way when its plugin is replaced.
    pub on_upgrade: Option<OnUpgrade>,
}

/// What becomes of a run under way when another version of its plugin takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUpgrade {
    /// It ends on the version that it began on.
    #[default]
    Drain,
    /// It stops after its batch in hand, and the other version begins anew.
    Handover,
}

/// Small enough that a batch is over before an application notices its locks.
pub const DEFAULT_BATCH_SIZE: u32 = 1000;

/// A backlog is then left to the next run instead of holding a table for hours.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// A wrong setting is then noticed before it has emptied a large table.
pub const DEFAULT_MAX_ROWS: u64 = 500_000;

/// Above, a batch's transaction holds locks for seconds.
const BATCH_SIZES: RangeInclusive<u64> = 1..=10_000;

/// The deadlines that a run may have.
pub const DEADLINES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * DAY.as_secs());

/// The row budgets that a run may have; the upper end is "every row of any table".
pub const ROW_BUDGETS: RangeInclusive<u64> = 1..=1_000_000_000_000;

/// The floors that retentions may have.
const RETENTIONS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(36_500 * DAY.as_secs());

/// A part of a whole, more than nothing and no more than all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Millionths, so that two fractions are equal or not.
    millionths: u32,
}

/// One whole.
const WHOLE: u32 = 1_000_000;

impl Fraction {
    /// A fraction from 0.000001 to 1; `None` for other numbers.
    pub fn new(part: f64) -> Option<Self> {
        let millionths = (part * f64::from(WHOLE)).round();
        // Checked just before, so that nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (millionths >= 1.0 && millionths <= f64::from(WHOLE)).then_some(Self {
            millionths: millionths as u32,
        })
    }

    /// So much of a number, at least one.
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.millionths) / u128::from(WHOLE);
        u64::try_from(part).unwrap_or(u64::MAX).max(1)
    }

    /// The least number that has so large a part.
    pub fn least_whole(self, part: u64) -> u64 {
        if part <= 1 {
            return 0;
        }
        let whole = u128::from(part) * u128::from(WHOLE);
        u64::try_from(whole.div_ceil(u128::from(self.millionths))).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Display for Fraction {
    /// In percent: `20 %`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} %",
            f64::from(self.millionths) * 100.0 / f64::from(WHOLE)
        )
    }
}

fn fraction(node: &Node<'_>) -> Result<Fraction, ConfigError> {
    Fraction::new(node.number("0.2")?).ok_or_else(|| {
        node.error("must be a part of the table, above 0 and up to 1: 0.2 is a fifth of it")
    })
}

/// The keys of [`JobLimits`], as the file spells them.
pub(super) const KEYS: [&str; 15] = [
    "batch-size",
    "deadline",
    "max-rows-per-run",
    "max-fraction",
    "min-retention",
    "tolerate",
    "timezone",
    "enabled",
    "jitter",
    "window",
    "days",
    "catch-up",
    "retries",
    "retry-after",
    "on-upgrade",
];

/// Keys of later versions that may stand wherever [`KEYS`] may.
pub(super) const LATER: [Later; 1] = [("pace", "batches follow each other without a rest")];

fn on_upgrade(node: &Node<'_>) -> Result<OnUpgrade, ConfigError> {
    match node.text("drain")?.as_str() {
        "drain" => Ok(OnUpgrade::Drain),
        "handover" => Ok(OnUpgrade::Handover),
        other => Err(node.error(format!(
            "`{other}` is neither `drain` (a run ends on the version that it began on) nor `handover` (it \
             stops after its batch in hand, and the new version begins): write one of the two"
        ))),
    }
}

impl JobLimits {
    /// These limits, and `outer`'s where these say nothing.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            batch_size: self.batch_size.or(outer.batch_size),
            deadline: self.deadline.or(outer.deadline),
            max_rows: self.max_rows.or(outer.max_rows),
            max_fraction: self.max_fraction.or(outer.max_fraction),
            min_retention: self.min_retention.or(outer.min_retention),
            tolerate: self.tolerate.or(outer.tolerate),
            timezone: self.timezone.or(outer.timezone),
            enabled: self.enabled.or(outer.enabled),
            timing: self.timing.within(outer.timing),
            on_upgrade: self.on_upgrade.or(outer.on_upgrade),
        }
    }

    /// Reads [`KEYS`] of a section; the section's other keys are the caller's.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let mut limits = Self {
            timing: Timing::read(section)?,
            ..Self::default()
        };
        if let Some(node) = section.get("batch-size") {
            limits.batch_size = NonZeroU32::new(node.count32(&BATCH_SIZES, "rows")?);
        }
        if let Some(node) = section.get("deadline") {
            limits.deadline = Some(node.duration(&DEADLINES)?);
        }
        if let Some(node) = section.get("max-rows-per-run") {
            limits.max_rows = Some(node.count(&ROW_BUDGETS, "rows")?);
        }
        if let Some(node) = section.get("max-fraction") {
            limits.max_fraction = Some(fraction(&node)?);
        }
        if let Some(node) = section.get("min-retention") {
            limits.min_retention = Some(node.duration(&RETENTIONS)?);
        }
        if let Some(node) = section.get("tolerate") {
            let codes = node.names("[\"unindexed-foreign-key\"]")?;
            for code in &codes {
                tolerable(code).map_err(|problem| node.error(problem))?;
            }
            limits.tolerate = Some(codes);
        }
        if let Some(node) = section.get("timezone") {
            limits.timezone = Some(schedule::timezone(&node)?);
        }
        if let Some(node) = section.get("enabled") {
            limits.enabled = Some(node.boolean()?);
        }
        if let Some(node) = section.get("on-upgrade") {
            limits.on_upgrade = Some(on_upgrade(&node)?);
        }
        Ok(limits)
    }
}

/// Refuses a code that is nobody's and nearly one of besom's: it would tolerate nothing.
///
/// # Errors
/// Says which was probably meant.
pub fn tolerable(code: &str) -> Result<(), String> {
    match preflight::meant(code) {
        None => Ok(()),
        Some(meant) => Err(format!(
            "no finding has the code `{code}`; did you mean `{meant}`?"
        )),
    }
}

/// What is in force for one job: its own word, else its plugin's, else `[defaults]`, else besom's.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSettings {
    /// Rows that one batch deletes at most.
    pub batch_size: u32,
    /// How long a run may take before it is suspended.
    pub deadline: Duration,
    /// Rows that a run changes at most before it is suspended.
    pub max_rows: u64,
    /// The part of a table that a run changes at most; `None`: all of it.
    pub max_fraction: Option<Fraction>,
    /// No retention is shorter; `None`: the plugin's own floors hold alone.
    pub min_retention: Option<Duration>,
    /// Codes of findings that do not keep the job from running. Any plugin may have any code.
    pub tolerate: Vec<String>,
    /// The file's schedule for the job; `None`: the one that its plugin proposes.
    pub schedule: Option<Expression>,
    /// The time zone that the schedule is read in.
    pub timezone: Zone,
    /// When it may run, and what becomes of a run that was missed or failed.
    pub timing: TimingSettings,
    /// What becomes of a run under way when its plugin is replaced.
    pub on_upgrade: OnUpgrade,
    /// It runs also where a command names its plugin only.
    pub enabled: bool,
    /// The plugin's settings as written, not yet typed.
    pub plugin_settings: toml::Table,
    /// The job's settings as written; they win over the plugin's.
    pub job_settings: toml::Table,
}

impl JobSettings {
    pub(super) fn of(
        limits: JobLimits,
        schedule: Option<Expression>,
        plugin_settings: toml::Table,
        job_settings: toml::Table,
    ) -> Self {
        let timezone = limits.timezone.unwrap_or(Zone::UTC);
        Self {
            batch_size: limits
                .batch_size
                .map_or(DEFAULT_BATCH_SIZE, NonZeroU32::get),
            deadline: limits.deadline.unwrap_or(DEFAULT_DEADLINE),
            max_rows: limits.max_rows.map_or(DEFAULT_MAX_ROWS, NonZeroU64::get),
            max_fraction: limits.max_fraction,
            min_retention: limits.min_retention,
            tolerate: limits.tolerate.unwrap_or_default(),
            schedule,
            timezone,
            timing: limits.timing.in_zone(timezone),
            on_upgrade: limits.on_upgrade.unwrap_or_default(),
            enabled: limits.enabled.unwrap_or(true),
            plugin_settings,
            job_settings,
        }
    }
}
