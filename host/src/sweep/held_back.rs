//! Time that a run was held back, by reason.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A batch was tried again after a pause: locks, deadlocks, conflicts, a lost connection.
const RETRY: &str = "retry";

/// Before its beginning: another run had a table that it needs.
pub const TABLE: &str = "table";

/// Time that a run was held back, by reason.
#[derive(Debug)]
pub(super) struct HeldBack {
    /// By hosts that had the run before, in milliseconds.
    before: BTreeMap<String, u64>,
    here: Mutex<BTreeMap<&'static str, Duration>>,
}

impl HeldBack {
    pub(super) fn after(before: BTreeMap<String, u64>) -> Self {
        Self {
            before,
            here: Mutex::default(),
        }
    }

    /// A pause before another attempt, until something ends it.
    pub(super) async fn pause(&self, pause: Duration, ends: impl Future<Output = ()>) {
        if pause.is_zero() {
            return;
        }
        let began = Instant::now();
        // In time or not.
        let _ = tokio::time::timeout(pause, ends).await;
        self.add(RETRY, began.elapsed());
    }

    pub(super) fn add(&self, reason: &'static str, time: Duration) {
        *self.lock().entry(reason).or_default() += time;
    }

    /// On this host.
    pub(super) fn here(&self) -> BTreeMap<&'static str, Duration> {
        self.lock().clone()
    }

    /// On every host that had the run, in milliseconds, as the ledger keeps it.
    pub(super) fn altogether(&self) -> BTreeMap<String, u64> {
        let mut all = self.before.clone();
        for (reason, time) in self.lock().iter() {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            *all.entry((*reason).to_owned()).or_default() += millis;
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Duration>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_earlier_host_waited_is_in_the_record_and_not_in_this_hosts_count() {
        let held = HeldBack::after([("retry".to_owned(), 500)].into());

        held.pause(Duration::ZERO, std::future::pending()).await;
        assert!(held.here().is_empty(), "no pause is no reason");
        held.add(TABLE, Duration::from_secs(2));
        held.add(RETRY, Duration::from_millis(20));

        assert_eq!(held.here().get(RETRY), Some(&Duration::from_millis(20)));
        let all = [("retry".to_owned(), 520), ("table".to_owned(), 2_000)];
        assert_eq!(held.altogether(), all.into());
    }
}
