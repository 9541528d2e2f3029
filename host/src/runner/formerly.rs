//! Names that a job had before: what is said of them is said of the job.

use std::collections::BTreeMap;

use super::{Host, RunnerError};
use crate::config::{Config, PluginConfig};
use crate::ledger::Pause;
use crate::plugin::{Job, Plugin};
use crate::request::JobName;

/// Gives each job what the file says of it under a former name, with a warning that names the line
/// where it is to `tell`. What a job of the file's own is like goes by former names, too.
///
/// # Errors
/// [`RunnerError::TwoNames`] where the file names one job twice, and [`RunnerError::NameTaken`] where a job of
/// its own has the name of one of the plugin's.
pub fn carry_over(
    config: &mut Config,
    plugins: &BTreeMap<String, Plugin>,
    tell: bool,
) -> Result<(), RunnerError> {
    for (plugin, configured) in &mut config.plugins {
        let Some(loaded) = plugins.get(plugin) else {
            continue;
        };
        let jobs = &loaded.described().jobs;
        refuse_taken_names(plugin, configured, jobs)?;
        follow_originals(plugin, configured, jobs, tell);
        for job in jobs {
            for former in &job.formerly {
                let Some(said) = configured.jobs.remove(former) else {
                    continue;
                };
                let place = said.place.clone();
                let new = JobName::new(plugin, &job.name);
                if let Some(other) = configured.jobs.insert(job.name.clone(), said) {
                    return Err(RunnerError::TwoNames {
                        job: new,
                        places: Box::new((other.place, place)),
                    });
                }
                if tell {
                    tracing::warn!(
                        "{place}: this job is called `{new}` now: write [plugins.{plugin}.jobs.{}]",
                        job.name
                    );
                }
            }
        }
    }
    Ok(())
}

/// A job of the file's own under a name that is a job's of the plugin, or was: settings, history and
/// pauses go by name, and would be either's.
fn refuse_taken_names(
    plugin: &str,
    configured: &PluginConfig,
    jobs: &[Job],
) -> Result<(), RunnerError> {
    for job in jobs {
        for name in std::iter::once(&job.name).chain(&job.formerly) {
            let said = configured.jobs.get(name);
            if let Some(like) = said.and_then(|said| said.like.as_ref()) {
                return Err(RunnerError::NameTaken {
                    place: Box::new(like.place.clone()),
                    name: JobName::new(plugin, name),
                    today: (*name != job.name).then(|| job.name.clone()),
                });
            }
        }
    }
    Ok(())
}

/// What the file's own jobs are like, by its name of today.
fn follow_originals(plugin: &str, configured: &mut PluginConfig, jobs: &[Job], tell: bool) {
    let likes = configured.jobs.values_mut();
    for like in likes.filter_map(|said| said.like.as_mut()) {
        let Some(new) = renamed(jobs, &like.job) else {
            continue;
        };
        if tell {
            let place = &like.place;
            tracing::warn!(
                "{place}: this job of `{plugin}` is called `{new}` now: write like = \"{new}\""
            );
        }
        like.job = new.to_owned();
    }
}

/// The job by its name of today, where it is known by a former one.
pub(super) fn present(job: JobName, plugins: &BTreeMap<String, Plugin>) -> JobName {
    let manifest = plugins.get(&job.plugin).map(Plugin::manifest);
    match manifest.and_then(|manifest| renamed(&manifest.jobs, &job.job)) {
        Some(new) => JobName::new(&job.plugin, new),
        None => job,
    }
}

/// The jobs that a job waits for, by their names of today.
pub(super) fn awaited(job: &Job, plugins: &BTreeMap<String, Plugin>) -> Vec<JobName> {
    let after = job.after.iter().cloned();
    after.map(|name| present(name, plugins)).collect()
}

fn renamed<'j>(jobs: &'j [Job], name: &str) -> Option<&'j str> {
    let found = jobs
        .iter()
        .find(|job| job.formerly.iter().any(|former| former == name));
    found.map(|job| job.name.as_str())
}

/// A job's name of today and its former ones, whichever of them is given.
pub fn names(job: JobName, plugins: &BTreeMap<String, Plugin>) -> (JobName, Vec<String>) {
    let job = present(job, plugins);
    let manifest = plugins.get(&job.plugin).map(Plugin::manifest);
    let known = manifest.and_then(|manifest| manifest.job(&job.job));
    let formerly = known.map_or_else(Vec::new, |known| known.formerly.clone());
    (job, formerly)
}

impl Host {
    /// The pause that holds a job back, by whichever of its names it was said.
    pub fn pause_of<'p>(&self, job: &JobName, pauses: &'p [Pause]) -> Option<&'p Pause> {
        let (job, formerly) = names(job.clone(), self.plugins());
        let former = formerly
            .iter()
            .map(|former| JobName::new(&job.plugin, former));
        let all: Vec<_> = former.chain([job.clone()]).collect();
        let mut pauses = pauses.iter();
        pauses.find(|pause| all.iter().any(|name| pause.what.covers(name)))
    }

    /// The job by its name of today: a former name is taken, with a warning.
    pub fn present_name(&self, job: JobName) -> JobName {
        let new = present(job.clone(), self.plugins());
        if new != job {
            tracing::warn!("`{job}` is called `{new}` now");
        }
        new
    }
}
