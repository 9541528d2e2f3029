//! Which jobs could run: looked at when a service starts, whenever it has another file or other versions
//! of plugins, and again and again.
//!
//! A job that is refused tonight was refused since somebody took a right or an index away this morning:
//! whoever did so is told while he still knows what he did. A look changes nothing, holds no lease, and
//! counts no crash. One job is looked at after another, with rests, and over a connection that nobody
//! else wants; where the database does not say, what was known stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::metrics::Job;
use super::worker::DATABASE_WAIT;
use super::{Shared, TICK};
use crate::catalog::Catalog;
use crate::request::{JobName, Timestamp};
use crate::runner::{Host, NOTHING_IS_HERE, Outlook, RunnerError};
use crate::scope::{self, TO_ALLOW_IT};

/// Which jobs of this host could run.
#[derive(Debug, Default)]
pub(super) struct Outlooks {
    known: Mutex<BTreeMap<JobName, Known>>,
    asked: Notify,
    /// It has been told that the database has nothing for any job.
    told_of_nothing: AtomicBool,
}

/// What is known of a job.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) outlook: Outlook,
    /// By this machine's clock.
    pub(super) since: Timestamp,
}

impl Outlooks {
    /// Has every job looked at soon.
    pub(super) fn look_now(&self) {
        self.asked.notify_one();
    }

    /// What is known of each job that has been looked at.
    pub(super) fn all(&self) -> BTreeMap<JobName, Known> {
        self.lock().clone()
    }

    /// Whether it is known already that the job is refused, and why.
    pub(super) fn told(&self, job: &JobName, error: &RunnerError) -> bool {
        let found = Outlook::of(error);
        let known = self.lock();
        known
            .get(job)
            .is_some_and(|known| known.outlook.tells_as_much_as(&found))
    }

    /// Takes what was found about a job, and logs what begins or is over. True where rights are missing
    /// that were not, or not these: the lines that would give them are to be told.
    fn note(&self, job: &JobName, outlook: Outlook) -> bool {
        let mut all = self.lock();
        let since = Timestamp(Utc::now().timestamp_micros());
        let before = all.get(job).cloned();
        if let Some(before) = &before
            && before.outlook.tells_as_much_as(&outlook)
        {
            let since = before.since;
            all.insert(job.clone(), Known { outlook, since });
            return false;
        }
        let before = before.map(|before| before.outlook);
        match &outlook {
            Outlook::Refused(found) => {
                let codes: Vec<_> = found.codes.iter().map(String::as_str).collect();
                let codes = codes.join(", ");
                tracing::warn!(%job, codes, "the job cannot run: {}", found.in_words());
            }
            Outlook::Absent(missing) => match before {
                // Somebody has renamed or dropped what it cleaned, and its rows are kept from now on.
                Some(Outlook::Runnable | Outlook::Refused(_)) => {
                    tracing::warn!(%job, "the job is absent, and was not until now: {missing}");
                }
                Some(Outlook::Absent(_)) | None => {
                    tracing::info!(%job, "the job is absent: {missing}");
                }
            },
            Outlook::Runnable => match before {
                Some(Outlook::Refused(_)) => tracing::info!(%job, "the job can run again"),
                Some(Outlook::Absent(_)) => tracing::info!(%job, "the job is absent no more"),
                Some(Outlook::Runnable) | None => {}
            },
        }
        let rights = matches!(&outlook, Outlook::Refused(found) if found.refusal.is_some());
        all.insert(job.clone(), Known { outlook, since });
        rights
    }

    /// The lines that would let the jobs of a plugin run, one block for all of them: what each would need by
    /// itself could not be pasted together. Empty where no line helps.
    pub(super) fn lines_of(&self, plugin: &str) -> String {
        let all = self.lock();
        let of_plugin = all.iter().filter(|(job, _)| job.plugin == plugin);
        scope::lines(of_plugin.filter_map(|(_, known)| match &known.outlook {
            Outlook::Refused(found) => found.refusal.as_ref(),
            Outlook::Runnable | Outlook::Absent(_) => None,
        }))
    }

    /// Logs the lines that would let the jobs of these plugins run.
    fn tell_lines(&self, plugins: &BTreeSet<&str>) {
        for plugin in plugins {
            let lines = self.lines_of(plugin);
            if !lines.is_empty() {
                // Fields would stand below the lines, and be pasted with them.
                tracing::warn!("plugin `{plugin}`: {TO_ALLOW_IT}\n{lines}");
            }
        }
    }

    /// Says once, as long as it is so, that every job is absent: it is hardly the right database.
    fn tell_nothing(&self) {
        let all = self.all();
        let absent = |known: &Known| matches!(known.outlook, Outlook::Absent(_));
        let nothing = !all.is_empty() && all.values().all(absent);
        if nothing && !self.told_of_nothing.swap(nothing, Ordering::Relaxed) {
            tracing::warn!("{NOTHING_IS_HERE}");
        }
        self.told_of_nothing.store(nothing, Ordering::Relaxed);
    }

