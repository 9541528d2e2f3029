//! The value of one setting, read by its kind.

use std::time::Duration;

use super::super::error::list;
use super::super::manifest::SettingKind;

/// A hundred years, the longest that the file's own keys take: beyond it lie typing errors, and in the
/// end instants that no database knows.
const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

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

impl SettingValue {
    /// Whether it is less; `None`: the two do not compare.
    pub(in crate::plugin) fn is_below(&self, floor: &Self) -> Option<bool> {
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
            SettingKind::Duration => {
                let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
                let micros = u64::try_from(duration.as_micros()).ok();
                let bounded = micros.filter(|_| duration <= LONGEST);
                bounded.map(Self::Duration).ok_or_else(|| ValueError {
                    expected: "within 36500d, the longest duration".to_owned(),
                    found: format!("{text:?}"),
                })
            }
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

    pub(super) fn to_json(&self) -> serde_json::Value {
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
