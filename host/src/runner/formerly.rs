//! Names that a job had before: what is said of them is said of the job.

use std::collections::BTreeMap;

use super::{Host, RunnerError};
use crate::config::Config;
use crate::ledger::Pause;
use crate::plugin::{Job, Manifest, Plugin};
use crate::request::JobName;

/// Gives each job what the file says of it under a former name, with a warning that names the line
/// where it is to `tell`.
///
/// # Errors
/// [`RunnerError::TwoNames`] where the file names one job twice.
pub fn carry_over(
    config: &mut Config,
    plugins: &BTreeMap<String, Plugin>,
    tell: bool,
) -> Result<(), RunnerError> {
    for (plugin, configured) in &mut config.plugins {
        let Some(loaded) = plugins.get(plugin) else {
            continue;
        };
        for job in &loaded.manifest().jobs {
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

/// The job by its name of today, where it is known by a former one.
pub(super) fn present(job: JobName, plugins: &BTreeMap<String, Plugin>) -> JobName {
    let manifest = plugins.get(&job.plugin).map(Plugin::manifest);
    match manifest.and_then(|manifest| renamed(manifest, &job.job)) {
        Some(new) => JobName::new(&job.plugin, new),
        None => job,
    }
}

/// The jobs that a job waits for, by their names of today.
pub(super) fn awaited(job: &Job, plugins: &BTreeMap<String, Plugin>) -> Vec<JobName> {
    let after = job.after.iter().cloned();
    after.map(|name| present(name, plugins)).collect()
}

fn renamed<'m>(manifest: &'m Manifest, name: &str) -> Option<&'m str> {
    let mut jobs = manifest.jobs.iter();
    let found = jobs.find(|job| job.formerly.iter().any(|former| former == name));
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
