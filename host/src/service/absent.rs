//! Jobs that were absent when this host last looked at them, so that each is told of once.
//!
//! They stay on their schedule: each due time is looked at and passed by, and a table that has come
//! meanwhile makes the job present.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::request::JobName;

/// What is missing, by job.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<BTreeMap<JobName, String>>);

impl Absent {
    /// The job is absent: a line where that, or what is missing, is new.
    pub(super) fn note(&self, job: &JobName, missing: &str) {
        let before = self.lock().insert(job.clone(), missing.to_owned());
        if before.as_deref() != Some(missing) {
            tracing::info!(%job, "the job is absent: {missing}");
        }
    }

    /// The job is not absent: a line where it was.
    pub(super) fn is_there(&self, job: &JobName) {
        if self.lock().remove(job).is_some() {
            tracing::info!(%job, "the job is absent no more");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobName, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
