//! What is decided about a job before it runs, without changing anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::needed::needed;
use super::rehearsal::{before_the_run, refused};
use super::weigh::weigh;
use super::{Host, RunnerError, absent, fits};
use crate::catalog::{Catalog, TableId};
use crate::config::{JobSettings, Origin, Place};
use crate::plugin::{CallError, Digest, Plugin, Settings, SettingsError, TableAccess};
use crate::preflight::{self, Finding, Rehearsed, Rights, Severity};
use crate::request::JobName;
use crate::scope::{Granted, Grants, Subject};
use crate::sweep::RunContext;

/// A job with everything decided that can be decided without changing anything.
pub struct Prepared {
    pub(super) job: JobName,
    pub(super) plugin: Plugin,
    pub(super) bundled: bool,
    pub(super) settings: Settings,
    pub(super) granted: Granted,
    pub(super) limits: JobSettings,
    pub(super) catalog: Arc<Catalog>,
    /// What the job says that it touches.
    pub access: Vec<TableAccess>,
    /// What it needs of its grant, as far as it is known.
    pub(super) needed: Grants,
    /// What preflight noticed, the host's and the plugin's; no error that is not tolerated.
    pub findings: Vec<Finding>,
}

/// A job with what preflight noticed about it, errors included.
pub struct Examined {
    prepared: Prepared,
    /// What the job asked for when it was rehearsed.
    pub rehearsed: Rehearsed,
    /// The plugin asked for everything that it asks for before it has seen a row.
    heard_out: bool,
    crashed: Option<CallError>,
}

impl Examined {
    /// What preflight noticed, under what the file tolerates.
    pub fn findings(&self) -> &[Finding] {
        &self.prepared.findings
    }

    /// How the plugin crashed, or hit a limit of its own, when it was rehearsed.
    pub fn crashed(&self) -> Option<&CallError> {
        self.crashed.as_ref()
    }

    /// The version that was looked at.
    pub fn digest(&self) -> &Digest {
        self.prepared.plugin.digest()
    }

    /// What the job says that it touches.
    pub fn access(&self) -> &[TableAccess] {
        &self.prepared.access
    }

    /// What the job needs of its grant, under the catalog's spelling of each table; `None` where not all
    /// of it is known, as of its [rights](Self::rights).
    pub fn needed(&self) -> Option<&Grants> {
        (self.heard_out && self.rehearsed.refused.is_empty()).then_some(&self.prepared.needed)
    }

    /// The rights that the job needs on PostgreSQL; `None` where not all of them are known, because the
    /// plugin broke off, or asked for what is not there.
    pub fn rights(&self) -> Option<Vec<Rights>> {
        match self.heard_out {
            true => preflight::rights(&self.prepared.catalog, &self.rehearsed),
            false => None,
        }
    }

    /// The rows that a window of the job spans.
    pub fn batch_size(&self) -> u64 {
        u64::from(self.prepared.limits.batch_size)
    }

    /// The job, ready to run, where no error stands in its way but those that are tolerated: by the
    /// file, or among these codes. Each finding is logged.
    ///
    /// # Errors
    /// [`RunnerError::Stopped`] with the errors.
    pub fn tolerating(self, codes: &[String]) -> Result<Prepared, RunnerError> {
        let mut prepared = self.prepared;
        let findings = std::mem::take(&mut prepared.findings);
        let (stopping, rest): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .filter(|finding| !finding.hidden_by(codes))
            .map(|finding| finding.under(codes))
            .partition(Finding::stops);
        if !stopping.is_empty() {
            return Err(RunnerError::Stopped {
                job: prepared.job,
                findings: stopping,
            });
        }
        for finding in &rest {
            log(&prepared.job, finding);
        }
        prepared.findings = rest;
        Ok(prepared)
    }
}

impl Prepared {
    /// The job.
    pub fn job(&self) -> &JobName {
        &self.job
    }

    /// Who asks.
    pub(super) fn subject(&self) -> Subject {
        Subject {
            job: self.job.clone(),
            bundled: self.bundled,
        }
    }

    /// The tables that the job changes, also by what foreign keys' rules do along with its deletes, and the
    /// partitioned tables that those are a part of, by the names that every host gives them.
    pub fn relations(&self) -> Vec<String> {
        let needed = self.needed.tables.iter();
        let changed = needed.filter(|(_, needed)| needed.changes());
        let found = changed.filter_map(|(name, _)| self.catalog.table(name).ok());
        let names: BTreeSet<String> = found
            .flat_map(|table| {
                let above = self.catalog.partitioned_above(&table.id);
                above.chain([&table.id]).map(name_of).collect::<Vec<_>>()
            })
            .collect();
        names.into_iter().collect()
    }

    /// The names that the job had before.
    pub(super) fn formerly(&self) -> &[String] {
        let job = self.plugin.manifest().job(&self.job.job);
        job.map_or(&[], |job| job.formerly.as_slice())
    }
}

fn name_of(id: &TableId) -> String {
    format!("{}.{}", id.schema, id.name)
}

impl Host {
    /// Checks a job that is to run, and refuses it where an error stands in its way.
    ///
    /// # Errors
    /// The first thing that keeps the job from running.
    pub async fn prepare(
        &self,
        job: &JobName,
        set: &[(String, String)],
        catalog: &Arc<Catalog>,
    ) -> Result<Prepared, RunnerError> {
        let examined = self.examine_to_run(job, set, catalog).await?;
        examined.tolerating(&[])
    }

