//! `[time-forms]`: how columns hold an instant where their type does not say, and since when.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveTime};

use super::document::{Node, Section};
use super::error::{ConfigError, Place, hint, listed};
use crate::catalog::{TimeForm, Times, name_parts};
use crate::request::Timestamp;
use crate::schedule::zone;

/// The operator's word on one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnTime {
    /// The schema; `None`: wherever the search path finds the table.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// How it holds an instant.
    pub times: Times,
    /// Where the file says so, for a column that does not exist.
    pub place: Place,
}

/// What a form's name begins with that names a zone.
const LOCAL: &str = "local:";

/// The keys of an entry that is a table.
const KEYS: [&str; 2] = ["form", "oldest"];

/// Reads `"table.column" = "unix-ms"`, and the same with a schema in front. Without the quotes
/// TOML makes tables in tables of it, which say the same. Within a key, double quotes hold a part together.
pub(super) fn read(section: &Section<'_>) -> Result<Vec<ColumnTime>, ConfigError> {
    let mut times = Vec::new();
    collect(section, &mut Vec::new(), &mut times)?;
    Ok(times)
}

fn collect(
    section: &Section<'_>,
    path: &mut Vec<String>,
    times: &mut Vec<ColumnTime>,
) -> Result<(), ConfigError> {
    for (name, node) in section.entries() {
        let depth = path.len();
        let Some(parts) = name_parts(name) else {
            return Err(node.error(
                "has an empty part or a stray quote: write \"table.column\", with double quotes around a part that \
                 holds a dot or a quote, as in 'table.\"the.column\"'",
            ));
        };
        path.extend(parts);
        if node.is_table() && !(path.len() > 1 && is_entry(&node.section()?)) {
            collect(&node.section()?, path, times)?;
        } else {
            times.push(column_time(path, &node)?);
        }
        path.truncate(depth);
    }
    Ok(())
}

/// A table that says of one column how and since when, and does not hold columns.
fn is_entry(section: &Section<'_>) -> bool {
    let mut names = section.entries().map(|(name, _)| name);
    section.entries().next().is_some() && names.all(|name| KEYS.contains(&name))
}

fn column_time(path: &[String], node: &Node<'_>) -> Result<ColumnTime, ConfigError> {
    let (schema, table, column) = match path {
        [table, column] => (None, table, column),
        [schema, table, column] => (Some(schema.clone()), table, column),
        _ => return Err(node.error("must be named \"table.column\" or \"schema.table.column\"")),
    };
    let times = match node.is_table() {
        false => said(node)?,
        true => {
            let section = node.section()?;
            let said = section.get("form").map(|node| said(&node)).transpose()?;
            let oldest = section.get("oldest").map(|node| day(&node)).transpose()?;
            let said = said.unwrap_or_else(|| Times::declared([]));
            if said == Times::values() && oldest.is_some() {
                return Err(node.error(format!(
                    "says `{}`, that there are no times, and since when they are real: leave one of them out",
                    Times::VALUE
                )));
            }
            said.since(oldest)
        }
    };
    Ok(ColumnTime {
        schema,
        table: table.clone(),
        column: column.clone(),
        times,
        place: node.place(),
    })
}

/// One form, or a list of which each row has its own; or that there are no times.
fn said(node: &Node<'_>) -> Result<Times, ConfigError> {
    let names = match node.is_list() {
        true => node.names("[\"unix-s\", \"rfc3339\"]")?,
        // With commas between them, as a variable gives a list.
        false => {
            let text = node.text("unix-ms")?;
            text.split(',').map(|name| name.trim().to_owned()).collect()
        }
    };
    if names.is_empty() {
        return Err(node.error("must name one form at least"));
    }
    if names.iter().any(|name| name == Times::VALUE) {
        return match names.len() {
            1 => Ok(Times::values()),
            _ => Err(node.error(format!(
                "`{}` stands alone: a column of which it is said holds no times",
                Times::VALUE
            ))),
        };
    }
    let forms = names.iter().map(|name| form(node, name));
    let forms = forms.collect::<Result<Vec<_>, ConfigError>>()?;
    if forms.len() > 1 && forms.contains(&TimeForm::Native) {
        return Err(node.error("`native` stands alone: a column of such a type holds nothing else"));
    }
    let naive = |form: &&TimeForm| matches!(form, TimeForm::SqlText | TimeForm::Local(_));
    let days = |form: &&TimeForm| matches!(form, TimeForm::Date | TimeForm::Local(_));
    if forms.iter().filter(naive).count() > 1 || forms.iter().filter(days).count() > 1 {
        return Err(node.error(
            "names two forms that read the same text: say of which zone a text without an offset is, once",
        ));
    }
    Ok(Times::declared(forms))
}

fn form(node: &Node<'_>, name: &str) -> Result<TimeForm, ConfigError> {
    if let Some(name) = name.strip_prefix(LOCAL) {
        let zone = zone(name).map_err(|problem| node.error(problem))?;
        return Ok(TimeForm::Local(zone));
    }
    let mut known: Vec<&str> = TimeForm::NAMED.iter().map(|(name, _)| *name).collect();
    let found = TimeForm::NAMED.iter().find(|(known, _)| *known == name);
    if let Some((_, form)) = found {
        return Ok(*form);
    }
    known.extend(["local:Europe/Berlin", Times::VALUE]);
    Err(node.error(format!(
        "no such form of a time{} One of {}",
        hint(name, known.iter().copied()),
        listed(&known)
    )))
}

/// A day, from whose beginning in UTC on instants are real.
fn day(node: &Node<'_>) -> Result<Timestamp, ConfigError> {
    let expected = || node.error("must be a day such as \"1900-01-01\"");
    let text = match node.raw()? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(at) => at.to_string(),
        _ => return Err(expected()),
    };
    let day = NaiveDate::from_str(&text).map_err(|_| expected())?;
    if !(1..=9999).contains(&day.year()) {
        return Err(expected());
    }
    Ok(Timestamp(
        day.and_time(NaiveTime::MIN).and_utc().timestamp_micros(),
    ))
}
