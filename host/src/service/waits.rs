//! Since when entries of the queue wait for a table that another run has.
//!
//! As this host sees it: an entry that another host takes is that host's to count, and a wait that this
//! host saw only the end of counts from when it was first seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ledger::{Entry, Waiting};

/// Since when entries wait for a table.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<BTreeMap<uuid::Uuid, Instant>>);

impl Waits {
    /// Those of the queue for which `held` is true wait from now on, if they did not before.
    pub(super) fn look(&self, queue: &[Waiting], held: impl Fn(&Waiting) -> bool) {
        let mut since = self.lock();
        since.retain(|id, _| queue.iter().any(|waiting| waiting.entry.id.0 == *id));
        for waiting in queue.iter().filter(|waiting| held(waiting)) {
            begin(&mut since, &waiting.entry);
        }
    }

    /// Nothing waits, as far as is known.
    pub(super) fn none(&self) -> bool {
        self.lock().is_empty()
    }

    /// One was taken, and has to wait after all.
    pub(super) fn begin(&self, entry: &Entry) {
        begin(&mut self.lock(), entry);
    }

    /// It has become a run; how long it waited for a table. One that another host had begun meanwhile
    /// waited for other things, too.
    pub(super) fn end(&self, entry: &Entry) -> Option<Duration> {
        let since = self.lock().remove(&entry.id.0);
        since
            .filter(|_| !entry.begun_before)
            .map(|since| since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<uuid::Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(since: &mut BTreeMap<uuid::Uuid, Instant>, entry: &Entry) {
    // A run under way elsewhere has its own tables.
    if !entry.begun_before {
        since.entry(entry.id.0).or_insert_with(Instant::now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Cause;
    use crate::request::{JobName, Mode, RunId, Timestamp};

    fn waiting(begun_before: bool) -> Waiting {
        let entry = Entry {
            id: RunId(uuid::Uuid::now_v7()),
            job: JobName::new("tokens", "revoked-access"),
            mode: Mode::Apply,
            cause: Cause::Request,
            due_at: None,
            asked_by: None,
            attempt: 1,
            begun_before,
        };
        Waiting {
            entry,
            not_before: Timestamp(0),
        }
    }

    #[test]
    fn a_wait_counts_from_when_it_was_first_seen_until_the_run_begins() {
        let waits = Waits::default();
        let (held, free) = (waiting(false), waiting(false));
        let queue = [held.clone(), free.clone()];

        waits.look(&queue, |waiting| waiting.entry.id == held.entry.id);
        std::thread::sleep(Duration::from_millis(20));
        waits.look(&queue, |_| false);
        waits.begin(&held.entry);

        assert_eq!(waits.end(&free.entry), None);
        let waited = waits.end(&held.entry);
        assert!(waited >= Some(Duration::from_millis(20)), "{waited:?}");
        assert_eq!(waits.end(&held.entry), None, "it is counted once");
    }

    #[test]
    fn what_another_host_took_is_not_counted_here() {
        let waits = Waits::default();
        let (taken, under_way) = (waiting(false), waiting(true));
        waits.look(&[taken.clone(), under_way.clone()], |_| true);
        waits.look(std::slice::from_ref(&under_way), |_| true);

        assert_eq!(waits.end(&taken.entry), None);
        waits.look(std::slice::from_ref(&taken), |_| true);
        let taken_over = Entry {
            begun_before: true,
            ..taken.entry
        };
        assert_eq!(waits.end(&taken_over), None);
        assert_eq!(waits.end(&under_way.entry), None);
    }
}
