//! The fence that every batch begins with, and the record that it ends with.

use std::time::Duration;

use super::{micros, write_after};
use crate::catalog::Dialect;
use crate::database::{Bind, Cells, DatabaseError, Session, Statement};
use crate::request::{Batch, RunId, Timestamp};

/// What a host must hold for its batch to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: RunId,
    /// The token of this host's claim.
    pub token: i64,
    /// The last batch committed, as this host knows it.
    pub seq: i64,
}

/// The checkpoint of a run that has noted nothing yet.
pub(super) const NOTHING: &str = "{}";

/// Writes the UPDATE that raises `seq` and stores the checkpoint, returning the new `seq`; no row
/// where the token or `seq` has moved on.
pub fn write_fence(w: &mut Statement, fence: &Fence, checkpoint: &str) {
    write_fence_if(w, fence, checkpoint, |_| {});
}

/// The same where something else holds as well: `also` writes ` AND …`.
pub fn write_fence_if(
    w: &mut Statement,
    fence: &Fence,
    checkpoint: &str,
    also: impl FnOnce(&mut Statement),
) {
    w.push("UPDATE besom_run SET seq = seq + 1, checkpoint = ")
        .bind(checkpoint)
        .push(" WHERE ");
    stands_here(w, fence);
    also(w);
    w.push(" RETURNING seq");
}

/// Writes that the run is still this host's and stands where it believes.
fn stands_here(w: &mut Statement, fence: &Fence) {
    w.push("id = ")
        .bind_as(fence.run.to_string(), "uuid")
        .push(" AND token = ")
        .bind(fence.token);
    w.push(" AND seq = ")
        .bind(fence.seq)
        .push(" AND state = 'running'");
}

/// Stores a checkpoint between two batches, where the run is still this host's and stands where it believes.
///
/// # Errors
/// What the database says.
pub async fn keep_checkpoint(
    session: &mut Session,
    fence: &Fence,
    checkpoint: &str,
) -> Result<(), DatabaseError> {
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET checkpoint = ")
        .bind(checkpoint)
        .push(" WHERE ");
    stands_here(&mut w, fence);
    session.execute(&w).await?;
    Ok(())
}

/// Writes the INSERT of a batch's counts. `from` names what it selects from: on PostgreSQL
/// `fence, tally` (no fence row, no record) or `tally`; on SQLite the counts are bound.
pub fn write_record(w: &mut Statement, fence: &Fence, source: Record<'_>) {
    w.push(
        "INSERT INTO besom_batch (run, seq, examined, affected, dependents, cascaded, locked, blocked, \
         revived",
    );
    match source {
        Record::Tally { from } => {
            w.push(") SELECT ")
                .bind_as(fence.run.to_string(), "uuid")
                .push(", ");
            w.bind_as(fence.seq + 1, "bigint");
            w.push(", examined, affected, dependents, cascaded, locked, blocked, revived FROM ");
            w.push(from).push(" RETURNING *");
        }
        Record::Counted { batch, at } => {
            w.push(", at) VALUES (")
                .bind_as(fence.run.to_string(), "uuid")
                .push(", ")
                .bind(fence.seq + 1);
            for count in [
                batch.examined,
                batch.affected,
                batch.dependents,
                batch.cascaded,
                batch.locked,
                batch.blocked,
                batch.revived,
            ] {
                w.push(", ").bind(Bind::from(count));
            }
            w.push(", ");
            super::write_time(w, at);
            w.push(")");
        }
    }
}

/// Where a record's counts come from.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// The statement's own CTEs.
    Tally {
        /// The FROM list.
        from: &'a str,
    },
    /// Counts that are known already, with the time.
    Counted {
        /// The counts.
        batch: Batch,
        /// The clock.
        at: Timestamp,
    },
}

/// What the ledger says of a batch whose fence was empty, or whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// This host's own earlier attempt committed it.
    Mine {
        /// What it did.
        batch: Batch,
        /// The checkpoint that it left.
        checkpoint: String,
    },
    /// Nothing was committed; the batch may be tried again.
    NotYet,
    /// Another host has taken the run over, or somebody ended it.
    Lost,
}

/// Looks up whether the batch after `fence` was committed, and by whom.
pub async fn recorded(session: &mut Session, fence: &Fence) -> Result<Recorded, DatabaseError> {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT token, seq, state, checkpoint FROM besom_run WHERE id = ");
    w.bind_as(fence.run.to_string(), "uuid");
    let Some(run) = session.fetch(&w).await?.into_iter().next() else {
        return Ok(Recorded::Lost);
    };
    if run.get(0).as_integer() != Some(fence.token) || run.get(2).as_text() != Some("running") {
        return Ok(Recorded::Lost);
    }
    match run.get(1).as_integer() {
        Some(seq) if seq == fence.seq => Ok(Recorded::NotYet),
        Some(seq) if seq == fence.seq + 1 => {
            let mut w = Statement::new(session.dialect());
            w.push("SELECT examined, affected, dependents, cascaded, locked, blocked, revived ");
            w.push("FROM besom_batch WHERE run = ")
                .bind_as(fence.run.to_string(), "uuid");
            w.push(" AND seq = ").bind(seq);
            let batch = batch_of(&session.fetch_one(&w).await?, 0);
            let checkpoint = run.get(3).as_text().unwrap_or_default().to_owned();
            Ok(Recorded::Mine { batch, checkpoint })
        }
        _ => Ok(Recorded::Lost),
    }
}

/// Seven counts from a row, in the order of the contract's `batch`.
pub(crate) fn batch_of(row: &Cells, first: usize) -> Batch {
    let count = |index: usize| row.get(first + index).as_count();
    Batch {
        examined: count(0),
        affected: count(1),
        dependents: count(2),
        cascaded: count(3),
        locked: count(4),
        blocked: count(5),
        revived: count(6),
    }
}

/// The seven counts, summed over a run's batches, for a SELECT list.
pub(super) const SUMS: &str = "coalesce(sum(examined), 0), coalesce(sum(affected), 0), \
     coalesce(sum(dependents), 0), coalesce(sum(cascaded), 0), coalesce(sum(locked), 0), \
     coalesce(sum(blocked), 0), coalesce(sum(revived), 0)";

/// The clock for a lease's end, as the database counts it.
pub(super) fn clock(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "clock_timestamp()",
        // Julian days to microseconds would round: SQLite's clock is the host's, and is bound.
        Dialect::Sqlite => "",
    }
}

/// Nothing is held for so long at a time, the longest lease is ten minutes: what ends later was written by
/// a clock that has been put back since, and has ended.
pub(super) const NEVER_SO_LONG: Duration = Duration::from_secs(60 * 60);

/// Microseconds until the lease of the selected row ends.
pub(super) fn lease_left(w: &mut Statement, now: Timestamp) {
    w.push("CASE WHEN l.expires > ");
    write_after(w, NEVER_SO_LONG, now);
    w.push(" THEN 0 ELSE ");
    match w.dialect() {
        Dialect::Postgres => {
            w.push(&micros(Dialect::Postgres, "l.expires"));
            w.push(" - ")
                .push(&micros(Dialect::Postgres, clock(Dialect::Postgres)));
        }
        Dialect::Sqlite => {
            w.push("l.expires - ").bind(now.0);
        }
    }
    w.push(" END");
}
