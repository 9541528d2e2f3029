//! Which version of each plugin a host runs, and why not another.
//!
//! For a plugin of the file the candidates are: the version that the ledger says is in use, the one
//! before it, and what the binary embeds. The first that the file's policy lets in, that loads, and
//! that asks for no more than it is granted is what runs; each one that is passed over is told. A
//! digest that the file pins leaves no choice.

use std::collections::BTreeMap;

use super::RunnerError;
use super::bases::{bases, check_order};
use super::conduct::Crash;
use super::fits::{Fit, fits, read_for};
use crate::catalog::Catalog;
use crate::config::{Config, Origin, PluginConfig};
use crate::database::Database;
use crate::ledger::LedgerError;
use crate::plugin::{Digest, Engine, Plugin};
use crate::request::JobName;
use crate::store::{self, Counters, Deployment, Load, StoreError, Suspended, Trust};

/// The plugins of a host, each in one version.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    pub(super) plugins: BTreeMap<String, Plugin>,
    /// What the binary embeds, where an installed version runs in its place.
    pub(super) embedded: BTreeMap<String, Plugin>,
    pub(super) shadows: BTreeMap<String, Plugin>,
    pub(super) unavailable: BTreeMap<String, String>,
    pub(super) passed_over: Vec<PassedOver>,
    pub(super) suspended: Vec<Suspended>,
    /// Versions that crashed when they were loaded here.
    pub(super) crashed: Vec<Crash>,
    /// Versions that this process has asked for the first time what they are, and that answered.
    pub(super) described: Vec<(String, Digest)>,
    pub(super) counters: Counters,
    pub(super) staged: bool,
}

/// A version that the ledger says is in use, and that does not run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The plugin.
    pub plugin: String,
    /// The version.
    pub digest: Digest,
    /// Why it does not run.
    pub why: String,
}

/// What versions are chosen from.
pub(super) struct Choice<'a> {
    pub config: &'a Config,
    pub engine: &'a Engine,
    pub database: &'a Database,
    /// What this process has loaded already.
    pub known: &'a Versions,
}

impl Versions {
    /// What this process has loaded under a digest.
    pub(super) fn loaded(&self, digest: &Digest) -> Option<&Plugin> {
        [&self.plugins, &self.embedded, &self.shadows]
            .into_iter()
            .flat_map(BTreeMap::values)
            .find(|plugin| plugin.digest() == digest)
    }

    /// Why a job does not run on the version that is in use.
    pub(super) fn suspension(&self, job: &JobName) -> Option<&Suspended> {
        let digest = self.plugins.get(&job.plugin)?.digest();
        let mut all = self.suspended.iter();
        all.find(|one| one.job == *job && one.digest == *digest)
    }
}

/// Chooses. One bad version never keeps the others from running.
///
/// # Errors
/// When what the binary embeds or the file names does not load, and when the database does not answer.
pub(super) async fn choose(of: &Choice<'_>) -> Result<Versions, RunnerError> {
    let mut versions = Versions {
        plugins: bases(of.config, of.engine, of.known).await?,
        ..Versions::default()
    };
    let Some((deployments, suspended)) = snapshot(of.database).await? else {
        versions.without_a_store(of.config);
        return Ok(versions);
    };
    versions.counters = counters(&deployments);
    versions.staged = deployments.iter().any(|one| one.staged.is_some());
    versions.suspended = suspended;
    let none = |name: &str| Deployment::none(name);
    let find = |name: &String| deployments.iter().find(|one| one.plugin == *name);
    let touched: Vec<_> = of
        .config
        .plugins
        .iter()
        .filter(|(name, plugin)| find(name).is_some() || asks_for_one(plugin))
        .collect();
    if touched.is_empty() {
        return Ok(versions);
    }
    let catalog = super::catalog(of.config, of.database).await?;
    for (name, plugin) in touched {
        let deployment = find(name).cloned().unwrap_or_else(|| none(name));
        versions
            .pick(of, name, plugin, &deployment, &catalog)
            .await?;
    }
    Ok(versions)
}

/// The file pins a component, or says that it is an installed one.
fn asks_for_one(plugin: &PluginConfig) -> bool {
    plugin.digest.is_some() || plugin.origin == Origin::Store
}

impl Versions {
    fn without_a_store(&mut self, config: &Config) {
        for (name, plugin) in &config.plugins {
            self.hold_to_the_pin(name, plugin);
        }
    }

