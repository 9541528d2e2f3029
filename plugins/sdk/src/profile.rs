//! Profiles: a plugin that knows several schemas, of which a database has one or all.

use crate::context::{Level, log};
use crate::error::{Error, Result};
use crate::manifest::{Job, Setting};
use crate::setting::setting;

/// The setting that chooses the profile, and the key in a job's extras that names its own.
const KEY: &str = "profile";

/// The value for a database that holds every schema.
const ALL: &str = "all";

impl Setting {
    /// The setting `profile`: one of `names`, or `all`, which is the default.
    pub fn profile<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let about = "The schema in this database: jobs of another one are not there";
        let choices = std::iter::once(ALL).chain(names);
        Self::choice(KEY, choices, about).default(ALL)
    }
}

impl Job {
    /// The job belongs to one profile.
    pub fn profile(self, name: impl Into<String>) -> Self {
        self.extra(KEY, name)
    }
}

/// Whether the job has something to do under the profile that the operator chose: the first
/// question of a [plan](crate::Plugin::plan). A host that knows profiles does not call the others' jobs, but
/// for `--set profile=…`.
///
/// # Errors
/// [`Error::unknown_job`] where `jobs` has no such job.
pub fn in_profile(jobs: &[Job], job: &str) -> Result<bool> {
    let Some(known) = jobs.iter().find(|known| known.name == job) else {
        return Err(Error::unknown_job(job));
    };
    let chosen: String = setting(KEY)?;
    let is_chosen = |(key, profile): &(String, String)| key == KEY && *profile == chosen;
    let has = chosen == ALL || known.extras.iter().any(is_chosen);
    if !has {
        log(
            Level::Debug,
            "not a job of the profile in force",
            &[("job", &job)],
        );
    }
    Ok(has)
}
