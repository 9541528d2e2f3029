//! Other versions of a plugin in use: back, pinned, promoted, gone.

use super::fits::Fit;
use super::install::{Installed, standing_in};
use super::{Host, RunnerError};
use crate::plugin::{Digest, Plugin};
use crate::store::{self, Action, Audit, Deployment, Load, Outcome, Trust, Who};

impl Host {
    /// The version before in use again, checked as it was the first time. Answers what runs then; `None`:
    /// what the binary embeds.
    ///
    /// # Errors
    /// When there is none, or it cannot be run any more; whatever runs goes on.
    pub async fn roll_back(&self, plugin: &str, who: &Who) -> Result<Option<Plugin>, RunnerError> {
        self.installable(plugin)?;
        let from = store::deployment(&self.database, plugin).await?;
        let act = async {
            let back = from.rolled_back();
            let to = back.ok_or_else(|| refuse(plugin, "no installed version of it is in use"))?;
            let target = match to.active {
                Some(digest) => Some(self.checked(plugin, &digest).await?),
                None if self.embedded(plugin).is_some() => None,
                None => return Err(refuse(plugin, "there is no version before this one")),
            };
            Ok((to, target))
        };
        // The row names what is taken out of use: nobody who watches a folder brings that back.
        let left = from.active;
        let (to, target) = self
            .or_audit(Action::Rollback, plugin, left, who, act.await)
            .await?;
        self.switch(&from, to, Action::Rollback, left, who).await?;
        Ok(target)
    }

    /// This version in use until somebody says otherwise; installing another does not change it. `None`
    /// lifts the pin.
    ///
    /// # Errors
    /// When the version is not in the ledger, or cannot be run; whatever runs goes on.
    pub async fn pin(
        &self,
        plugin: &str,
        digest: Option<Digest>,
        who: &Who,
    ) -> Result<(), RunnerError> {
        self.installable(plugin)?;
        let from = store::deployment(&self.database, plugin).await?;
        let Some(digest) = digest else {
            let pinned = false;
            let to = Deployment {
                pinned,
                ..from.clone()
            };
            return self.switch(&from, to, Action::Pin, None, who).await;
        };
        let embedded = self.embedded(plugin).map(|one| *one.digest()) == Some(digest);
        let to = if embedded {
            let to = Deployment {
                active: None,
                staged: None,
                ..from.clone()
            };
            Ok(to)
        } else {
            let checked = self.checked(plugin, &digest).await;
            checked.map(|_| from.activated(digest))
        };
        let to = self
            .or_audit(Action::Pin, plugin, Some(digest), who, to)
            .await?;
        let to = Deployment { pinned: true, ..to };
        store::absolve(&self.database, plugin, &digest).await?;
        self.switch(&from, to, Action::Pin, Some(digest), who).await
    }

    /// The version that waits, as a shadow, for a grant or for a pin, in use.
    ///
    /// # Errors
    /// When none waits, or it cannot be run; whatever runs goes on.
    pub async fn promote(&self, plugin: &str, who: &Who) -> Result<Installed, RunnerError> {
        self.installable(plugin)?;
        let from = store::deployment(&self.database, plugin).await?;
        let waiting = [
            from.pending.as_ref().map(|(digest, _)| *digest),
            from.shadow.map(|shadow| shadow.digest),
            from.staged,
        ];
        let digest = waiting.into_iter().flatten().next();
        let digest = digest.ok_or_else(|| refuse(plugin, "no version of it waits"))?;
        let checked = self.checked(plugin, &digest).await;
        let loaded = self
            .or_audit(Action::Promote, plugin, Some(digest), who, checked)
            .await?;
        let place = self.activation().await?;
        let (to, outcome, _) = standing_in(&from, digest, &place);
        let to = Deployment {
            shadow: to.shadow.filter(|shadow| shadow.digest != digest),
            pinned: false,
            ..to
        };
        let audit = Audit {
            outcome,
            ..done(Action::Promote, plugin, Some(digest), who)
        };
        if outcome == Outcome::Staged {
            store::forget(&self.database, plugin, &digest).await?;
        }
        store::absolve(&self.database, plugin, &digest).await?;
        store::change(&self.database, &from, to, &audit).await?;
        Ok(Installed {
            plugin: plugin.to_owned(),
            version: loaded.manifest().version.to_string(),
            digest,
            place,
            notes: Vec::new(),
        })
    }

    /// No installed version any more: the binary's own where there is one, else none. A plugin that the
    /// file has forgotten can be removed, too.
    ///
    /// # Errors
    /// When nothing of it is installed.
    pub async fn remove(&self, plugin: &str, who: &Who) -> Result<(), RunnerError> {
        let from = store::deployment(&self.database, plugin).await?;
        let left = from.active.or(from.digests().next());
        if left.is_none() {
            return Err(refuse(plugin, "no version of it is installed"));
        }
        let to = Deployment::none(plugin);
        self.switch(&from, to, Action::Remove, left, who).await?;
        store::collect(&self.database).await?;
        Ok(())
    }

    /// A version of the ledger, checked as a run would be.
    async fn checked(&self, plugin: &str, digest: &Digest) -> Result<Plugin, RunnerError> {
        let trust = Trust::of(&self.written, self.installable(plugin)?);
        let by = Load {
            database: &self.database,
            engine: &self.engine,
            plugin,
            trust: &trust,
        };
        let loaded = store::load(&by, digest, None).await?;
        match self.examine_version(&loaded, &mut Vec::new()).await? {
            Fit::Fits => Ok(loaded),
            Fit::WantsMore(why) => Err(refuse(plugin, &why)),
        }
    }

    /// What was decided; a refusal is written to the audit.
    async fn or_audit<T>(
        &self,
        action: Action,
        plugin: &str,
        digest: Option<Digest>,
        who: &Who,
        decided: Result<T, RunnerError>,
    ) -> Result<T, RunnerError> {
        if let Err(error) = &decided {
            let audit = Audit {
                outcome: Outcome::Refused,
                why: Some(error.to_string()),
                ..done(action, plugin, digest, who)
            };
            store::audit(&self.database, &audit).await?;
        }
        decided
    }

    async fn switch(
        &self,
        from: &Deployment,
        to: Deployment,
        action: Action,
        digest: Option<Digest>,
        who: &Who,
    ) -> Result<(), RunnerError> {
        let audit = done(action, &from.plugin, digest, who);
        Ok(store::change(&self.database, from, to, &audit).await?)
    }
}

fn done<'a>(action: Action, plugin: &'a str, digest: Option<Digest>, who: &'a Who) -> Audit<'a> {
    Audit {
        who,
        action,
        plugin,
        version: None,
        digest,
        outcome: Outcome::Done,
        why: None,
    }
}

fn refuse(plugin: &str, why: &str) -> RunnerError {
    RunnerError::NotInstallable {
        plugin: plugin.to_owned(),
        why: why.to_owned(),
    }
}
