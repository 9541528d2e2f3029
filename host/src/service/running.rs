//! The runs under way on this host, and how one of them is stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::plugin::Digest;
use crate::request::{JobName, Parking, RunId, Suspension};

/// The runs under way on this host, by the queue's entries.
#[derive(Debug, Default)]
pub struct Running(Mutex<BTreeMap<uuid::Uuid, One>>);

#[derive(Debug, Clone)]
struct One {
    job: JobName,
    /// The version of its plugin.
    digest: Option<Digest>,
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

    pub(super) fn begin(&self, entry: RunId, job: &JobName, digest: Option<Digest>) -> Place<'_> {
        let one = One {
            job: job.clone(),
            digest,
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
    pub(super) fn park(&self, why: Suspension, which: impl Fn(&JobName, Option<&Digest>) -> bool) {
        let running = self.lock();
        let those = running
            .values()
            .filter(|one| which(&one.job, one.digest.as_ref()));
        those.for_each(|one| one.park(why, Duration::ZERO));
    }

    pub(super) fn park_all(&self, why: Suspension) {
        self.park(why, |_, _| true);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<uuid::Uuid, One>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl One {
    fn park(&self, why: Suspension, wait: Duration) {
        // The first reason stands.
        if self.parking.set(Parking { why, wait }).is_ok() {
            self.stop.cancel();
        }
    }
}

impl Place<'_> {
    /// Lays this run by after its batch in hand, for so long at least.
    pub(super) fn park(&self, why: Suspension, wait: Duration) {
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
