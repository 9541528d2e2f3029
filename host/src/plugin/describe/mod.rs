//! From what `describe` answers to a manifest.
//!
//! `describe` answers strings; [`Manifest::check`] turns them into types once, so that nobody
//! behind it meets a name that is empty, doubled, or would garble a terminal or a file.

mod error;
#[cfg(test)]
mod tests;

pub use error::ManifestError;

use std::collections::{BTreeMap, BTreeSet};

use crate::request::JobName;
use crate::schedule::Expression;

use super::guest_log::escape;
use super::manifest::{Job, Manifest, Setting, SettingKind};
use super::settings::SettingValue;

/// The longest name of a plugin, job or setting, in bytes: it becomes part of file names, metric
/// labels and columns of a table on a terminal.
const NAME_BYTES: usize = 64;
/// The longest description, in bytes: a paragraph.
const ABOUT_BYTES: usize = 2_000;
/// The most jobs, and the most settings, of one plugin: every one is a row of what is printed.
const MOST: usize = 200;

/// What `describe` answered, before anybody has looked at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Described {
    pub name: String,
    pub version: String,
    pub about: String,
    pub settings: Vec<DescribedSetting>,
    pub jobs: Vec<DescribedJob>,
}

/// One setting of [`Described`].
#[derive(Debug, Clone, Default)]
pub(super) struct DescribedSetting {
    pub name: String,
    pub kind: String,
    pub default: Option<String>,
    pub about: String,
    pub extras: Vec<(String, String)>,
}

/// One job of [`Described`].
#[derive(Debug, Clone, Default)]
pub(super) struct DescribedJob {
    pub name: String,
    pub about: String,
    pub schedule: Option<String>,
    pub defaults: Vec<(String, String)>,
    pub opt_in: bool,
    pub after: Vec<String>,
    pub formerly: Vec<String>,
    pub extras: Vec<(String, String)>,
}

impl Manifest {
    /// Checks what `describe` answered.
    pub(super) fn check(said: Described) -> Result<Self, ManifestError> {
        check_name("plugin", &said.name)?;
        check_about(&format!("plugin `{}`", said.name), &said.about)?;
        let version =
            semver::Version::parse(&said.version).map_err(|error| ManifestError::Version {
                version: said.version.clone(),
                reason: error.to_string(),
            })?;
        check_list("setting", said.settings.iter().map(|setting| &setting.name))?;
        check_list("job", said.jobs.iter().map(|job| &job.name))?;
        if said.jobs.is_empty() {
            return Err(ManifestError::NoJobs { plugin: said.name });
        }
        let settings: Vec<Setting> = said
            .settings
            .into_iter()
            .map(check_setting)
            .collect::<Result<_, _>>()?;
        let job = |job| check_job(job, &settings);
        let jobs: Vec<Job> = said.jobs.into_iter().map(job).collect::<Result<_, _>>()?;
        check_formerly(&jobs)?;
        let jobs = jobs.into_iter().map(|job| in_profiles(job, &settings));
        let jobs = jobs.collect();
        Ok(Self {
            name: said.name,
            version,
            about: said.about,
            settings,
            jobs,
        })
    }
}

fn check_setting(said: DescribedSetting) -> Result<Setting, ManifestError> {
    check_about(&format!("setting `{}`", said.name), &said.about)?;
    let Ok(kind) = said.kind.parse::<SettingKind>() else {
        return Err(ManifestError::Kind {
            setting: said.name,
            kind: said.kind,
        });
    };
    let default =
        match &said.default {
            None => None,
            Some(text) => Some(SettingValue::from_text(&kind, text).map_err(|source| {
                ManifestError::Default {
                    setting: said.name.clone(),
                    source,
                }
            })?),
        };
    let minimum = value_of(&said.extras, "minimum")
        .map(|text| check_minimum(&kind, text, default.as_ref()))
        .transpose()
        .map_err(|why| ManifestError::Minimum {
            setting: said.name.clone(),
            why,
        })?;
    let marked = value_of(&said.extras, "role") == Some("retention");
    Ok(Setting {
        retention: kind == SettingKind::Duration && (marked || said.name == "retention"),
        name: said.name,
        kind,
        default,
        minimum,
        about: said.about,
    })
}

fn value_of<'e>(extras: &'e [(String, String)], key: &str) -> Option<&'e str> {
    let found = extras.iter().find(|(known, _)| known == key);
    found.map(|(_, value)| value.as_str())
}

fn check_minimum(
    kind: &SettingKind,
    text: &str,
    default: Option<&SettingValue>,
) -> Result<SettingValue, String> {
    let minimum = SettingValue::from_text(kind, text).map_err(|error| error.to_string())?;
    if minimum.is_below(&minimum).is_none() {
        return Err("only numbers and lengths of time have a least value".to_owned());
    }
    match default.and_then(|default| default.is_below(&minimum)) {
        Some(true) => Err("it is above the setting's own default".to_owned()),
        _ => Ok(minimum),
    }
}

