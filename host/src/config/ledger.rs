//! `[ledger]`: how long besom remembers.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::Section;
use super::error::ConfigError;

/// besom's own records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Runs that ended longer ago are forgotten by a service.
    pub keep: Duration,
}

/// The keys of `[ledger]`.
pub(super) const KEYS: [&str; 1] = ["keep"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A quarter: long enough to answer what became of a row when somebody asks.
const DEFAULT_KEEP: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Less than a day would lose runs that nobody has looked at yet.
const KEEPS: RangeInclusive<Duration> = DAY..=Duration::from_secs(10 * 366 * 24 * 60 * 60);

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { keep: DEFAULT_KEEP }
    }
}

impl LedgerConfig {
    pub(super) fn read(root: &Section<'_>) -> Result<Self, ConfigError> {
        let mut ledger = Self::default();
        if let Some(node) = root.get("ledger") {
            let section = node.section()?;
            section.only(&KEYS, &[])?;
            if let Some(node) = section.get("keep") {
                ledger.keep = node.duration(&KEEPS)?;
            }
        }
        Ok(ledger)
    }
}
