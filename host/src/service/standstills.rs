//! Jobs whose latest runs changed nothing and did not come to their end.
//!
//! The ledger tells it, of the runs of every host; it is asked after each run and once a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::Job;
use crate::ledger::{self, LedgerError};
use crate::request::JobName;
use crate::runner::{self, Host};

/// How many runs of each job in a row changed nothing.
#[derive(Debug, Default)]
pub struct Standstills {
    runs: Family<Job, Gauge>,
    known: Mutex<BTreeMap<JobName, u64>>,
}

impl Standstills {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register(
            "job_runs_without_progress",
            "Latest runs of the job in a row that changed nothing and did not come to their end",
            self.runs.clone(),
        );
    }

    /// Takes over what the ledger has, by the jobs' names of today.
    pub(super) async fn look(&self, host: &Host) -> Result<(), LedgerError> {
        let mut known = BTreeMap::new();
        for (job, runs) in ledger::without_progress(host.database()).await? {
            let (job, _) = runner::names(job, host.plugins());
            // Under a former name there are only older runs.
            let latest = known.entry(job).or_insert(runs);
            *latest = runs.min(*latest);
        }
        *self.lock() = known;
        Ok(())
    }

    /// A run of the job has ended just now.
    pub(super) fn ended(&self, job: &JobName, runs: u64) {
        self.lock().insert(job.clone(), runs);
    }

    /// Of one job.
    pub(super) fn of(&self, job: &JobName) -> u64 {
        self.lock().get(job).copied().unwrap_or_default()
    }

    /// Brings what is shown up to the jobs that there are.
    pub(super) fn show(&self, host: &Host) {
        self.runs.clear();
        for (job, runs) in self.lock().iter() {
            if !host.leaves_out(job) {
                let runs = i64::try_from(*runs).unwrap_or(i64::MAX);
                self.runs.get_or_create(&Job::of(job)).set(runs);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobName, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
