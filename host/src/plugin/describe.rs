//! From what `describe` answers to a manifest.
//!
//! `describe` answers strings; [`Manifest::check`] turns them into types once, so that nobody
//! behind it meets a name that is empty, doubled, or would garble a terminal or a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::request::JobName;
use crate::schedule::Expression;

use super::guest_log::escape;
use super::manifest::{Job, Manifest, Setting, SettingKind};
use super::settings::{SettingValue, ValueError};

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

/// What `describe` answered is not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A name is empty, too long, or of other characters.
    #[error(
        "the manifest names a {what} {name:?}: a name is of a-z, 0-9 and -, \
         begins with a letter, and has at most {NAME_BYTES} bytes"
    )]
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two things of one name.
    #[error("the manifest has two {what}s named `{name}`: rename one")]
    Twice {
        /// What they are.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// Not a semantic version.
    #[error("the manifest's version {version:?} is not a semantic version such as 1.2.0: {reason}")]
    Version {
        /// What it says.
        version: String,
        /// Why that is none.
        reason: String,
    },
    /// A description that is too long or not printable.
    #[error(
        "the manifest's description of {of} has more than {ABOUT_BYTES} bytes or a control character"
    )]
    About {
        /// What it describes.
        of: String,
    },
    /// Too many of something.
    #[error("the manifest has {count} {what}s, more than {MOST}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// A plugin without jobs.
    #[error("the manifest of `{plugin}` has no job: a plugin offers at least one")]
    NoJobs {
        /// The plugin.
        plugin: String,
    },
    /// A kind of setting that this host does not know.
    #[error(
        "setting `{setting}` is of kind {kind:?}, which this host does not know: it knows text, \
         integer, float, boolean, duration, list<text>, list<integer>, choice:a|b, table, column"
    )]
    Kind {
        /// The setting.
        setting: String,
        /// Its kind.
        kind: String,
    },
    /// A default that is not of the setting's kind.
    #[error("the default of setting `{setting}` is not of its kind: {source}")]
    Default {
        /// The setting.
        setting: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// A job's default for a setting that is not declared.
    #[error(
        "job `{job}` has a default for the setting `{setting}`, which the manifest does not declare"
    )]
    UndeclaredDefault {
        /// The job.
        job: String,
        /// The setting.
        setting: String,
    },
    /// A floor that is not of the setting's kind, or above its default.
    #[error("the `minimum` of setting `{setting}`: {why}")]
    Minimum {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        why: String,
    },
    /// A job's default that is not of the setting's kind.
    #[error("the default of setting `{setting}` in job `{job}` is not of its kind: {source}")]
    JobDefault {
        /// The job.
        job: String,
        /// The setting.
        setting: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// Not a five-field cron expression.
    #[error("the schedule of job `{job}`: {why}")]
    Schedule {
        /// The job.
        job: String,
        /// What is wrong with it.
        why: String,
    },
    /// A former name that is not this job's alone.
    #[error(
        "job `{job}` says that it was formerly `{name}`, which is {also}: a name is one job's, now \
         and before"
    )]
    Formerly {
        /// The job.
        job: String,
        /// The former name.
        name: String,
        /// Whose it is as well.
        also: String,
    },
    /// `after` names what is not a job.
    #[error("job `{job}` wants to run after {after:?}, which is not written `plugin/job`")]
    After {
        /// The job.
        job: String,
        /// What it names.
        after: String,
    },
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
    })
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

fn is_name(name: &str) -> bool {
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

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
