//! Runs of the ledger as JSON: the keys of a fresh run, and what only the ledger knows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::RunRecord;
use crate::ledger::BatchRecord;
use crate::preflight::Finding;
use crate::request::Batch;
use crate::runner::{Remains, Verification, verification};

/// One run of the ledger, as every command and route shows it.
#[derive(Debug, Serialize)]
pub struct RunRecordJson<'a> {
    job: String,
    run: String,
    mode: &'static str,
    outcome: &'a str,
    reason: Option<&'a str>,
    error: Option<&'a str>,
    cause: &'static str,
    due: Option<String>,
    asked_by: Option<&'a str>,
    attempt: u32,
    host: &'a str,
    version: &'a str,
    digest: &'a str,
    started: String,
    seconds: Option<f64>,
    #[serde(flatten)]
    rows: Batch,
    batches: u64,
    runs_without_progress: u64,
    verified: Option<bool>,
    verification: String,
    remains: &'a [Remains],
    blocked_by: &'a BTreeMap<String, u64>,
    throttled: &'a BTreeMap<String, u64>,
    findings: &'a [Finding],
}

/// The same with its batches.
#[derive(Debug, Serialize)]
pub struct RunDetailJson<'a> {
    #[serde(flatten)]
    run: RunRecordJson<'a>,
    ledger: Vec<BatchJson>,
}

#[derive(Debug, Serialize)]
struct BatchJson {
    seq: u64,
    at: String,
    #[serde(flatten)]
    rows: Batch,
}

impl<'a> From<&'a RunRecord> for RunRecordJson<'a> {
    fn from(record: &'a RunRecord) -> Self {
        Self {
            job: record.job.to_string(),
            run: record.run.to_string(),
            mode: record.mode.as_str(),
            outcome: &record.state,
            reason: record.reason.as_deref(),
            error: record.error.as_deref(),
            cause: record.cause.as_str(),
            due: record.due.map(|due| due.to_string()),
            asked_by: record.asked_by.as_deref(),
            attempt: record.attempt,
            host: &record.host,
            version: &record.plugin.0,
            digest: &record.plugin.1,
            started: record.started.to_string(),
            seconds: record.elapsed.map(milliseconds),
            rows: record.totals,
            batches: record.batches,
            runs_without_progress: record.without_progress,
            verified: match record.verification {
                Verification::Verified => Some(true),
                Verification::Left(_) => Some(false),
                Verification::Unverified(_) | Verification::NotDone => None,
            },
            verification: verification(&record.verification),
            remains: &record.remains,
            blocked_by: &record.blocked_by,
            throttled: &record.throttled,
            findings: &record.findings,
        }
    }
}

/// One run with its batches.
pub fn detail<'a>(record: &'a RunRecord, batches: &[BatchRecord]) -> RunDetailJson<'a> {
    let ledger = batches.iter().map(|batch| BatchJson {
        seq: batch.seq,
        at: batch.at.to_string(),
        rows: batch.rows,
    });
    RunDetailJson {
        run: record.into(),
        ledger: ledger.collect(),
    }
}

/// Seconds to the millisecond: more digits say nothing about a run.
pub fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1000.0).round() / 1000.0
}
