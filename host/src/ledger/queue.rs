//! Runs that are to be: the queue that all hosts of a database work off.
//!
//! An entry is a job and a due time, or somebody's request. A host reserves it, looks whether the job
//! can run, and claims a run for it; the entry is done when that run is. Where the host dies in between
//! its reservation and its lease run out, and the next host goes on with the same entry and run.

use std::time::Duration;

use super::fence::{NEVER_SO_LONG, lease_left};
use super::waiting::Ripe;
use super::{Cause, LedgerError, Origin, micros, run_id, uuid, write_after, write_now, write_time};
use crate::catalog::Dialect;
use crate::database::{Bind, Cells, Database, Session, Statement};
use crate::request::{JobName, Mode, RunId, Timestamp};

/// A run that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The job.
    pub job: JobName,
    /// Whether rows are changed.
    pub mode: Mode,
    /// What brings it about.
    pub cause: Cause,
    /// Who asks.
    pub by: String,
}

/// An entry in this host's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, and that of its first run.
    pub id: RunId,
    /// The job.
    pub job: JobName,
    /// Whether rows are changed.
    pub mode: Mode,
    /// What brought it about.
    pub cause: Cause,
    /// The time of its schedule.
    pub due_at: Option<Timestamp>,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// Which attempt this is.
    pub attempt: u32,
    /// It has become a run before, which this host goes on with.
    pub begun_before: bool,
}

impl Asked {
    /// Puts the run into the queue, and answers the id that it will have.
    ///
    /// # Errors
    /// What the database says.
    pub async fn enqueue(&self, database: &Database) -> Result<RunId, LedgerError> {
        let now = database.now().await?;
        let mut session = database.session().await?;
        let id = RunId::fresh();
        let entry = Row {
            id,
            job: &self.job,
            mode: self.mode,
            cause: self.cause,
            due_at: None,
            by: Some(&self.by),
            not_before: None,
        };
        entry.insert(&mut session, now).await?;
        Ok(id)
    }
}

impl Entry {
    /// The same as a run's record has it.
    pub fn origin(&self) -> Origin {
        Origin {
            cause: self.cause,
            due_at: self.due_at,
            asked_by: self.asked_by.clone(),
            attempt: self.attempt,
            entry: Some(self.id),
            begun_before: self.begun_before,
        }
    }

    /// Reserves the entry that has waited longest, of these; `None` where there is none that no
    /// host has in hand. At most one entry of a job is in hand at a time.
    ///
    /// # Errors
    /// What the database says.
    pub async fn reserve(
        database: &Database,
        these: &[Ripe],
        host: &str,
        lease: Duration,
    ) -> Result<Option<Self>, LedgerError> {
        if these.is_empty() {
            return Ok(None);
        }
        let now = database.now().await?;
        let mut session = database.session().await?;
        let dialect = session.dialect();
        let mut w = Statement::new(dialect);
        w.push("UPDATE besom_queue SET host = ").bind(host);
        w.push(", expires = ");
        write_after(&mut w, lease, now);
        w.push(" WHERE id = (SELECT q.id FROM besom_queue AS q LEFT JOIN besom_lease AS l ON l.run = q.run");
        w.push(" WHERE q.done_at IS NULL AND q.not_before <= ");
        write_now(&mut w, now);
        w.push(" AND (q.expires IS NULL OR q.expires <= ");
        write_now(&mut w, now);
        w.push(" OR q.expires > ");
        write_after(&mut w, NEVER_SO_LONG, now);
        w.push(") AND (l.run IS NULL OR ");
        lease_left(&mut w, now);
        w.push(" <= 0) AND (");
        for (index, Ripe { job, asked }) in these.iter().enumerate() {
            w.push(if index == 0 { "" } else { " OR " });
            w.push("(q.plugin = ").bind(job.plugin.as_str());
            w.push(" AND q.job = ").bind(job.job.as_str());
            w.push(match asked {
                true => " AND q.due_at IS NULL)",
                false => " AND q.due_at IS NOT NULL)",
            });
        }
        // One that has become a run goes before every other of its job: who took another first would go
        // on with that run instead of a new one. That is what somebody wants who asks for a job whose run
        // waits for its window; from then on both entries are that run's.
        w.push(
            ") AND NOT EXISTS (SELECT 1 FROM besom_queue AS o WHERE o.plugin = q.plugin AND o.job = q.job \
             AND o.mode = q.mode AND o.id <> q.id AND o.done_at IS NULL AND (o.run IS NOT NULL AND \
             (q.run IS NULL OR o.run <> q.run) AND (q.due_at IS NOT NULL OR o.not_before <= ",
        );
        write_now(&mut w, now);
        w.push(") OR o.expires > ");
        write_now(&mut w, now);
        w.push(" AND o.expires <= ");
        write_after(&mut w, NEVER_SO_LONG, now);
        w.push(")) ORDER BY q.not_before, q.id LIMIT 1");
        if dialect == Dialect::Postgres {
            w.push(" FOR UPDATE OF q SKIP LOCKED");
        }
        w.push(") RETURNING ").push(&columns(dialect, ""));
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        rows.first().map(entry).transpose()
    }

