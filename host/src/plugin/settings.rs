//! A plugin's settings: typed by its manifest, from the operator's file and the command line.
//!
//! `--set` wins over the operator's value for the job, that over the one for the plugin, and that
//! over the manifest's defaults, of which the job's own is the nearer. A setting without any of
//! them has no value, and the plugin's `access` says so where it cannot do without.
//!
//! In text (`--set`, a manifest's default) a list is written as in TOML, `["a", "b"]`, or with
//! commas, `a,b`; everything else stands without quotes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::list;
use super::manifest::{Manifest, Setting, SettingKind};

/// How like an unknown name a known one must be, 0 to 1, to be suggested for it.
const LIKENESS: f64 = 0.7;

/// The value of one setting.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Text, also of the kinds choice, table and column.
    Text(String),
    /// Microseconds.
    Duration(u64),
    /// Texts.
    Texts(Vec<String>),
    /// Whole numbers.
    Integers(Vec<i64>),
}

/// A value is not of its setting's kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not {expected}")]
pub struct ValueError {
    /// What it should be, with an example.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Settings cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A name that the plugin does not declare.
    #[error(
        "plugin {plugin} has no setting `{name}` (in {place}){}; it has {}",
        suggestion.as_ref().map(|s| format!(": did you mean `{s}`?")).unwrap_or_default(),
        list(known)
    )]
    Unknown {
        /// The plugin.
        plugin: String,
        /// The name.
        name: String,
        /// Where it stands.
        place: &'static str,
        /// The known name most like it.
        suggestion: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// A value of another kind.
    #[error("setting `{name}` of plugin {plugin} (in {place}): {source}")]
    Value {
        /// The plugin.
        plugin: String,
        /// The setting.
        name: String,
        /// Where it stands.
        place: &'static str,
        /// What is wrong.
        #[source]
        source: ValueError,
    },
    /// A value below a floor.
    #[error(
        "setting `{name}` of plugin {plugin} is {value}, below {floor}, the least that {whose}"
    )]
    TooLow {
        /// The plugin.
        plugin: String,
        /// The setting.
        name: String,
        /// Its value.
        value: String,
        /// The floor.
        floor: String,
        /// Who set the floor.
        whose: Whose,
    },
    /// Settings recorded by a run that are not a JSON object.
    #[error("the recorded settings of plugin {plugin} cannot be read: {reason}")]
    Record {
        /// The plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
}

/// Who has set a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The plugin, in its manifest.
    Plugin,
    /// The operator, by `min-retention`.
    Operator,
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plugin => "the plugin allows",
            Self::Operator => {
                "`min-retention` allows: give it a longer one, or the job a `min-retention` of its own"
            }
        })
    }
}

/// The settings in force for one job: every setting that the plugin declares, with its value
/// where it has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(BTreeMap<String, Option<SettingValue>>);

