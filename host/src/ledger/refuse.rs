//! A run that could not begin, on record all the same.

use super::queue::{self, After};
use super::{Claim, LedgerError, begin, claim, write_time};
use crate::database::{Database, Statement};
use crate::request::RunId;

impl Claim {
    /// Records a run that failed before its first batch, and ends the entry of the queue that it was to
    /// answer.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] where the entry is no longer this host's, or what the database says.
    pub async fn refuse(
        &self,
        database: &Database,
        error: &str,
        findings: &str,
    ) -> Result<RunId, LedgerError> {
        let mut session = database.session().await?;
        session.begin(begin(database.dialect())).await?;
        let now = claim::clock(&mut session, database).await?;
        let run = self.origin.first_run().unwrap_or_else(RunId::fresh);
        let mut w = Statement::new(session.dialect());
        w.push(
            "INSERT INTO besom_run (id, plugin, job, mode, state, host, version, digest, contract, \
             settings, error, findings, verification, cause, asked_by, attempt, due_at, started_at, \
             ended_at) VALUES (",
        );
        w.bind_as(run.to_string(), "uuid");
        for text in [
            &self.job.plugin,
            &self.job.job,
            self.mode.as_str(),
            "failed",
        ] {
            w.push(", ").bind(text);
        }
        for text in [
            &self.host,
            &self.version,
            &self.digest,
            &self.contract,
            &self.settings,
        ] {
            w.push(", ").bind(text.as_str());
        }
        for text in [error, findings, "unverified: failed"] {
            w.push(", ").bind(text);
        }
        self.origin.write(&mut w);
        for _ in ["started_at", "ended_at"] {
            w.push(", ");
            write_time(&mut w, now);
        }
        w.push(")");
        session.execute(&w).await.map_err(LedgerError::of)?;
        if let Some(entry) = self.origin.entry {
            queue::becomes(&mut session, entry, run, &self.host, now).await?;
            queue::settle(&mut session, run, After::Done("failed"), now).await?;
        }
        session.commit().await?;
        Ok(run)
    }
}
