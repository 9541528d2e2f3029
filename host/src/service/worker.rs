//! Entries of the queue, taken and run.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::running::Place;
use super::shadow::Counted;
use super::{Shared, TICK, outlooks, pick, shadow, window};
use crate::ledger::{Again, Entry, LedgerError};
use crate::request::{Mode, RunId, Suspension};
use crate::runner::{Answered, Host, JobOptions, Outlook, Prepared, Queued, RunnerError};
use crate::schedule::Timetable;
use crate::sweep::{RunContext, TABLE};

/// A table that another run has is asked for again after this.
const TABLE_WAIT: Duration = Duration::from_secs(1);

/// A database that did not answer is asked again after this.
pub(super) const DATABASE_WAIT: Duration = Duration::from_secs(5);

/// Takes entries until the service stops, and waits for the runs under way.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    while !stop.is_cancelled() {
        let permit = tokio::select! {
            permit = Arc::clone(&shared.permits).acquire_owned() => permit,
            () = stop.cancelled() => break,
        };
        let Ok(permit) = permit else { break };
        match pick::take(&shared).await {
            Ok(Some((host, entry))) => {
                let shared = Arc::clone(&shared);
                tasks.spawn(async move { work(&shared, host, entry, permit).await });
            }
            Ok(None) => {
                drop(permit);
                tokio::select! {
                    () = shared.queued.notified() => {}
                    () = tokio::time::sleep(TICK) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                drop(permit);
                tracing::debug!(%error, "the queue does not answer");
                tokio::select! { () = tokio::time::sleep(TICK) => {}, () = stop.cancelled() => {} }
            }
        }
    }
    // What was reserved between the signal and now is laid by, too.
    shared.running().park_all(Suspension::ShuttingDown);
    tasks.close();
    tasks.wait().await;
}

/// One entry from its reservation to its outcome.
async fn work(shared: &Shared, host: Arc<Host>, entry: Entry, permit: OwnedSemaphorePermit) {
    let plugin = host.plugins().get(&entry.job.plugin);
    let digest = plugin.map(|plugin| *plugin.digest());
    let place = shared.running().begin(entry.id, &entry.job, digest);
    // Another version may have taken over since this host was looked up.
    shared.hand_over();
    let name = shared.name();
    let keep = keep_reserved(shared, &host, &entry);
    let prepared = tokio::select! {
        prepared = prepare(shared, &host, &entry, &place.stop) => Some(prepared),
        () = keep => None,
        () = place.stop.cancelled() => None,
    };
    let wait = match prepared {
        None => Some(Duration::ZERO),
        Some(Ok(ready)) => {
            shared.note_needs(&entry.job, ready.prepared.relations());
            go(shared, &host, &entry, &ready, &place).await
        }
        Some(Err(error)) if error.is_the_databases() => {
            tracing::warn!(job = %entry.job, %error, "not begun yet");
            Some(DATABASE_WAIT)
        }
        Some(Err(error)) => answer(shared, &host, &entry, &error).await,
    };
    if let Some(wait) = wait
        && let Err(error) = entry.put_back(shared.database(), name, wait).await
    {
        tracing::debug!(job = %entry.job, %error, "not put back; its reservation runs out");
    }
    drop(place);
    drop(permit);
    shared.look_now();
}

/// A job that may begin.
struct Ready {
    prepared: Prepared,
    /// The run that goes on on another version than the one in use.
    only: Option<RunId>,
    /// What its plugin's shadow makes of the same rows.
    counted: Option<Counted>,
}

async fn prepare(
    shared: &Shared,
    host: &Host,
    entry: &Entry,
    stop: &CancellationToken,
) -> Result<Ready, RunnerError> {
    let catalog = host.catalog().await?;
    if entry.mode == Mode::Apply
        && let Some((begun, run)) = host.as_begun(&entry.job, &catalog).await?
    {
        return Ok(Ready {
            prepared: begun.prepare(&entry.job, &[], &catalog).await?,
            only: Some(run),
            counted: None,
        });
    }
    let prepared = host.prepare(&entry.job, &[], &catalog).await;
    match &prepared {
        Ok(_) => outlooks::learn(shared, host, &entry.job, Outlook::Runnable),
        Err(error) if error.is_the_databases() => {}
        Err(error) => outlooks::learn(shared, host, &entry.job, Outlook::of(error)),
    }
    Ok(Ready {
        prepared: prepared?,
        only: None,
        counted: shadow::count(host, entry, stop).await,
    })
}

