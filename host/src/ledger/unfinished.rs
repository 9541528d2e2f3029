//! A run that no host has in hand, and that is not over.

use super::fence::lease_left;
use super::{LedgerError, run_id, uuid};
use crate::database::{Database, Statement};
use crate::request::{JobName, RunId};

/// A run whose host is gone, or laid it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The run.
    pub run: RunId,
    /// The digest of the component that it was begun with, as stored.
    pub digest: String,
    /// The settings that it was begun with, as stored.
    pub settings: String,
}

/// The job's unfinished run; `None` where there is none, or a host has it.
///
/// # Errors
/// What the database says.
pub async fn unfinished(
    database: &Database,
    job: &JobName,
) -> Result<Option<Unfinished>, LedgerError> {
    let now = database.now().await?;
    let mut session = database.session().await?;
    let dialect = session.dialect();
    let mut w = Statement::new(dialect);
    w.push("SELECT ").push(&uuid(dialect, "r.id"));
    w.push(", r.digest, r.settings FROM besom_run AS r LEFT JOIN besom_lease AS l ON l.run = r.id");
    w.push(" WHERE r.state = 'running' AND r.mode = 'apply' AND r.plugin = ");
    w.bind(job.plugin.as_str());
    w.push(" AND r.job = ").bind(job.job.as_str());
    w.push(" AND (l.run IS NULL OR ");
    lease_left(&mut w, now);
    w.push(" <= 0)");
    let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let text = |index: usize| row.get(index).as_text().unwrap_or_default().to_owned();
    Ok(Some(Unfinished {
        run: run_id(row.get(0))?,
        digest: text(1),
        settings: text(2),
    }))
}
