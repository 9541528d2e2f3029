//! Ending a run, and laying it by.

use std::time::Duration;

use super::fence::{SUMS, batch_of};
use super::queue::{self, After};
use super::{Fence, LedgerError, begin, slots, write_time};
use crate::catalog::Dialect;
use crate::database::{Bind, Database, Session, Statement};
use crate::request::{Batch, Mode, RunId, Timestamp};

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// `drained`, `suspended`, `failed` or `cancelled`.
    pub state: &'a str,
    /// Why it was suspended.
    pub reason: Option<&'a str>,
    /// What went wrong.
    pub error: Option<&'a str>,
    /// What verification found.
    pub verification: Option<&'a str>,
    /// A dry run's totals, which no batch recorded.
    pub dry_run: Option<(Batch, u64)>,
    /// What preflight noticed, as JSON.
    pub findings: &'a str,
    /// Blocked rows by the table whose rows hold them, as JSON.
    pub blocked_by: &'a str,
    /// What verification found of each sweep, as JSON.
    pub remains: &'a str,
    /// Milliseconds that the run was held back, by reason, as JSON.
    pub throttled: &'a str,
    /// Whether the queue is to bring another attempt.
    pub again: Again,
}

/// Whether a run that has ended is followed by another attempt at what brought it about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It was the last.
    No,
    /// After this wait.
    After(Duration),
    /// The same attempt, by a run of its own, at once.
    Anew,
}

/// Records the outcome, if the run is still this host's, and gives up the lease. Answers the
/// totals that the ledger holds: what the batches committed, whatever the guest believes.
///
/// # Errors
/// What the database says; the run then stays as it was, and its lease runs out.
pub async fn finish(
    database: &Database,
    fence: &Fence,
    mode: Mode,
    ending: &Ending<'_>,
) -> Result<(Batch, u64), LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let dialect = database.dialect();
    session.begin(begin(dialect)).await?;
    let run = fence.run.to_string();
    lock(&mut session, fence.run).await?;

    let (totals, batches) = match (mode, ending.dry_run) {
        (Mode::DryRun, Some(counted)) => counted,
        _ => {
            let mut w = Statement::new(dialect);
            let sums = match dialect {
                // sum(bigint) is numeric there.
                Dialect::Postgres => SUMS.replace(", 0)", ", 0)::bigint"),
                Dialect::Sqlite => SUMS.to_owned(),
            };
            w.push("SELECT count(*), ")
                .push(&sums)
                .push(" FROM besom_batch WHERE run = ");
            w.bind_as(run.clone(), "uuid");
            let row = session.fetch_one(&w).await.map_err(LedgerError::of)?;
            (batch_of(&row, 1), row.get(0).as_count())
        }
    };

    let mut w = Statement::new(dialect);
    w.push("UPDATE besom_run SET state = ").bind(ending.state);
    for (column, text) in [
        ("reason", ending.reason),
        ("error", ending.error),
        ("verification", ending.verification),
    ] {
        w.push(", ")
            .push(column)
            .push(" = ")
            .bind(text.map_or(Bind::Null, Bind::from));
    }
    for (column, json) in [
        ("findings", ending.findings),
        ("blocked_by", ending.blocked_by),
        ("remains", ending.remains),
        ("throttled", ending.throttled),
    ] {
        w.push(", ").push(column).push(" = ").bind(json);
    }
    for (column, count) in [
        ("examined", totals.examined),
        ("affected", totals.affected),
        ("dependents", totals.dependents),
        ("cascaded", totals.cascaded),
        ("locked", totals.locked),
        ("blocked", totals.blocked),
        ("revived", totals.revived),
        ("batches", batches),
    ] {
        w.push(", ")
            .push(column)
            .push(" = ")
            .bind(Bind::from(count));
    }
    w.push(", ended_at = ");
    write_time(&mut w, now);
    w.push(" WHERE id = ")
        .bind_as(run, "uuid")
        .push(" AND token = ")
        .bind(fence.token)
        .push(" AND state = 'running' RETURNING 1");
    if session.fetch(&w).await.map_err(LedgerError::of)?.is_empty() {
        session.rollback().await?;
        return Err(LedgerError::Lost(fence.run));
    }

    let after = match ending.again {
        Again::No => After::Done(ending.state),
        Again::After(wait) => After::Again(wait),
        Again::Anew => After::GoOn(Duration::ZERO),
    };
    let_go(&mut session, fence.run).await?;
    queue::settle(&mut session, fence.run, after, now).await?;
    session.commit().await?;
    Ok((totals, batches))
}

/// Lays a run by where it stands: after the wait any host goes on with it.
///
/// # Errors
/// [`LedgerError::Lost`] where it is another host's, or what the database says; its lease then runs out.
pub async fn park(database: &Database, fence: &Fence, wait: Duration) -> Result<(), LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    session.begin(begin(database.dialect())).await?;
    let mut w = Statement::new(session.dialect());
    // Also keeps a take-over out until this commits.
    w.push("UPDATE besom_run SET token = token WHERE id = ")
        .bind_as(fence.run.to_string(), "uuid");
    w.push(" AND token = ").bind(fence.token);
    w.push(" AND state = 'running' RETURNING 1");
    if session.fetch(&w).await.map_err(LedgerError::of)?.is_empty() {
        session.rollback().await?;
        return Err(LedgerError::Lost(fence.run));
    }
    let_go(&mut session, fence.run).await?;
    queue::settle(&mut session, fence.run, After::GoOn(wait), now).await?;
    session.commit().await?;
    Ok(())
}

/// Waits for a batch whose answer was lost and that the server still works at: it counts.
async fn lock(session: &mut Session, run: RunId) -> Result<(), LedgerError> {
    if session.dialect() == Dialect::Postgres {
        let mut w = Statement::new(Dialect::Postgres);
        w.push("SELECT 1 FROM besom_run WHERE id = ")
            .bind_as(run.to_string(), "uuid")
            .push(" FOR UPDATE");
        session.fetch(&w).await.map_err(LedgerError::of)?;
    }
    Ok(())
}

/// Ends a run that its hosts have left, with what its batches did, and gives up what it holds: its state, why
/// it was cancelled, and what went wrong.
pub(super) async fn end(
    session: &mut Session,
    run: RunId,
    (state, reason, error): (&str, Option<&str>, Option<&str>),
    now: Timestamp,
) -> Result<(), LedgerError> {
    let text = |text: Option<&str>| text.map_or(Bind::Null, Bind::from);
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET state = ").bind(state);
    w.push(", reason = ").bind(text(reason));
    w.push(", error = ").bind(text(error)).push(", ended_at = ");
    write_time(&mut w, now);
    w.push(
        ", (batches, examined, affected, dependents, cascaded, locked, blocked, revived) = \
         (SELECT count(*), ",
    );
    w.push(SUMS).push(" FROM besom_batch WHERE run = ");
    w.bind_as(run.to_string(), "uuid").push(") WHERE id = ");
    w.bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    let_go(session, run).await
}

/// Gives up the lease and the tables of a run whose fence has just been checked.
async fn let_go(session: &mut Session, run: RunId) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("DELETE FROM besom_lease WHERE run = ")
        .bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    slots::free(session, run).await
}
