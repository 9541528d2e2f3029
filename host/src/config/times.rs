//! `[time-forms]`: how columns that are not of a time type hold an instant.

use super::document::{Node, Section};
use super::error::{ConfigError, Place, hint, listed};
use crate::catalog::TimeForm;

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
    pub form: TimeForm,
    /// Where the file says so, for a column that does not exist.
    pub place: Place,
}

const FORMS: [(&str, TimeForm); 6] = [
    ("native", TimeForm::Native),
    ("unix-us", TimeForm::UnixUs),
    ("unix-ms", TimeForm::UnixMs),
    ("unix-s", TimeForm::UnixS),
    ("rfc3339", TimeForm::Rfc3339),
    ("sql-text", TimeForm::SqlText),
];

/// Reads `"table.column" = "unix-ms"`, and the same with a schema in front. Without the quotes
/// TOML makes tables in tables of it, which say the same.
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
        path.extend(name.split('.').map(str::to_owned));
        if node.is_table() {
            collect(&node.section()?, path, times)?;
        } else {
            times.push(column_time(path, &node)?);
        }
        path.truncate(depth);
    }
    Ok(())
}

fn column_time(path: &[String], node: &Node<'_>) -> Result<ColumnTime, ConfigError> {
    let (schema, table, column) = match path {
        [table, column] => (None, table, column),
        [schema, table, column] => (Some(schema.clone()), table, column),
        _ => return Err(node.error("must be named \"table.column\" or \"schema.table.column\"")),
    };
    if path.iter().any(String::is_empty) {
        return Err(node.error("has an empty part: write \"table.column\""));
    }
    Ok(ColumnTime {
        schema,
        table: table.clone(),
        column: column.clone(),
        form: form(node)?,
        place: node.place(),
    })
}

fn form(node: &Node<'_>) -> Result<TimeForm, ConfigError> {
    let text = node.text("unix-ms")?;
    let names = FORMS.map(|(name, _)| name);
    let found = FORMS
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, form)| *form);
    found.ok_or_else(|| {
        node.error(format!(
            "no such form of a time{} One of {}",
            hint(&text, names),
            listed(&names)
        ))
    })
}
