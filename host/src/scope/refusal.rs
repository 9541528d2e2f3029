//! What a refusal says: who asked for what, and the TOML that would allow it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Grants, Subject, TableGrant};
use crate::request::{Denied, Fault, Missing, Problem, Value};

/// How `because` begins where no request asks for the right and the database would make use of it.
pub(super) const A_RULE: &str = "the ON DELETE rule of foreign key";

/// What stands between the rights that are missing and the lines that give them.
pub const TO_ALLOW_IT: &str = "To allow it, write in besom.toml:";

/// A job that may not do what it asks for. As text it tells what is missing, and the lines of the file
/// that would allow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Who asked.
    pub subject: Subject,
    /// The rights, at least one.
    pub missing: Vec<Missing>,
    /// What the file says already, under the names that stand there.
    pub given: Grants,
}

impl Refusal {
    /// What is missing, without the lines that would allow it: several refusals of one plugin take one
    /// block, see [`lines`].
    pub fn needs(&self) -> String {
        let Subject { job, bundled } = &self.subject;
        let mut text = format!("plugin `{}`, job `{job}`:", job.plugin);
        for need in &self.missing {
            let unsaid = match need.unsaid {
                true => "; the plugin's own `access` does not name it",
                false => "",
            };
            text.push_str(&format!("\n  may not {need} ({}{unsaid})", need.because));
        }
        if self.missing.iter().any(|need| need.unsaid) {
            text.push_str(
                "\nNo grant lets a plugin do what its `access` does not name under the settings in \
                 force: ",
            );
            text.push_str(match bundled {
                true => "this is a defect of the plugin, please report it.",
                false => "this is a defect of the plugin, for its author to mend.",
            });
        }
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.needs())?;
        match lines([self]) {
            lines if lines.is_empty() => Ok(()),
            lines => write!(f, "\n{TO_ALLOW_IT}\n{lines}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Denied(Denied {
            problem: Problem::new("denied", refusal.to_string()),
            missing: refusal.missing,
        })
    }
}

const IN_PLACE: &str = "# in place of what stands there:\n";

/// The lines of the file that allow what all of these need: one table a table of the database, with
/// what the file says of it already, so that they can be pasted together. Empty where no line helps.
pub fn lines<'a>(refusals: impl IntoIterator<Item = &'a Refusal>) -> String {
    let mut wanted: BTreeMap<(&str, &str), (TableGrant, bool)> = BTreeMap::new();
    for refusal in refusals {
        for need in refusal.missing.iter().filter(|need| !need.unsaid) {
            let given = refusal.given.tables.get(&need.table);
            let key = (refusal.subject.job.plugin.as_str(), need.table.as_str());
            let (grant, _) = wanted
                .entry(key)
                .or_insert_with(|| (given.cloned().unwrap_or_default(), given.is_some()));
            grant.give(need);
        }
    }
    let mut out = String::new();
    for ((plugin, table), (grant, stands)) in wanted {
        out.push('\n');
        if stands {
            out.push_str(IN_PLACE);
        }
        out.push_str(&block(plugin, table, &grant));
    }
    out
}

/// The lines of the file that narrow a table to rows which hold a value, with what the file says of the table already.
pub(crate) fn narrowed(
    plugin: &str,
    table: &str,
    stands: Option<&TableGrant>,
    (column, value): (&str, Value),
) -> String {
    let mut grant = stands.cloned().unwrap_or_default();
    grant.filter.insert(column.to_owned(), value);
    let lines = block(plugin, table, &grant);
    match stands {
        Some(_) => format!("{IN_PLACE}{lines}"),
        None => lines,
    }
}

/// A grant as it stands in the file.
fn block(plugin: &str, table: &str, grant: &TableGrant) -> String {
    let mut out = format!("[plugins.{}.grant.{}]\n", toml_key(plugin), toml_key(table));
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
            in_whole_units(floor.age)
        ));
    }
    if !grant.filter.is_empty() {
        let filter = grant.filter.iter();
        let filter =
            filter.map(|(column, value)| format!("{} = {}", toml_key(column), toml_value(value)));
        let filter: Vec<_> = filter.collect();
        out.push_str(&format!("where = {{ {} }}\n", filter.join(", ")));
    }
    out
}

/// `365d` rather than `11months 30days 3h`: whoever pastes it reads it, too.
fn in_whole_units(age: Duration) -> String {
    const UNITS: [(u64, char); 4] = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let seconds = age.as_secs();
    let whole = |(unit, _): &(u64, char)| age.subsec_nanos() == 0 && seconds.is_multiple_of(*unit);
    match UNITS.into_iter().find(whole) {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None => humantime::format_duration(age).to_string(),
    }
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
