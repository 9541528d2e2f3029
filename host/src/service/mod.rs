//! `besom serve`: jobs by their schedules, for months.
//!
//! Any number of hosts serve one database, with no leader among them: each computes what is due, and
//! the ledger sees to it that a due time is taken once. A host works in four loops that share
//! nothing but [`Shared`]: the scheduler says what is due, the worker takes entries of the queue, the
//! watcher swaps the configuration, and another looks which jobs could run. What runs keeps the host value that it began with.
//!
//! Shutting down is no special case: a run is laid by after its batch in hand, as it would lie after
//! a crash, and whichever host claims it next goes on from the checkpoint.

mod backlogs;
mod due;
mod folder;
pub mod http;
mod metrics;
mod outlooks;
mod pick;
mod reload;
mod restored;
mod running;
mod scheduler;
mod shadow;
mod shared;
mod signals;
mod standstills;
mod successes;
mod systemd;
mod waits;
mod window;
mod worker;

pub use backlogs::Backlogs;
pub use due::{due_now, enqueue_due};
pub use metrics::Metrics;
pub use reload::Loader;
pub use scheduler::consider;
pub use shared::{Health, Shared};
pub use signals::Signals;
pub use window::window_closed;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::ledger;
use crate::request::Suspension;
use crate::runner::{Host, RunnerError};

/// How often the loops look: a due time is noticed within this.
const TICK: Duration = Duration::from_secs(1);

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every run was laid by.
    Stopped,
}

/// Serves until `signals` says to stop; then lays every run by.
///
/// # Errors
/// When the ledger is not there, or the database does not answer at the start. Later it may come and
/// go.
pub async fn serve(
    host: Host,
    loader: Loader,
    signals: Signals,
    watched: Option<PathBuf>,
) -> Result<Ended, RunnerError> {
    ledger::list(host.database(), 1).await?;
    let shared = Shared::new(host);
    let folder = watched.map(|folder| {
        let stop = signals.stop.clone();
        tokio::spawn(folder::watch(Arc::clone(&shared), folder, stop))
    });
    let ended = start(shared, loader, signals).await;
    if let Some(folder) = folder {
        folder.abort(); // it installs in one transaction
    }
    ended
}

/// The loops, on what the caller shares with them.
///
/// # Errors
/// When the database does not answer at the start.
pub async fn start(
    shared: Arc<Shared>,
    loader: Loader,
    signals: Signals,
) -> Result<Ended, RunnerError> {
    let (name, database) = (shared.name().to_owned(), shared.database().clone());
    let port = http::listen(&shared).await.map_err(RunnerError::Listen)?;
    restored::look(&database, &name).await?;
    shared.metrics().remember(&shared).await?;
    ledger::announce(&database, &name, env!("CARGO_PKG_VERSION")).await?;
    shared.host().report_running().await?;
    let stop = signals.stop.clone();
    let scheduler = tokio::spawn(scheduler::run(Arc::clone(&shared), stop.clone()));
    let watcher = tokio::spawn(reload::watch(
        Arc::clone(&shared),
        loader,
        signals.reload,
        stop.clone(),
    ));
    let worker = tokio::spawn(worker::run(Arc::clone(&shared), stop.clone()));
    let outlooks = tokio::spawn(outlooks::watch(Arc::clone(&shared), stop.clone()));
    let watchdog = tokio::spawn(systemd::watchdog(Arc::clone(&shared), stop.clone()));
    let http = tokio::spawn(http::serve(Arc::clone(&shared), port, stop.clone()));
    systemd::ready();
    tracing::info!(
        host = %name,
        jobs = shared.host().by_themselves().len(),
        "serving; SIGTERM stops after the batches in hand"
    );
    stop.cancelled().await;
    systemd::stopping();
    shared.running().park_all(Suspension::ShuttingDown);
    for task in [scheduler, watcher, worker, outlooks, watchdog, http] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the service broke off");
        }
    }
    if let Err(error) = ledger::depart(&database, &name).await {
        tracing::debug!(%error, "the ledger still has this host for a while");
    }
    database.close().await;
    tracing::info!(host = %name, "stopped; what was under way goes on elsewhere, or here next time");
    Ok(Ended::Stopped)
}
