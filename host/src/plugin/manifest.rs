//! What a plugin is: its name, version, settings and jobs, and what it answers about a job.

use std::str::FromStr;

pub use crate::preflight::Severity;
use crate::request::JobName;

use super::settings::SettingValue;

/// What a plugin is and offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The plugin's name, as in `[plugins.NAME]`.
    pub name: String,
    /// The plugin's own version.
    pub version: semver::Version,
    /// What it is for, in a sentence.
    pub about: String,
    /// The settings that an operator may give.
    pub settings: Vec<Setting>,
    /// The jobs that it offers.
    pub jobs: Vec<Job>,
}

/// A setting that a plugin declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name, as in `settings = { NAME = … }`.
    pub name: String,
    /// What it holds.
    pub kind: SettingKind,
    /// Its value where the operator gives none; `None`: it has no value then.
    pub default: Option<SettingValue>,
    /// What it may not be below (`minimum` among the extras).
    pub minimum: Option<SettingValue>,
    /// It says how long rows are kept (`role` among the extras, or its name).
    pub retention: bool,
    /// What it does, in a sentence.
    pub about: String,
}

impl Setting {
    /// The setting that chooses a profile, and the key among a job's extras that names its own.
    pub(crate) const PROFILE: &str = "profile";
    /// The profile that is every one.
    pub(crate) const EVERY_PROFILE: &str = "all";
}

/// What a setting holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingKind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A span of time such as `30d`.
    Duration,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Integers,
    /// One of these words.
    Choice(Vec<String>),
    /// The name of a table.
    Table,
    /// The name of a column.
    Column,
}

/// A job that a plugin offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name within the plugin.
    pub name: String,
    /// What it cleans, in a sentence.
    pub about: String,
    /// Five-field cron expression, until the operator gives another; `None`: only when asked for.
    pub schedule: Option<String>,
    /// The variable that a fresh configuration takes the schedule from (`schedule-variable` among the
    /// extras).
    pub schedule_variable: Option<String>,
    /// Settings with another default in this job, each of them declared and of its kind.
    pub defaults: Vec<(String, SettingValue)>,
    /// Runs only where the operator's file names it.
    pub opt_in: bool,
    /// Jobs that must be neither due nor running when this one starts.
    pub after: Vec<JobName>,
    /// Names that this job had before.
    pub formerly: Vec<String>,
    /// The profiles that it belongs to (`profile` among the extras), of those that the setting `profile`
    /// of its plugin knows; empty: it belongs to every one.
    pub profiles: Vec<String>,
    /// The job of the plugin whose code it runs, where it is one that the operator's file adds.
    pub like: Option<String>,
}

impl Job {
    /// The name that the plugin knows it by.
    pub fn known_as(&self) -> &str {
        self.like.as_deref().unwrap_or(&self.name)
    }

    /// The operator's file has it under a name of its own, beside the plugin's job.
    pub fn is_like(&self) -> bool {
        self.like.is_some()
    }

    /// The same once more, under a name that the operator's file gives it, which is what lets it run.
    pub fn again_as(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: format!("Like `{}`: {}", self.name, self.about),
            schedule_variable: None,
            opt_in: false,
            formerly: Vec::new(),
            like: Some(self.name.clone()),
            ..self.clone()
        }
    }
}

/// What a job needs from one table, in the plugin's words: names are not looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableAccess {
    /// The table: `table` or `schema.table`.
    pub table: String,
    /// Columns looked at.
    pub read: Vec<String>,
    /// Columns assigned.
    pub update: Vec<String>,
    /// Whether rows are deleted.
    pub delete: bool,
    /// Whether the condition may be "every row" (`all-rows` among the extras).
    pub all_rows: bool,
    /// Columns without which no row of the table ever goes, and which every row is meant to have
    /// (`expiry` among the extras).
    pub expiry: Vec<String>,
    /// The indexes that it goes by, as `column[, column][ where predicate]` (`index` among the
    /// extras): for people to read, nothing is decided by it.
    pub indexes: Vec<String>,
    /// Touched only where the database has it, such as what an ON DELETE rule of a younger schema
    /// reaches (`if-there` among the extras).
    pub if_there: bool,
}

/// Something that a plugin's preflight noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, for `tolerate`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub message: String,
}

impl Manifest {
    /// The job of that name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }

    /// The profile that these settings put in force, where that leaves this job out: the nearest of the
    /// job's table, the plugin's, and the defaults. A value that the setting does not know leaves none out:
    /// it is refused where settings are.
    pub fn other_profile(
        &self,
        job: &Job,
        of_plugin: &toml::Table,
        of_job: &toml::Table,
    ) -> Option<String> {
        let setting = self.setting(Setting::PROFILE)?;
        let given = of_job.get(&setting.name).or(of_plugin.get(&setting.name));
        let value = match given {
            Some(given) => SettingValue::from_toml(&setting.kind, given).ok()?,
            None => {
                let mut own = job
                    .defaults
                    .iter()
                    .filter(|(name, _)| *name == setting.name);
                let own = own.next().map(|(_, value)| value);
                own.or(setting.default.as_ref())?.clone()
            }
        };
        let SettingValue::Text(chosen) = value else {
            return None;
        };
        let has = chosen == Setting::EVERY_PROFILE
            || job.profiles.is_empty()
            || job.profiles.contains(&chosen);
        (!has).then_some(chosen)
    }

    /// The setting of that name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }
}

/// A text that is not a kind of setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of setting")]
pub struct KindError;

impl FromStr for SettingKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        if let Some(words) = text.strip_prefix("choice:") {
            let words: Vec<String> = words.split('|').map(str::to_owned).collect();
            if words
                .iter()
                .any(|word| word.is_empty() || word.chars().any(char::is_control))
            {
                return Err(KindError);
            }
            return Ok(Self::Choice(words));
        }
        Ok(match text {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "duration" => Self::Duration,
            "list<text>" => Self::Texts,
            "list<integer>" => Self::Integers,
            "table" => Self::Table,
            "column" => Self::Column,
            _ => return Err(KindError),
        })
    }
}

impl std::fmt::Display for SettingKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Integer => f.write_str("integer"),
            Self::Float => f.write_str("float"),
            Self::Boolean => f.write_str("boolean"),
            Self::Duration => f.write_str("duration"),
            Self::Texts => f.write_str("list<text>"),
            Self::Integers => f.write_str("list<integer>"),
            Self::Choice(words) => write!(f, "choice:{}", words.join("|")),
            Self::Table => f.write_str("table"),
            Self::Column => f.write_str("column"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_as_it_is_read() {
        for text in [
            "text",
            "list<integer>",
            "choice:mas|refresh-tokens",
            "column",
        ] {
            assert_eq!(text.parse::<SettingKind>().unwrap().to_string(), text);
        }
    }
}