    /// Forgets every job but these.
    fn keep(&self, jobs: &BTreeSet<&JobName>) {
        self.lock().retain(|job, _| jobs.contains(job));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same as a metric, filled for each answer.
#[derive(Debug, Default)]
pub(super) struct Runnable(Family<Job, Gauge>);

impl Runnable {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register(
            "job_runnable",
            "1 for a job that could run when it was last looked at, 0 for one that is refused",
            self.0.clone(),
        );
    }

    /// An absent job is neither, and has no series.
    pub(super) fn fill(&self, outlooks: &Outlooks) {
        self.0.clear();
        for (job, known) in outlooks.all() {
            let runnable = match known.outlook {
                Outlook::Runnable => 1,
                Outlook::Refused(_) => 0,
                Outlook::Absent(_) => continue,
            };
            self.0.get_or_create(&Job::of(&job)).set(runnable);
        }
    }
}

/// Takes what a run found that was about to begin. A job that runs only when it is asked for is not kept
/// an eye on, and what holds under another file holds no longer.
pub(super) fn learn(shared: &Shared, host: &Host, job: &JobName, outlook: Outlook) {
    let in_force = std::ptr::eq(host, Arc::as_ptr(&shared.host()));
    if in_force && host.runs_by_itself(job) {
        let rights = shared.outlooks().note(job, outlook);
        if rights {
            let plugin = BTreeSet::from([job.plugin.as_str()]);
            shared.outlooks().tell_lines(&plugin);
        }
    }
}

/// Looks until the service stops.
pub(super) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let host = shared.host();
        let round = tokio::select! {
            round = round(&shared, &host) => round,
            () = stop.cancelled() => return,
        };
        let wait = match round {
            Ok(()) => host.config().schedule.look_every,
            Err(Broken::Away) => TICK,
            Err(Broken::Database(error)) => {
                tracing::debug!(%error, "whether jobs could run is not known just now");
                DATABASE_WAIT
            }
        };
        drop(host);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.outlooks().asked.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Why a round ended early.
enum Broken {
    /// The ledger does not answer, as the scheduler knows.
    Away,
    /// The database did not answer.
    Database(RunnerError),
}

/// Every job once.
async fn round(shared: &Shared, host: &Arc<Host>) -> Result<(), Broken> {
    let runs_jobs = host.config().schedule.skipped().is_none();
    let (jobs, unknown) = match runs_jobs {
        true => (host.by_themselves(), host.unknown_jobs()),
        false => Default::default(), // no job runs here, whatever stands in its way
    };
    let jobs: Vec<JobName> = jobs.into_iter().map(|one| one.name).collect();
    let named = unknown.iter().map(|stray| &stray.job);
    shared.outlooks().keep(&named.chain(&jobs).collect());
    for stray in unknown {
        let job = stray.job.clone();
        let outlook = Outlook::of(&stray.into_error());
        shared.outlooks().note(&job, outlook);
    }
    if jobs.is_empty() {
        return Ok(());
    }
    if !shared.health().ledger() {
        return Err(Broken::Away);
    }
    let catalog = match host.catalog().await {
        Ok(catalog) => catalog,
        Err(error) if error.is_the_databases() => return Err(Broken::Database(error)),
        Err(error) => {
            for job in &jobs {
                shared.outlooks().note(job, Outlook::of(&error));
            }
            return Ok(());
        }
    };
    let mut lacking = BTreeSet::new();
    let done = each(shared, host, &jobs, &catalog, &mut lacking).await;
    shared.outlooks().tell_lines(&lacking);
    if done.is_ok() {
        shared.outlooks().tell_nothing();
    }
    done
}

/// One after another; `lacking` are the plugins of those that begin to lack rights.
async fn each<'j>(
    shared: &Shared,
    host: &Arc<Host>,
    jobs: &'j [JobName],
    catalog: &Arc<Catalog>,
    lacking: &mut BTreeSet<&'j str>,
) -> Result<(), Broken> {
    for job in jobs {
        room(shared).await;
        let began = Instant::now();
        let found = host.outlook(job, catalog).await;
        if !Arc::ptr_eq(host, &shared.host()) {
            return Ok(()); // of another file, and the next round has been asked for
        }
        match found {
            Ok(outlook) => {
                if shared.outlooks().note(job, outlook) {
                    lacking.insert(&job.plugin);
                }
            }
            Err(error) => {
                // One job's statement may have taken too long; without the database it is so for all.
                shared
                    .database()
                    .now()
                    .await
                    .map_err(|gone| Broken::Database(gone.into()))?;
                tracing::debug!(%job, %error, "whether the job could run is not known just now");
            }
        }
        tokio::time::sleep(began.elapsed()).await; // half of the time at most
    }
    Ok(())
}

/// Until a connection is to be had that is not the last one: runs, leases and the scheduler go first.
async fn room(shared: &Shared) {
    /// Soon enough, as nobody waits for a look.
    const AGAIN: Duration = Duration::from_millis(200);
    let most = shared.database().options().max_connections;
    loop {
        let (open, idle) = shared.database().connections();
        let free = most.saturating_sub(open.saturating_sub(idle));
        if free >= most.min(2) {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}
