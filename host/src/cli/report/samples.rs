//! Reports for the tests of this room.

use super::*;
use crate::request::{JobName, RunId};

pub fn drained() -> RunReport {
    RunReport {
        job: JobName::new("tokens", "revoked-access"),
        run: RunId(uuid::Uuid::nil()),
        mode: Mode::Apply,
        outcome: Outcome::Drained,
        reason: None,
        totals: Batch {
            examined: 41_000,
            affected: 40_000,
            blocked: 7,
            ..Batch::default()
        },
        batches: 41,
        elapsed: Duration::from_millis(1600),
        verification: Verification::Verified,
        remains: Vec::new(),
        error: None,
        denied: false,
        estimated: false,
        blocked_by: BTreeMap::new(),
        hold_each_other: Default::default(),
        findings: Vec::new(),
        parked: false,
        held_back: BTreeMap::new(),
        guest: crate::plugin::Usage::default(),
        without_progress: 0,
    }
}

pub fn suspended() -> RunReport {
    RunReport {
        job: JobName::new("tokens", "expired-access"),
        outcome: Outcome::Suspended,
        reason: Some("row-budget".to_owned()),
        totals: Batch {
            examined: 1_234_567,
            affected: 500_000,
            dependents: 12,
            cascaded: 3,
            locked: 1,
            ..Batch::default()
        },
        batches: 500,
        elapsed: Duration::from_secs(100),
        verification: Verification::Unverified("suspended (row-budget)".to_owned()),
        ..drained()
    }
}

pub fn failed() -> RunReport {
    RunReport {
        job: JobName::new("acme", "purge"),
        outcome: Outcome::Failed,
        totals: Batch::default(),
        batches: 0,
        elapsed: Duration::ZERO,
        verification: Verification::Unverified("failed".to_owned()),
        error: Some("no such table\u{1b}[2J\nadd it".to_owned()),
        ..drained()
    }
}
