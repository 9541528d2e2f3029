//! When each job was last drained.
//!
//! Of the jobs that are there: who watches for a success that is long ago would otherwise be called for a
//! job that the file has left out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{Float, Job};
use crate::ledger::{self, LedgerError};
use crate::request::JobName;
use crate::runner::{self, Host};

/// When each job was last drained.
#[derive(Debug, Default)]
pub(super) struct Successes {
    at: Family<Job, Float>,
    known: Mutex<BTreeMap<JobName, f64>>,
}

impl Successes {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register_with_unit(
            "last_success_timestamp",
            "When a run of the job was last drained",
            Unit::Seconds,
            self.at.clone(),
        );
    }

    /// What the ledger has of the time before this process, by the jobs' names of today.
    pub(super) async fn remember(&self, host: &Host) -> Result<(), LedgerError> {
        for (job, at) in ledger::last_drained(host.database()).await? {
            let (job, _) = runner::names(job, host.plugins());
            #[allow(clippy::cast_precision_loss)] // a microsecond of a century is exact enough
            let seconds = at.0 as f64 / 1e6;
            let mut known = self.lock();
            let latest = known.entry(job).or_insert(seconds);
            *latest = latest.max(seconds);
        }
        Ok(())
    }

    /// A run of the job has been drained just now.
    pub(super) fn drained(&self, job: &JobName) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.unwrap_or_default().as_secs_f64();
        self.lock().insert(job.clone(), seconds);
    }

    /// Brings what is shown up to the jobs that there are.
    pub(super) fn show(&self, host: &Host) {
        for (job, seconds) in self.lock().iter() {
            let of = Job::of(job);
            match host.leaves_out(job) {
                true => drop(self.at.remove(&of)),
                false => drop(self.at.get_or_create(&of).set(*seconds)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobName, f64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
