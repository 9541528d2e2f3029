//! The host's keys of a job, and which value is in force.

use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Later, Section};
use super::error::ConfigError;
use super::units::DAY;

/// What one table (`[defaults]`, a plugin's, a job's) says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobLimits {
    /// Rows that one batch deletes at most.
    pub batch_size: Option<NonZeroU32>,
    /// How long a run may take before it is suspended.
    pub deadline: Option<Duration>,
    /// Rows that a run changes at most before it is suspended.
    pub max_rows: Option<NonZeroU64>,
    /// Codes of findings that do not keep a job from running.
    pub tolerate: Option<Vec<String>>,
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

/// The keys of [`JobLimits`], as the file spells them.
pub(super) const KEYS: [&str; 4] = ["batch-size", "deadline", "max-rows-per-run", "tolerate"];

const ON_REQUEST: &str = "jobs run when `besom run` names them";
const UNPACED: &str = "batches follow each other without a rest";

/// Keys of later versions that may stand wherever [`KEYS`] may.
pub(super) const LATER: [Later; 5] = [
    ("schedule", ON_REQUEST),
    ("timezone", ON_REQUEST),
    ("pace", UNPACED),
    (
        "enabled",
        "a plugin that the file does not name does not run",
    ),
    ("on-upgrade", "plugins are loaded at the start"),
];

impl JobLimits {
    /// These limits, and `outer`'s where these say nothing.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            batch_size: self.batch_size.or(outer.batch_size),
            deadline: self.deadline.or(outer.deadline),
            max_rows: self.max_rows.or(outer.max_rows),
            tolerate: self.tolerate.or(outer.tolerate),
        }
    }

    /// Reads [`KEYS`] of a section; the section's other keys are the caller's.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, ConfigError> {
        let mut limits = Self::default();
        if let Some(node) = section.get("batch-size") {
            limits.batch_size = NonZeroU32::new(node.count32(&BATCH_SIZES, "rows")?);
        }
        if let Some(node) = section.get("deadline") {
            limits.deadline = Some(node.duration(&DEADLINES)?);
        }
        if let Some(node) = section.get("max-rows-per-run") {
            limits.max_rows = Some(node.count(&ROW_BUDGETS, "rows")?);
        }
        if let Some(node) = section.get("tolerate") {
            limits.tolerate = Some(node.names("[\"unindexed-foreign-key\"]")?);
        }
        Ok(limits)
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
    /// Codes of findings that do not keep the job from running. Any plugin may have any code.
    pub tolerate: Vec<String>,
    /// The plugin's settings as written, not yet typed.
    pub plugin_settings: toml::Table,
    /// The job's settings as written; they win over the plugin's.
    pub job_settings: toml::Table,
}

impl JobSettings {
    pub(super) fn of(
        limits: JobLimits,
        plugin_settings: toml::Table,
        job_settings: toml::Table,
    ) -> Self {
        Self {
            batch_size: limits
                .batch_size
                .map_or(DEFAULT_BATCH_SIZE, NonZeroU32::get),
            deadline: limits.deadline.unwrap_or(DEFAULT_DEADLINE),
            max_rows: limits.max_rows.map_or(DEFAULT_MAX_ROWS, NonZeroU64::get),
            tolerate: limits.tolerate.unwrap_or_default(),
            plugin_settings,
            job_settings,
        }
    }
}
