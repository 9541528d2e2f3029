//! The run's clock and log.

use std::fmt::Display;

use crate::host;
use crate::time::Timestamp;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names say it
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// The database's clock when the run began. It does not move during the run.
///
/// Outside a host and outside [`testing`](crate::testing) it is the Unix epoch, before which
/// nothing in a database has happened.
pub fn now() -> Timestamp {
    host::now()
}

/// Writes one structured line to the host's log, which adds plugin, version, job and run.
///
/// The host logs the counts of every run by itself; a plugin logs what only it knows.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// log(Level::Debug, "not a job of this profile", &[("profile", &"mas"), ("jobs", &7)]);
/// ```
pub fn log(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.to_string()))
        .collect();
    host::log(level, message, fields);
}
