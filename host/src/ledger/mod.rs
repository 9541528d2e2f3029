//! besom's own tables, in the database being cleaned: runs, batches, checkpoints, leases.
//!
//! Every batch begins by raising its run's `seq` under the run's fencing token ([`write_fence`])
//! and ends by inserting its counts ([`write_record`]), all in the transaction of the rows
//! themselves. A fence that is only read does not fence: the snapshot would not see a take-over
//! that commits after it.

mod claim;
mod error;
mod fence;
mod finish;
mod history;
mod migrate;
mod names;

pub use claim::{Claim, Claimed, Lease};
pub use error::LedgerError;
pub(crate) use fence::batch_of;
pub use fence::{Fence, Record, Recorded, recorded, write_fence, write_record};
pub use finish::{Ending, finish};
pub use history::{BatchRecord, RunRecord, batches, list, list_of, show};
pub use migrate::migrate;

use crate::catalog::Dialect;
use crate::database::Statement;
use crate::request::Timestamp;

/// The ledger's tables. No plugin sweeps them: their rows prove what happened.
pub(crate) const TABLES: [&str; 10] = [
    "besom_run",
    "besom_batch",
    "besom_lease",
    "besom_queue",
    "besom_schedule",
    "besom_slot",
    "besom_host",
    "besom_pause",
    "besom_cluster",
    "besom_migration",
];

/// An instant as the ledger's columns take it.
fn write_time(w: &mut Statement, at: Timestamp) {
    match w.dialect() {
        Dialect::Postgres => w.bind_as(at.to_string(), "timestamptz"),
        Dialect::Sqlite => w.bind(at.0),
    };
}

/// A column with an instant, as microseconds.
fn micros(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("floor(extract(epoch FROM {column}) * 1000000)::bigint"),
        Dialect::Sqlite => column.to_owned(),
    }
}
