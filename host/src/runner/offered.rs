//! The jobs that a file has of a plugin: the plugin's own, of the profile in force, and those that the
//! file makes like one of them.

use std::collections::BTreeMap;
use std::fmt;

use super::{Host, RunnerError};
use crate::config::{Config, JobConfig, Place, PluginConfig, nearest};
use crate::plugin::{Job, Manifest, Plugin};
use crate::request::JobName;

/// The plugin with the jobs that the file has of it. `configured` goes by names of today.
pub(super) fn with_its_jobs(plugin: &Plugin, configured: &PluginConfig) -> Plugin {
    let described = plugin.described();
    let is_there = |original: &Job, said: Option<&JobConfig>| {
        other_profile(described, original, configured, said).is_none()
    };
    let mut jobs = Vec::new();
    for job in &described.jobs {
        if is_there(job, configured.jobs.get(&job.name)) {
            jobs.push(job.clone());
        }
        for (name, said) in &configured.jobs {
            let like = said.like.as_ref().filter(|like| like.job == job.name);
            if like.is_some() && is_there(job, Some(said)) {
                jobs.push(job.again_as(name));
            }
        }
    }
    plugin.with_jobs(jobs)
}

/// The profile in force, where that leaves the job out.
fn other_profile(
    described: &Manifest,
    original: &Job,
    configured: &PluginConfig,
    said: Option<&JobConfig>,
) -> Option<String> {
    let nothing = toml::Table::new();
    let of_job = said.map_or(&nothing, |said| &said.settings.values);
    described.other_profile(original, &configured.settings.values, of_job)
}

/// A job that the file names, and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The job.
    pub job: JobName,
    /// Where the file names it.
    pub place: Place,
    /// Why it is not there, and the way out.
    pub why: String,
    /// It would be there under another profile; otherwise nothing of its plugin is called so.
    pub other_profile: bool,
}

impl Stray {
    /// The same as what keeps the job from running.
    pub fn into_error(self) -> RunnerError {
        let why = self.to_string();
        RunnerError::NotThere { job: self.job, why }
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// What the file names and its plugins do not have, under names of today.
fn strays(config: &Config, plugins: &BTreeMap<String, Plugin>) -> Vec<Stray> {
    let mut strays = Vec::new();
    for (name, plugin) in plugins {
        let named = config.plugins.get(name).map(|configured| &configured.jobs);
        for (job, said) in named.into_iter().flatten() {
            let job = JobName::new(name, job);
            if plugin.manifest().job(&job.job).is_some() {
                continue;
            }
            let (why, other_profile) = match left_out(config, plugin, &job) {
                Some(why) => (why, true),
                None => (unknown(plugin.described(), said), false),
            };
            let like = said.like.as_ref().filter(|_| !other_profile);
            strays.push(Stray {
                job,
                place: like.map_or(&said.place, |like| &like.place).clone(),
                why,
                other_profile,
            });
        }
    }
    strays
}

/// Those that no profile has: most likely a slip, which leaves the job that was meant on its defaults.
pub fn unknown_jobs(config: &Config, plugins: &BTreeMap<String, Plugin>) -> Vec<Stray> {
    let mut strays = strays(config, plugins);
    strays.retain(|stray| !stray.other_profile);
    strays
}

/// Why nothing of a plugin is what the file names.
fn unknown(described: &Manifest, said: &JobConfig) -> String {
    let plugin = &described.name;
    let known: Vec<_> = described.jobs.iter().map(|job| job.name.as_str()).collect();
    let all = known.join(", ");
    match &said.like {
        Some(like) => {
            let meant = nearest(&like.job, known).map_or_else(String::new, |meant| {
                format!("; did you mean like = \"{meant}\"?")
            });
            format!(
                "plugin `{plugin}` has no job `{}` that this one could be like{meant} (it has: {all})",
                like.job
            )
        }
        None => format!(
            "plugin `{plugin}` has no such job; it has: {all}. A job of your own that runs the code of one \
             of these says so: like = \"…\""
        ),
    }
}

/// Why a job of the plugin, or one that is like it, is not there, where that is for its profile.
fn left_out(config: &Config, plugin: &Plugin, job: &JobName) -> Option<String> {
    let (described, configured) = (plugin.described(), config.plugins.get(&job.plugin)?);
    let said = configured.jobs.get(&job.job);
    let like = said.and_then(|said| said.like.as_ref());
    let original = described.job(like.map_or(&job.job, |like| &like.job))?;
    let chosen = other_profile(described, original, configured, said)?;
    let own: Vec<_> = original.profiles.iter().map(String::as_str).collect();
    let own = own.join("`, `");
    let whose = match like {
        Some(like) => format!(
            "`{job}` is like `{}`, which is of profile `{own}`",
            like.job
        ),
        None => format!("`{job}` is of profile `{own}`"),
    };
    let place = config.setting_place(job, "profile");
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    let own = format!("profile = \"{}\"", original.profiles.first()?);
    let table = format!("[plugins.{}.jobs.{}]", job.plugin, job.job);
    // A second `settings` would be a key that is there twice.
    let way_out = match said.is_some_and(|said| !said.settings.values.is_empty()) {
        true => format!("have {own} among the `settings` of {table}"),
        false => format!("write settings = {{ {own} }} under {table}"),
    };
    Some(format!(
        "{whose}, and profile = \"{chosen}\" is in force{place}: to have it run, {way_out}"
    ))
}

/// Why a job that somebody names is not there, where its plugin knows it or the file speaks of it.
pub fn not_there(
    config: &Config,
    plugins: &BTreeMap<String, Plugin>,
    job: &JobName,
) -> Option<RunnerError> {
    let plugin = plugins.get(&job.plugin)?;
    if plugin.manifest().job(&job.job).is_some() {
        return None;
    }
    let stray = strays(config, plugins).into_iter();
    let stray = stray.into_iter().find(|stray| stray.job == *job);
    let why = match stray {
        Some(stray) => stray.to_string(),
        None => left_out(config, plugin, job)?,
    };
    Some(RunnerError::NotThere {
        job: job.clone(),
        why,
    })
}

impl Host {
    /// What the file names and its plugins do not have.
    pub fn strays(&self) -> Vec<Stray> {
        strays(&self.config, self.plugins())
    }

    /// Those of them that no profile has.
    pub fn unknown_jobs(&self) -> Vec<Stray> {
        unknown_jobs(&self.config, self.plugins())
    }

    /// The file makes this job, by `like`.
    pub(super) fn is_own(&self, job: &JobName) -> bool {
        let plugin = self.config.plugins.get(&job.plugin);
        let said = plugin.and_then(|plugin| plugin.jobs.get(&job.job));
        said.is_some_and(|said| said.like.is_some())
    }

    /// Why a job that somebody names is not there, where more can be said than that nobody knows it.
    ///
    /// # Errors
    /// [`RunnerError::NotThere`].
    pub fn refuse_not_there(&self, job: &JobName) -> Result<(), RunnerError> {
        match not_there(&self.config, self.plugins(), job) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }
}
