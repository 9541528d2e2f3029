//! What of the queue is not done.

use super::queue::{Entry, columns, entry};
use super::{LedgerError, micros, write_now};
use crate::database::{Cells, Database, Statement};
use crate::request::{JobName, Timestamp};

/// Entries of a job that may be taken now, as far as the queue can tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ripe {
    /// The job.
    pub job: JobName,
    /// Somebody asked for them; otherwise they are due by its schedule.
    pub asked: bool,
}

/// An entry that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What is to run.
    pub entry: Entry,
    /// No host takes it earlier.
    pub not_before: Timestamp,
}

/// What may be taken now: one row a job and kind, however much of it waits.
///
/// # Errors
/// What the database says.
pub async fn ripe(database: &Database) -> Result<Vec<Ripe>, LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push("SELECT DISTINCT plugin, job, due_at IS NULL FROM besom_queue");
    w.push(" WHERE done_at IS NULL AND not_before <= ");
    write_now(&mut w, now);
    w.push(" ORDER BY 1, 2, 3");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let of_row = |row: &Cells| {
        Some(Ripe {
            job: JobName::new(row.get(0).as_text()?, row.get(1).as_text()?),
            asked: row.get(2).as_integer()? != 0,
        })
    };
    Ok(rows.iter().filter_map(of_row).collect())
}

/// The entries that are not done, in the order in which they will be taken.
///
/// # Errors
/// What the database says.
pub async fn waiting(database: &Database, limit: u32) -> Result<Vec<Waiting>, LedgerError> {
    let mut session = database.session().await?;
    let dialect = session.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT ").push(&columns(dialect, "q."));
    w.push(", ").push(&micros(dialect, "q.not_before"));
    w.push(" FROM besom_queue AS q WHERE q.done_at IS NULL ORDER BY q.not_before, q.id LIMIT ");
    w.bind(i64::from(limit));
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                entry: entry(row)?,
                not_before: Timestamp(row.get(9).as_integer().unwrap_or_default()),
            })
        })
        .collect()
}
