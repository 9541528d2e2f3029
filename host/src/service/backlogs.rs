//! What the latest runs on this host left of their jobs' work.
//!
//! A look costs the database something, so there is one after each run and none in between: rows are as
//! they were then, and an age grows with the clock. What another host has run since is that host's to
//! tell.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{Float, Job};
use crate::database::Database;
use crate::ledger::{self, LedgerError};
use crate::request::{JobName, Mode, Suspension, Timestamp};
use crate::runner::{Host, Outcome, RunReport};
use crate::sweep::{Backlog, Remains, RunContext};

/// What the latest runs on this host left.
#[derive(Debug, Default)]
pub struct Backlogs {
    rows: Family<Job, Gauge>,
    bounded: Family<Job, Gauge>,
    age: Family<Job, Float>,
    unread: Family<Job, Gauge>,
    known: Mutex<BTreeMap<JobName, Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// When the run began that left it.
    run_began: Timestamp,
    looked: Instant,
    age: Option<Duration>,
}

impl Backlogs {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register(
            "backlog_rows",
            "Rows that the latest run of the job on this host left",
            self.rows.clone(),
        );
        to.register(
            "backlog_rows_bounded",
            "1 where there may be more rows than were counted",
            self.bounded.clone(),
        );
        to.register_with_unit(
            "backlog_oldest_age",
            "Age of the oldest row that the latest run of the job on this host left",
            Unit::Seconds,
            self.age.clone(),
        );
        to.register(
            "unread_rows",
            "Rows that the latest drained run of the job on this host passed over because of a value that it cannot read",
            self.unread.clone(),
        );
    }

    /// Looks what a run left that has just ended. A dry run leaves everything, and says nothing.
    pub(super) async fn look(&self, report: &RunReport, context: &RunContext) {
        // The host goes, and its metrics with it.
        let leaving = report.reason.as_deref() == Some(Suspension::ShuttingDown.as_str());
        if report.mode == Mode::DryRun || leaving {
            return;
        }
        let ended = report.outcome == Outcome::Drained;
        let verified = ended.then_some(report.remains.as_slice());
        if let Some(remains) = verified {
            self.note_unread(&report.job, remains);
        }
        let left = context.backlog(verified).await;
        self.note(&report.job, left, context.now());
    }

    /// A column that two sweeps read counts once; one that was not looked at makes no number of it.
    fn note_unread(&self, job: &JobName, remains: &[Remains]) {
        let of = Job::of(job);
        let mut columns: BTreeMap<&str, u64> = BTreeMap::new();
        for (column, unread) in remains.iter().flat_map(|sweep| &sweep.unread_of) {
            let rows = columns.entry(column).or_default();
            *rows = unread.rows.max(*rows);
        }
        let rows: u64 = columns.values().sum();
        let looked_at_all = remains.iter().all(|sweep| sweep.not_looked_at.is_none());
        match i64::try_from(rows) {
            Ok(rows) if rows > 0 || looked_at_all => {
                self.unread.get_or_create(&of).set(rows);
            }
            _ => drop(self.unread.remove(&of)),
        }
    }

    fn note(&self, job: &JobName, left: Backlog, run_began: Timestamp) {
        let of = Job::of(job);
        match left.rows.and_then(|rows| i64::try_from(rows).ok()) {
            Some(rows) => {
                self.rows.get_or_create(&of).set(rows);
                let bounded = self.bounded.get_or_create(&of);
                bounded.set(i64::from(left.more));
            }
            // What it was before says nothing any more.
            None => {
                self.rows.remove(&of);
                self.bounded.remove(&of);
            }
        }
        let known = Known {
            run_began,
            looked: Instant::now(),
            age: left.age,
        };
        self.lock().insert(job.clone(), known);
    }

    /// Brings every age up to now.
    pub(super) fn grow(&self) {
        for (job, known) in self.lock().iter() {
            let of = Job::of(job);
            match known.age {
                Some(age) => {
                    let now = age.saturating_add(known.looked.elapsed());
                    self.age.get_or_create(&of).set(now.as_secs_f64());
                }
                None => drop(self.age.remove(&of)),
            }
        }
    }

    /// Forgets what was left of jobs that another host has run since.
    pub(super) async fn forget_overtaken(
        &self,
        database: &Database,
        host: &str,
    ) -> Result<(), LedgerError> {
        let known: Vec<_> = self
            .lock()
            .iter()
            .map(|(job, known)| (job.clone(), *known))
            .collect();
        for (job, known) in known {
            if ledger::ended_elsewhere(database, &job, host, known.run_began).await? {
                self.forget(&job, known.run_began);
            }
        }
        Ok(())
    }

    /// Forgets what was left of jobs that the file has left out since.
    pub(super) fn forget_left_out(&self, host: &Host) {
        let known = self.lock().clone();
        for (job, known) in known {
            if host.leaves_out(&job) {
                self.forget(&job, known.run_began);
            }
        }
    }

    /// Unless this host has run it once more meanwhile.
    fn forget(&self, job: &JobName, run_began: Timestamp) {
        let mut known = self.lock();
        if known
            .get(job)
            .is_none_or(|known| known.run_began != run_began)
        {
            return;
        }
        known.remove(job);
        let of = Job::of(job);
        self.rows.remove(&of);
        self.bounded.remove(&of);
        self.age.remove(&of);
        self.unread.remove(&of);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
