//! Runs that were: what `besom runs` shows.

use super::fence::batch_of;
use super::names::among;
use super::standstill::write_runs_without_progress;
use super::{Cause, LedgerError, micros, write_time};
use crate::catalog::Dialect;
use crate::database::{Cells, Database, Statement};
use crate::request::{Batch, JobName, RunId, Timestamp};

/// One run as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// `plugin/job`.
    pub job: String,
    /// `apply` or `dry-run`.
    pub mode: String,
    /// `running`, `drained`, `suspended`, `failed` or `cancelled`.
    pub state: String,
    /// Why it was suspended or cancelled.
    pub reason: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What verification found.
    pub verification: Option<String>,
    /// The host that ran it.
    pub host: String,
    /// The plugin's version.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
    /// The settings in force, as JSON.
    pub settings: String,
    /// The database's clock when it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Batches committed.
    pub batches: u64,
    /// The sum over its batches.
    pub totals: Batch,
    /// What preflight noticed before it, as JSON.
    pub findings: String,
    /// Blocked rows by the table whose rows hold them, as JSON.
    pub blocked_by: String,
    /// What verification found of each sweep, as JSON.
    pub remains: String,
    /// Milliseconds that it was held back, by reason, as JSON.
    pub throttled: String,
    /// What brought it about.
    pub cause: Cause,
    /// The time of its schedule.
    pub due_at: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// 1, and one more with each attempt that failed before it.
    pub attempt: u32,
    /// Runs in a row, this one the last, that changed nothing and did not come to their end.
    pub without_progress: u64,
}

/// The latest runs, newest first.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn list(database: &Database, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
    newest(database, select(database.dialect()), limit).await
}

/// The latest runs of a job, newest first, those under its former names among them.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn list_of(
    database: &Database,
    job: &JobName,
    formerly: &[String],
    limit: u32,
) -> Result<Vec<RunRecord>, LedgerError> {
    let mut w = select(database.dialect());
    w.push(" WHERE r.plugin = ").bind(job.plugin.as_str());
    w.push(" AND r.job");
    among(&mut w, &job.job, formerly);
    newest(database, w, limit).await
}

async fn newest(
    database: &Database,
    mut w: Statement,
    limit: u32,
) -> Result<Vec<RunRecord>, LedgerError> {
    w.push(" ORDER BY r.started_at DESC, r.id DESC LIMIT ")
        .bind(i64::from(limit));
    let mut session = database.session().await?;
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    Ok(rows.iter().filter_map(record).collect())
}

/// When the latest run of a job began that was to change something, also under its former names; `None`:
/// there was none.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn last_began(
    database: &Database,
    job: &JobName,
    formerly: &[String],
) -> Result<Option<Timestamp>, LedgerError> {
    let mut w = Statement::new(database.dialect());
    w.push("SELECT ");
    w.push(&micros(database.dialect(), "max(started_at)"));
    w.push(" FROM besom_run WHERE mode = 'apply' AND plugin = ")
        .bind(job.plugin.as_str());
    w.push(" AND job");
    among(&mut w, &job.job, formerly);
    let mut session = database.session().await?;
    let row = session.fetch_one(&w).await.map_err(LedgerError::of)?;
    Ok(row.get(0).as_integer().map(Timestamp))
}

/// When a run of each job was last drained.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn last_drained(database: &Database) -> Result<Vec<(JobName, Timestamp)>, LedgerError> {
    let mut w = Statement::new(database.dialect());
    w.push("SELECT plugin, job, ");
    w.push(&micros(database.dialect(), "max(ended_at)"));
    w.push(" FROM besom_run WHERE state = 'drained' AND mode = 'apply' GROUP BY plugin, job");
    let mut session = database.session().await?;
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let of_row = |row: &Cells| {
        let job = JobName::new(row.get(0).as_text()?, row.get(1).as_text()?);
        Some((job, Timestamp(row.get(2).as_integer()?)))
    };
    Ok(rows.iter().filter_map(of_row).collect())
}

/// Whether another host than this one has ended a run of the job that changes rows since then.
///
/// # Errors
/// [`LedgerError::NotMigrated`], or what the database says.
pub async fn ended_elsewhere(
    database: &Database,
    job: &JobName,
    host: &str,
    since: Timestamp,
) -> Result<bool, LedgerError> {
    let mut w = Statement::new(database.dialect());
    w.push("SELECT 1 FROM besom_run WHERE plugin = ")
        .bind(job.plugin.as_str());
    w.push(" AND job = ").bind(job.job.as_str());
    w.push(" AND mode = 'apply' AND host <> ").bind(host);
    w.push(" AND ended_at > ");
    write_time(&mut w, since);
    w.push(" LIMIT 1");
    let mut session = database.session().await?;
    Ok(!session.fetch(&w).await.map_err(LedgerError::of)?.is_empty())
}

