//! A host that serves, kept up with what the ledger says is to run.

use super::versions::Choice;
use super::{Host, RunnerError};
use crate::ledger;
use crate::store::{self, Action, Audit, Counters, Deployment, Outcome, State, Verdict, Who};

impl Host {
    /// Looks whether other versions are to run, and says what this host makes of those that are staged.
    /// Where something has changed, answers the host to go on with; every run under way keeps the one
    /// that it began on. One cheap statement where nothing has changed.
    ///
    /// # Errors
    /// When the database does not answer; the next look does the same again.
    pub async fn followed(&self) -> Result<Option<Self>, RunnerError> {
        let counters = store::counters(&self.database).await?;
        if counters == self.versions.counters && !self.versions.staged {
            return Ok(None);
        }
        self.attend_to_staged().await?;
        let counters = store::counters(&self.database).await?;
        if counters == self.versions.counters {
            return Ok(None);
        }
        let database = self.database.clone();
        let engine = self.engine.clone();
        let host = Self::of(self.written.clone(), database, engine, &self.versions).await?;
        host.tell_refused(&self.versions.counters).await?;
        host.report_running().await?;
        Ok(Some(host))
    }

    /// Tells the other hosts, and `besom plugin list`, which versions run here, and counts those that
    /// crashed when they were loaded: when a service begins, and after each change. Says which jobs of the
    /// file another profile has; those that nobody has are told as refused.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn report_running(&self) -> Result<(), RunnerError> {
        self.note_loads().await;
        for stray in self.strays().iter().filter(|stray| stray.other_profile) {
            tracing::warn!("a job that the file names is not there: {stray}");
        }
        let host = &self.config.host.name;
        for (name, plugin) in self.plugins() {
            let digest = plugin.digest();
            store::report(&self.database, host, name, digest, State::Running, None).await?;
        }
        Ok(())
    }

    async fn tell_refused(&self, before: &Counters) -> Result<(), RunnerError> {
        let who = self.itself();
        for passed in &self.versions.passed_over {
            let plugin = passed.plugin.as_str();
            if before.get(plugin) == self.versions.counters.get(plugin) {
                continue; // said before
            }
            let audit = Audit {
                who: &who,
                action: Action::Load,
                plugin,
                version: None,
                digest: Some(passed.digest),
                outcome: Outcome::Refused,
                why: Some(passed.why.clone()),
            };
            store::audit(&self.database, &audit).await?;
        }
        Ok(())
    }

    fn itself(&self) -> Who {
        Who {
            name: self.config.host.name.clone(),
            origin: "service".to_owned(),
        }
    }

    /// Makes what is staged ready here, and puts it in use once every host has it ready; whichever host
    /// sees that first does so.
    async fn attend_to_staged(&self) -> Result<(), RunnerError> {
        for deployment in store::deployments(&self.database).await? {
            if deployment.staged.is_some() {
                self.attend_to(&deployment).await?;
            }
        }
        Ok(())
    }

    async fn attend_to(&self, deployment: &Deployment) -> Result<(), RunnerError> {
        let (plugin, Some(digest)) = (deployment.plugin.as_str(), deployment.staged) else {
            return Ok(());
        };
        let host = &self.config.host.name;
        let mut said = store::generations(&self.database).await?;
        let spoken = |said: &[store::Generation]| {
            said.iter()
                .any(|one| one.host == *host && one.plugin == plugin && one.digest == digest)
        };
        if !spoken(&said) {
            let why = self.ready(plugin, deployment).await?;
            let state = match why {
                None => State::Ready,
                Some(_) => State::Failed,
            };
            store::report(&self.database, host, plugin, &digest, state, why.as_deref()).await?;
            said = store::generations(&self.database).await?;
        }
        let hosts = ledger::hosts(&self.database).await?;
        let who = self.itself();
        let (to, outcome, why) = match store::verdict(&hosts, &said, plugin, &digest) {
            Verdict::Waiting(_) => return Ok(()),
            Verdict::Ready => (deployment.activated(digest), Outcome::Done, None),
            Verdict::Failed { host, why } => {
                let staged = None;
                let to = Deployment {
                    staged,
                    ..deployment.clone()
                };
                (to, Outcome::Refused, Some(format!("host `{host}`: {why}")))
            }
        };
        let audit = Audit {
            who: &who,
            action: Action::Activate,
            plugin,
            version: None,
            digest: Some(digest),
            outcome,
            why,
        };
        match store::change(&self.database, deployment, to, &audit).await {
            // Another host was first.
            Ok(()) | Err(store::StoreError::Raced(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Why the staged version could not be run here; `None`: it could. A host whose file does not name
    /// the plugin has nothing against it.
    async fn ready(
        &self,
        plugin: &str,
        deployment: &Deployment,
    ) -> Result<Option<String>, RunnerError> {
        let (Some(digest), Some(configured)) =
            (deployment.staged, self.written.plugins.get(plugin))
        else {
            return Ok(None);
        };
        if let Err(error) = self.installable(plugin) {
            return Ok(Some(error.to_string()));
        }
        let choice = Choice {
            config: &self.written,
            engine: &self.engine,
            database: &self.database,
            known: &self.versions,
        };
        let (catalog, embedded) = (self.catalog().await?, self.embedded(plugin));
        let found = self
            .versions
            .problem(&choice, plugin, configured, &digest, embedded, &catalog);
        found.await
    }
}
