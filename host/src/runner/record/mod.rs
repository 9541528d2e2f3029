//! A run as the ledger has it.

mod json;

use std::collections::BTreeMap;
use std::time::Duration;

pub use json::{RunDetailJson, RunRecordJson, detail, milliseconds};

use super::{Remains, Verification};
use crate::ledger::{self, Cause};
use crate::preflight::Finding;
use crate::request::{Batch, JobName, Mode, RunId, Timestamp};

/// One run of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// The plugin's version and the SHA-256 of its component.
    pub plugin: (String, String),
    /// Apply or dry run.
    pub mode: Mode,
    /// queued, running, drained, suspended, failed or cancelled.
    pub state: String,
    /// Why it ended before it was drained.
    pub reason: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it began, by the database's clock.
    pub started: Timestamp,
    /// How long it took; `None` while it goes on.
    pub elapsed: Option<Duration>,
    /// The sum over its batches.
    pub totals: Batch,
    /// Batches committed.
    pub batches: u64,
    /// What the probe found.
    pub verification: Verification,
    /// The same by sweep.
    pub remains: Vec<Remains>,
    /// Blocked rows by the table whose rows hold them.
    pub blocked_by: BTreeMap<String, u64>,
    /// Milliseconds that it was held back, by reason.
    pub throttled: BTreeMap<String, u64>,
    /// What preflight noticed before it.
    pub findings: Vec<Finding>,
    /// The host that has it, or had it last.
    pub host: String,
    /// What brought it about.
    pub cause: Cause,
    /// The time of its schedule.
    pub due: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// 1, and one more with each attempt that failed before it.
    pub attempt: u32,
    /// Runs in a row, this one the last, that changed nothing and did not come to their end.
    pub without_progress: u64,
}

impl RunRecord {
    /// The ledger's record; `None` where it holds words that this version does not know.
    pub fn from_ledger(record: ledger::RunRecord) -> Option<Self> {
        let mode = match record.mode.as_str() {
            "apply" => Mode::Apply,
            "dry-run" => Mode::DryRun,
            _ => return None,
        };
        let micros = |ended: Timestamp| u64::try_from(ended.0 - record.started_at.0).unwrap_or(0);
        Some(Self {
            run: record.id,
            job: record.job.parse().ok()?,
            plugin: (record.version, record.digest),
            mode,
            state: record.state,
            reason: record.reason,
            error: record.error,
            started: record.started_at,
            elapsed: record.ended_at.map(micros).map(Duration::from_micros),
            totals: record.totals,
            batches: record.batches,
            verification: Verification::from_ledger(record.verification.as_deref()),
            remains: Remains::from_ledger(&record.remains),
            blocked_by: serde_json::from_str(&record.blocked_by).unwrap_or_default(),
            throttled: serde_json::from_str(&record.throttled).unwrap_or_default(),
            findings: Finding::from_ledger(&record.findings),
            host: record.host,
            cause: record.cause,
            due: record.due_at,
            asked_by: record.asked_by,
            attempt: record.attempt,
            without_progress: record.without_progress,
        })
    }
}