/// One run by its id, or by that of the entry of the queue that it answers: who asks for a run knows it by
/// that, and an unfinished one may have gone on instead.
///
/// # Errors
/// [`LedgerError::UnknownRun`], [`LedgerError::NotMigrated`], or what the database says.
pub async fn show(database: &Database, id: RunId) -> Result<RunRecord, LedgerError> {
    let mut w = select(database.dialect());
    w.push(" WHERE r.id = coalesce((SELECT id FROM besom_run WHERE id = ")
        .bind_as(id.to_string(), "uuid");
    w.push("), (SELECT run FROM besom_queue WHERE id = ")
        .bind_as(id.to_string(), "uuid")
        .push("))");
    let mut session = database.session().await?;
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    rows.first()
        .and_then(record)
        .ok_or(LedgerError::UnknownRun(id))
}

/// One committed batch of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRecord {
    /// Its number in the run.
    pub seq: u64,
    /// When it committed, by the database's clock.
    pub at: Timestamp,
    /// What it did.
    pub rows: Batch,
}

/// The batches of a run in their order.
///
/// # Errors
/// What the database says.
pub async fn batches(database: &Database, id: RunId) -> Result<Vec<BatchRecord>, LedgerError> {
    let dialect = database.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT seq, ").push(&micros(dialect, "at"));
    w.push(", examined, affected, dependents, cascaded, locked, blocked, revived FROM besom_batch WHERE run = ");
    w.bind_as(id.to_string(), "uuid").push(" ORDER BY seq");
    let mut session = database.session().await?;
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    Ok(rows
        .iter()
        .map(|row| BatchRecord {
            seq: row.get(0).as_count(),
            at: Timestamp(row.get(1).as_integer().unwrap_or_default()),
            rows: batch_of(row, 2),
        })
        .collect())
}

/// A run under way has no totals of its own yet: its batches are summed.
fn select(dialect: Dialect) -> Statement {
    let mut w = Statement::new(dialect);
    let cast = if dialect == Dialect::Postgres {
        "::bigint"
    } else {
        ""
    };
    w.push("SELECT ").push(if dialect == Dialect::Postgres {
        "r.id::text"
    } else {
        "r.id"
    });
    w.push(
        ", r.plugin || '/' || r.job, r.mode, r.state, r.reason, r.error, r.verification, r.host, ",
    );
    w.push("r.version, r.digest, r.settings, ")
        .push(&micros(dialect, "r.started_at"))
        .push(", ");
    w.push(&micros(dialect, "r.ended_at"));
    for (column, sum) in [
        ("batches", "count(*)"),
        ("examined", "sum(examined)"),
        ("affected", "sum(affected)"),
        ("dependents", "sum(dependents)"),
        ("cascaded", "sum(cascaded)"),
        ("locked", "sum(locked)"),
        ("blocked", "sum(blocked)"),
        ("revived", "sum(revived)"),
    ] {
        w.push(&format!(
            ", CASE WHEN r.state = 'running' THEN \
             (SELECT coalesce({sum}, 0) FROM besom_batch WHERE run = r.id){cast} ELSE r.{column} END"
        ));
    }
    w.push(", r.findings, r.blocked_by, r.remains, r.cause, ");
    w.push(&micros(dialect, "r.due_at"));
    w.push(", r.asked_by, r.attempt, r.throttled, ");
    write_runs_without_progress(&mut w);
    w.push(" FROM besom_run AS r");
    w
}

fn record(row: &Cells) -> Option<RunRecord> {
    let text = |index: usize| row.get(index).as_text().map(str::to_owned);
    Some(RunRecord {
        id: text(0)?.parse().ok()?,
        job: text(1)?,
        mode: text(2)?,
        state: text(3)?,
        reason: text(4),
        error: text(5),
        verification: text(6),
        host: text(7)?,
        version: text(8)?,
        digest: text(9)?,
        settings: text(10)?,
        started_at: Timestamp(row.get(11).as_integer()?),
        ended_at: row.get(12).as_integer().map(Timestamp),
        batches: row.get(13).as_count(),
        totals: batch_of(row, 14),
        findings: text(21)?,
        blocked_by: text(22)?,
        remains: text(23)?,
        cause: Cause::read(&text(24)?),
        due_at: row.get(25).as_integer().map(Timestamp),
        asked_by: text(26),
        attempt: u32::try_from(row.get(27).as_integer()?).ok()?,
        throttled: text(28)?,
        without_progress: row.get(29).as_count(),
    })
}
