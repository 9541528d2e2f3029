//! What the loops of a service share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, Semaphore};

use super::metrics::Metrics;
use super::outlooks::Outlooks;
use super::running::Running;
use super::waits::Waits;
use crate::config::{JobSettings, OnUpgrade};
use crate::database::Database;
use crate::request::{JobName, Suspension};
use crate::runner::Host;

/// What the loops of a service share.
pub struct Shared {
    host: RwLock<Arc<Host>>,
    database: Database,
    name: String,
    running: Running,
    waits: Waits,
    /// The tables that a job needs, where it has had to wait for one.
    needs: Mutex<BTreeMap<JobName, Vec<String>>>,
    health: Health,
    outlooks: Outlooks,
    metrics: Arc<Metrics>,
    /// Runs that may go on at once.
    pub(super) permits: Arc<Semaphore>,
    /// The queue may have something new.
    pub(super) queued: Notify,
}

/// Whether the service can do its work.
#[derive(Debug, Default)]
pub struct Health {
    ledger: AtomicBool,
    heartbeat: AtomicI64,
}

impl Shared {
    /// A service of this host, which has not begun.
    pub fn new(host: Host) -> Arc<Self> {
        Arc::new(Self {
            database: host.database().clone(),
            name: host.config().host.name.clone(),
            permits: Arc::new(Semaphore::new(host.config().host.concurrency)),
            host: RwLock::new(Arc::new(host)),
            running: Running::default(),
            waits: Waits::default(),
            needs: Mutex::default(),
            health: Health::default(),
            outlooks: Outlooks::default(),
            metrics: Arc::default(),
            queued: Notify::new(),
        })
    }

    /// The configuration and plugins in force now.
    pub fn host(&self) -> Arc<Host> {
        let host = self.host.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&host)
    }

    /// From now on runs begin with these.
    pub fn swap(&self, host: Host) {
        let mut slot = self.host.write().unwrap_or_else(PoisonError::into_inner);
        *slot = Arc::new(host);
        drop(slot);
        self.outlooks.look_now();
        self.hand_over();
    }

    /// Stops the runs whose plugin has been replaced, where the file would not have them end on the
    /// version that they began on.
    pub(super) fn hand_over(&self) {
        let host = self.host();
        self.running.park(Suspension::Upgraded, |job, digest| {
            let handover = |job: JobSettings| job.on_upgrade == OnUpgrade::Handover;
            let plugin = host.plugins().get(&job.plugin);
            host.config().job(job).is_some_and(handover)
                && plugin.is_some_and(|plugin| Some(plugin.digest()) != digest)
        });
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The name of this host among those that share the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The runs under way on this host.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// Entries that wait for a table.
    pub(super) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// What the service counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Which jobs could run.
    pub(super) fn outlooks(&self) -> &Outlooks {
        &self.outlooks
    }

    /// Whether the service can do its work.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Notes which tables a job needs, for the next time that it is taken from the queue.
    pub(super) fn note_needs(&self, job: &JobName, relations: Vec<String>) {
        let mut needs = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        needs.insert(job.clone(), relations);
    }

    /// Whether one of these tables is known to be needed by the job.
    pub(super) fn needs(&self, job: &JobName, busy: &BTreeSet<String>) -> bool {
        let needs = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = needs.get(job);
        known.is_some_and(|known| known.iter().any(|relation| busy.contains(relation)))
    }

    /// Looks at the queue at once, not at the next tick.
    pub fn look_now(&self) {
        self.queued.notify_one();
    }
}

impl Health {
    /// The ledger answered at the last look.
    pub fn ledger(&self) -> bool {
        self.ledger.load(Ordering::Relaxed)
    }

    /// Seconds since the scheduler last went round, whatever the database said.
    pub fn silent_seconds(&self) -> i64 {
        seconds() - self.heartbeat.load(Ordering::Relaxed)
    }

    /// Notes whether the ledger answers; true where that has changed.
    pub(super) fn beat(&self, ledger: bool) -> bool {
        self.heartbeat.store(seconds(), Ordering::Relaxed);
        self.ledger.swap(ledger, Ordering::Relaxed) != ledger
    }
}

fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}