    async fn pick(
        &mut self,
        of: &Choice<'_>,
        name: &str,
        plugin: &PluginConfig,
        deployment: &Deployment,
        catalog: &Catalog,
    ) -> Result<(), RunnerError> {
        let base = self.plugins.get(name).cloned();
        let candidates = candidates(plugin, deployment, base.as_ref());
        let pinned = plugin.digest.is_some();
        let fallback = base.as_ref().filter(|_| !pinned).map(|base| *base.digest());
        let mut others: Vec<Digest> = candidates.iter().copied().chain(fallback).collect();
        for digest in candidates {
            others.remove(0);
            if let Some(why) = self.crashes(&digest, &others) {
                self.pass_over(name, digest, why);
                continue;
            }
            match self
                .try_one(of, name, plugin, &digest, base.as_ref(), catalog)
                .await
            {
                Ok(chosen) => {
                    if of.known.loaded(&digest).is_none() {
                        self.described.push((name.to_owned(), digest));
                    }
                    if let Some(base) = base {
                        self.embedded.insert(name.to_owned(), base);
                    }
                    self.plugins.insert(name.to_owned(), chosen);
                    break;
                }
                Err(Refused::Here(why, crash)) => {
                    self.crashed.extend(crash);
                    self.pass_over(name, digest, why);
                }
                Err(Refused::Broken(error)) => return Err(error),
            }
        }
        self.hold_to_the_pin(name, plugin);
        self.take_shadow(of, name, plugin, deployment, catalog)
            .await
    }

    /// A version on which a job crashes again and again is left for one on which none does.
    fn crashes(&self, digest: &Digest, others: &[Digest]) -> Option<String> {
        let on = |digest: &Digest| self.suspended.iter().find(|one| one.digest == *digest);
        let found = on(digest)?;
        let better = others.iter().any(|other| on(other).is_none());
        better.then(|| {
            let (strikes, why) = (store::STRIKES, &found.why);
            match found.job.job.as_str() {
                store::EVERY_JOB => {
                    format!("it crashed {strikes} times in a row when it was loaded: {why}")
                }
                _ => format!(
                    "`{}` crashed {strikes} times in a row on it: {why}",
                    found.job
                ),
            }
        })
    }

    async fn try_one(
        &self,
        of: &Choice<'_>,
        name: &str,
        plugin: &PluginConfig,
        digest: &Digest,
        base: Option<&Plugin>,
        catalog: &Catalog,
    ) -> Result<Plugin, Refused> {
        let trust = Trust::of(of.config, plugin);
        let by = Load {
            database: of.database,
            engine: of.engine,
            plugin: name,
            trust: &trust,
        };
        let loaded = store::load(&by, digest, of.known.loaded(digest))
            .await
            .map_err(|error| Refused::of(error, name, digest))?;
        match fits(of.config, &loaded, base, catalog).await {
            Ok(Fit::Fits) => {}
            Ok(Fit::WantsMore(why)) => return Err(Refused::Here(why, None)),
            Err(error) if error.passes() => return Err(Refused::Broken(error)),
            Err(error) => return Err(Refused::Here(error.to_string(), Crash::of(&error))),
        }
        let read = read_for(of.config, &loaded);
        let (_, loaded) = read.map_err(|error| Refused::Here(error.to_string(), None))?;
        let mut all = self.plugins.clone();
        all.insert(name.to_owned(), loaded.clone());
        check_order(&all).map_err(|error| Refused::Here(error.to_string(), None))?;
        Ok(loaded)
    }