    /// Keeps the reservation while the job is looked at; false where it is no longer this host's.
    ///
    /// # Errors
    /// What the database says.
    pub async fn renew(
        &self,
        database: &Database,
        host: &str,
        lease: Duration,
    ) -> Result<bool, LedgerError> {
        let now = database.now().await?;
        let mut session = database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_queue SET expires = ");
        write_after(&mut w, lease, now);
        self.write_mine(&mut w, host);
        w.push(" RETURNING 1");
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        Ok(!rows.is_empty())
    }

    /// Gives the entry back, for any host to take after a while.
    ///
    /// # Errors
    /// What the database says; the reservation then runs out by itself.
    pub async fn put_back(
        &self,
        database: &Database,
        host: &str,
        wait: Duration,
    ) -> Result<(), LedgerError> {
        let now = database.now().await?;
        let mut session = database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_queue SET host = NULL, expires = NULL, not_before = ");
        write_after(&mut w, wait, now);
        self.write_mine(&mut w, host);
        session.execute(&w).await.map_err(LedgerError::of)?;
        Ok(())
    }

    /// Ends the entry without a run: its job is absent.
    ///
    /// # Errors
    /// What the database says; the reservation then runs out by itself.
    pub async fn pass_by(&self, database: &Database, host: &str) -> Result<(), LedgerError> {
        let now = database.now().await?;
        let mut session = database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push(
            "UPDATE besom_queue SET host = NULL, expires = NULL, outcome = 'absent', done_at = ",
        );
        write_now(&mut w, now);
        self.write_mine(&mut w, host);
        session.execute(&w).await.map_err(LedgerError::of)?;
        Ok(())
    }

    fn write_mine(&self, w: &mut Statement, host: &str) {
        w.push(" WHERE done_at IS NULL AND id = ")
            .bind_as(self.id.to_string(), "uuid");
        w.push(" AND host = ").bind(host);
    }
}

/// Within a claim: the entry has become this run.
pub(super) async fn becomes(
    session: &mut Session,
    entry: RunId,
    run: RunId,
    host: &str,
    now: Timestamp,
) -> Result<(), LedgerError> {
    // A dry run whose host is gone has nothing to go on from.
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET state = 'cancelled', reason = 'its host is gone', ended_at = ");
    write_now(&mut w, now);
    w.push(" WHERE state = 'running' AND mode = 'dry-run' AND id = (SELECT run FROM besom_queue WHERE id = ");
    w.bind_as(entry.to_string(), "uuid").push(")");
    session.execute(&w).await.map_err(LedgerError::of)?;

    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_queue SET expires = NULL, run = ")
        .bind_as(run.to_string(), "uuid");
    w.push(" WHERE done_at IS NULL AND host = ").bind(host);
    w.push(" AND id = ").bind_as(entry.to_string(), "uuid");
    w.push(" RETURNING 1");
    let mine = session.fetch(&w).await.map_err(LedgerError::of)?;
    match mine.is_empty() {
        true => Err(LedgerError::Taken),
        false => Ok(()),
    }
}

