//! The ledger's own history, kept for a while.

use std::time::{Duration, Instant};

use super::{LedgerError, begin, write_time};
use crate::database::{Database, Session, Statement};
use crate::request::Timestamp;

/// Records a transaction: one that is small enough to wait for.
const STEP: i64 = 500;

/// Removes what ended longer ago than `keep`, a few records at a time; the newest drained run of each
/// job stays, because it says when the job last did its work. Begins no further step after `within`: what is
/// left goes the next time. Answers how many runs went.
///
/// # Errors
/// What the database says; what has been removed until then stays so.
pub async fn prune(
    database: &Database,
    keep: Duration,
    within: Duration,
) -> Result<u64, LedgerError> {
    let began = Instant::now();
    let now = database.now().await?;
    let before = now.minus_micros(i64::try_from(keep.as_micros()).unwrap_or(i64::MAX));
    let mut session = database.session().await?;
    let mut gone = 0;
    loop {
        let runs = step(&mut session, before, RUNS).await?;
        let entries = step(&mut session, before, ENTRIES).await?;
        let abandoned = step(&mut session, before, ABANDONED).await?;
        gone += runs;
        if runs + entries + abandoned == 0 || began.elapsed() >= within {
            return Ok(gone);
        }
    }
}

const RUNS: [&str; 2] = [
    "DELETE FROM besom_run WHERE id IN (SELECT r.id FROM besom_run AS r WHERE r.started_at < ",
    // A run under way is nobody's to remove, and neither is one that an open entry goes on with.
    " AND r.state <> 'running' AND EXISTS (SELECT 1 FROM besom_run AS n WHERE n.plugin = r.plugin \
     AND n.job = r.job AND n.mode = 'apply' AND n.state = 'drained' AND n.started_at > r.started_at) \
     AND NOT EXISTS (SELECT 1 FROM besom_queue AS q WHERE q.run = r.id AND q.done_at IS NULL)",
];

const ENTRIES: [&str; 2] = [
    "DELETE FROM besom_queue WHERE id IN (SELECT q.id FROM besom_queue AS q WHERE q.done_at < ",
    // A due time that is not behind its job yet could come again.
    " AND (q.due_at IS NULL OR EXISTS (SELECT 1 FROM besom_schedule AS s WHERE s.plugin = q.plugin \
     AND s.job = q.job AND s.considered >= q.due_at))",
];

/// What nobody has taken for so long is of a job that is configured no more.
const ABANDONED: [&str; 2] = [
    "DELETE FROM besom_queue WHERE id IN (SELECT q.id FROM besom_queue AS q WHERE q.not_before < ",
    " AND q.done_at IS NULL AND NOT EXISTS (SELECT 1 FROM besom_lease AS l WHERE l.run = q.run)",
];

async fn step(
    session: &mut Session,
    before: Timestamp,
    [head, tail]: [&str; 2],
) -> Result<u64, LedgerError> {
    session.begin(begin(session.dialect())).await?;
    let mut w = Statement::new(session.dialect());
    w.push(head);
    write_time(&mut w, before);
    w.push(tail)
        .push(" LIMIT ")
        .bind(STEP)
        .push(") RETURNING 1");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    session.commit().await?;
    Ok(rows.len() as u64)
}