    /// Why a version could not be run here; `None`: it could.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn problem(
        &self,
        of: &Choice<'_>,
        name: &str,
        plugin: &PluginConfig,
        digest: &Digest,
        base: Option<&Plugin>,
        catalog: &Catalog,
    ) -> Result<Option<String>, RunnerError> {
        match self.try_one(of, name, plugin, digest, base, catalog).await {
            Ok(_) => Ok(None),
            Err(Refused::Here(why, _)) => Ok(Some(why)),
            Err(Refused::Broken(error)) => Err(error),
        }
    }

    /// Versions that the ledger says are in use, and that do not run here.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// Plugins of the file of which no version runs, and why.
    pub fn unavailable(&self) -> &BTreeMap<String, String> {
        &self.unavailable
    }

    /// Versions that are counted beside those in use.
    pub fn shadows(&self) -> &BTreeMap<String, Plugin> {
        &self.shadows
    }

    /// Jobs that are suspended on some version.
    pub fn suspended(&self) -> &[Suspended] {
        &self.suspended
    }

    /// What the binary embeds is no substitute for what the file pins.
    fn hold_to_the_pin(&mut self, name: &str, plugin: &PluginConfig) {
        let running = self.plugins.get(name).map(|plugin| *plugin.digest());
        let why = match (plugin.digest, running) {
            (Some(pin), running) if running != Some(pin) => {
                self.plugins.remove(name);
                self.embedded.remove(name);
                let why = format!("the file pins digest {pin}, and it is not to be had");
                self.last_word(name)
                    .map_or(why.clone(), |last| format!("{why}: {last}"))
            }
            (None, None) => self
                .last_word(name)
                .unwrap_or_else(|| NOTHING_INSTALLED.to_owned()),
            _ => return,
        };
        tracing::warn!(plugin = name, "plugin `{name}` does not run: {why}");
        self.unavailable.insert(name.to_owned(), why);
    }

    fn last_word(&self, name: &str) -> Option<String> {
        let mut passed = self.passed_over.iter();
        let last = passed.find(|passed| passed.plugin == name);
        last.map(|passed| passed.why.clone())
    }

    async fn take_shadow(
        &mut self,
        of: &Choice<'_>,
        name: &str,
        plugin: &PluginConfig,
        deployment: &Deployment,
        catalog: &Catalog,
    ) -> Result<(), RunnerError> {
        let Some(shadow) = deployment.shadow.filter(|shadow| shadow.runs_left > 0) else {
            return Ok(());
        };
        let digest = shadow.digest;
        let base = self.embedded.get(name).or(self.plugins.get(name)).cloned();
        let base = base.filter(|_| plugin.origin == Origin::Bundled);
        match self
            .try_one(of, name, plugin, &digest, base.as_ref(), catalog)
            .await
        {
            Ok(loaded) => drop(self.shadows.insert(name.to_owned(), loaded)),
            Err(Refused::Here(why, crash)) => {
                self.crashed.extend(crash);
                self.pass_over(name, digest, why);
            }
            Err(Refused::Broken(error)) => return Err(error),
        }
        Ok(())
    }

    fn pass_over(&mut self, plugin: &str, digest: Digest, why: String) {
        tracing::warn!(plugin, %digest, "an installed version of `{plugin}` is not run: {why}");
        self.passed_over.push(PassedOver {
            plugin: plugin.to_owned(),
            digest,
            why,
        });
    }
}

const NOTHING_INSTALLED: &str =
    "no version of it is installed: `besom plugin install FILE` puts one into the ledger";

/// Installed versions in the order in which they are tried.
fn candidates(
    plugin: &PluginConfig,
    deployment: &Deployment,
    base: Option<&Plugin>,
) -> Vec<Digest> {
    if matches!(plugin.origin, Origin::File(_)) || plugin.only_embedded {
        return Vec::new();
    }
    if let Some(pin) = plugin.digest {
        let embedded = base.is_some_and(|base| *base.digest() == pin);
        return if embedded { Vec::new() } else { vec![pin] };
    }
    let mut all: Vec<Digest> = deployment.active.into_iter().collect();
    // Nothing in use means the embedded one, whatever stands beside it.
    all.extend(deployment.previous.filter(|_| deployment.active.is_some()));
    all
}

/// Why a version is not taken.
enum Refused {
    /// For this version alone, and how it crashed, if it did.
    Here(String, Option<Crash>),
    /// Nothing can be said of any version just now.
    Broken(RunnerError),
}

impl Refused {
    fn of(error: StoreError, plugin: &str, digest: &Digest) -> Self {
        match error {
            StoreError::Ledger(error) => Self::Broken(error.into()),
            other => Self::Here(other.to_string(), Crash::at_load(&other, plugin, digest)),
        }
    }
}

fn counters(deployments: &[Deployment]) -> Counters {
    let of = |one: &Deployment| (one.plugin.clone(), one.counter);
    deployments.iter().map(of).collect()
}

/// What the ledger says; `None` where there is no store yet, or this role may not read it.
async fn snapshot(
    database: &Database,
) -> Result<Option<(Vec<Deployment>, Vec<Suspended>)>, RunnerError> {
    let read = async {
        Ok::<_, StoreError>((
            store::deployments(database).await?,
            store::suspended(database).await?,
        ))
    };
    match read.await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Ledger(error @ (LedgerError::NotMigrated | LedgerError::Denied(_)))) => {
            match error {
                LedgerError::NotMigrated => tracing::debug!("no installed versions yet"),
                denied => tracing::warn!("installed versions cannot be looked up: {denied}"),
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
