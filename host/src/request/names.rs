//! Small types for what would otherwise be bare strings and integers.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat};

/// Microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This instant less `micros` microseconds, stopping at the ends of the range.
    #[must_use]
    pub fn minus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_sub(micros))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(f, "{}µs", self.0),
        }
    }
}

/// The unit that is scheduled: `plugin/job`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName {
    /// The plugin's name.
    pub plugin: String,
    /// The job's name within the plugin.
    pub job: String,
}

impl JobName {
    /// A job of a plugin.
    pub fn new(plugin: impl Into<String>, job: impl Into<String>) -> Self {
        Self {
            plugin: plugin.into(),
            job: job.into(),
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.plugin, self.job)
    }
}

/// A name that is not of the form it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a job: write `plugin/job`, for example `tokens/revoked-access`")]
pub struct NameError(String);

impl FromStr for JobName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((plugin, job)) if !plugin.is_empty() && !job.is_empty() && !job.contains('/') => {
                Ok(Self::new(plugin, job))
            }
            _ => Err(NameError(text.to_owned())),
        }
    }
}

/// One execution of a job: a UUIDv7, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub uuid::Uuid);

impl RunId {
    /// A fresh id.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}
