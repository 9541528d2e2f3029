//! Why a sweep that is not done has had no further batch.

use crate::database::DatabaseError;
use crate::request::{Fault, Suspension};

/// Why there was no batch. Nothing has happened, and the sweep stands where it stood.
#[derive(Debug)]
pub(super) enum NoBatch {
    /// The run is to stop, and did so between two attempts.
    Suspended(Suspension),
    /// What remains after the host's own retries.
    Failed(Fault),
}

impl From<Fault> for NoBatch {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<DatabaseError> for NoBatch {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(error.into())
    }
}
