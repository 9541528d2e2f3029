//! Whether a version asks for no more than it is granted.

use std::collections::BTreeMap;

use super::grants::in_force;
use super::{RunnerError, absent, formerly, offered};
use crate::catalog::Catalog;
use crate::config::{Config, JobSettings, Origin, PluginConfig};
use crate::plugin::{Job, Manifest, Plugin, Settings, SettingsError, TableAccess};
use crate::request::JobName;
use crate::scope::{Granted, Refusal, Subject, TO_ALLOW_IT, lines};

/// Whether a version asks for no more than it is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// No more.
    Fits,
    /// What is missing, and the lines of the file that would allow it.
    WantsMore(String),
}

/// The jobs that may run here by themselves, under this version.
pub(super) fn jobs(config: &Config, manifest: &Manifest) -> Vec<JobName> {
    let runs = |job: &Job| {
        let name = JobName::new(&manifest.name, &job.name);
        let runs = config.runs_by_itself(&name, job.opt_in);
        runs.then_some(name)
    };
    manifest.jobs.iter().filter_map(runs).collect()
}

/// The file as it reads for this version, which may know jobs by other names, and the version with the
/// jobs that the file has of it.
pub(super) fn read_for(config: &Config, plugin: &Plugin) -> Result<(Config, Plugin), RunnerError> {
    let mut config = config.clone();
    let name = &plugin.described().name;
    let one = BTreeMap::from([(name.clone(), plugin.clone())]);
    formerly::carry_over(&mut config, &one, false)?;
    let plugin = match config.plugins.get(name) {
        Some(configured) => offered::with_its_jobs(plugin, configured),
        None => plugin.as_described(),
    };
    Ok((config, plugin))
}

/// Holds what the jobs of a version ask for against the grant in force: the file's word, and where the
/// plugin is bundled the embedded component's access list, too.
///
/// # Errors
/// When its settings or the grant are at fault, or the plugin misbehaves.
pub(super) async fn fits(
    config: &Config,
    plugin: &Plugin,
    embedded: Option<&Plugin>,
    catalog: &Catalog,
) -> Result<Fit, RunnerError> {
    let (config, plugin) = &read_for(config, plugin)?;
    let manifest = plugin.manifest();
    let Some(configured) = config.plugins.get(&manifest.name) else {
        return Ok(Fit::Fits);
    };
    let mut refusals = Vec::new();
    for job in jobs(config, manifest) {
        let Some(limits) = config.job(&job) else {
            continue;
        };
        let settings = settings(manifest, &job, &limits, &[]);
        let settings = settings.map_err(|source| RunnerError::Settings {
            job: job.clone(),
            place: source
                .setting()
                .and_then(|name| config.setting_place(&job, name))
                .cloned(),
            source: Box::new(source),
        })?;
        let access = plugin.access(&job.job, &settings).await;
        let access = access.map_err(|why| RunnerError::Access {
            job: job.clone(),
            digest: Box::new(*plugin.digest()),
            why: Box::new(why),
        })?;
        let here = absent::here(access, catalog, manifest, configured, &limits, &[]);
        let access = here.to_grant(catalog);
        let granted = granted(
            configured,
            &job,
            &limits,
            &[],
            embedded,
            plugin,
            &access,
            catalog,
        );
        let granted = granted.await?;
        let missing = granted.lacking(catalog);
        if !missing.is_empty() {
            let bundled = configured.origin == Origin::Bundled;
            refusals.push(Refusal {
                subject: Subject { job, bundled },
                missing,
                given: granted.file.clone(),
            });
        }
    }
    Ok(match refusals.is_empty() {
        true => Fit::Fits,
        false => Fit::WantsMore(told(manifest, &refusals)),
    })
}

/// What a version may not do, job by job, and one block of lines that allows all of it.
pub(super) fn told(manifest: &Manifest, refusals: &[Refusal]) -> String {
    let Manifest { name, version, .. } = manifest;
    let mut text = format!("{name} {version} asks for more than it is granted:");
    for refusal in refusals {
        text.push_str(&format!("\n{}", refusal.needs()));
    }
    match lines(refusals) {
        lines if lines.is_empty() => text,
        lines => format!("{text}\n{TO_ALLOW_IT}\n{lines}"),
    }
}

