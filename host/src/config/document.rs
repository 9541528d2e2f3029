//! Walking the parsed file: every table and value knows its line and the path of its key.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::{ConfigError, Place, hint, listed};
use super::units;

/// The file under the walk.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) environment: &'a Environment,
    /// The variables whose values stand in the table as if they were the file's.
    pub(super) variables: &'a [String],
}

impl Source<'_> {
    /// The place of `key`, which stands at a byte offset.
    pub(super) fn place(&self, key: &str, offset: usize) -> Place {
        if let Some(variable) = self.variable(offset) {
            return Place {
                file: variable.clone(),
                line: 0,
                key: key.to_owned(),
            };
        }
        let before = self.text.get(..offset).unwrap_or(self.text);
        Place {
            file: self.file.display().to_string(),
            line: 1 + before.matches('\n').count(),
            key: key.to_owned(),
        }
    }
}

impl<'a> Source<'a> {
    /// The variable that gave what stands at an offset behind the text.
    fn variable(&self, offset: usize) -> Option<&'a String> {
        self.variables.get(offset.checked_sub(self.text.len() + 1)?)
    }
}

/// A key that this version does not have yet, and what it does instead.
pub(super) type Later = (&'static str, &'static str);

/// One table of the file.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) source: Source<'a>,
    key: String,
    offset: usize,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    pub(super) fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            key: String::new(),
            offset: 0,
            table,
        }
    }

    pub(super) fn place(&self) -> Place {
        self.source.place(&self.key, self.offset)
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.place(), problem)
    }

    /// Every key with its value, in the order of the keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> {
        let (source, outer) = (self.source, self.key.clone());
        self.table.iter().map(move |(key, value)| {
            let name: &str = key.get_ref();
            let given = value.span().start;
            let node = Node {
                source,
                key: joined(&outer, name),
                offset: match source.variable(given) {
                    Some(_) => given,
                    None => key.span().start,
                },
                value: value.get_ref(),
            };
            (name, node)
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        self.entries()
            .find(|(known, _)| *known == name)
            .map(|(_, node)| node)
    }

    /// Refuses every key but `known`, and says of the `later` ones that they will come.
    pub(super) fn only(&self, known: &[&str], later: &[Later]) -> Result<(), ConfigError> {
        let Some((name, node)) = self.entries().find(|(name, _)| !known.contains(name)) else {
            return Ok(());
        };
        if let Some((_, instead)) = later.iter().find(|(key, _)| *key == name) {
            return Err(node.error(format!(
                "this version of besom does not have `{name}` yet: {instead}; leave the key out"
            )));
        }
        Err(node.error(format!(
            "unknown key{} Here may stand {}",
            hint(name, known.iter().copied()),
            listed(known)
        )))
    }
}

