//! What a service counts, in the OpenMetrics text format.
//!
//! Labels are plugin and job, and words of which there are few: never a run's id, which would make a
//! new series each time.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Shared;
use crate::ledger::{self, LedgerError};
use crate::request::{Batch, JobName};
use crate::runner::{Outcome, RunReport, Verification};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    plugin: String,
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    plugin: String,
    job: String,
    /// What is counted: rows of a kind, runs of an outcome.
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Generation {
    plugin: String,
    version: String,
    digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcomes {
    outcome: &'static str,
}

type Float = Gauge<f64, AtomicU64>;

/// The counters of a service.
pub struct Metrics {
    registry: Registry,
    rows: Family<Kind, Counter>,
    runs: Family<Kind, Counter>,
    batch_seconds: Family<Job, Histogram>,
    batch_rows: Family<Job, Histogram>,
    backlog: Family<Job, Gauge>,
    last_success: Family<Job, Float>,
    generations: Family<Generation, Gauge>,
    reloads: Family<Outcomes, Counter>,
    running: Gauge<i64, AtomicI64>,
    connections: Family<Outcomes, Gauge>,
    ledger_up: Gauge,
}

impl Job {
    fn of(job: &JobName) -> Self {
        Self {
            plugin: job.plugin.clone(),
            job: job.job.clone(),
        }
    }
}

impl Kind {
    fn of(job: &JobName, kind: &'static str) -> Self {
        Self {
            plugin: job.plugin.clone(),
            job: job.job.clone(),
            kind,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // From one millisecond to a minute.
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        // From one row to sixty thousand.
        let rows = || Histogram::new(exponential_buckets(1.0, 4.0, 9));
        let mut metrics = Self {
            registry: Registry::with_prefix("besom"),
            rows: Family::default(),
            runs: Family::default(),
            batch_seconds: Family::new_with_constructor(seconds),
            batch_rows: Family::new_with_constructor(rows),
            backlog: Family::default(),
            last_success: Family::default(),
            generations: Family::default(),
            reloads: Family::default(),
            running: Gauge::default(),
            connections: Family::default(),
            ledger_up: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register("rows", "Rows by what became of them", self.rows.clone());
        to.register("runs", "Runs by outcome", self.runs.clone());
        to.register_with_unit(
            "batch_duration",
            "Time of a batch, its commit included",
            Unit::Seconds,
            self.batch_seconds.clone(),
        );
        to.register(
            "batch_rows",
            "Rows that a batch changed",
            self.batch_rows.clone(),
        );
        to.register(
            "backlog_rows",
            "Rows that the latest verified run left, counted up to a bound",
            self.backlog.clone(),
        );
        to.register_with_unit(
            "last_success_timestamp",
            "When a run of the job was last drained",
            Unit::Seconds,
            self.last_success.clone(),
        );
        to.register(
            "plugin_generation",
            "1 for the version of a plugin that runs here",
            self.generations.clone(),
        );
        to.register(
            "reloads",
            "Readings of the configuration by outcome",
            self.reloads.clone(),
        );
        to.register(
            "runs_active",
            "Runs under way on this host",
            self.running.clone(),
        );
        to.register(
            "connections",
            "Connections of the pool, in use and idle",
            self.connections.clone(),
        );
        to.register(
            "ledger_up",
            "1 while the ledger answers",
            self.ledger_up.clone(),
        );
    }

    /// Takes the times of the last successes over from the ledger, which remembers them over a restart.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn remember(&self, shared: &Shared) -> Result<(), LedgerError> {
        for (job, at) in ledger::last_drained(shared.database()).await? {
            #[allow(clippy::cast_precision_loss)] // a microsecond of a century is exact enough
            let seconds = at.0 as f64 / 1e6;
            self.last_success.get_or_create(&Job::of(&job)).set(seconds);
        }
        Ok(())
    }

    /// One batch was committed.
    pub fn batch(&self, job: &JobName, batch: &Batch, took: Duration) {
        let of = Job::of(job);
        self.batch_seconds
            .get_or_create(&of)
            .observe(took.as_secs_f64());
        #[allow(clippy::cast_precision_loss)] // a batch has thousands of rows
        self.batch_rows
            .get_or_create(&of)
            .observe(batch.changed() as f64);
        for (kind, rows) in [
            ("examined", batch.examined),
            ("affected", batch.affected),
            ("dependents", batch.dependents),
            ("cascaded", batch.cascaded),
            ("locked", batch.locked),
            ("blocked", batch.blocked),
            ("revived", batch.revived),
        ] {
            self.rows.get_or_create(&Kind::of(job, kind)).inc_by(rows);
        }
    }

    /// A run is over, or lies still.
    pub fn run(&self, report: &RunReport) {
        let outcome = match report.parked {
            true => "parked",
            false => report.outcome.as_str(),
        };
        self.runs
            .get_or_create(&Kind::of(&report.job, outcome))
            .inc();
        let job = Job::of(&report.job);
        if report.outcome == Outcome::Drained {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let seconds = now.unwrap_or_default().as_secs_f64();
            self.last_success.get_or_create(&job).set(seconds);
        }
        let left = match report.verification {
            Verification::Verified => Some(0),
            Verification::Left(rows) => Some(rows),
            Verification::Unverified(_) | Verification::NotDone => None,
        };
        if let Some(left) = left.and_then(|rows| i64::try_from(rows).ok()) {
            self.backlog.get_or_create(&job).set(left);
        }
    }

    /// The configuration was read again.
    pub fn reload(&self, outcome: &'static str) {
        self.reloads.get_or_create(&Outcomes { outcome }).inc();
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn text(&self, shared: &Shared) -> Result<String, fmt::Error> {
        self.generations.clear();
        for plugin in shared.host().plugins().values() {
            let generation = Generation {
                plugin: plugin.manifest().name.clone(),
                version: plugin.manifest().version.to_string(),
                digest: plugin.digest().to_string(),
            };
            self.generations.get_or_create(&generation).set(1);
        }
        let running = shared.running().jobs().len();
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        self.ledger_up.set(i64::from(shared.health().ledger()));
        let (open, idle) = shared.database().connections();
        for (outcome, count) in [("in-use", open.saturating_sub(idle)), ("idle", idle)] {
            let gauge = self.connections.get_or_create(&Outcomes { outcome });
            gauge.set(i64::from(count));
        }
        let mut all = String::new();
        text::encode(&mut all, &self.registry)?;
        Ok(all)
    }
}
