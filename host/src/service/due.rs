//! What is due, for who looks now and then instead of each second: a command in a crontab, beside services
//! or in their place.
//!
//! By the reckoning of a service, and in the same queue, so that a due time is taken once whoever looks. A
//! job that nobody has looked at before is due where its last due time was not followed by a run.

use std::collections::BTreeMap;

use super::scheduler;
use crate::ledger::{self, Due, LedgerError, Pause, Ripe};
use crate::request::{JobName, Timestamp};
use crate::runner::{Host, Scheduled};

/// Puts what has become due into the queue, and answers the jobs of which a due time waits there that may
/// begin now.
///
/// # Errors
/// What the database says; looking again does the same.
pub async fn enqueue_due(
    host: &Host,
    pauses: &[Pause],
    now: Timestamp,
) -> Result<Vec<JobName>, LedgerError> {
    let considered = Due::considered(host.database()).await?;
    for one in scheduled(host, pauses) {
        if !considered.contains_key(&one.name) {
            let from = never_considered(host, &one, now).await?;
            Due::consider(host.database(), &one.name, from, None).await?;
        }
    }
    scheduler::consider_late(host, pauses, now).await?;
    waiting(host, pauses, now).await
}

/// The same jobs, without changing anything.
///
/// # Errors
/// What the database says.
pub async fn due_now(
    host: &Host,
    pauses: &[Pause],
    now: Timestamp,
) -> Result<Vec<JobName>, LedgerError> {
    let considered = Due::considered(host.database()).await?;
    let mut jobs = waiting(host, pauses, now).await?;
    for one in scheduled(host, pauses) {
        let from = match considered.get(&one.name) {
            Some(from) => *from,
            None => never_considered(host, &one, now).await?,
        };
        let (name, timetable) = (&one.name, &one.timetable);
        let found = timetable.due(from, now).and_then(|found| found.run);
        let begins = found.is_some_and(|at| timetable.not_before(name, at) <= now);
        if begins && timetable.is_open(now) && !jobs.contains(name) {
            jobs.push(one.name);
        }
    }
    Ok(jobs)
}

/// Jobs that run by their schedule, and are not paused.
fn scheduled(host: &Host, pauses: &[Pause]) -> Vec<Scheduled> {
    let mut all = host.scheduled();
    all.retain(|one| host.pause_of(&one.name, pauses).is_none());
    all
}

/// From where the due times of a job count that nobody has looked at: its last run, and where there was
/// none just before its last due time.
async fn never_considered(
    host: &Host,
    one: &Scheduled,
    now: Timestamp,
) -> Result<Timestamp, LedgerError> {
    /// The 29th of February is that far apart where a century has none.
    const LONG: i64 = 9 * 366 * 24 * 60 * 60 * 1_000_000;
    if let Some(began) = ledger::last_began(host.database(), &one.name, &one.job.formerly).await? {
        return Ok(began);
    }
    let found = one.timetable.due(now.minus_micros(LONG), now);
    Ok(found.map_or(now, |found| found.until.minus_micros(1)))
}

/// The jobs of which a due time waits in the queue that may begin now.
async fn waiting(
    host: &Host,
    pauses: &[Pause],
    now: Timestamp,
) -> Result<Vec<JobName>, LedgerError> {
    let open: BTreeMap<JobName, bool> = scheduled(host, pauses)
        .into_iter()
        .map(|one| (one.name, one.timetable.is_open(now)))
        .collect();
    let ripe = ledger::ripe(host.database()).await?.into_iter();
    let due = ripe.filter(|Ripe { job, asked }| !asked && open.get(job) == Some(&true));
    Ok(due.map(|ripe| ripe.job).collect())
}
