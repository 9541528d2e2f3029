//! Due times of schedules, and up to where they have been considered.

use std::collections::BTreeMap;

use super::queue::Row;
use super::{Cause, LedgerError, begin, micros, write_time};
use crate::database::{Cells, Database, Session, Statement};
use crate::request::{JobName, Mode, RunId, Timestamp};

/// A due time of a job's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The job.
    pub job: JobName,
    /// The time that its schedule names.
    pub at: Timestamp,
    /// No host takes it earlier.
    pub not_before: Timestamp,
    /// The window of the job is closed: one run is enough for all that becomes due until it opens.
    pub once: bool,
}

impl Due {
    /// Puts a job's due times up to `considered` behind it: the queue has `due` after this, once,
    /// however many hosts say so.
    ///
    /// # Errors
    /// What the database says; saying it again does no harm.
    pub async fn consider(
        database: &Database,
        job: &JobName,
        considered: Timestamp,
        due: Option<&Self>,
    ) -> Result<bool, LedgerError> {
        let now = database.now().await?;
        let mut session = database.session().await?;
        session.begin(begin(database.dialect())).await?;
        let mut new = false;
        if let Some(due) = due
            && !(due.once && waits(&mut session, job).await?)
        {
            let entry = Row {
                id: RunId::fresh(),
                job: &due.job,
                mode: Mode::Apply,
                cause: Cause::Schedule,
                due_at: Some(due.at),
                by: None,
                not_before: Some(due.not_before),
            };
            new = entry.insert(&mut session, now).await?;
        }
        let mut w = Statement::new(session.dialect());
        w.push("INSERT INTO besom_schedule (plugin, job, considered) VALUES (")
            .bind(job.plugin.as_str())
            .push(", ")
            .bind(job.job.as_str())
            .push(", ");
        write_time(&mut w, considered);
        w.push(
            ") ON CONFLICT (plugin, job) DO UPDATE SET considered = excluded.considered \
             WHERE besom_schedule.considered < excluded.considered",
        );
        session.execute(&w).await.map_err(LedgerError::of)?;
        session.commit().await?;
        Ok(new)
    }

    /// Has the due times of a job considered again from an instant on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn consider_again(
        database: &Database,
        job: &JobName,
        from: Timestamp,
    ) -> Result<(), LedgerError> {
        let mut session = database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_schedule SET considered = ");
        write_time(&mut w, from);
        w.push(" WHERE plugin = ").bind(job.plugin.as_str());
        w.push(" AND job = ").bind(job.job.as_str());
        w.push(" AND considered > ");
        write_time(&mut w, from);
        session.execute(&w).await.map_err(LedgerError::of)?;
        Ok(())
    }

    /// Up to where the due times of each job have been considered.
    ///
    /// # Errors
    /// What the database says.
    pub async fn considered(
        database: &Database,
    ) -> Result<BTreeMap<JobName, Timestamp>, LedgerError> {
        let mut session = database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("SELECT plugin, job, ");
        w.push(&micros(session.dialect(), "considered"));
        w.push(" FROM besom_schedule");
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        let of_row = |row: &Cells| {
            let name = JobName::new(row.get(0).as_text()?, row.get(1).as_text()?);
            Some((name, Timestamp(row.get(2).as_integer()?)))
        };
        Ok(rows.iter().filter_map(of_row).collect())
    }
}

/// Whether the queue has a due time of the job already.
async fn waits(session: &mut Session, job: &JobName) -> Result<bool, LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT 1 FROM besom_queue WHERE done_at IS NULL AND due_at IS NOT NULL AND plugin = ")
        .bind(job.plugin.as_str());
    w.push(" AND job = ")
        .bind(job.job.as_str())
        .push(" LIMIT 1");
    Ok(!session.fetch(&w).await.map_err(LedgerError::of)?.is_empty())
}
