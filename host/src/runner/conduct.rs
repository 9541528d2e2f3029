//! How a version conducts itself: crashes in a row suspend the job on it.
//!
//! What counts is a version that crashes where it was to work: in a run, when it is looked at for one, and
//! when a host loads it to run it. A look by `besom check`, or by a service between runs, counts nothing,
//! nor does an installation, which is refused anyhow.

use std::sync::Arc;

use super::{Examined, Host, Prepared, RunnerError};
use crate::catalog::Catalog;
use crate::plugin::{CallError, Digest, LoadError};
use crate::request::JobName;
use crate::store::{self, StoreError};

/// A trap, or a limit of the guest's own: its other errors, and the database's, say nothing about the
/// version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crash {
    job: JobName,
    digest: Digest,
    why: String,
}

impl Crash {
    fn by(job: &JobName, digest: &Digest, error: &CallError) -> Option<Self> {
        error.cause().is_misbehaviour().then(|| Self {
            job: job.clone(),
            digest: *digest,
            why: error.to_string(),
        })
    }

    /// Of a job that was looked at, if that is what the error is about.
    pub(super) fn of(error: &RunnerError) -> Option<Self> {
        match error {
            RunnerError::Access { job, digest, why } => Self::by(job, digest, why),
            _ => None,
        }
    }

    /// Of a version that was asked what it is, if that is what the error is about.
    pub(super) fn at_load(error: &StoreError, plugin: &str, digest: &Digest) -> Option<Self> {
        match error {
            StoreError::Load(LoadError::Describe(why)) => {
                Self::by(&JobName::new(plugin, store::EVERY_JOB), digest, why)
            }
            _ => None,
        }
    }
}

impl Host {
    /// Looks at a job as [`Host::examine`] does, because it is to run: a version that crashes is noted.
    ///
    /// # Errors
    /// As [`Host::examine`].
    pub async fn examine_to_run(
        &self,
        job: &JobName,
        set: &[(String, String)],
        catalog: &Arc<Catalog>,
    ) -> Result<Examined, RunnerError> {
        let examined = self.examine(job, set, catalog).await;
        if let Some(crash) = examined.as_ref().err().and_then(Crash::of) {
            self.count(&crash).await;
        }
        examined
    }

    /// Counts the versions that crashed when this host loaded them, and forgets earlier crashes of those
    /// that did not. For who runs jobs; once, after the host has been opened.
    pub async fn note_loads(&self) {
        for crash in &self.versions.crashed {
            self.count(crash).await;
        }
        for (plugin, digest) in &self.versions.described {
            let whole = JobName::new(plugin, store::EVERY_JOB);
            if let Err(error) = store::clear(&self.database, digest, &whole).await {
                tracing::warn!(plugin, %error, "that a version loads again was not recorded");
            }
        }
    }

    /// Counts a crash of the run's plugin, or forgets earlier ones.
    pub(super) async fn note_conduct(&self, prepared: &Prepared, failure: Option<&CallError>) {
        let (job, digest) = (&prepared.job, prepared.plugin.digest());
        match failure {
            None => {
                if let Err(error) = store::clear(&self.database, digest, job).await {
                    tracing::warn!(%job, %error, "that the job ran to its end was not recorded");
                }
            }
            Some(error) => {
                if let Some(crash) = Crash::by(job, digest, error) {
                    self.count(&crash).await;
                }
            }
        }
    }

    async fn count(&self, crash: &Crash) {
        let Crash { job, digest, why } = crash;
        let host = &self.config.host.name;
        match store::strike(&self.database, host, digest, job, why).await {
            Ok(strikes) if strikes >= store::STRIKES => {
                tracing::error!(%job, %digest, strikes, "the job is suspended on this version");
            }
            Ok(strikes) => tracing::warn!(%job, %digest, strikes, "the plugin crashed: {why}"),
            Err(error) => tracing::warn!(%job, %error, "that the plugin crashed was not recorded"),
        }
    }
}