    /// Checks a job: its settings, what it touches, whether the grant covers that, what it asks for
    /// when it is rehearsed, and what preflight has to say, the plugin's own and the host's. Changes
    /// nothing.
    ///
    /// # Errors
    /// What no tolerance helps against: settings or a grant at fault, a plugin that misbehaves; and
    /// [`RunnerError::Absent`], which is no fault.
    pub async fn examine(
        &self,
        job: &JobName,
        set: &[(String, String)],
        catalog: &Arc<Catalog>,
    ) -> Result<Examined, RunnerError> {
        let plugin = self.plugin(&job.plugin)?.clone();
        let (Some(config), Some(limits)) =
            (self.config.plugins.get(&job.plugin), self.config.job(job))
        else {
            return Err(RunnerError::UnknownPlugin {
                name: job.plugin.clone(),
                known: String::new(),
            });
        };
        if let Some(suspended) = self.versions.suspension(job) {
            return Err(RunnerError::Quarantined {
                job: job.clone(),
                version: plugin.manifest().version.to_string(),
                digest: Box::new(*plugin.digest()),
                why: suspended.why.clone(),
            });
        }
        let settings = fits::settings(plugin.manifest(), job, &limits, set).map_err(|source| {
            RunnerError::Settings {
                job: job.clone(),
                place: self.place_of(job, &source, set),
                source: Box::new(source),
            }
        })?;
        let digest = *plugin.digest();
        let misbehaved = |why| RunnerError::Access {
            job: job.clone(),
            digest: Box::new(digest),
            why: Box::new(why),
        };
        let access = plugin
            .access(&job.job, &settings)
            .await
            .map_err(misbehaved)?;
        let manifest = plugin.manifest();
        let here = absent::here(access, catalog, manifest, config, &limits, set);
        if let Some(missing) = absent::confirmed(here.missing, &self.database).await? {
            return Err(RunnerError::Absent {
                job: job.clone(),
                missing: missing.to_string(),
            });
        }
        let access = here.access;
        let embedded = self.versions.embedded.get(&job.plugin);
        let granted = fits::granted(
            config, job, &limits, set, embedded, &plugin, &access, catalog,
        )
        .await?;
        let bundled = config.origin == Origin::Bundled;
        let subject = Subject {
            job: job.clone(),
            bundled,
        };
        let missing = granted.lacking(catalog);
        if !missing.is_empty() {
            return Err(refused(&subject, missing, &granted));
        }
        let now = self.database.now().await?;
        let looking = RunContext::looking(
            self.database.clone(),
            Arc::clone(catalog),
            Arc::new(granted.clone()),
            subject,
            now,
            before_the_run(&limits),
        );
        let said = plugin
            .preflight(&job.job, &settings, Arc::clone(&looking))
            .await;
        let looked = looking.settle().await.looked; // also by looks that the plugin did not wait for
        let (said, blind) = match said {
            // For want of a right, which is told beside it.
            Err(error) if !preflight::unable_to_look(catalog, &looked).is_empty() => {
                (Vec::new(), Some(not_looked(&error)))
            }
            said => (said.map_err(misbehaved)?, None),
        };
        let mut findings: Vec<_> = said
            .into_iter()
            .map(|said| Finding::new(said.code, said.severity, said.message))
            .collect();
        let mut prepared = Prepared {
            job: job.clone(),
            plugin,
            bundled,
            settings,
            granted,
            limits,
            catalog: Arc::clone(catalog),
            access,
            needed: Grants::default(),
            findings: Vec::new(),
        };
        let (mut rehearsed, failure, crashed) = self.rehearse(&prepared, now).await?;
        let heard_out = failure.is_none();
        prepared.needed = needed(&prepared.granted.access, &rehearsed, catalog);
        rehearsed.looked.extend(looked);
        let (batch_size, deadline) = (prepared.limits.batch_size, prepared.limits.deadline);
        let batch_size = u64::from(batch_size);
        let weights = weigh(&self.database, catalog, &rehearsed, batch_size, deadline).await;
        findings.extend(preflight::findings(catalog, &rehearsed, &weights));
        findings.extend(failure.into_iter().chain(blind));
        findings.extend(self.never_eligible(&prepared, &rehearsed).await?);
        findings.extend(self.no_instant(&prepared, &rehearsed).await);
        findings.extend(self.own_held(&prepared, &rehearsed).await);
        let tolerated = &prepared.limits.tolerate;
        findings.retain(|found| !found.hidden_by(tolerated));
        let findings = findings.into_iter().map(|found| found.under(tolerated));
        Ok(Examined {
            prepared: Prepared {
                findings: findings.collect(),
                ..prepared
            },
            rehearsed,
            heard_out,
            crashed,
        })
    }

    /// Where the file has the setting that is at fault; `None` where the command line has it, or the
    /// plugin's manifest.
    pub(super) fn place_of(
        &self,
        job: &JobName,
        fault: &SettingsError,
        set: &[(String, String)],
    ) -> Option<Place> {
        let name = fault.setting()?;
        match set.iter().any(|(given, _)| given == name) {
            true => None,
            false => self.config.setting_place(job, name).cloned(),
        }
    }
}

/// An error of its own: who tolerates the missing right has not said that the plugin's checks may be
/// left out.
fn not_looked(error: &CallError) -> Finding {
    let message = format!(
        "the plugin's own preflight broke off for want of a right, and what it looks for is not known; \
         give the rights that are missing, and check again: {error}"
    );
    Finding::new("not-looked", Severity::Error, message)
}

fn log(job: &JobName, finding: &Finding) {
    let Finding { code, message, .. } = finding;
    match (finding.tolerated, finding.severity) {
        (true, _) => tracing::warn!(%job, code, "tolerated: {message}"),
        (false, _) if finding.borne => tracing::debug!(%job, code, "{message}"),
        (false, Severity::Info) => tracing::info!(%job, code, "{message}"),
        (false, _) => tracing::warn!(%job, code, "{message}"),
    }
}
