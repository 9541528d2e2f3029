//! `[plugins.NAME.grant.TABLE]`: what the operator lets a plugin touch.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Node, Section};
use super::error::{ConfigError, hint};
use super::units::DAY;
use crate::request::Value;
use crate::scope::{Grants, MinAge, TableGrant};

/// The rights that a grant may give.
const RIGHTS: [&str; 4] = ["read", "update", "delete", "all-rows"];

/// What a grant may narrow itself by.
const NARROWINGS: [&str; 2] = ["min-age", "where"];

/// A floor of nothing is no floor; a century is past every row there is.
const MIN_AGES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(36_500 * DAY.as_secs());

/// Reads the grants of one plugin.
pub(super) fn read(section: &Section<'_>, bundled: bool) -> Result<Grants, ConfigError> {
    let mut grants = Grants::default();
    for (table, node) in section.entries() {
        let granted = node.section()?;
        refuse_unquoted_schema(&granted, table)?;
        if bundled {
            refuse_taking_away(&granted)?;
        }
        grants.tables.insert(table.to_owned(), grant(&granted)?);
    }
    Ok(grants)
}

fn grant(section: &Section<'_>) -> Result<TableGrant, ConfigError> {
    section.only(&[RIGHTS.as_slice(), &NARROWINGS].concat(), &[])?;
    let columns = |name| -> Result<_, ConfigError> {
        let names = section
            .get(name)
            .map(|node| node.names("[\"id\", \"created_at\"]"));
        Ok(names.transpose()?.unwrap_or_default().into_iter().collect())
    };
    let flag = |name| -> Result<_, ConfigError> {
        Ok(section
            .get(name)
            .map(|node| node.boolean())
            .transpose()?
            .unwrap_or(false))
    };
    let mut grant = TableGrant {
        read: columns("read")?,
        update: columns("update")?,
        delete: flag("delete")?,
        all_rows: flag("all-rows")?,
        ..TableGrant::default()
    };
    if let Some(node) = section.get("min-age") {
        grant.min_age = Some(min_age(&node)?);
    }
    if let Some(node) = section.get("where") {
        let filter = node.section()?;
        for (column, node) in filter.entries() {
            grant.filter.insert(column.to_owned(), value(&node)?);
        }
        if grant.filter.is_empty() {
            return Err(node.error("narrows nothing: name a column, or leave `where` out"));
        }
    }
    Ok(grant)
}

fn min_age(node: &Node<'_>) -> Result<MinAge, ConfigError> {
    const EXAMPLE: &str = "{ column = \"created_at\", age = \"90d\" }";
    if !node.is_table() {
        return Err(node.error(format!("must name a column and an age: {EXAMPLE}")));
    }
    let section = node.section()?;
    section.only(&["column", "age"], &[])?;
    let (Some(column), Some(age)) = (section.get("column"), section.get("age")) else {
        return Err(node.error(format!("must name a column and an age: {EXAMPLE}")));
    };
    let name = column.text("created_at")?;
    if name.is_empty() {
        return Err(column.error("must be the name of a column"));
    }
    Ok(MinAge {
        column: name,
        age: age.duration(&MIN_AGES)?,
    })
}

/// A value of `where`. Text stays in the database's own form, so that it also fits enums, uuids
/// and addresses.
fn value(node: &Node<'_>) -> Result<Value, ConfigError> {
    match node.raw()? {
        toml::Value::String(text) => Ok(Value::Other(text)),
        toml::Value::Integer(number) => Ok(Value::Integer(number)),
        toml::Value::Boolean(truth) => Ok(Value::Boolean(truth)),
        toml::Value::Float(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => Err(node.error(
            "must be one value that the column equals: a string, a whole number, a finite number \
             or a truth value",
        )),
    }
}

/// Who writes `delete = false` for a bundled plugin means that it is to keep off, and it would not: it is
/// granted what its own component asks for.
fn refuse_taking_away(section: &Section<'_>) -> Result<(), ConfigError> {
    for right in RIGHTS {
        let Some(node) = section.get(right) else {
            continue;
        };
        let nothing = match node.raw()? {
            toml::Value::Boolean(given) => !given,
            toml::Value::Array(columns) => columns.is_empty(),
            _ => false,
        };
        if nothing {
            return Err(node.error(
                "takes nothing away: a bundled plugin may do what its own component asks for, and a grant \
                 adds to that. To keep rows, narrow the table by `min-age` or `where`; to keep a job from \
                 running, set `enabled = false` under [plugins.PLUGIN.jobs.JOB]",
            ));
        }
    }
    Ok(())
}

/// `[….grant.public.audit_log]` is a table in a table to TOML.
fn refuse_unquoted_schema(section: &Section<'_>, schema: &str) -> Result<(), ConfigError> {
    let known = |name: &str| RIGHTS.contains(&name) || NARROWINGS.contains(&name);
    match section
        .entries()
        .find(|(name, node)| node.is_table() && !known(name))
    {
        None => Ok(()),
        Some((table, node)) => {
            let words = RIGHTS.iter().chain(&NARROWINGS).copied();
            let hint = hint(table, words);
            Err(node.error(format!(
                "unknown key{hint} If a table with its schema is meant, quote the two together: \
                 \"{schema}.{table}\""
            )))
        }
    }
}
