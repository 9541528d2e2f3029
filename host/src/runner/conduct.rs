//! How a version conducts itself: crashes in a row suspend the job on it.

use super::{Host, Prepared};
use crate::plugin::CallError;
use crate::store;

impl Host {
    /// Counts a crash of the run's plugin, or forgets earlier ones. Only traps and the guest's own limits
    /// count: its own errors, and the database's, say nothing about the version.
    pub(super) async fn note_conduct(&self, prepared: &Prepared, failure: Option<&CallError>) {
        let (job, digest) = (&prepared.job, prepared.plugin.digest());
        let noted = match failure {
            None => store::clear(&self.database, digest, job).await,
            Some(error) if error.cause().is_misbehaviour() => {
                let host = &self.config.host.name;
                let why = error.to_string();
                match store::strike(&self.database, host, digest, job, &why).await {
                    Ok(strikes) if strikes >= store::STRIKES => {
                        tracing::error!(%job, %digest, strikes, "the job is suspended on this version");
                        Ok(())
                    }
                    other => other.map(drop),
                }
            }
            Some(_) => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(%job, %error, "how the run's plugin behaved was not recorded");
        }
    }
}