/// What becomes of the entries of a run that is over, or lies still.
pub(super) enum After<'a> {
    /// They are done.
    Done(&'a str),
    /// Another attempt after this wait.
    Again(Duration),
    /// Some host goes on with the run after this wait, or with a new one where it has ended.
    GoOn(Duration),
}

pub(super) async fn settle(
    session: &mut Session,
    run: RunId,
    after: After<'_>,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_queue SET host = NULL, expires = NULL");
    match after {
        After::Done(outcome) => {
            w.push(", outcome = ").bind(outcome).push(", done_at = ");
            write_now(&mut w, now);
        }
        After::Again(wait) => {
            w.push(", run = NULL, attempt = attempt + 1, not_before = ");
            write_after(&mut w, wait, now);
        }
        After::GoOn(wait) => {
            w.push(", not_before = ");
            write_after(&mut w, wait, now);
        }
    }
    w.push(" WHERE done_at IS NULL AND run = ")
        .bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}

/// An entry that is to be.
pub(super) struct Row<'a> {
    pub(super) id: RunId,
    pub(super) job: &'a JobName,
    pub(super) mode: Mode,
    pub(super) cause: Cause,
    pub(super) due_at: Option<Timestamp>,
    pub(super) by: Option<&'a str>,
    /// `None`: at once.
    pub(super) not_before: Option<Timestamp>,
}

impl Row<'_> {
    /// False where the queue has it already.
    pub(super) async fn insert(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let mut w = Statement::new(session.dialect());
        w.push("INSERT INTO besom_queue (id, plugin, job, mode, cause, asked_by, queued_at, due_at, not_before) VALUES (");
        w.bind_as(self.id.to_string(), "uuid");
        for text in [
            &self.job.plugin,
            &self.job.job,
            self.mode.as_str(),
            self.cause.as_str(),
        ] {
            w.push(", ").bind(text);
        }
        w.push(", ").bind(self.by.map_or(Bind::Null, Bind::from));
        w.push(", ");
        write_now(&mut w, now);
        for (time, otherwise) in [(self.due_at, None), (self.not_before, Some(now))] {
            w.push(", ");
            match (time, otherwise) {
                (Some(time), _) => write_time(&mut w, time),
                (None, Some(now)) => write_now(&mut w, now),
                (None, None) => drop(w.push("NULL")),
            }
        }
        w.push(") ON CONFLICT (plugin, job, due_at) DO NOTHING RETURNING 1");
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        Ok(!rows.is_empty())
    }
}

/// What [`entry`] reads.
pub(super) fn columns(dialect: Dialect, of: &str) -> String {
    let id = uuid(dialect, &format!("{of}id"));
    let due = micros(dialect, &format!("{of}due_at"));
    let run = uuid(dialect, &format!("{of}run"));
    format!(
        "{id}, {of}plugin, {of}job, {of}mode, {of}cause, {due}, {of}asked_by, {of}attempt, {run}"
    )
}

pub(super) fn entry(row: &Cells) -> Result<Entry, LedgerError> {
    let text = |index: usize| row.get(index).as_text().unwrap_or_default();
    let attempt = row.get(7).as_integer().unwrap_or(1);
    Ok(Entry {
        id: run_id(row.get(0))?,
        job: JobName::new(text(1), text(2)),
        mode: match text(3) {
            "dry-run" => Mode::DryRun,
            _ => Mode::Apply,
        },
        cause: Cause::read(text(4)),
        due_at: row.get(5).as_integer().map(Timestamp),
        asked_by: row.get(6).as_text().map(str::to_owned),
        attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
        begun_before: row.get(8).as_text().is_some(),
    })
}
