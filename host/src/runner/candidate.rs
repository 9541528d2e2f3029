//! A version that does not run yet, looked at as if it did.

use std::sync::Arc;

use super::fits::{Fit, fits, jobs, read_for, told};
use super::{Host, RunnerError, bases};
use crate::catalog::Catalog;
use crate::plugin::Plugin;
use crate::request::JobName;

impl Host {
    /// Every job that would run, looked at as before a run.
    pub(super) async fn examine_version(
        &self,
        plugin: &Plugin,
        notes: &mut Vec<String>,
    ) -> Result<Fit, RunnerError> {
        let name = &plugin.manifest().name;
        let catalog = self.catalog().await?;
        let embedded = self.embedded(name).cloned();
        let fit = fits(&self.written, plugin, embedded.as_ref(), &catalog).await?;
        if fit != Fit::Fits {
            return Ok(fit);
        }
        let (config, plugin) = &read_for(&self.written, plugin)?;
        let mut versions = self.versions.clone();
        versions.suspended.clear();
        versions.unavailable.remove(name);
        versions.plugins.insert(name.clone(), plugin.clone());
        if let Some(embedded) = embedded {
            versions.embedded.insert(name.clone(), embedded);
        }
        let candidate = Self {
            config: config.clone(),
            written: self.written.clone(),
            database: self.database.clone(),
            engine: self.engine.clone(),
            versions,
        };
        bases::check_order(candidate.plugins())?;
        // What the database's own rules do along with a delete is known once a job is rehearsed.
        let mut refusals = Vec::new();
        for job in jobs(&candidate.config, plugin.manifest()) {
            match candidate.note(&job, &catalog, notes).await {
                Err(RunnerError::Denied(refusal)) => refusals.push(*refusal),
                noted => noted?,
            }
        }
        Ok(match refusals.is_empty() {
            true => Fit::Fits,
            false => Fit::WantsMore(told(plugin.manifest(), &refusals)),
        })
    }

    async fn note(
        &self,
        job: &JobName,
        catalog: &Arc<Catalog>,
        notes: &mut Vec<String>,
    ) -> Result<(), RunnerError> {
        let examined = match self.examine(job, &[], catalog).await {
            Err(absent @ RunnerError::Absent { .. }) => {
                notes.push(absent.to_string());
                return Ok(());
            }
            examined => examined?,
        };
        if let Some(error) = examined.crashed() {
            return Err(RunnerError::Access {
                job: job.clone(),
                digest: Box::new(*examined.digest()),
                why: Box::new(error.clone()),
            });
        }
        for finding in examined.findings().iter().filter(|finding| finding.stops()) {
            notes.push(format!("{job}: {} ({})", finding.message, finding.code));
        }
        Ok(())
    }
}
