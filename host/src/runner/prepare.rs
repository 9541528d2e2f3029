//! What is decided about a job before it runs, without changing anything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::grants::{asked_for, used};
use super::{Host, RunnerError, absent, fits};
use crate::catalog::Catalog;
use crate::config::{JobSettings, Origin, Place};
use crate::plugin::{CallError, Digest, Plugin, Settings, SettingsError, TableAccess};
use crate::preflight::{self, Finding, Rehearsed, Rights, Severity};
use crate::request::{Fault, JobName, Mode, Timestamp};
use crate::scope::{Grants, Subject, covers};
use crate::sweep::{RunContext, RunOptions};

/// A job with everything decided that can be decided without changing anything.
pub struct Prepared {
    pub(super) job: JobName,
    pub(super) plugin: Plugin,
    pub(super) bundled: bool,
    pub(super) settings: Settings,
    pub(super) grants: Grants,
    pub(super) limits: JobSettings,
    pub(super) catalog: Arc<Catalog>,
    /// What the job says that it touches.
    pub access: Vec<TableAccess>,
    /// The tables of the file's grants that this job touches.
    pub granted_and_used: BTreeSet<String>,
    /// What preflight noticed, the host's and the plugin's; no error that is not tolerated.
    pub findings: Vec<Finding>,
}

/// A job with what preflight noticed about it, errors included.
pub struct Examined {
    prepared: Prepared,
    /// What the job asked for when it was rehearsed.
    pub rehearsed: Rehearsed,
    crashed: Option<CallError>,
}

/// The finding of a rehearsal that ended early.
const NOT_REHEARSED: &str = "not-rehearsed";

/// A rehearsal never comes to ask; the plugin's own time for it is far shorter.
const NO_DEADLINE: Duration = Duration::from_secs(3600);

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

    /// The tables of the file's grants that this job touches.
    pub fn granted_and_used(&self) -> &BTreeSet<String> {
        &self.prepared.granted_and_used
    }

    /// The rights that the job needs on PostgreSQL; `None` where not all of them are known, because the
    /// plugin broke off, or asked for what is not there.
    pub fn rights(&self) -> Option<Vec<Rights>> {
        let broke_off = |finding: &Finding| finding.code == NOT_REHEARSED;
        match self.prepared.findings.iter().any(broke_off) {
            true => None,
            false => preflight::rights(&self.prepared.catalog, &self.rehearsed),
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

    /// The tables that the job changes, by the names that every host gives them.
    pub fn relations(&self) -> Vec<String> {
        let changed = self
            .access
            .iter()
            .filter(|of| of.delete || !of.update.is_empty());
        let found = changed.filter_map(|of| self.catalog.table(&of.table).ok());
        found
            .map(|table| format!("{}.{}", table.id.schema, table.id.name))
            .collect()
    }

    /// The names that the job had before.
    pub(super) fn formerly(&self) -> &[String] {
        let job = self.plugin.manifest().job(&self.job.job);
        job.map_or(&[], |job| job.formerly.as_slice())
    }
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
        let missing = absent::missing(&access, catalog, manifest, config, &limits, set);
        if let Some(missing) = absent::confirmed(missing, &self.database).await? {
            return Err(RunnerError::Absent {
                job: job.clone(),
                missing: missing.to_string(),
            });
        }
        let embedded = self.versions.embedded.get(&job.plugin);
        let grants = fits::granted(
            config, job, &limits, set, embedded, &plugin, &access, catalog,
        )
        .await?;
        let bundled = config.origin == Origin::Bundled;
        let subject = Subject {
            job: job.clone(),
            bundled,
        };
        let asked = match embedded {
            Some(_) => asked_for(&access).spelled(catalog),
            None => Ok(asked_for(&access)),
        };
        let covered = asked.and_then(|asked| covers(&grants, &asked, &subject));
        covered.map_err(RunnerError::Denied)?;
        let now = self.database.now().await?;
        let looking = RunContext::looking(
            self.database.clone(),
            Arc::clone(catalog),
            Arc::new(grants.clone()),
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
        let granted_and_used = used(config, &access, catalog);
        let prepared = Prepared {
            job: job.clone(),
            plugin,
            bundled,
            settings,
            grants,
            limits,
            catalog: Arc::clone(catalog),
            access,
            granted_and_used,
            findings: Vec::new(),
        };
        let (mut rehearsed, failure, crashed) = self.rehearse(&prepared, now).await?;
        rehearsed.looked.extend(looked);
        findings.extend(preflight::findings(catalog, &rehearsed));
        findings.extend(failure.into_iter().chain(blind));
        findings.extend(self.never_eligible(&prepared, &rehearsed).await?);
        let tolerated = &prepared.limits.tolerate;
        findings.retain(|found| !found.hidden_by(tolerated));
        let findings = findings.into_iter().map(|found| found.under(tolerated));
        Ok(Examined {
            prepared: Prepared {
                findings: findings.collect(),
                ..prepared
            },
            rehearsed,
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

    /// Lets the plugin open its sweeps, and nothing more. Where it breaks off with nothing refused, the
    /// run itself will tell why; what is known until then is checked.
    async fn rehearse(
        &self,
        prepared: &Prepared,
        now: Timestamp,
    ) -> Result<(Rehearsed, Option<Finding>, Option<CallError>), RunnerError> {
        let context = RunContext::rehearsal(
            self.database.clone(),
            Arc::clone(&prepared.catalog),
            Arc::new(prepared.grants.clone()),
            Subject {
                job: prepared.job.clone(),
                bundled: prepared.bundled,
            },
            now,
            before_the_run(&prepared.limits),
        );
        let called = prepared
            .plugin
            .rehearse(&prepared.job.job, &prepared.settings, Arc::clone(&context))
            .await;
        let progress = context.settle().await;
        let rehearsed = Rehearsed {
            plans: progress.drained,
            refused: progress.refused,
            looked: progress.looked,
        };
        let denied = rehearsed.refused.iter().map(|(_, fault)| fault);
        if let Some(fault) = denied.into_iter().find(|f| matches!(f, Fault::Denied(_))) {
            return Err(RunnerError::Denied(fault.clone()));
        }
        let failure = match &called {
            Err(error) if rehearsed.refused.is_empty() => Some(Finding::new(
                NOT_REHEARSED,
                Severity::Warning,
                format!(
                    "the plugin broke off before it had asked for everything, so not all of it could \
                     be checked beforehand: {error}"
                ),
            )),
            _ => None,
        };
        let crashed = called.err().filter(|error| error.cause().is_misbehaviour());
        Ok((rehearsed, failure, crashed))
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

fn before_the_run(limits: &JobSettings) -> RunOptions {
    RunOptions {
        mode: Mode::DryRun,
        batch_size: u64::from(limits.batch_size),
        deadline: NO_DEADLINE,
        max_rows: limits.max_rows,
        max_fraction: None,
        stop: CancellationToken::new(),
        why: Arc::default(),
    }
}

fn log(job: &JobName, finding: &Finding) {
    let Finding { code, message, .. } = finding;
    match (finding.tolerated, finding.severity) {
        (true, _) => tracing::warn!(%job, code, "tolerated: {message}"),
        (false, Severity::Info) => tracing::info!(%job, code, "{message}"),
        (false, _) => tracing::warn!(%job, code, "{message}"),
    }
}
