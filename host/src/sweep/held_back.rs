//! Time that a run was held back, by reason.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A batch was tried again after a pause: locks, deadlocks, conflicts, a lost connection.
const RETRY: &str = "retry";

/// SQLite: other writers had a turn at the file.
const WRITERS: &str = "writers";

/// Batches that keep them from it for so long, one behind the other, are followed by a pause.
const IN_A_ROW: Duration = Duration::from_millis(200);

/// By SQLite's own busy handler one that has waited for a while looks every 100 ms whether the file is free.
const PAUSE: Duration = Duration::from_millis(100);

/// Before its beginning: another run had a table that it needs.
pub const TABLE: &str = "table";

/// Time that a run was held back, by reason.
#[derive(Debug)]
pub(super) struct HeldBack {
    /// By hosts that had the run before, in milliseconds.
    before: BTreeMap<String, u64>,
    here: Mutex<BTreeMap<&'static str, Duration>>,
    written: Mutex<Written>,
}

/// How long batches have kept other writers from a SQLite file, one behind the other.
#[derive(Debug, Default)]
struct Written {
    time: Duration,
    until: Option<Instant>,
}

impl HeldBack {
    pub(super) fn after(before: BTreeMap<String, u64>) -> Self {
        Self {
            before,
            here: Mutex::default(),
            written: Mutex::default(),
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

    /// A batch has just given the file back, which it had for so long.
    pub(super) fn wrote(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // Since the one before others had as much time as a pause would give them.
        let free = written
            .until
            .map(|until| now.saturating_duration_since(until));
        if free.is_some_and(|free| free >= time + PAUSE) {
            written.time = Duration::ZERO;
        }
        written.time += time;
        written.until = Some(now);
    }

    /// Before a batch: leaves a SQLite file to other writers for a moment, where they have not had it for long.
    pub(super) async fn lets_others_write(&self) {
        let due = {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let due = written.time >= IN_A_ROW;
            if due {
                *written = Written::default();
            }
            due
        };
        if due {
            tokio::time::sleep(PAUSE).await;
            self.add(WRITERS, PAUSE);
        }
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

    #[tokio::test]
    async fn batches_that_have_a_file_for_long_are_followed_by_a_pause_and_one_of_a_short_time_is_not()
     {
        let held = HeldBack::after(BTreeMap::new());

        held.wrote(Duration::ZERO);
        held.wrote(IN_A_ROW * 3 / 4);
        held.lets_others_write().await;
        assert!(held.here().is_empty());
        held.wrote(IN_A_ROW / 2);
        held.lets_others_write().await;
        assert_eq!(held.here().get(WRITERS), Some(&PAUSE));
        held.lets_others_write().await;
        assert_eq!(held.here().get(WRITERS), Some(&PAUSE), "it begins anew");
    }
}
