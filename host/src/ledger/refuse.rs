//! A run that could not begin, on record all the same.

use super::queue::{self, After};
use super::{Claim, LedgerError, begin, claim};
use crate::database::Database;
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
        let texts = [
            ("error", error),
            ("findings", findings),
            ("verification", "unverified: failed"),
        ];
        let w = self.record(session.dialect(), run, "failed", now, Some(texts));
        session.execute(&w).await.map_err(LedgerError::of)?;
        if let Some(entry) = self.origin.entry {
            queue::becomes(&mut session, entry, run, &self.host, now).await?;
            queue::settle(&mut session, run, After::Done("failed"), now).await?;
        }
        session.commit().await?;
        Ok(run)
    }
}
