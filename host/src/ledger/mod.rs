//! besom's own tables, in the database being cleaned: runs, batches, checkpoints, leases.
//!
//! Every batch begins by raising its run's `seq` under the run's fencing token ([`write_fence`])
//! and ends by inserting its counts ([`write_record`]), all in the transaction of the rows
//! themselves. A fence that is only read does not fence: the snapshot would not see a take-over
//! that commits after it.

mod claim;
mod cluster;
mod due;
mod error;
mod fence;
mod finish;
mod history;
mod hosts;
mod lease;
mod migrate;
mod names;
mod origin;
mod pauses;
mod prune;
mod queue;
mod refuse;
mod slots;
mod standstill;
mod steps;
mod unfinished;
mod waiting;

pub use claim::{Claim, Claimed};
pub use cluster::{Awoken, awoken, settle_here};
pub use due::Due;
pub use error::LedgerError;
pub(crate) use fence::batch_of;
pub use fence::{
    Fence, Record, Recorded, keep_checkpoint, recorded, write_fence, write_fence_if, write_record,
};
pub use finish::{Again, Ending, finish, park};
pub use history::{
    BatchRecord, RunRecord, batches, ended_elsewhere, last_began, last_drained, list, list_of, show,
};
pub use hosts::{HostRecord, announce, depart, hosts};
pub use lease::Lease;
pub use migrate::migrate;
pub use origin::{Cause, Origin};
pub use pauses::{Pause, Scope, pause, pauses, resume};
pub use prune::prune;
pub use queue::{Asked, Entry};
pub use slots::busy;
pub use standstill::without_progress;
pub use unfinished::{Unfinished, unfinished};
pub use waiting::{Ripe, Waiting, ripe, waiting};

use crate::catalog::Dialect;
use std::time::Duration;

use crate::database::{Cell, DatabaseError, Statement};
use crate::request::{RunId, Timestamp};

/// The ledger's tables. No plugin sweeps them: their rows prove what happened.
pub(crate) const TABLES: [&str; 15] = [
    "besom_run",
    "besom_batch",
    "besom_lease",
    "besom_queue",
    "besom_schedule",
    "besom_slot",
    "besom_host",
    "besom_pause",
    "besom_cluster",
    "besom_component",
    "besom_deployment",
    "besom_generation",
    "besom_quarantine",
    "besom_audit",
    "besom_migration",
];

/// Statements that begin a transaction in which rows of the ledger change.
pub(crate) fn begin(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "BEGIN",
        // A transaction that reads first could not be raised to a writing one later.
        Dialect::Sqlite => "BEGIN IMMEDIATE",
    }
}

/// The present, by the database's clock; `now` is what SQLite takes for it.
pub(crate) fn write_now(w: &mut Statement, now: Timestamp) {
    match w.dialect() {
        Dialect::Postgres => w.push("clock_timestamp()"),
        Dialect::Sqlite => w.bind(now.0),
    };
}

/// The present and so much more.
fn write_after(w: &mut Statement, later: Duration, now: Timestamp) {
    let micros = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
    match w.dialect() {
        Dialect::Postgres => w
            .push("clock_timestamp() + ")
            .bind_as(format!("{micros} microseconds"), "interval"),
        Dialect::Sqlite => w.bind(now.0.saturating_add(micros)),
    };
}

/// A UUID column as text.
fn uuid(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("{column}::text"),
        Dialect::Sqlite => column.to_owned(),
    }
}

/// A run's id as [`uuid`] selects it.
fn run_id(cell: &Cell) -> Result<RunId, DatabaseError> {
    let id = cell.as_text().and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        DatabaseError::other(
            "ledger",
            "a run's id in the ledger is not a UUID: it was changed by hand",
        )
    })
}

/// An instant as the ledger's columns take it.
pub(crate) fn write_time(w: &mut Statement, at: Timestamp) {
    match w.dialect() {
        Dialect::Postgres => w.bind_as(at.to_string(), "timestamptz"),
        Dialect::Sqlite => w.bind(at.0),
    };
}

/// A column with an instant, as microseconds.
pub(crate) fn micros(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("floor(extract(epoch FROM {column}) * 1000000)::bigint"),
        Dialect::Sqlite => column.to_owned(),
    }
}
