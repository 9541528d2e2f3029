//! A version of a plugin, checked as a run would be, and then put where every host takes it up.

use super::fits::Fit;
use super::{Host, RunnerError};
use crate::config::{Origin, PluginConfig};
use crate::ledger;
use crate::plugin::{Digest, Plugin, Signature};
use crate::store::{self, Action, Audit, Brought, Deployment, Outcome, Shadow, Trust, Who};

/// A component that somebody wants to have run.
#[derive(Debug, Clone)]
pub struct Install {
    /// Its bytes.
    pub component: Vec<u8>,
    /// Who vouches for it.
    pub signature: Option<Signature>,
    /// Who asks, and from where.
    pub who: Who,
    /// Check it, and change nothing.
    pub dry_run: bool,
    /// Count what it would touch for so many runs beside the version in use, instead of putting it in
    /// its place.
    pub shadow: Option<u32>,
    /// Take other bytes under a name and version that are there already, as a folder that is watched
    /// brings them while somebody writes a plugin.
    pub same_version: bool,
}

/// What became of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The plugin.
    pub plugin: String,
    /// The version.
    pub version: String,
    /// The component.
    pub digest: Digest,
    /// Where it stands now.
    pub place: Standing,
    /// What preflight has to say about its jobs on this database.
    pub notes: Vec<String>,
}

/// Where a version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was changed; it could be installed.
    Sound,
    /// New runs begin with it.
    Active,
    /// It was in use already.
    Unchanged,
    /// In use as soon as these hosts have it ready.
    Staged(Vec<String>),
    /// It waits for the operator, and why.
    Pending(String),
    /// It is counted beside the version in use.
    Shadow(u32),
}

impl Standing {
    /// In a word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Active => "active",
            Self::Unchanged => "unchanged",
            Self::Staged(_) => "staged",
            Self::Pending(_) => "pending",
            Self::Shadow(_) => "shadow",
        }
    }

    /// What there is to say beyond the word.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Sound | Self::Active | Self::Unchanged => None,
            Self::Shadow(runs) => Some(format!("for {runs} runs")),
            Self::Staged(hosts) => {
                let hosts = hosts.join(", ");
                Some(format!("not ready yet on every host: {hosts}"))
            }
            Self::Pending(why) => Some(why.clone()),
        }
    }
}

impl Host {
    /// Checks a version, and puts it into the ledger for every host: compiled apart, of this contract,
    /// of a name that the file has, let in by the file's policy, within its grant, and its jobs looked
    /// at as before a run. A refusal is written to the audit, too.
    ///
    /// # Errors
    /// The first thing that is wrong with it; whatever runs goes on.
    pub async fn install(&self, install: &Install) -> Result<Installed, RunnerError> {
        let done = self.try_install(install).await;
        if let Err(error) = &done
            && !install.dry_run
        {
            let digest = Digest::of(&install.component);
            let known = self.engine.load_apart(&install.component).await.ok();
            let plugin = known.as_ref().map(|known| known.manifest());
            let audit = Audit {
                who: &install.who,
                action: Action::Install,
                plugin: plugin.map_or("", |manifest| manifest.name.as_str()),
                version: plugin.map(|manifest| manifest.version.to_string()),
                digest: Some(digest),
                outcome: Outcome::Refused,
                why: Some(error.to_string()),
            };
            store::audit(&self.database, &audit).await?;
        }
        done
    }

    /// The same for a component of this name only.
    ///
    /// # Errors
    /// As [`Host::install`], and for a component that calls itself otherwise.
    pub async fn install_as(
        &self,
        name: &str,
        install: &Install,
    ) -> Result<Installed, RunnerError> {
        let loaded = self.engine.load_apart(&install.component).await;
        let plugin = loaded.map_err(store::StoreError::from)?;
        let described = &plugin.manifest().name;
        if described != name {
            return Err(RunnerError::OtherName {
                configured: name.to_owned(),
                described: described.clone(),
            });
        }
        self.install(install).await
    }

    async fn try_install(&self, install: &Install) -> Result<Installed, RunnerError> {
        let loaded = self.engine.load_apart(&install.component).await;
        let plugin = loaded.map_err(store::StoreError::from)?;
        let manifest = plugin.manifest();
        let (name, version) = (manifest.name.clone(), manifest.version.to_string());
        let configured = self.installable(&name)?;
        let signature = install.signature.as_ref();
        Trust::of(&self.written, configured)
            .admit(plugin.digest(), &name, &version, signature)
            .map_err(store::StoreError::from)?;
        if !install.same_version {
            self.refuse_namesake(&plugin).await?;
        }
        let mut notes = Vec::new();
        let fit = self.examine_version(&plugin, &mut notes).await?;
        let from = store::deployment(&self.database, &name).await?;
        let place = self.place(&plugin, fit, install, &from).await?;
        let installed = Installed {
            plugin: name,
            version,
            digest: *plugin.digest(),
            place,
            notes,
        };
        if !install.dry_run {
            self.keep(&plugin, install, from, &installed).await?;
        }
        Ok(installed)
    }

