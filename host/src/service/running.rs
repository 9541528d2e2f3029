//! The runs under way on this host, and how one of them is stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::request::{JobName, RunId};
use crate::runner::Parking;

/// The runs under way on this host, by the queue's entries.
#[derive(Debug, Default)]
pub struct Running(Mutex<BTreeMap<uuid::Uuid, One>>);

#[derive(Debug, Clone)]
struct One {
    job: JobName,
    stop: CancellationToken,
    parking: Arc<OnceLock<Parking>>,
}

/// A run's place in the list, until it is dropped.
pub(super) struct Place<'a> {
    running: &'a Running,
    entry: uuid::Uuid,
    pub(super) stop: CancellationToken,
    pub(super) parking: Arc<OnceLock<Parking>>,
}

impl Running {
    /// The jobs that run here.
    pub fn jobs(&self) -> Vec<JobName> {
        self.lock().values().map(|one| one.job.clone()).collect()
    }

    pub(super) fn begin(&self, entry: RunId, job: &JobName) -> Place<'_> {
        let one = One {
            job: job.clone(),
            stop: CancellationToken::new(),
            parking: Arc::default(),
        };
        self.lock().insert(entry.0, one.clone());
        Place {
            running: self,
            entry: entry.0,
            stop: one.stop,
            parking: one.parking,
        }
    }

    /// Lays the runs of these jobs by after their batches in hand.
    pub(super) fn park(&self, why: &'static str, which: impl Fn(&JobName) -> bool) {
        for one in self.lock().values().filter(|one| which(&one.job)) {
            one.park(why, Duration::ZERO);
        }
    }

    pub(super) fn park_all(&self, why: &'static str) {
        self.park(why, |_| true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<uuid::Uuid, One>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl One {
    fn park(&self, why: &'static str, wait: Duration) {
        // The first reason stands.
        if self.parking.set(Parking { why, wait }).is_ok() {
            self.stop.cancel();
        }
    }
}

impl Place<'_> {
    /// Lays this run by after its batch in hand, for so long at least.
    pub(super) fn park(&self, why: &'static str, wait: Duration) {
        if self.parking.set(Parking { why, wait }).is_ok() {
            self.stop.cancel();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.entry);
    }
}