/// One value of the file.
pub(super) struct Node<'a> {
    source: Source<'a>,
    key: String,
    offset: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn place(&self) -> Place {
        self.source.place(&self.key, self.offset)
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.place(), problem)
    }

    fn expected(&self, what: &str) -> ConfigError {
        self.error(format!(
            "must be {what}, not {}",
            article(self.value.type_str())
        ))
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.as_array().is_some()
    }

    pub(super) fn section(&self) -> Result<Section<'a>, ConfigError> {
        let table = self
            .value
            .as_table()
            .ok_or_else(|| self.expected("a table"))?;
        Ok(Section {
            source: self.source,
            key: self.key.clone(),
            offset: self.offset,
            table,
        })
    }

    /// A string after interpolation. `example` shows what one looks like.
    pub(super) fn text(&self, example: &str) -> Result<String, ConfigError> {
        let raw = self
            .value
            .as_str()
            .ok_or_else(|| self.expected(&format!("a string such as \"{example}\"")))?;
        self.interpolated(raw)
    }

    /// What a string of the file says before interpolation, where a variable has a part in it.
    pub(super) fn behind(&self) -> Option<&'a str> {
        let raw = self.value.as_str();
        let of_file = self.source.variable(self.offset).is_none();
        raw.filter(|raw| of_file && raw.contains("${"))
    }

    /// The value is, or has, one of the environment's: it can only be a string.
    fn is_variable(&self, raw: &str) -> bool {
        self.source.variable(self.offset).is_some() || raw.contains("${")
    }

    fn interpolated(&self, raw: &str) -> Result<String, ConfigError> {
        if self.source.variable(self.offset).is_some() {
            return Ok(raw.to_owned()); // what a variable holds is not looked at again
        }
        self.source
            .environment
            .interpolate(raw)
            .map_err(|problem| self.error(problem))
    }

    /// Also as a string, so that a variable can give it.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        match self.value {
            DeValue::Boolean(truth) => Ok(*truth),
            DeValue::String(raw) if self.is_variable(raw) => {
                let text = self.interpolated(raw)?;
                text.parse().map_err(|_| match raw.contains("${") {
                    // The value itself may be a secret that landed here by mistake.
                    true => self.error(format!(
                        "what `{raw}` stands for must be `true` or `false`, in small letters"
                    )),
                    false => self.error("must be `true` or `false`, in small letters"),
                })
            }
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    /// A number; also as a string, so that a variable can give it.
    pub(super) fn number(&self, example: &str) -> Result<f64, ConfigError> {
        let number: Option<f64> = match self.value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::String(raw) => self.interpolated(raw)?.parse().ok(),
            _ => None,
        };
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.expected(&format!("a number such as {example}")))
    }

    /// A whole number of `unit` in `range`; also as a string, so that a variable can give it.
    pub(super) fn whole(
        &self,
        range: &RangeInclusive<u64>,
        unit: &str,
    ) -> Result<u64, ConfigError> {
        let number = match self.value {
            DeValue::Integer(_) => integer(self.value),
            DeValue::String(raw) => self.interpolated(raw)?.replace('_', "").parse().ok(),
            _ => return Err(self.expected("a whole number")),
        };
        let number = number.and_then(|number: i64| u64::try_from(number).ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.beyond(range, unit))
    }

    fn beyond(&self, range: &RangeInclusive<u64>, unit: &str) -> ConfigError {
        self.error(format!(
            "must be a whole number of {unit} from {} to {}",
            range.start(),
            range.end()
        ))
    }

    /// [`Node::whole`] for a range without zero.
    pub(super) fn count(
        &self,
        range: &RangeInclusive<u64>,
        unit: &str,
    ) -> Result<NonZeroU64, ConfigError> {
        NonZeroU64::new(self.whole(range, unit)?).ok_or_else(|| self.beyond(range, unit))
    }

    /// [`Node::count`] for a range that fits 32 bits.
    pub(super) fn count32(
        &self,
        range: &RangeInclusive<u64>,
        unit: &str,
    ) -> Result<u32, ConfigError> {
        let count = self.count(range, unit)?.get();
        u32::try_from(count).map_err(|_| self.error("is beyond 32 bits"))
    }

    pub(super) fn duration(
        &self,
        range: &RangeInclusive<Duration>,
    ) -> Result<Duration, ConfigError> {
        let text = self.text("30s, 5m, 1h30m or 30d")?;
        units::duration(&text, range).map_err(|problem| self.error(problem))
    }

    /// Names with commas between them: a list as a variable gives it.
    fn separated(&self, text: &str) -> Result<Vec<String>, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().any(String::is_empty) {
            true => Err(self.error("holds an empty name: write names with commas between them")),
            false => Ok(names),
        }
    }

    /// A list of strings after interpolation, none of them empty. Also one string with commas, so that
    /// a variable can give it.
    pub(super) fn names(&self, example: &str) -> Result<Vec<String>, ConfigError> {
        if let DeValue::String(raw) = self.value
            && self.is_variable(raw)
        {
            return self.separated(&self.interpolated(raw)?);
        }
        let expected = || self.expected(&format!("a list of names such as {example}"));
        let list = self.value.as_array().ok_or_else(expected)?;
        list.iter()
            .map(|item| {
                let raw = item.get_ref().as_str().ok_or_else(|| {
                    self.error(format!("must hold names in quotes only, such as {example}"))
                })?;
                let name = self.interpolated(raw)?;
                if name.is_empty() {
                    return Err(self.error("holds an empty name: remove it"));
                }
                Ok(name)
            })
            .collect()
    }

    /// The value as it stands, strings interpolated: for settings, whose types only the plugin
    /// knows.
    pub(super) fn raw(&self) -> Result<toml::Value, ConfigError> {
        self.raw_of(self.value)
    }

    fn raw_of(&self, value: &DeValue<'_>) -> Result<toml::Value, ConfigError> {
        Ok(match value {
            DeValue::String(raw) => toml::Value::String(self.interpolated(raw)?),
            DeValue::Integer(_) => toml::Value::Integer(
                integer(value).ok_or_else(|| self.error("holds a number beyond 64 bits"))?,
            ),
            DeValue::Float(number) => toml::Value::Float(
                number
                    .as_str()
                    .parse()
                    .map_err(|_| self.error("holds a number that cannot be read"))?,
            ),
            DeValue::Boolean(truth) => toml::Value::Boolean(*truth),
            DeValue::Datetime(at) => toml::Value::Datetime(*at),
            DeValue::Array(items) => toml::Value::Array(
                items
                    .iter()
                    .map(|item| self.raw_of(item.get_ref()))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Table(table) => toml::Value::Table(
                table
                    .iter()
                    .map(|(key, item)| {
                        Ok((key.get_ref().to_string(), self.raw_of(item.get_ref())?))
                    })
                    .collect::<Result<_, ConfigError>>()?,
            ),
        })
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

/// The path of a key, quoted where TOML wants it quoted.
fn joined(outer: &str, name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    };
    if outer.is_empty() {
        name
    } else {
        format!("{outer}.{name}")
    }
}
