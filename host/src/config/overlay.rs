//! `BESOM_…` variables that stand in for keys of the file.
//!
//! A variable names a key by its path, in capitals, with two underscores between the parts and one for
//! each hyphen or dot: `BESOM_DEFAULTS__BATCH_SIZE`, `BESOM_PLUGINS__TOKENS__SETTINGS__RETENTION`. Two,
//! because names of tables and columns have single ones of their own. Its value goes into the parsed
//! file as a string before anything is read, so that every check of the file holds for it too.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::database::URL_VARIABLE;
use super::environment::Environment;
use super::error::{ConfigError, hint};

/// How such a variable begins.
const PREFIX: &str = "BESOM_";

/// Between the parts of a path.
const BETWEEN: &str = "__";

/// The sections of the file, which a variable's first part names, with their own keys.
const SECTIONS: [(&str, &[&str]); 10] = [
    ("database", &super::database::KEYS),
    ("defaults", &super::limits::KEYS),
    ("host", &super::host::KEYS),
    ("http", &super::http::KEYS),
    ("ledger", &super::ledger::KEYS),
    ("log", &super::log::KEYS),
    ("plugins", &[]),
    ("schedule", &super::schedule::KEYS),
    ("store", &super::store::KEYS),
    ("time-forms", &[]),
];

/// Puts the variables' values into the table. `end` is the length of the file's text: what comes from
/// the n-th variable has the span `end + 1 + n`, where no text is. Answers the variables' names.
pub(super) fn apply(
    table: &mut DeTable<'_>,
    end: usize,
    environment: &Environment,
) -> Result<Vec<String>, ConfigError> {
    let mut names = Vec::new();
    for (name, value) in environment.beginning_with(PREFIX) {
        let wrong = |problem| ConfigError::Environment {
            variable: name.to_owned(),
            problem,
        };
        let Some(path) = path_of(name, table).map_err(wrong)? else {
            continue;
        };
        if path == ["DATABASE", "URL"] && environment.get(URL_VARIABLE).is_some() {
            return Err(wrong(format!(
                "{URL_VARIABLE} says the same: unset one of them"
            )));
        }
        let at = end + 1 + names.len();
        put(table, &path, value, at..at, Names::Keys).map_err(wrong)?;
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The parts of a variable's path; `None`: it is one of another meaning.
fn path_of<'n>(name: &'n str, table: &DeTable<'_>) -> Result<Option<Vec<&'n str>>, String> {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    if !rest.contains(BETWEEN) {
        return match meant(rest, table) {
            Some((section, key)) if name != URL_VARIABLE => Err(format!(
                "between the parts of a key's path stand two underscores: \
                 {PREFIX}{section}{BETWEEN}{key}"
            )),
            _ => Ok(None),
        };
    }
    let path: Vec<_> = rest.split(BETWEEN).collect();
    if path.iter().any(|part| part.is_empty()) {
        return Err(
            "has a part without a name: write BESOM_SECTION__KEY, such as BESOM_DEFAULTS__DEADLINE"
                .to_owned(),
        );
    }
    let first = path.first().copied().unwrap_or_default();
    if !SECTIONS.iter().any(|(section, _)| folded(section) == first) {
        let sections: Vec<_> = SECTIONS.iter().map(|(name, _)| folded(name)).collect();
        let near = hint(first, sections.iter().map(String::as_str));
        return Err(format!("the file has no section `{first}`{near}"));
    }
    Ok(Some(path))
}

/// What a variable with single underscores was probably meant to name. Others have variables of the
/// same prefix, such as a container platform for a service that is called besom: those mean nothing
/// here.
fn meant<'n>(rest: &'n str, table: &DeTable<'_>) -> Option<(String, &'n str)> {
    let plugins = table
        .get("plugins")
        .and_then(|plugins| plugins.get_ref().as_table());
    let plugins = plugins.into_iter().flat_map(|plugins| plugins.keys());
    let plugins: Vec<_> = plugins.map(|name| folded(name.get_ref()) + "_").collect();
    SECTIONS.iter().find_map(|(section, keys)| {
        let section = folded(section);
        let key = rest.strip_prefix(&section)?.strip_prefix('_')?;
        let known = keys.iter().any(|known| folded(known) == key);
        let of_plugin = section == "PLUGINS" && plugins.iter().any(|name| key.starts_with(name));
        (known || of_plugin).then_some((section, key))
    })
}

/// A key as a variable spells it.
fn folded(key: &str) -> String {
    key.to_ascii_uppercase().replace(['-', '.', ' '], "_")
}

/// What kind of names stand in a table of the file.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// The file's own words, and names of jobs and settings.
    Keys,
    /// Of plugins: the file itself must name them.
    Plugins,
    /// Under one plugin's name.
    OfPlugin,
    /// Tables or columns, which have underscores of their own.
    Columns,
    /// `table.column` in one.
    Forms,
}

impl Names {
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Keys, "plugins") => Self::Plugins,
            (Self::Keys, "time-forms") => Self::Forms,
            (Self::Plugins, _) => Self::OfPlugin,
            (Self::OfPlugin, "grant") => Self::Columns,
            (Self::Keys, "where") => Self::Columns,
            _ => Self::Keys,
        }
    }
}

fn put(
    table: &mut DeTable<'_>,
    path: &[&str],
    value: &str,
    span: Range<usize>,
    names: Names,
) -> Result<(), String> {
    let (part, rest) = match path {
        // A form's key is one name with a dot in it.
        path if names == Names::Forms => (path.join("."), &[][..]),
        [part, rest @ ..] => ((*part).to_owned(), rest),
        [] => return Ok(()),
    };
    let mut known = table.keys().map(|key| key.get_ref().to_string());
    let name = match known.find(|key| folded(key) == folded(&part)) {
        Some(known) => known,
        None if names == Names::Plugins => {
            let known: Vec<_> = table.keys().map(|key| folded(key.get_ref())).collect();
            let near = hint(&part, known.iter().map(String::as_str));
            return Err(format!(
                "the file names no plugin `{}`{near} A variable sets keys of plugins that the file \
                 names; it adds none",
                part.to_ascii_lowercase().replace('_', "-")
            ));
        }
        None => match names {
            Names::Columns | Names::Forms => part.to_ascii_lowercase(),
            _ => part.to_ascii_lowercase().replace('_', "-"),
        },
    };
    if rest.is_empty() {
        let value = DeValue::String(Cow::Owned(value.to_owned()));
        let value = Spanned::new(span.clone(), value);
        table.insert(Spanned::new(span, Cow::Owned(name)), value);
        return Ok(());
    }
    let key = Spanned::new(span.clone(), Cow::Owned(name.clone()));
    let empty = Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
    match table.entry(key).or_insert(empty).get_mut() {
        DeValue::Table(inner) => put(inner, rest, value, span, names.under(&name)),
        other => Err(format!(
            "`{name}` in the file is no table but {}: nothing can stand under it",
            other.type_str()
        )),
    }
}