    /// The file's word on a plugin of which versions may be installed.
    pub(super) fn installable(&self, name: &str) -> Result<&PluginConfig, RunnerError> {
        let refuse = |why: String| RunnerError::NotInstallable {
            plugin: name.to_owned(),
            why,
        };
        let Some(configured) = self.written.plugins.get(name) else {
            return Err(refuse(format!(
                "the file names no plugin `{name}`. To have it run, write\n\n[plugins.{name}]\n\
                 source = \"store\"\n\nand a grant for each table that it touches"
            )));
        };
        match &configured.origin {
            Origin::File(path) => Err(refuse(format!(
                "the file says component = \"{}\", which is what runs; write source = \"store\" \
                 instead to have installed versions run",
                path.display()
            ))),
            Origin::Bundled if configured.only_embedded => Err(refuse(
                "the file says source = \"bundled\": only the binary's own version runs; leave the key \
                 out to have installed versions run"
                    .to_owned(),
            )),
            Origin::Bundled | Origin::Store => Ok(configured),
        }
    }

    /// A version is one component: who has checked it has not checked another of its name.
    async fn refuse_namesake(&self, plugin: &Plugin) -> Result<(), RunnerError> {
        let manifest = plugin.manifest();
        let (name, version) = (&manifest.name, manifest.version.to_string());
        let digest = plugin.digest();
        let embedded = self.embedded(name);
        let embedded = embedded.filter(|one| one.manifest().version == manifest.version);
        let other = match embedded.map(|one| *one.digest()) {
            Some(embedded) if embedded != *digest => Some(embedded),
            _ => store::namesake_of(&self.database, digest, name, &version).await?,
        };
        match other {
            None => Ok(()),
            Some(other) => Err(RunnerError::NotInstallable {
                plugin: name.clone(),
                why: format!(
                    "version {version} is another component already, {other}: give this one a version \
                     of its own"
                ),
            }),
        }
    }

    /// What the binary embeds under this name.
    pub(super) fn embedded(&self, name: &str) -> Option<&Plugin> {
        let bundled = self.written.plugins.get(name)?.origin == Origin::Bundled;
        let running = self.versions.plugins.get(name);
        self.versions
            .embedded
            .get(name)
            .or(running.filter(|_| bundled))
    }

    /// Where the version would stand.
    async fn place(
        &self,
        plugin: &Plugin,
        fit: Fit,
        install: &Install,
        from: &Deployment,
    ) -> Result<Standing, RunnerError> {
        let digest = plugin.digest();
        if install.dry_run && fit == Fit::Fits {
            return Ok(Standing::Sound);
        }
        if let Fit::WantsMore(why) = fit {
            return Ok(Standing::Pending(why));
        }
        // Nor is a version counted beside itself.
        if from.active == Some(*digest) && from.staged.is_none() {
            return Ok(Standing::Unchanged);
        }
        if let Some(runs) = install.shadow {
            return Ok(Standing::Shadow(runs));
        }
        if from.pinned && from.active != Some(*digest) {
            let active = from
                .active
                .map_or("the bundled version".to_owned(), |d| d.to_string());
            return Ok(Standing::Pending(format!(
                "`{0}` is pinned to {active}: `besom plugin promote {0}` puts this version in its place",
                from.plugin
            )));
        }
        self.activation().await
    }

    /// In use at once where no host would have to make it ready first.
    pub(super) async fn activation(&self) -> Result<Standing, RunnerError> {
        let hosts = ledger::hosts(&self.database).await?;
        let alive: Vec<_> = hosts.into_iter().filter(|host| host.alive).collect();
        Ok(match alive.is_empty() {
            true => Standing::Active,
            false => Standing::Staged(alive.into_iter().map(|host| host.name).collect()),
        })
    }

    /// One transaction: a host that is killed in the middle of it leaves nothing.
    async fn keep(
        &self,
        plugin: &Plugin,
        install: &Install,
        from: Deployment,
        installed: &Installed,
    ) -> Result<(), RunnerError> {
        let digest = installed.digest;
        let (to, outcome, why) = standing_in(&from, digest, &installed.place);
        // Before the change, after which every host looks.
        store::absolve(&self.database, &installed.plugin, &digest).await?;
        if let Standing::Staged(_) = installed.place {
            store::forget(&self.database, &installed.plugin, &digest).await?;
        }
        let audit = Audit {
            who: &install.who,
            action: Action::Install,
            plugin: &installed.plugin,
            version: Some(installed.version.clone()),
            digest: Some(digest),
            outcome,
            why,
        };
        let brought = Brought {
            plugin,
            bytes: &install.component,
            signature: install.signature.as_ref(),
        };
        store::change_with(&self.database, &from, to, &audit, Some(brought)).await?;
        store::collect(&self.database).await?;
        Ok(())
    }
}

/// The deployment with a version in its place, and what the audit says of it.
pub(super) fn standing_in(
    from: &Deployment,
    digest: Digest,
    place: &Standing,
) -> (Deployment, Outcome, Option<String>) {
    let mut to = from.clone();
    let (outcome, why) = match place {
        Standing::Sound | Standing::Unchanged => (Outcome::Done, None),
        Standing::Active => {
            to = from.activated(digest);
            (Outcome::Done, None)
        }
        Standing::Staged(_) => {
            to.staged = Some(digest);
            to.pending = to.pending.filter(|(of, _)| *of != digest);
            (Outcome::Staged, None)
        }
        Standing::Pending(why) => {
            to.pending = Some((digest, why.clone()));
            (Outcome::Pending, Some(why.clone()))
        }
        Standing::Shadow(runs_left) => {
            let runs_left = *runs_left;
            to.shadow = Some(Shadow { digest, runs_left });
            (
                Outcome::Done,
                Some(format!("as a shadow for {runs_left} runs")),
            )
        }
    };
    (to, outcome, why)
}
