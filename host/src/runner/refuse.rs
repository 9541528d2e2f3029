//! The record of a run that did not come to begin.

use super::{Host, RunnerError};
use crate::ledger::{Claim, Entry, LedgerError};
use crate::plugin::Plugin;
use crate::preflight::Finding;
use crate::request::RunId;

impl Host {
    /// Records that a job must not run as it is, and ends the entry of the queue that wanted it to, which
    /// this host has in hand.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] where the entry is no longer this host's, or what the database says.
    pub async fn record_refused(
        &self,
        entry: &Entry,
        error: &RunnerError,
    ) -> Result<RunId, LedgerError> {
        let plugin = self.plugins().get(&entry.job.plugin);
        let of_plugin = |what: &dyn Fn(&Plugin) -> String| plugin.map(what).unwrap_or_default();
        let claim = Claim {
            job: entry.job.clone(),
            formerly: Vec::new(),
            mode: entry.mode,
            host: self.config.host.name.clone(),
            version: of_plugin(&|plugin| plugin.manifest().version.to_string()),
            digest: of_plugin(&|plugin| plugin.digest().to_string()),
            contract: of_plugin(&|plugin| format!("besom:cleanup@{}", plugin.contract())),
            settings: "{}".to_owned(),
            lease: self.config.host.lease,
            relations: Vec::new(),
            origin: entry.origin(),
            only: None,
        };
        let findings = match error {
            RunnerError::Stopped { findings, .. } => Finding::to_ledger(findings),
            _ => "[]".to_owned(),
        };
        let why = error.to_string();
        claim.refuse(&self.database, &why, &findings).await
    }
}
