//! `[plugins.NAME]` and `[plugins.NAME.jobs.JOB]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::document::{Later, Node, Section};
use super::error::{ConfigError, Place, hint, listed, nearest};
use super::grant;
use super::host::beside;
use super::limits::{self, JobLimits};
use super::schedule;
use super::store;
use crate::plugin::{Digest, PublicKey, is_job_name};
use crate::schedule::Expression;
use crate::scope::Grants;

/// Where a plugin's code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in this binary, or a version of it that was installed in the ledger.
    Bundled,
    /// A component file that the operator names.
    File(PathBuf),
    /// A version that was installed in the ledger.
    Store,
}

/// One plugin that the file names.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// Where its code comes from.
    pub origin: Origin,
    /// Installed versions stay out: the binary's own is what runs.
    pub only_embedded: bool,
    /// The one component that may run, by its digest.
    pub digest: Option<Digest>,
    /// Whose signature an installed version must bear, instead of the keys of `[store]`; empty: theirs.
    pub trusted_keys: Vec<PublicKey>,
    /// The host's keys, for every job of the plugin.
    pub limits: JobLimits,
    /// The plugin's own settings.
    pub settings: RawSettings,
    /// The jobs that the file names, which is what lets an opt-in job run.
    pub jobs: BTreeMap<String, JobConfig>,
    /// What the file says about tables. A bundled plugin may do this beside what its access list asks
    /// for, all of it narrowed by `min_age` and `filter`; any other may do this alone.
    pub grants: Grants,
    /// Where the file names it; `None` where no file does.
    pub place: Option<Place>,
}

impl PluginConfig {
    /// A bundled plugin of which nothing is said.
    pub fn bundled() -> Self {
        Self {
            origin: Origin::Bundled,
            only_embedded: false,
            digest: None,
            trusted_keys: Vec::new(),
            limits: JobLimits::default(),
            settings: RawSettings::default(),
            jobs: BTreeMap::new(),
            grants: Grants::default(),
            place: None,
        }
    }
}

/// One job that the file names.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// Whose code it runs, where it is a job of the file's own.
    pub like: Option<Like>,
    /// The host's keys, for this job.
    pub limits: JobLimits,
    /// The plugin's own settings, for this job.
    pub settings: RawSettings,
    /// When it is due; `None`: as its plugin proposes.
    pub schedule: Option<Expression>,
    /// Where the file names it.
    pub place: Place,
}

/// The job of the plugin whose code a job of the file's own runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Like {
    /// Its name.
    pub job: String,
    /// Where the file says so.
    pub place: Place,
}

/// Settings of a plugin as they are written. Only the plugin's manifest knows their types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawSettings {
    /// The values by name, strings interpolated.
    pub values: toml::Table,
    /// Where each is written, for errors.
    pub places: BTreeMap<String, Place>,
}

/// What may stand beside a plugin's limits.
const OWN: [&str; 7] = [
    "component",
    "digest",
    "grant",
    "jobs",
    "settings",
    "source",
    "trusted-keys",
];

/// Reads every plugin of the file.
pub(super) fn read(
    section: &Section<'_>,
    bundled: &[&str],
) -> Result<BTreeMap<String, PluginConfig>, ConfigError> {
    section
        .entries()
        .map(|(name, node)| Ok((name.to_owned(), plugin(&node.section()?, name, bundled)?)))
        .collect()
}

fn plugin(
    section: &Section<'_>,
    name: &str,
    bundled: &[&str],
) -> Result<PluginConfig, ConfigError> {
    refuse_odd_name(section, name, "plugin")?;
    schedule::of_jobs_only(section)?;
    refuse_stray_settings(section, &OWN, &[])?;
    let origin = origin(section, name, bundled)?;
    let mut plugin = PluginConfig {
        limits: JobLimits::read(section)?,
        settings: settings(section)?,
        place: Some(section.place()),
        ..PluginConfig::bundled()
    };
    if let Some(node) = section.get("grant") {
        plugin.grants = grant::read(&node.section()?, origin == Origin::Bundled)?;
    }
    plugin.only_embedded = section.get("source").is_some() && origin == Origin::Bundled;
    plugin.origin = origin;
    plugin.digest = section
        .get("digest")
        .map(|node| digest(&node))
        .transpose()?;
    if let Some(node) = section.get("trusted-keys") {
        plugin.trusted_keys = store::keys(&node)?;
    }
    if let Some(node) = section.get("jobs") {
        for (name, node) in node.section()?.entries() {
            plugin
                .jobs
                .insert(name.to_owned(), job(&node.section()?, name)?);
        }
    }
    refuse_copies_of_copies(&plugin.jobs)?;
    Ok(plugin)
}

fn job(section: &Section<'_>, name: &str) -> Result<JobConfig, ConfigError> {
    refuse_odd_name(section, name, "job")?;
    refuse_stray_settings(section, &["like", "schedule", "settings"], &[])?;
    let schedule = section.get("schedule");
    Ok(JobConfig {
        like: section
            .get("like")
            .map(|node| like(&node, section, name))
            .transpose()?,
        limits: JobLimits::read(section)?,
        settings: settings(section)?,
        schedule: schedule
            .map(|node| schedule::expression(&node))
            .transpose()?,
        place: section.place(),
    })
}

