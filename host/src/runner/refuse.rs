//! The record of a run that did not come to begin.

use super::{Host, RunnerError};
use crate::ledger::{Claim, Entry, LedgerError};
use crate::plugin::Plugin;
use crate::preflight::Finding;
use crate::request::RunId;

/// What became of an entry of the queue whose job does not run as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It was due and its job is absent: there was nothing to do, and no run is on record.
    PassedBy,
    /// This run is on record as refused.
    Refused(RunId),
}

impl Host {
    /// Ends an entry of the queue, which this host has in hand, for what keeps its job from running. Who
    /// asked for it, or whose run lies still, is to find what became of it.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] where the entry is no longer this host's, or what the database says.
    pub async fn answer_without_a_run(
        &self,
        entry: &Entry,
        error: &RunnerError,
    ) -> Result<Answered, LedgerError> {
        match error {
            RunnerError::Absent { .. } if entry.due_at.is_some() && !entry.begun_before => {
                let name = &self.config.host.name;
                entry.pass_by(&self.database, name).await?;
                Ok(Answered::PassedBy)
            }
            refused => self
                .record_refused(entry, refused)
                .await
                .map(Answered::Refused),
        }
    }

    /// Records that the job must not run as it is.
    async fn record_refused(
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