/// As the operator's own schedules are checked, once it is sure that the text may be shown.
fn check_schedule(text: &str) -> Result<(), String> {
    /// Longer than any expression that a person writes.
    const LONGEST: usize = 200;
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!(
            "it has more than {LONGEST} bytes, or control characters"
        ));
    }
    let parsed = text.parse::<Expression>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}

fn check_job(said: DescribedJob, settings: &[Setting]) -> Result<Job, ManifestError> {
    check_about(&format!("job `{}`", said.name), &said.about)?;
    if let Some(text) = &said.schedule {
        check_schedule(text).map_err(|why| ManifestError::Schedule {
            job: said.name.clone(),
            why,
        })?;
    }
    let mut defaults = Vec::new();
    for (name, text) in &said.defaults {
        defaults.push((
            name.clone(),
            check_job_default(&said.name, name, text, settings)?,
        ));
    }
    let mut after = Vec::new();
    for name in said.after {
        match name.parse::<JobName>() {
            Ok(job) if is_name(&job.plugin) && is_name(&job.job) => after.push(job),
            _ => {
                return Err(ManifestError::After {
                    job: said.name,
                    after: name,
                });
            }
        }
    }
    check_list("former job", said.formerly.iter())?;
    let profiles = said
        .extras
        .iter()
        .filter(|(key, _)| key == Setting::PROFILE);
    let profiles = profiles.map(|(_, name)| name.clone()).collect();
    let variable = value_of(&said.extras, "schedule-variable");
    let variable = variable.filter(|name| is_variable(name)).map(str::to_owned);
    Ok(Job {
        name: said.name,
        about: said.about,
        schedule_variable: variable,
        schedule: said.schedule,
        defaults,
        opt_in: said.opt_in,
        after,
        formerly: said.formerly,
        profiles,
        like: None,
    })
}

/// A profile is one of those that the operator can choose: any other word means nothing.
fn in_profiles(mut job: Job, settings: &[Setting]) -> Job {
    let mut choosing = settings.iter().filter(|one| one.name == Setting::PROFILE);
    match choosing.next().map(|setting| &setting.kind) {
        Some(SettingKind::Choice(known)) => job.profiles.retain(|name| known.contains(name)),
        _ => job.profiles.clear(),
    }
    job
}

/// Configuration and history go by name: a name that two jobs claim would carry them to either.
fn check_formerly(jobs: &[Job]) -> Result<(), ManifestError> {
    let mut former: BTreeMap<&str, &str> = BTreeMap::new();
    for job in jobs {
        for name in &job.formerly {
            let also = if *name == job.name {
                "its name still".to_owned()
            } else if jobs.iter().any(|other| other.name == *name) {
                "another job's name now".to_owned()
            } else if let Some(other) = former.insert(name, &job.name) {
                format!("a former name of `{other}` too")
            } else {
                continue;
            };
            return Err(ManifestError::Formerly {
                job: job.name.clone(),
                name: name.clone(),
                also,
            });
        }
    }
    Ok(())
}

/// It can stand in `${…}`.
fn is_variable(name: &str) -> bool {
    let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.len() <= NAME_BYTES
        && name.chars().all(known)
}

fn check_job_default(
    job: &str,
    name: &str,
    text: &str,
    settings: &[Setting],
) -> Result<SettingValue, ManifestError> {
    let Some(setting) = settings.iter().find(|setting| setting.name == name) else {
        let setting = escape(name, NAME_BYTES);
        return Err(ManifestError::UndeclaredDefault {
            job: job.to_owned(),
            setting,
        });
    };
    SettingValue::from_text(&setting.kind, text).map_err(|source| ManifestError::JobDefault {
        job: job.to_owned(),
        setting: name.to_owned(),
        source,
    })
}

fn check_list<'a>(
    what: &'static str,
    names: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), ManifestError> {
    if names.len() > MOST {
        return Err(ManifestError::TooMany {
            what,
            count: names.len(),
        });
    }
    let mut seen = BTreeSet::new();
    for name in names {
        check_name(what, name)?;
        if !seen.insert(name) {
            return Err(ManifestError::Twice {
                what,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

fn check_name(what: &'static str, name: &str) -> Result<(), ManifestError> {
    if is_name(name) {
        return Ok(());
    }
    let name = name.chars().take(NAME_BYTES + 1).collect();
    Err(ManifestError::Name { what, name })
}

/// Whether a job can have this name.
pub fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn check_about(of: &str, about: &str) -> Result<(), ManifestError> {
    if about.len() > ABOUT_BYTES || about.chars().any(|c| c.is_control() && c != '\n') {
        return Err(ManifestError::About { of: of.to_owned() });
    }
    Ok(())
}