impl Settings {
    /// Puts together what the operator's file says for the plugin and for the job, what the
    /// command line says, and the manifest's defaults for the job named `job`.
    ///
    /// # Errors
    ///
    /// A name that the plugin does not declare, or a value that is not of its setting's kind.
    pub fn resolve(
        manifest: &Manifest,
        job: &str,
        of_plugin: &toml::Table,
        of_job: &toml::Table,
        overrides: &[(String, String)],
    ) -> Result<Self, SettingsError> {
        let mut values: BTreeMap<_, _> = manifest
            .settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.default.clone()))
            .collect();
        for (name, default) in manifest.job(job).iter().flat_map(|job| &job.defaults) {
            values.insert(name.clone(), Some(default.clone()));
        }
        for (place, table) in [
            ("the plugin's settings", of_plugin),
            ("the job's settings", of_job),
        ] {
            for (name, given) in table {
                let setting = declared(manifest, name, place)?;
                let value = SettingValue::from_toml(&setting.kind, given);
                values.insert(name.clone(), Some(in_place(manifest, name, place, value)?));
            }
        }
        for (name, given) in overrides {
            let setting = declared(manifest, name, "--set")?;
            let value = SettingValue::from_text(&setting.kind, given);
            values.insert(
                name.clone(),
                Some(in_place(manifest, name, "--set", value)?),
            );
        }
        for setting in &manifest.settings {
            let value = values.get(&setting.name).and_then(Option::as_ref);
            if let (Some(value), Some(floor)) = (value, &setting.minimum)
                && value.is_below(floor) == Some(true)
            {
                return Err(SettingsError::TooLow {
                    plugin: manifest.name.clone(),
                    name: setting.name.clone(),
                    value: value.to_string(),
                    floor: floor.to_string(),
                    whose: Whose::Plugin,
                });
            }
        }
        Ok(Self(values))
    }

    /// Refuses a retention that is shorter than the operator's floor, whoever gave it.
    ///
    /// # Errors
    ///
    /// Names the setting and both lengths of time.
    pub fn keep_at_least(&self, manifest: &Manifest, floor: Duration) -> Result<(), SettingsError> {
        let floor = SettingValue::Duration(u64::try_from(floor.as_micros()).unwrap_or(u64::MAX));
        for setting in manifest.settings.iter().filter(|setting| setting.retention) {
            match self.get(&setting.name) {
                Some(value) if value.is_below(&floor) == Some(true) => {
                    return Err(SettingsError::TooLow {
                        plugin: manifest.name.clone(),
                        name: setting.name.clone(),
                        value: value.to_string(),
                        floor: floor.to_string(),
                        whose: Whose::Operator,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of a setting; `None` where it has none, or the plugin declares no such setting.
    pub fn get(&self, name: &str) -> Option<&SettingValue> {
        self.0.get(name)?.as_ref()
    }

    /// Whether the plugin declares a setting of that name.
    pub fn declares(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every declared setting with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&SettingValue>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// The settings that have a value, as one line of JSON, the same for the same settings: what a
    /// run records.
    pub fn to_json(&self) -> String {
        let value = |(name, value): (&String, &Option<SettingValue>)| {
            value.as_ref().map(|value| (name.clone(), value.to_json()))
        };
        serde_json::Value::Object(self.0.iter().filter_map(value).collect()).to_string()
    }

    /// Reads what [`Settings::to_json`] wrote, against the same version's manifest and job.
    ///
    /// # Errors
    ///
    /// JSON that is no object, and whatever [`Settings::resolve`] refuses.
    pub fn from_json(manifest: &Manifest, job: &str, json: &str) -> Result<Self, SettingsError> {
        let table: toml::Table =
            serde_json::from_str(json).map_err(|error| SettingsError::Record {
                plugin: manifest.name.clone(),
                reason: error.to_string(),
            })?;
        Self::resolve(manifest, job, &table, &toml::Table::new(), &[])
    }
}

impl SettingsError {
    /// The setting at fault, where it is one.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, .. } | Self::Value { name, .. } | Self::TooLow { name, .. } => {
                Some(name)
            }
            Self::Record { .. } => None,
        }
    }
}

impl SettingValue {
    /// Whether it is less; `None`: the two do not compare.
    pub(super) fn is_below(&self, floor: &Self) -> Option<bool> {
        match (self, floor) {
            (Self::Integer(value), Self::Integer(floor)) => Some(value < floor),
            (Self::Float(value), Self::Float(floor)) => Some(value < floor),
            (Self::Duration(value), Self::Duration(floor)) => Some(value < floor),
            _ => None,
        }
    }

    /// Reads a value of that kind from the operator's file.
    ///
    /// # Errors
    ///
    /// A value of another kind.
    pub fn from_toml(kind: &SettingKind, given: &toml::Value) -> Result<Self, ValueError> {
        use toml::Value;
        match (kind, given) {
            (SettingKind::Boolean, Value::Boolean(value)) => Ok(Self::Boolean(*value)),
            (SettingKind::Integer, Value::Integer(value)) => Ok(Self::Integer(*value)),
            (SettingKind::Float, Value::Float(value)) if value.is_finite() => {
                Ok(Self::Float(*value))
            }
            // A whole number is a number; beyond 2^53 a float would silently be another one.
            (SettingKind::Float, Value::Integer(value)) if value.unsigned_abs() <= 1 << 53 => {
                Ok(Self::Float(*value as f64))
            }
            (SettingKind::Text, Value::String(text)) => Ok(Self::Text(text.clone())),
            (
                SettingKind::Duration
                | SettingKind::Choice(_)
                | SettingKind::Table
                | SettingKind::Column,
                Value::String(text),
            ) => Self::from_text(kind, text),
            (SettingKind::Texts, Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::Texts)
                .ok_or_else(|| mismatch(kind, given)),
            (SettingKind::Integers, Value::Array(items)) => items
                .iter()
                .map(toml::Value::as_integer)
                .collect::<Option<_>>()
                .map(Self::Integers)
                .ok_or_else(|| mismatch(kind, given)),
            // As a string, so that an environment variable can give it.
            (_, Value::String(text)) => Self::from_text(kind, text),
            _ => Err(mismatch(kind, given)),
        }
    }

    /// Reads a value of that kind from text: `--set`, or a manifest's default.
    ///
    /// # Errors
    ///
    /// Text that is not of that kind.
    pub fn from_text(kind: &SettingKind, text: &str) -> Result<Self, ValueError> {
        let wrong = || mismatch(kind, format!("{text:?}"));
        match kind {
            SettingKind::Text | SettingKind::Table | SettingKind::Column => {
                Ok(Self::Text(text.to_owned()))
            }
            SettingKind::Choice(words) if words.iter().any(|word| word == text) => {
                Ok(Self::Text(text.to_owned()))
            }
            SettingKind::Choice(_) => Err(wrong()),
            SettingKind::Boolean => text.parse().map(Self::Boolean).map_err(|_| wrong()),
            SettingKind::Integer => text.parse().map(Self::Integer).map_err(|_| wrong()),
            SettingKind::Float => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Self::Float(value)),
                _ => Err(wrong()),
            },
            SettingKind::Duration => humantime::parse_duration(text)
                .ok()
                .and_then(|duration| u64::try_from(duration.as_micros()).ok())
                .map(Self::Duration)
                .ok_or_else(wrong),
            SettingKind::Texts | SettingKind::Integers if text.trim_start().starts_with('[') => {
                let parsed = text.parse::<toml::Value>().map_err(|_| wrong())?;
                Self::from_toml(kind, &parsed)
            }
            SettingKind::Texts => Ok(Self::Texts(items(text).map(str::to_owned).collect())),
            SettingKind::Integers => items(text)
                .map(|item| item.parse().ok())
                .collect::<Option<_>>()
                .map(Self::Integers)
                .ok_or_else(wrong),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::Duration(micros) => humantime::format_duration(Duration::from_micros(*micros))
                .to_string()
                .into(),
            Self::Texts(values) => values.clone().into(),
            Self::Integers(values) => values.clone().into(),
        }
    }
}

impl std::fmt::Display for SettingValue {
    /// The value as the operator would write it in the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_json().fmt(f)
    }
}

