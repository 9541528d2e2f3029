//! What a service counts, in the OpenMetrics text format.
//!
//! Labels are plugin and job, and words of which there are few: never a run's id, which would make a
//! new series each time.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::outlooks::Runnable;
use super::standstills::Standstills;
use super::successes::Successes;
use super::{Backlogs, Shared};
use crate::ledger::{Entry, LedgerError};
use crate::request::{Batch, JobName, Mode};
use crate::runner::{Outcome, RunReport};

/// A job, as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Job {
    plugin: String,
    job: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    plugin: String,
    job: String,
    /// What became of the rows.
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ran {
    plugin: String,
    job: String,
    mode: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    plugin: String,
    job: String,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Generation {
    plugin: String,
    version: String,
    digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    plugin: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcomes {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// A gauge of what is no whole number.
pub(super) type Float = Gauge<f64, AtomicU64>;

/// A counter of time.
type Seconds = Counter<f64, AtomicU64>;

/// The counters of a service.
pub struct Metrics {
    registry: Registry,
    /// One answer at a time: some families are emptied for it and filled anew.
    answering: Mutex<()>,
    rows: Family<Kind, Counter>,
    runs: Family<Ran, Counter>,
    batch_seconds: Family<Job, Histogram>,
    batch_rows: Family<Job, Histogram>,
    backlogs: Backlogs,
    throttled: Family<Reason, Seconds>,
    guest_memory: Family<Job, Gauge>,
    guest_cpu: Family<Job, Seconds>,
    successes: Successes,
    standstills: Standstills,
    generations: Family<Generation, Gauge>,
    passed_over: Family<Of, Gauge>,
    runnable: Runnable,
    reloads: Family<Outcomes, Counter>,
    running: Gauge<i64, AtomicI64>,
    connections: Family<State, Gauge>,
    ledger_up: Gauge,
}

impl Job {
    pub(super) fn of(job: &JobName) -> Self {
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
            answering: Mutex::default(),
            rows: Family::default(),
            runs: Family::default(),
            batch_seconds: Family::new_with_constructor(seconds),
            batch_rows: Family::new_with_constructor(rows),
            backlogs: Backlogs::default(),
            throttled: Family::default(),
            guest_memory: Family::default(),
            guest_cpu: Family::default(),
            successes: Successes::default(),
            standstills: Standstills::default(),
            generations: Family::default(),
            passed_over: Family::default(),
            runnable: Runnable::default(),
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
        self.backlogs.register(to);
        to.register_with_unit(
            "throttled",
            "Time that runs were held back, by reason",
            Unit::Seconds,
            self.throttled.clone(),
        );
        to.register_with_unit(
            "guest_memory_peak",
            "Linear memory that the plugin had at most in the latest run of the job",
            Unit::Bytes,
            self.guest_memory.clone(),
        );
        to.register_with_unit(
            "guest_cpu",
            "Processor time that the plugin took in runs of the job",
            Unit::Seconds,
            self.guest_cpu.clone(),
        );
        self.successes.register(to);
        self.standstills.register(to);
        to.register(
            "plugin_generation",
            "1 for the version of a plugin that runs here",
            self.generations.clone(),
        );
        to.register(
            "plugin_passed_over",
            "Versions of a plugin that are to run and are not sound here",
            self.passed_over.clone(),
        );
        self.runnable.register(to);
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
        self.standstills.look(&shared.host()).await?;
        self.successes.remember(&shared.host()).await
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
        self.ran(&report.job, report.mode, outcome);
        let job = Job::of(&report.job);
        if report.outcome == Outcome::Drained && report.mode == Mode::Apply {
            self.successes.drained(&report.job);
        }
        if report.mode == Mode::Apply && !report.parked {
            self.standstills.ended(&report.job, report.without_progress);
        }
        for (reason, time) in &report.held_back {
            let of = Reason {
                plugin: job.plugin.clone(),
                job: job.job.clone(),
                reason,
            };
            let throttled = self.throttled.get_or_create(&of);
            throttled.inc_by(time.as_secs_f64());
        }
        let peak = i64::try_from(report.guest.memory_peak).unwrap_or(i64::MAX);
        self.guest_memory.get_or_create(&job).set(peak);
        let cpu = self.guest_cpu.get_or_create(&job);
        cpu.inc_by(report.guest.cpu.as_secs_f64());
    }

    /// A run failed before it began: its job must not run as it is.
    pub(super) fn refused(&self, entry: &Entry) {
        self.ran(&entry.job, entry.mode, Outcome::Failed.as_str());
    }

    fn ran(&self, job: &JobName, mode: Mode, outcome: &'static str) {
        let of = Ran {
            plugin: job.plugin.clone(),
            job: job.job.clone(),
            mode: mode.as_str(),
            outcome,
        };
        self.runs.get_or_create(&of).inc();
    }

    /// Which jobs do not get on.
    pub(super) fn standstills(&self) -> &Standstills {
        &self.standstills
    }

    /// What the latest runs left.
    pub(super) fn backlogs(&self) -> &Backlogs {
        &self.backlogs
    }

    /// The configuration was read again.
    pub fn reload(&self, outcome: &'static str) {
        self.reloads.get_or_create(&Outcomes { outcome }).inc();
    }

    /// Which versions run here, and how many do not.
    fn versions(&self, shared: &Shared) {
        let host = shared.host();
        self.generations.clear();
        self.passed_over.clear();
        for plugin in host.plugins().values() {
            let name = &plugin.manifest().name;
            let generation = Generation {
                plugin: name.clone(),
                version: plugin.manifest().version.to_string(),
                digest: plugin.digest().to_string(),
            };
            self.generations.get_or_create(&generation).set(1);
            let of = Of {
                plugin: name.clone(),
            };
            self.passed_over.get_or_create(&of).set(0);
        }
        for passed in host.versions().passed_over() {
            let of = Of {
                plugin: passed.plugin.clone(),
            };
            self.passed_over.get_or_create(&of).inc();
        }
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// When the text cannot be written.
    pub fn text(&self, shared: &Shared) -> Result<String, fmt::Error> {
        let _alone = self
            .answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.versions(shared);
        self.runnable.fill(shared.outlooks());
        let running = shared.running().jobs().len();
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        self.ledger_up.set(i64::from(shared.health().ledger()));
        let (open, idle) = shared.database().connections();
        let host = shared.host();
        self.successes.show(&host);
        self.standstills.show(&host);
        self.backlogs.forget_left_out(&host);
        self.backlogs.grow();
        for (state, count) in [("in-use", open.saturating_sub(idle)), ("idle", idle)] {
            let gauge = self.connections.get_or_create(&State { state });
            gauge.set(i64::from(count));
        }
        let mut all = String::new();
        text::encode(&mut all, &self.registry)?;
        Ok(all)
    }
}