/// The run; answers how long the entry has to wait where it could not be claimed.
async fn go(
    shared: &Shared,
    host: &Host,
    entry: &Entry,
    ready: &Ready,
    place: &Place<'_>,
) -> Option<Duration> {
    let timetable = Timetable::of(host.config(), &entry.job, None);
    let again = timetable
        .as_ref()
        .and_then(|timetable| timetable.retry(&entry.job, entry.attempt));
    // Looking at the job may have taken longer than its window was open.
    match window::closes_in(host, entry, timetable.as_ref()).await {
        Ok(Some((Duration::ZERO, wait))) => return Some(wait),
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(job = %entry.job, %error, "not begun yet");
            return Some(DATABASE_WAIT);
        }
    }
    let options = JobOptions {
        mode: entry.mode,
        set: Vec::new(),
        tolerate: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: place.stop.clone(),
        queued: Some(Queued {
            entry: entry.clone(),
            again: again.map_or(Again::No, Again::After),
            parking: Arc::clone(&place.parking),
            only: ready.only,
        }),
        cause: entry.cause,
    };
    let closing = window::window_closed(host, entry, timetable.as_ref());
    let mut history = Vec::new();
    let begun = OnceLock::new();
    let watch = |context: Arc<RunContext>| {
        if let Some(waited) = shared.waits().end(entry) {
            context.hold_back(TABLE, waited);
        }
        // Nothing has become of the rows of a dry run.
        if entry.mode == Mode::Apply {
            let (metrics, job) = (Arc::clone(shared.metrics()), entry.job.clone());
            context.watch(Box::new(move |batch, took| {
                metrics.batch(&job, batch, took)
            }));
        }
        let _ = begun.set(context);
    };
    let run = host.run(&ready.prepared, &options, &mut history, watch);
    tokio::pin!(run);
    let ran = tokio::select! {
        ran = &mut run => ran,
        wait = closing => {
            place.park(Suspension::WindowClosed, wait);
            run.await
        }
    };
    match ran {
        Ok(report) => {
            shared.metrics().run(&report);
            if let Some(counted) = &ready.counted {
                shadow::compare(host, counted, &report).await;
            }
            if let Some(context) = begun.get() {
                shared.metrics().backlogs().look(&report, context).await;
            }
            None
        }
        Err(RunnerError::Ledger(LedgerError::Taken)) => None,
        Err(RunnerError::Ledger(in_vain @ LedgerError::InVain(_))) => {
            tracing::error!(job = %entry.job, "{in_vain}");
            Some(Duration::ZERO)
        }
        // The run has ended since it was found.
        Err(RunnerError::Ledger(LedgerError::Lost(_))) => Some(Duration::ZERO),
        Err(RunnerError::Ledger(
            busy @ (LedgerError::Busy { .. } | LedgerError::TableBusy { .. }),
        )) => {
            tracing::debug!(job = %entry.job, %busy, "waits");
            if matches!(busy, LedgerError::TableBusy { .. }) {
                shared.waits().begin(entry);
            }
            Some(TABLE_WAIT)
        }
        Err(error) => {
            tracing::warn!(job = %entry.job, %error, "not begun yet");
            Some(DATABASE_WAIT)
        }
    }
}

/// Answers an entry whose job does not run as it is.
async fn answer(
    shared: &Shared,
    host: &Host,
    entry: &Entry,
    error: &RunnerError,
) -> Option<Duration> {
    match host.answer_without_a_run(entry, error).await {
        Ok(Answered::PassedBy) | Err(LedgerError::Taken) => None,
        Ok(Answered::Refused(run)) => {
            let job = &entry.job;
            match (error, shared.outlooks().told(job, error)) {
                (RunnerError::Absent { missing, .. }, _) => {
                    tracing::warn!(%job, %run, "the run is refused, as the job is absent: {missing}");
                }
                (_, true) => tracing::error!(%job, %run, "the run is refused, as told before"),
                (_, false) => tracing::error!(%job, %run, "the run is refused: {error}"),
            }
            shared.metrics().refused(entry);
            None
        }
        Err(error) => {
            tracing::warn!(job = %entry.job, %error, "that it does not run was not recorded");
            Some(DATABASE_WAIT)
        }
    }
}

/// Keeps the reservation while the job is looked at; comes back where it is lost.
async fn keep_reserved(shared: &Shared, host: &Host, entry: &Entry) {
    let lease = host.config().host.lease;
    loop {
        tokio::time::sleep(lease / 3).await;
        match entry.renew(shared.database(), shared.name(), lease).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::debug!(%error, "a reservation was not renewed"),
        }
    }
}
