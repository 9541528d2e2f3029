//! Profiles: which jobs belong to which of the schemas that this plugin knows.

use besom_plugin::prelude::*;

use crate::manifest;

/// The schemas whose jobs run.
pub(crate) enum Profile {
    /// Every job: a database that holds all the schemas.
    All,
    /// The jobs of one schema.
    Only(String),
}

/// The key in a job's extras that names its profile, for whoever lists the jobs.
pub(crate) const KEY: &str = "profile";

/// The profile that the operator chose.
pub(crate) fn in_force() -> Result<Profile> {
    Ok(match setting::<String>("profile")?.as_str() {
        "all" => Profile::All,
        name => Profile::Only(name.to_owned()),
    })
}

impl Profile {
    /// Whether the job has something to do here.
    pub(crate) fn has(&self, job: &str) -> Result<bool> {
        let jobs = manifest::jobs();
        let Some(job) = jobs.iter().find(|known| known.name == job) else {
            return Err(Error::unknown_job(job));
        };
        Ok(match self {
            Self::All => true,
            Self::Only(name) => job.extras.iter().any(|(key, of)| key == KEY && of == name),
        })
    }
}
