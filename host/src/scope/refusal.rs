//! What a refusal says: who asked for what, and the TOML that would allow it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Subject, TableGrant};
use crate::request::{Fault, Problem, Value};

/// A right on a table or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look at a column in a condition, join or order.
    Read,
    /// Have a column set to NULL or its default by a foreign key's rule.
    Update,
    /// Delete rows, also by a foreign key's CASCADE.
    Delete,
    /// Ask for every row.
    AllRows,
}

impl Right {
    /// What one may not do, up to the table's name.
    fn in_words(self, on_a_column: bool) -> &'static str {
        match (self, on_a_column) {
            (Self::Read, true) => "read",
            (Self::Update, true) => "update",
            (Self::Read, false) => "read rows of",
            (Self::Update, false) => "update rows of",
            (Self::Delete, _) => "delete rows of",
            (Self::AllRows, _) => "take every row (`all-rows`) of",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::AllRows => "all-rows",
        })
    }
}

/// One right that a request needs and the grant does not give.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The table, under the name that the grant would use.
    pub table: String,
    /// The right.
    pub right: Right,
    /// The column, where the right is on one.
    pub column: Option<String>,
    /// What needs it: "the condition", a foreign key.
    pub because: String,
}

/// How `because` begins where no request asks for the right and the database would make use of it.
pub(super) const A_RULE: &str = "the ON DELETE rule of foreign key";

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.right.in_words(self.column.is_some()))?;
        if let Some(column) = &self.column {
            write!(f, "column `{column}` of ")?;
        }
        write!(f, "table `{}`", self.table)
    }
}

impl Missing {
    fn by_a_rule(&self) -> bool {
        self.because.starts_with(A_RULE)
    }
}

/// The refusal for everything that is missing, with the grant that would allow it all.
pub(super) fn refuse(
    subject: &Subject,
    missing: &[Missing],
    given: &BTreeMap<String, TableGrant>,
) -> Fault {
    let mut message = format!("plugin `{}`, job `{}`:", subject.job.plugin, subject.job);
    for need in missing {
        message.push_str(&format!("\n  may not {need} ({})", need.because));
    }
    if subject.bundled {
        message.push_str(
            "\nA bundled plugin is granted what its own `access` names under the settings in force, \
             and nothing else: ",
        );
        message.push_str(match missing.iter().all(Missing::by_a_rule) {
            // The schema that it was made for has no such key.
            true => {
                "it does not know these foreign keys of your database. Make them NO ACTION, so that \
                 such a row blocks its parent and is cleaned up by whom it belongs to, or run a plugin \
                 of your own with a grant for these tables."
            }
            false => "this is a defect of the plugin, please report it.",
        });
    } else {
        message.push_str("\nTo allow it, write in besom.toml:\n");
        message.push_str(&toml_for(subject, missing, given));
    }
    Fault::Denied(Problem::new("denied", message))
}

/// The grant tables as they would have to stand in the file: what is given and what is missing.
fn toml_for(
    subject: &Subject,
    missing: &[Missing],
    given: &BTreeMap<String, TableGrant>,
) -> String {
    let mut wanted: BTreeMap<&str, TableGrant> = BTreeMap::new();
    for need in missing {
        let grant = wanted
            .entry(&need.table)
            .or_insert_with(|| given.get(&need.table).cloned().unwrap_or_default());
        match (need.right, &need.column) {
            (Right::Read, Some(column)) => drop(grant.read.insert(column.clone())),
            (Right::Update, Some(column)) => drop(grant.update.insert(column.clone())),
            (Right::Delete, _) => grant.delete = true,
            (Right::AllRows, _) => grant.all_rows = true,
            (Right::Read | Right::Update, None) => {}
        }
    }
    toml_of(&subject.job.plugin, wanted.into_iter())
}

/// Grants as they stand in the file.
pub(crate) fn toml_of<'a>(
    plugin: &str,
    grants: impl Iterator<Item = (&'a str, TableGrant)>,
) -> String {
    let mut out = String::new();
    for (table, grant) in grants {
        out.push_str(&format!(
            "\n[plugins.{}.grant.{}]\n",
            toml_key(plugin),
            toml_key(table)
        ));
        for (key, columns) in [("read", &grant.read), ("update", &grant.update)] {
            if !columns.is_empty() {
                let list: Vec<_> = columns.iter().map(|c| toml_string(c)).collect();
                out.push_str(&format!("{key} = [{}]\n", list.join(", ")));
            }
        }
        if grant.delete {
            out.push_str("delete = true\n");
        }
        if grant.all_rows {
            out.push_str("all-rows = true\n");
        }
        if let Some(floor) = &grant.min_age {
            out.push_str(&format!(
                "min-age = {{ column = {}, age = \"{}\" }}\n",
                toml_string(&floor.column),
                humantime::format_duration(floor.age)
            ));
        }
        if !grant.filter.is_empty() {
            let filter = grant.filter.iter();
            let filter = filter
                .map(|(column, value)| format!("{} = {}", toml_key(column), toml_value(value)));
            let filter: Vec<_> = filter.collect();
            out.push_str(&format!("where = {{ {} }}\n", filter.join(", ")));
        }
    }
    out
}

/// A string as the file must hold it, where `${NAME}` is a variable and `$$` a dollar sign.
fn toml_string(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// A basic string on one line, which is a value and a key alike.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value of `where`, as the file reads it.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => toml::Value::Float(*value).to_string(),
        Value::Other(text) | Value::Text(text) | Value::Uuid(text) => toml_string(text),
        // The file holds no other kind.
        other => quoted(&format!("({})", other.kind())),
    }
}

fn toml_key(text: &str) -> String {
    let bare = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { text.to_owned() } else { quoted(text) }
}