/// The settings of a job, no retention below the operator's floor.
pub(super) fn settings(
    manifest: &Manifest,
    job: &JobName,
    limits: &JobSettings,
    set: &[(String, String)],
) -> Result<Settings, SettingsError> {
    let (of_plugin, of_job) = (&limits.plugin_settings, &limits.job_settings);
    let settings = Settings::resolve(manifest, &job.job, of_plugin, of_job, set)?;
    if let Some(floor) = limits.min_retention {
        settings.keep_at_least(manifest, floor)?;
    }
    Ok(settings)
}

/// The grant in force for a job. Where an installed version is in the place of the `embedded` one, it
/// rests on what the embedded one asks for, whatever this one does.
#[allow(clippy::too_many_arguments)] // everything that a grant depends on
pub(super) async fn granted(
    configured: &PluginConfig,
    job: &JobName,
    limits: &JobSettings,
    set: &[(String, String)],
    embedded: Option<&Plugin>,
    running: &Plugin,
    access: &[TableAccess],
    catalog: &Catalog,
) -> Result<Granted, RunnerError> {
    let plugin = &job.plugin;
    match (&configured.origin, embedded) {
        (Origin::File(_) | Origin::Store, _) => in_force(plugin, configured, None, access, catalog),
        (Origin::Bundled, None) => in_force(plugin, configured, Some(access), access, catalog),
        (Origin::Bundled, Some(embedded)) => {
            // Whatever jobs the file has of it, and by whatever name.
            let embedded = embedded.as_described();
            let asked = match namesake(embedded.described(), running, &job.job) {
                Some(name) => {
                    let name = JobName::new(plugin, &name);
                    let asked = access_of(&embedded, &name, limits, set).await?;
                    absent::without_what_may_lack(asked, catalog)
                }
                None => Vec::new(),
            };
            in_force(plugin, configured, Some(&asked), access, catalog)
        }
    }
}

/// The embedded version's name for a job, or for the one that it is like, which may have been renamed
/// since, either way.
fn namesake(embedded: &Manifest, running: &Plugin, job: &str) -> Option<String> {
    let job = running.manifest().job(job).map_or(job, Job::known_as);
    let formerly = running
        .described()
        .job(job)
        .map(|job| job.formerly.as_slice());
    let mut names = formerly.unwrap_or_default().iter();
    embedded
        .job(job)
        .or_else(|| names.find_map(|name| embedded.job(name)))
        .or_else(|| {
            let mut jobs = embedded.jobs.iter();
            jobs.find(|one| one.formerly.iter().any(|former| former == job))
        })
        .map(|job| job.name.clone())
}

/// What the embedded version asks for under those of the operator's settings that it knows.
async fn access_of(
    embedded: &Plugin,
    job: &JobName,
    limits: &JobSettings,
    set: &[(String, String)],
) -> Result<Vec<TableAccess>, RunnerError> {
    let manifest = embedded.manifest();
    let knows = |name: &str| manifest.settings.iter().any(|setting| setting.name == name);
    let known = |table: &toml::Table| -> toml::Table {
        let values = table.iter().filter(|(name, _)| knows(name));
        values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let set: Vec<_> = set
        .iter()
        .filter(|(name, _)| knows(name))
        .cloned()
        .collect();
    let (of_plugin, of_job) = (known(&limits.plugin_settings), known(&limits.job_settings));
    let settings = Settings::resolve(manifest, &job.job, &of_plugin, &of_job, &set);
    let settings = settings.map_err(|source| RunnerError::Settings {
        job: job.clone(),
        place: None,
        source: Box::new(source),
    })?;
    let access = embedded.access(&job.job, &settings).await;
    access.map_err(|why| RunnerError::Access {
        job: job.clone(),
        digest: Box::new(*embedded.digest()),
        why: Box::new(why),
    })
}
