//! What is due: looked up each second, and put into the queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Shared, TICK, restored};
use crate::ledger::{self, Due, LedgerError, Pause};
use crate::request::{Suspension, Timestamp};
use crate::runner::Host;
use crate::schedule::Timetable;

/// Goes round until the service stops.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    /// A pooler may lead to a restored database without a break; history grows slowly.
    const SELDOM: Duration = Duration::from_secs(60);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut lately = Instant::now();
    let mut rounds = 0_u32;
    loop {
        tokio::select! { _ = tick.tick() => {}, () = stop.cancelled() => return }
        // One that has been away may have been restored meanwhile: nothing begins before that is known.
        let mut done = match shared.health().ledger() {
            true => Ok(()),
            false => restored::look(shared.database(), shared.name()).await,
        };
        if done.is_ok() {
            done = round(&shared, rounds.is_multiple_of(HEARTBEAT)).await;
        }
        rounds = rounds.wrapping_add(1);
        if done.is_ok() && lately.elapsed() > SELDOM {
            lately = Instant::now();
            done = seldom(&shared).await;
        }
        let changed = shared.health().beat(done.is_ok());
        match (&done, changed) {
            (Err(error), true) => {
                tracing::error!(%error, "the ledger does not answer; trying again each second");
            }
            (Err(error), false) => tracing::debug!(%error, "the ledger does not answer yet"),
            (Ok(()), true) => tracing::info!("the ledger answers"),
            (Ok(()), false) => {}
        }
    }
}

/// Rounds between two words of this host that it is there: an SQLite file is written by each, and who is
/// silent for three of them counts as gone.
const HEARTBEAT: u32 = 3;

/// Nothing else is looked at meanwhile: neither pauses nor what is due.
const PRUNING: Duration = Duration::from_secs(2);

async fn seldom(shared: &Shared) -> Result<(), LedgerError> {
    restored::look(shared.database(), shared.name()).await?;
    let backlogs = shared.metrics().backlogs();
    backlogs
        .forget_overtaken(shared.database(), shared.name())
        .await?;
    shared.metrics().standstills().look(&shared.host()).await?;
    let keep = shared.host().config().ledger.keep;
    match ledger::prune(shared.database(), keep, PRUNING).await? {
        0 => {}
        runs => tracing::info!(runs, "removed from the ledger's history"),
    }
    Ok(())
}

async fn round(shared: &Shared, beat: bool) -> Result<(), LedgerError> {
    let database = shared.database();
    if beat {
        ledger::announce(database, shared.name(), env!("CARGO_PKG_VERSION")).await?;
    }
    let pauses = ledger::pauses(database).await?;
    let host = shared.host();
    shared.running().park(Suspension::Paused, |job, _| {
        host.pause_of(job, &pauses).is_some()
    });
    if host.config().schedule.skipped().is_none() {
        let now = database.now().await?;
        if consider(&host, &pauses, now).await? > 0 {
            shared.look_now();
        }
    }
    Ok(())
}

/// What is considered follows the clock at this distance: a host with another file may be late to find
/// what is due by it.
const STALE: i64 = 5 * 60 * 1_000_000;

/// Due times that are considered so far ahead were so by a clock that has been put back since. A smaller
/// mistake of a clock is waited out.
const AHEAD: i64 = 2 * 24 * 60 * 60 * 1_000_000;

/// Puts what has become due until `now` into the queue, and answers how much that was.
///
/// # Errors
/// What the database says; the next round considers the same again.
pub async fn consider(host: &Host, pauses: &[Pause], now: Timestamp) -> Result<usize, LedgerError> {
    consider_as(host, pauses, now, Looks::Steadily).await
}

/// The same for who comes when he comes: what is late was not missed.
pub(super) async fn consider_late(
    host: &Host,
    pauses: &[Pause],
    now: Timestamp,
) -> Result<usize, LedgerError> {
    consider_as(host, pauses, now, Looks::NowAndThen).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    Steadily,
    NowAndThen,
}

async fn consider_as(
    host: &Host,
    pauses: &[Pause],
    now: Timestamp,
    looks: Looks,
) -> Result<usize, LedgerError> {
    let database = host.database();
    let considered = Due::considered(database).await?;
    let mut new = 0;
    for eligible in host.by_themselves() {
        let name = &eligible.name;
        // A paused job's times are considered when it is resumed.
        if host.pause_of(name, pauses).is_some() {
            continue;
        }
        let Some(timetable) = Timetable::of(host.config(), name, eligible.job.schedule.as_deref())
        else {
            continue;
        };
        let Some(from) = considered.get(name) else {
            // Seen for the first time: what lies before is not its business.
            Due::consider(database, name, now, None).await?;
            continue;
        };
        if from.0.saturating_sub(now.0) > AHEAD {
            tracing::warn!(job = %name, considered = %from, "the database's clock was ahead; due times count from now");
            Due::consider_again(database, name, now).await?;
            continue;
        }
        let Some(found) = timetable.due(*from, now) else {
            // So that a schedule that is changed tomorrow does not catch up with today.
            if now.0 - from.0 > 2 * STALE {
                Due::consider(database, name, now.minus_micros(STALE), None).await?;
            }
            continue;
        };
        let due = found.run.map(|at| Due {
            job: name.clone(),
            at,
            not_before: timetable.not_before(name, at),
            once: !timetable.is_open(now),
        });
        if found.missed > 0 && looks == Looks::Steadily {
            let missed = found.missed;
            tracing::warn!(job = %name, missed, caught_up = due.is_some(), "due times were missed");
        }
        if Due::consider(database, name, found.until, due.as_ref()).await? {
            tracing::debug!(job = %name, "due");
            new += 1;
        }
    }
    Ok(new)
}
