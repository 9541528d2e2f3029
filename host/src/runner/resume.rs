//! A run whose host is gone, gone on with on the version that it was begun on.

use super::fits::{self, Fit, fits, read_for};
use super::{Host, RunnerError, formerly};
use crate::catalog::Catalog;
use crate::config::{Config, OnUpgrade, Origin};
use crate::ledger::{self, Unfinished};
use crate::plugin::{Digest, Plugin};
use crate::request::{JobName, RunId};
use crate::store::{self, Load, StoreError, Trust};

impl Host {
    /// The job's unfinished run, and this host with the version that it was begun on in the place of the
    /// one in use. `None` where there is no such run, where it was begun on the version in use, and where
    /// it must not go on: the version in use then ends it and begins anew.
    ///
    /// The ledger has the settings that the run was begun with, too, and they are not trusted: they only
    /// show whether the file still says the same. A retention that was lengthened meanwhile holds at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn as_begun(
        &self,
        job: &JobName,
        catalog: &Catalog,
    ) -> Result<Option<(Self, RunId)>, RunnerError> {
        let Some(active) = self.plugins().get(&job.plugin) else {
            return Ok(None);
        };
        let Some(found) = ledger::unfinished(&self.database, job).await? else {
            return Ok(None);
        };
        if found.digest == active.digest().to_string() {
            return Ok(None);
        }
        match self.version_of(job, &found, catalog).await {
            Ok(begun) => Ok(self.with_version(begun).map(|host| (host, found.run))),
            Err(NotThat::Because(why)) => {
                tracing::info!(%job, run = %found.run, "begins anew on the version in use: {why}");
                Ok(None)
            }
            Err(NotThat::Error(error)) => Err(error),
        }
    }

    /// The version that the run was begun on, if it may go on on it: under all that holds for any version.
    async fn version_of(
        &self,
        job: &JobName,
        found: &Unfinished,
        catalog: &Catalog,
    ) -> Result<Plugin, NotThat> {
        let because = |why: &str| NotThat::Because(why.to_owned());
        let digest: Digest = found
            .digest
            .parse()
            .map_err(|_| because("its digest in the ledger is none"))?;
        let plugin = self.written.plugins.get(&job.plugin);
        let plugin = plugin.ok_or_else(|| because("the file does not name its plugin"))?;
        let limits = self.config.job(job);
        if limits.is_some_and(|limits| limits.on_upgrade == OnUpgrade::Handover) {
            return Err(because("on-upgrade = \"handover\""));
        }
        if plugin.digest.is_some_and(|pin| pin != digest) {
            return Err(because("the file pins another version"));
        }
        let suspended = &self.versions.suspended;
        if suspended.iter().any(|one| one.digest == digest) {
            return Err(because("the version that it was begun on has crashed"));
        }
        let embedded = self.embedded(&job.plugin);
        let begun = match embedded.filter(|one| *one.digest() == digest) {
            Some(embedded) if plugin.origin == Origin::Bundled => embedded.clone(),
            _ if matches!(plugin.origin, Origin::File(_)) || plugin.only_embedded => {
                return Err(because("the file names another component"));
            }
            _ if store::was_undone(&self.database, &digest).await? => {
                return Err(because(
                    "the version that it was begun on was taken out of use",
                ));
            }
            _ => {
                let trust = Trust::of(&self.written, plugin);
                let by = Load {
                    database: &self.database,
                    engine: &self.engine,
                    plugin: &job.plugin,
                    trust: &trust,
                };
                store::load(&by, &digest, self.versions.loaded(&digest)).await?
            }
        };
        let (config, begun) = read_for(&self.written, &begun)?;
        if settings_now(&config, &begun, job).as_ref() != Some(&found.settings) {
            return Err(because("its settings have changed since"));
        }
        match fits(&self.written, &begun, embedded, catalog).await? {
            Fit::Fits => Ok(begun),
            Fit::WantsMore(why) => Err(NotThat::Because(why)),
        }
    }

    /// This host with another version of a plugin, under the same grants.
    pub(super) fn with_version(&self, plugin: Plugin) -> Option<Self> {
        let name = plugin.manifest().name.clone();
        let mut versions = self.versions.clone();
        let bundled = self.config.plugins.get(&name)?.origin == Origin::Bundled;
        if let (true, Some(active)) = (bundled, self.plugins().get(&name)) {
            let embedded = versions.embedded.entry(name.clone());
            embedded.or_insert_with(|| active.clone());
        }
        versions.plugins.insert(name, plugin);
        let mut config = self.written.clone();
        formerly::carry_over(&mut config, &versions.plugins, false).ok()?;
        Some(Self {
            config,
            written: self.written.clone(),
            database: self.database.clone(),
            engine: self.engine.clone(),
            versions,
        })
    }
}

/// The settings that a run would begin with now, as the ledger would have them.
fn settings_now(config: &Config, plugin: &Plugin, job: &JobName) -> Option<String> {
    plugin.manifest().job(&job.job)?;
    let settings = fits::settings(plugin.manifest(), job, &config.job(job)?, &[]);
    Some(settings.ok()?.to_json())
}

/// Why a run does not go on as it was begun.
enum NotThat {
    /// For a reason of its own.
    Because(String),
    /// Nothing can be said just now.
    Error(RunnerError),
}

impl From<RunnerError> for NotThat {
    fn from(error: RunnerError) -> Self {
        match error.passes() {
            true => Self::Error(error),
            false => Self::Because(error.to_string()),
        }
    }
}

impl From<StoreError> for NotThat {
    fn from(error: StoreError) -> Self {
        RunnerError::from(error).into()
    }
}