/// The items of a list written with commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

fn mismatch(kind: &SettingKind, found: impl std::fmt::Display) -> ValueError {
    let expected = match kind {
        SettingKind::Text => "a text".to_owned(),
        SettingKind::Integer => "a whole number".to_owned(),
        SettingKind::Float => "a finite number".to_owned(),
        SettingKind::Boolean => "true or false".to_owned(),
        SettingKind::Duration => "a duration such as \"30d\", \"1h30m\" or \"0s\"".to_owned(),
        SettingKind::Texts => "a list of texts such as [\"a\", \"b\"]".to_owned(),
        SettingKind::Integers => "a list of whole numbers such as [1, 2]".to_owned(),
        SettingKind::Choice(words) => format!("one of {}", list(words)),
        SettingKind::Table => "the name of a table, as a text".to_owned(),
        SettingKind::Column => "the name of a column, as a text".to_owned(),
    };
    ValueError {
        expected,
        found: found.to_string(),
    }
}

fn declared<'a>(
    manifest: &'a Manifest,
    name: &str,
    place: &'static str,
) -> Result<&'a Setting, SettingsError> {
    manifest.setting(name).ok_or_else(|| {
        let known: Vec<String> = manifest.settings.iter().map(|s| s.name.clone()).collect();
        let likeness = |other: &String| strsim::jaro_winkler(name, other);
        let suggestion = known
            .iter()
            .filter(|other| likeness(other) >= LIKENESS)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .cloned();
        let plugin = manifest.name.clone();
        SettingsError::Unknown {
            plugin,
            name: name.to_owned(),
            place,
            suggestion,
            known,
        }
    })
}

fn in_place(
    manifest: &Manifest,
    name: &str,
    place: &'static str,
    value: Result<SettingValue, ValueError>,
) -> Result<SettingValue, SettingsError> {
    value.map_err(|source| SettingsError::Value {
        plugin: manifest.name.clone(),
        name: name.to_owned(),
        place,
        source,
    })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
