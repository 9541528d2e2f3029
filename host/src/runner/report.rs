//! What a run came to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::plugin::Usage;
use crate::preflight::Finding;
use crate::request::{Batch, JobName, Mode, RunId};
pub use crate::sweep::{Remains, Unread, Verification};

/// The account of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The job.
    pub job: JobName,
    /// The run's id.
    pub run: RunId,
    /// Apply or dry run.
    pub mode: Mode,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended before it was drained.
    pub reason: Option<String>,
    /// The sum over its batches, as the ledger has it.
    pub totals: Batch,
    /// Batches committed.
    pub batches: u64,
    /// From claim to outcome.
    pub elapsed: Duration,
    /// What the probe after a drained run found.
    pub verification: Verification,
    /// The same by sweep; none where nobody looked.
    pub remains: Vec<Remains>,
    /// What went wrong.
    pub error: Option<String>,
    /// The grant refused something that the plugin asked for.
    pub denied: bool,
    /// Some counts of a dry run are estimates.
    pub estimated: bool,
    /// Blocked rows by the table whose rows hold them; a row that several hold counts for each.
    pub blocked_by: BTreeMap<String, u64>,
    /// Tables of which a row that stays holds others by a key of the table itself.
    pub hold_each_other: BTreeSet<String>,
    /// What preflight noticed before it.
    pub findings: Vec<Finding>,
    /// The run is not over: it lies still, and some host goes on with it.
    pub parked: bool,
    /// How long it was held back on this host, by reason.
    pub held_back: BTreeMap<&'static str, Duration>,
    /// What this host's part of it took in the guest.
    pub guest: Usage,
    /// Runs of the job in a row, this one the last, that changed nothing and did not come to their end.
    pub without_progress: u64,
}

impl RunReport {
    /// The blocked rows by table, as the ledger keeps them.
    pub fn blocked_by_json(&self) -> String {
        serde_json::to_string(&self.blocked_by).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every eligible row has been visited.
    Drained,
    /// Stopped with a backlog.
    Suspended,
    /// Stopped by an error.
    Failed,
    /// Stopped by the operator.
    Cancelled,
}

impl Outcome {
    /// The outcome as the ledger and the JSON output spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What the probe found, in words.
pub fn verification(verification: &Verification) -> String {
    match verification {
        Verification::Verified => "verified".to_owned(),
        Verification::Left(1) => "1 row left".to_owned(),
        Verification::Left(rows) => format!("{} rows left", thousands(*rows)),
        Verification::Unverified(why) => format!("unverified: {why}"),
        Verification::NotDone => "not done".to_owned(),
    }
}

/// A whole number with a comma at every thousand.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