/// The job of the same plugin that a job of the file's own is like.
fn like(node: &Node<'_>, section: &Section<'_>, name: &str) -> Result<Like, ConfigError> {
    let job = node.text("refresh-tokens")?;
    if !is_job_name(name) {
        return Err(section.error(
            "a job of the file's own, which `like` makes of this, has a name as a plugin's jobs have: \
             a-z, 0-9 and hyphens, a letter first, and at most 64 of them",
        ));
    }
    if job == name {
        return Err(node.error(format!(
            "`{name}` cannot be like itself: give this job a name of its own, \
             [plugins.….jobs.another-name]"
        )));
    }
    match job.rsplit_once('/') {
        Some((_, job)) => Err(node.error(format!(
            "a job of the same plugin is meant, by its own name: like = \"{job}\""
        ))),
        None if !is_job_name(&job) => Err(node.error(format!(
            "`{job}` is no job's name: write one of the plugin's jobs (`besom plugin list` shows them)"
        ))),
        None => Ok(Like {
            job,
            place: node.place(),
        }),
    }
}

/// What a job is like is code, and the file's own jobs have none.
fn refuse_copies_of_copies(jobs: &BTreeMap<String, JobConfig>) -> Result<(), ConfigError> {
    for like in jobs.values().filter_map(|job| job.like.as_ref()) {
        let original = jobs.get(&like.job).and_then(|job| job.like.as_ref());
        if let Some(original) = original {
            return Err(ConfigError::at(
                &like.place,
                format!(
                    "`{}` is itself like `{}`: write like = \"{1}\", and the settings that are to hold \
                     here",
                    like.job, original.job
                ),
            ));
        }
    }
    Ok(())
}

/// As `sha256sum` prints it, with or without `sha256:` in front.
fn digest(node: &Node<'_>) -> Result<Digest, ConfigError> {
    let text = node.text("sha256:…")?;
    let digits = text.strip_prefix("sha256:").unwrap_or(&text);
    digits
        .parse()
        .map_err(|error| node.error(format!("{error}; `besom plugin inspect FILE` shows it")))
}

fn origin(section: &Section<'_>, name: &str, bundled: &[&str]) -> Result<Origin, ConfigError> {
    if let Some(node) = section.get("source") {
        return source(&node, section, name, bundled.contains(&name));
    }
    match (section.get("component"), bundled.contains(&name)) {
        (None, true) => Ok(Origin::Bundled),
        (Some(node), true) => Err(node.error(format!(
            "`{name}` is the name of a bundled plugin: remove `component`, or give the plugin of \
             that file another name"
        ))),
        (Some(node), false) => {
            let path = node.text("plugins/acme-audit.wasm")?;
            if path.is_empty() {
                return Err(node.error("must be the path of a component file"));
            }
            Ok(Origin::File(beside(section.source.file, &path)))
        }
        (None, false) => Err(section.error(format!(
            "no plugin `{name}` is bundled{} For a plugin of your own add \
             component = \"path/to/{name}.wasm\", or source = \"store\" for one that is installed; \
             bundled: {}",
            hint(name, bundled.iter().copied()),
            if bundled.is_empty() {
                "none".to_owned()
            } else {
                listed(bundled)
            }
        ))),
    }
}

fn source(
    node: &Node<'_>,
    section: &Section<'_>,
    name: &str,
    bundled: bool,
) -> Result<Origin, ConfigError> {
    if section.get("component").is_some() {
        return Err(node.error("`component` says already where the plugin is: leave one of them"));
    }
    match (node.text("store")?.as_str(), bundled) {
        ("store", _) => Ok(Origin::Store),
        ("bundled", true) => Ok(Origin::Bundled),
        ("bundled", false) => Err(node.error(format!("no plugin `{name}` is bundled"))),
        _ => Err(node.error("must be \"store\" or \"bundled\"")),
    }
}

fn settings(section: &Section<'_>) -> Result<RawSettings, ConfigError> {
    let mut settings = RawSettings::default();
    if let Some(node) = section.get("settings") {
        for (name, node) in node.section()?.entries() {
            settings.values.insert(name.to_owned(), node.raw()?);
            settings.places.insert(name.to_owned(), node.place());
        }
    }
    Ok(settings)
}

/// Refuses unknown keys; one that is near no known key is probably a setting of the plugin.
fn refuse_stray_settings(
    section: &Section<'_>,
    own: &[&str],
    later: &[Later],
) -> Result<(), ConfigError> {
    let known = [limits::KEYS.as_slice(), own].concat();
    let later = [limits::LATER.as_slice(), later].concat();
    let stray = section.entries().find(|(name, _)| {
        !known.contains(name)
            && !later.iter().any(|(key, _)| key == name)
            && nearest(name, known.iter().copied()).is_none()
    });
    match stray {
        None => section.only(&known, &later),
        Some((name, node)) => Err(node.error(format!(
            "unknown key. A plugin's own settings stand together: settings = {{ {name} = … }}; \
             beside them may stand {}",
            listed(&known)
        ))),
    }
}

/// Jobs are addressed as `plugin/job`, and both names stand in logs.
fn refuse_odd_name(section: &Section<'_>, name: &str, what: &str) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(section.error(format!(
        "not a {what}'s name: write letters, digits and hyphens only"
    )))
}
