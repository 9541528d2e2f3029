//! Which entry of the queue this host takes next.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Shared;
use crate::ledger::{self, Entry, LedgerError, Pause, Ripe};
use crate::request::{JobName, Timestamp};
use crate::runner::Host;
use crate::schedule::Timetable;

/// Reserves the entry that is next, and answers the host that it is to run on.
pub(super) async fn take(shared: &Shared) -> Result<Option<(Arc<Host>, Entry)>, LedgerError> {
    let host = shared.host();
    if host.config().schedule.skipped().is_some() {
        return Ok(None);
    }
    // A database that comes back may be a restored one: the scheduler looks first.
    if !shared.health().ledger() {
        return Ok(None);
    }
    let database = shared.database();
    let ripe = ledger::ripe(database).await?;
    if ripe.is_empty() {
        return Ok(None);
    }
    let now = database.now().await?;
    let pauses = ledger::pauses(database).await?;
    let those = takeable(&host, ripe, &pauses, &shared.running().jobs(), now);
    // Looking at a job that has to wait for a table anyhow would cost more than the wait.
    let busy = ledger::busy(database).await?;
    let (held, free): (Vec<_>, Vec<_>) = those
        .into_iter()
        .partition(|ripe| shared.needs(&ripe.job, &busy));
    note_waits(shared, &held, now).await?;
    let lease = host.config().host.lease;
    let entry = Entry::reserve(database, &free, shared.name(), lease).await?;
    Ok(entry.map(|entry| (host, entry)))
}

/// Notes since when entries of these wait for a table.
async fn note_waits(shared: &Shared, held: &[Ripe], now: Timestamp) -> Result<(), LedgerError> {
    /// More than ever wait for tables at once; of the others the wait is not counted.
    const MOST: u32 = 1000;
    if held.is_empty() && shared.waits().none() {
        return Ok(());
    }
    let queue = ledger::waiting(shared.database(), MOST).await?;
    shared.waits().look(&queue, |waiting| {
        let ripe = Ripe {
            job: waiting.entry.job.clone(),
            asked: waiting.entry.due_at.is_none(),
        };
        waiting.not_before <= now && held.contains(&ripe)
    });
    Ok(())
}

/// What of it may begin now. What is due by a schedule needs a job that is switched on, within its window;
/// what somebody asked for does not, and brings nothing along that is due.
fn takeable(
    host: &Host,
    ripe: Vec<Ripe>,
    pauses: &[Pause],
    running: &[JobName],
    now: Timestamp,
) -> Vec<Ripe> {
    let eligible = host.by_themselves();
    let after = |name: &JobName| {
        let manifest = host.plugins().get(&name.plugin)?.manifest();
        Some(manifest.job(&name.job)?.after.as_slice())
    };
    let may = |Ripe { job, asked }: &Ripe| {
        let by_itself = || {
            let open = Timetable::of(host.config(), job, None)
                .is_none_or(|timetable| timetable.is_open(now));
            open && eligible.iter().any(|eligible| eligible.name == *job)
        };
        after(job).is_some()
            && (*asked || by_itself())
            && !running.contains(job)
            && host.pause_of(job, pauses).is_none()
    };
    let mut those = ripe;
    those.retain(may);
    let jobs: BTreeSet<JobName> = those.iter().map(|ripe| ripe.job.clone()).collect();
    those.retain(|ripe| {
        let mut before = after(&ripe.job).unwrap_or_default().iter();
        !before.any(|before| jobs.contains(before) || running.contains(before))
    });
    those
}
