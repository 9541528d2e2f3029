//! `besom run --due`: what a service would run now, run by a command.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::super::Terminal;
use super::{NotRun, Ran, Why, begin, look};
use crate::ledger::{self, Again, Cause, Entry, LedgerError, Ripe};
use crate::request::{JobName, Mode, Parking, Suspension};
use crate::runner::{Host, JobOptions, NOTHING_IS_HERE, Prepared, Queued, RunReport, RunnerError};
use crate::schedule::Timetable;
use crate::service;

/// A table that another run has is free again soon, or is not worth waiting for.
const SOON: Duration = Duration::from_secs(1);

/// Runs what is due, each job once. The due times are taken from the queue that services work off, so
/// that none is run twice, and what is left undone there is left to whoever looks next.
///
/// # Errors
/// When nothing can run: the ledger or the database is not there.
pub(super) async fn run(host: &Host, options: &JobOptions, terminal: &Terminal) -> Result<Ran> {
    let database = host.database();
    let pauses = ledger::pauses(database).await?;
    for pause in &pauses {
        let (what, why, by) = (pause.what.to_string(), &pause.why, &pause.by);
        let what = if what.is_empty() { "everything" } else { &what };
        tracing::info!("{what} is paused by {by}, and not due: {why}");
    }
    let now = database.now().await?;
    let due = match options.mode {
        Mode::Apply => service::enqueue_due(host, &pauses, now).await?,
        Mode::DryRun => service::due_now(host, &pauses, now).await?,
    };
    let mut ran = Ran::default();
    let mut history = Vec::new();
    let jobs = host.in_order(due)?;
    let ready = look(host, &jobs, &[], options, &mut ran).await?;
    if options.mode == Mode::Apply {
        for not_run in &ran.not_run {
            answer_without_a_run(host, not_run).await?;
        }
    }
    for prepared in &ready {
        if options.stop.is_cancelled() {
            break; // what waits in the queue is left to whoever looks next
        }
        let job = prepared.job();
        let run = match options.mode {
            Mode::DryRun => begin(host, prepared, options, &mut history, terminal).await,
            Mode::Apply => match take(host, job).await? {
                Some(entry) => answer(host, prepared, entry, options, terminal).await,
                None => {
                    tracing::info!(%job, "another host has it in hand");
                    continue;
                }
            },
        };
        match run {
            Ok(report) => ran.reports.push(report),
            Err(error) => ran.refuse(job, error),
        }
    }
    // That what is due just now is absent says little; that all is, that this is another database.
    if ran.is_absent() {
        let all: Vec<_> = host.scheduled().into_iter().map(|of| of.name).collect();
        let catalog = host.catalog().await?;
        let absent = host.absent(&all, &[], &catalog).await?;
        if absent.len() == all.len() {
            tracing::error!("{NOTHING_IS_HERE}");
            ran.nothing_is_here = true;
        }
    }
    Ok(ran)
}

/// Takes a due time of the job into hand; `None`: another host was first.
async fn take(host: &Host, job: &JobName) -> Result<Option<Entry>, LedgerError> {
    let these = [Ripe {
        job: job.clone(),
        asked: false,
    }];
    let config = &host.config().host;
    Entry::reserve(host.database(), &these, &config.name, config.lease).await
}

/// A due time of a job that does not run as it is: that is on record, as it would be with a service.
async fn answer_without_a_run(host: &Host, not_run: &NotRun) -> Result<(), LedgerError> {
    let Why::Refused(error) = &not_run.why else {
        return Ok(());
    };
    if error.is_the_databases() {
        return Ok(()); // nothing is known of the job
    }
    let Some(entry) = take(host, &not_run.job).await? else {
        return Ok(());
    };
    match host.answer_without_a_run(&entry, error).await {
        Ok(_) | Err(LedgerError::Taken) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The run that a due time asks for.
async fn answer(
    host: &Host,
    prepared: &Prepared,
    entry: Entry,
    options: &JobOptions,
    terminal: &Terminal,
) -> Result<RunReport, RunnerError> {
    let job = prepared.job();
    let timetable = Timetable::of(host.config(), job, None);
    let again = timetable
        .as_ref()
        .and_then(|timetable| timetable.retry(job, entry.attempt));
    let (stop, parking) = (CancellationToken::new(), Arc::new(OnceLock::new()));
    let of_entry = JobOptions {
        stop: stop.clone(),
        queued: Some(Queued {
            entry: entry.clone(),
            again: again.map_or(Again::No, Again::After),
            parking: Arc::clone(&parking),
            only: None,
        }),
        cause: Cause::Schedule,
        ..options.clone()
    };
    let mut history = Vec::new();
    let run = begin(host, prepared, &of_entry, &mut history, terminal);
    tokio::pin!(run);
    let laid_by = tokio::select! {
        ran = &mut run => Err(ran),
        wait = service::window_closed(host, &entry, timetable.as_ref()) => Ok((Suspension::WindowClosed, wait)),
        () = options.stop.cancelled() => Ok((Suspension::ShuttingDown, Duration::ZERO)),
    };
    let ran = match laid_by {
        Err(ran) => ran,
        Ok((why, wait)) => {
            let _ = parking.set(Parking { why, wait }); // nobody else does
            stop.cancel();
            run.await
        }
    };
    if ran.is_err() {
        let name = &host.config().host.name;
        // Where this fails the reservation runs out by itself.
        let _ = entry.put_back(host.database(), name, SOON).await;
    }
    ran
}
