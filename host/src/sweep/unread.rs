//! Rows that a sweep passed over because of a value that it cannot read, counted and named.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::context::Ended;
use super::probe::{ROLLBACK_JOURNAL, probe};
use super::verify::{MOST_COUNTED, has_gone};
use crate::catalog::{Raw, Times};
use crate::database::{Cause, Database, DatabaseError};
use crate::request::Fault;
use crate::sql::{ByForm, Plan, ReadAs};

/// What the looks of one sweep may take together, where [`LEAST`] is not more. A type that holds nothing else
/// needs none, and an index on the column answers most of the others; a large table without one is not read for
/// longer than this.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What each column has at least: on a machine that is busy otherwise a small table, too, needs a moment.
const LEAST: Duration = Duration::from_secs(1);

/// Where there are several columns, each is first looked at for this part of its part of the time.
const GLANCE: u32 = 8;

/// Different values that are told of a column.
pub(super) const EXAMPLES: usize = 3;

/// Rows among which they are looked for: a thousand rows may hold one value.
pub(super) const AMONG: u64 = 1_000;

/// Rows of one column whose value is not read. Counts are rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unread {
    /// So many, counted no further than [`MOST_COUNTED`].
    pub rows: u64,
    /// There may be more.
    pub more: bool,
    /// What they do not hold: `time`, `id`, `truth value`, a `value` that says that there is one, or the `type` of
    /// what it is compared with.
    pub read_as: String,
    /// Among them are numbers that would be times between 1973 and 2000.
    pub early: bool,
    /// Some of the values, as SQL would write them, cut short.
    pub examples: Vec<String>,
    /// A statement that shows the rows of the table with such a value.
    pub find: String,
}

/// What was found of one sweep.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By `table.column`.
    pub(super) columns: BTreeMap<String, Unread>,
    /// What could not be looked at, and why.
    pub(super) unknown: Option<String>,
    /// Why the look at a column had less time than its part, by `table.column`.
    cut_short: BTreeMap<String, String>,
}

impl Found {
    /// Each of several is told, and none twice.
    fn is_unknown(&mut self, what: String) {
        let told = self.unknown.get_or_insert_default();
        if told.split(", and ").any(|known| known == what) {
            return;
        }
        told.push_str(if told.is_empty() { "" } else { ", and " });
        told.push_str(&what);
    }
}

impl Unread {
    /// `3 rows of `t.c` hold a time that is not read, such as '…'`.
    pub fn told(&self, column: &str) -> String {
        let more = if self.more { " or more" } else { "" };
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let hold = if self.rows == 1 { "holds" } else { "hold" };
        let what = match self.read_as.as_str() {
            "id" => "an id",
            "truth value" => "a truth value",
            _ => "a time",
        };
        let such = match self.examples.as_slice() {
            [] => String::new(),
            examples => format!(", such as {}", examples.join(", ")),
        };
        let rows_told = format!("{}{more} {rows}", self.rows);
        if self.read_as == "type" {
            return format!(
                "{rows_told} of `{column}` {hold} a value of another type than it is compared with{such}"
            );
        }
        if self.read_as == "value" {
            return format!(
                "{rows_told} of `{column}` {hold} what may stand for no value{such}; where that is a value like any \
                 other, say so: [time-forms] {} = \"{}\"",
                toml::Value::String(column.to_owned()),
                Times::VALUE
            );
        }
        let early = match self.early {
            true => {
                "; numbers that would be times before 2000 are likely of another form: only where they are such times \
                 indeed, `oldest` in [time-forms] lets them be"
            }
            false => "",
        };
        format!("{rows_told} of `{column}` {hold} {what} that is not read{such}{early}")
    }
}

/// Looks at every column that the plans read by a form. Of the leaves of a partitioned table each is looked at;
/// what their conditions relate to them is the same for all.
pub(super) async fn look(database: &Database, sweep: &Ended) -> Found {
    let ends = Instant::now() + TIMEOUT;
    let mut found = Found::default();
    let mut waiting = columns_of(sweep, &mut found);
    if waiting.len() > 1 {
        // Most are known at once, and one that is not takes no time from them.
        let glance = |behind: u32| left(ends) / behind / GLANCE;
        waiting = look_at(database, waiting, &mut found, glance).await;
    }
    let share = |behind: u32| (left(ends) / behind).max(LEAST);
    waiting = look_at(database, waiting, &mut found, share).await;
    for (plan, of) in waiting {
        let name = plan.name_of(&of);
        let why = match found.cut_short.get(&name) {
            Some(why) => why.clone(),
            None => format!(
                "the look took longer than it may ({} s a sweep, {} s a column at least)",
                TIMEOUT.as_secs(),
                LEAST.as_secs()
            ),
        };
        found.is_unknown(format!("whether every `{name}` can be read: {why}"));
    }
    found
}

type Column<'p> = (&'p Plan, ByForm);

fn columns_of<'p>(sweep: &'p Ended, found: &mut Found) -> Vec<Column<'p>> {
    let mut columns = Vec::new();
    let mut known = BTreeSet::new();
    for plan in sweep.plans.iter().chain(&sweep.read) {
        match plan.read_by_form() {
            Ok(read) => {
                for of in read {
                    let what = (of.table.id.clone(), of.column.name.clone(), of.read_as);
                    if known.insert(what) {
                        columns.push((plan.as_ref(), of));
                    }
                }
            }
            Err(fault) => found.is_unknown(fault.to_string()),
        }
    }
    columns
}

/// Looks at each for as long as `share` says where it is one of so many that are left: what one does not need is
/// left to those behind it. Answers those whose time was not enough.
async fn look_at<'p>(
    database: &Database,
    columns: Vec<Column<'p>>,
    found: &mut Found,
    share: impl Fn(u32) -> Duration,
) -> Vec<Column<'p>> {
    let mut too_long = Vec::new();
    let mut behind = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    for (plan, of) in columns {
        let part = share(behind.max(1));
        behind = behind.saturating_sub(1);
        let name = plan.name_of(&of);
        match one(database, plan, &of, Instant::now() + part).await {
            Ok(None) => {}
            Ok(Some(unread)) => add(&mut found.columns, name, unread),
            Err(error) if has_gone(plan, &error) => {}
            Err(error) if error.cause == Cause::StatementTimeout => {
                too_long.push((plan, of));
                if error.code == ROLLBACK_JOURNAL {
                    found.cut_short.insert(name, error.message);
                }
            }
            Err(error) => {
                found.is_unknown(format!("whether every `{name}` can be read: {error}"));
            }
        }
    }
    too_long
}

fn add(columns: &mut BTreeMap<String, Unread>, name: String, unread: Unread) {
    let known = columns.entry(name).or_default();
    known.rows += unread.rows;
    known.more |= unread.more;
    known.read_as = unread.read_as;
    known.early |= unread.early;
    known.examples.extend(unread.examples);
    known.examples.dedup();
    known.examples.truncate(EXAMPLES);
    if known.find.is_empty() {
        known.find = unread.find;
    }
}

async fn one(
    database: &Database,
    plan: &Plan,
    of: &ByForm,
    ends: Instant,
) -> Result<Option<Unread>, DatabaseError> {
    let told = |fault: Fault| DatabaseError::other(&fault.problem().code, fault.to_string());
    if asked(database, plan, ends, |plan| plan.any_unread(of)).await? == 0 {
        return Ok(None);
    }
    let rows = asked(database, plan, ends, |plan| plan.unread(of, MOST_COUNTED)).await?;
    if rows == 0 {
        return Ok(None);
    }
    let shown = probe(database, plan, left(ends), |plan| {
        plan.unread_values(of, AMONG)
    })
    .await;
    let values: BTreeSet<String> = match &shown {
        Ok(rows) => rows
            .iter()
            .filter_map(|row| row.get(0).as_text())
            .map(str::to_owned)
            .collect(),
        // How many there are is known all the same.
        Err(_) => BTreeSet::new(),
    };
    let early = of.read_as == ReadAs::Time && {
        let times = plan
            .forms
            .instants(&of.table.id, &of.column)
            .map_err(told)?;
        values
            .iter()
            .any(|value| times.is_early_number(&as_read(value)))
    };
    let shown = values
        .into_iter()
        .take(EXAMPLES)
        .map(|value| match of.read_as {
            ReadAs::Id => shortened(&value),
            ReadAs::Time | ReadAs::Truth | ReadAs::Presence | ReadAs::Class => value,
        });
    Ok(Some(Unread {
        rows,
        more: rows >= MOST_COUNTED,
        read_as: match of.read_as {
            ReadAs::Time => "time",
            ReadAs::Id => "id",
            ReadAs::Truth => "truth value",
            ReadAs::Presence => "value",
            ReadAs::Class => "type",
        }
        .to_owned(),
        early,
        examples: shown.collect(),
        find: plan.find_unread(of).map_err(told)?,
    }))
}

/// A value as SQL writes it.
fn as_read(shown: &str) -> Raw {
    let text = shown.strip_prefix('\'');
    match text.and_then(|text| text.strip_suffix('\'')) {
        Some(text) => Raw::Text(text.to_owned()),
        None => Raw::number(shown),
    }
}

async fn asked(
    database: &Database,
    plan: &Plan,
    ends: Instant,
    write: impl Fn(&Plan) -> Result<crate::database::Statement, Fault>,
) -> Result<u64, DatabaseError> {
    let rows = probe(database, plan, left(ends), write).await?;
    Ok(rows.first().map_or(0, |row| row.get(0).as_count()))
}

/// Even where the time is up a look is begun, and ends at once: so it is told as any other that took too long.
fn left(ends: Instant) -> Duration {
    let left = ends.saturating_duration_since(Instant::now());
    left.max(Duration::from_millis(1))
}

/// The beginning of a key: in whole it may be all that somebody needs to be let in.
fn shortened(id: &str) -> String {
    const SHOWN: usize = 13;
    match id.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", id.get(..at).unwrap_or_default()),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_told_in_words() {
        let unread = |rows, examples: &[&str]| Unread {
            rows,
            read_as: "time".to_owned(),
            examples: examples.iter().map(|of| (*of).to_owned()).collect(),
            ..Unread::default()
        };
        assert_eq!(
            unread(3, &["'z'", "''"]).told("t.c"),
            "3 rows of `t.c` hold a time that is not read, such as 'z', ''"
        );
        assert_eq!(
            unread(1, &[]).told("t.c"),
            "1 row of `t.c` holds a time that is not read"
        );
    }

    #[test]
    fn all_that_is_not_known_is_told_and_nothing_twice() {
        let mut found = Found::default();
        for what in ["a", "b", "a"] {
            found.is_unknown(what.to_owned());
        }
        assert_eq!(found.unknown.as_deref(), Some("a, and b"));
    }

    #[test]
    fn a_key_is_not_told_in_whole() {
        assert_eq!(
            shortened("9e107d9d-372b-4b68-8e3f-000000000000"),
            "9e107d9d-372b…"
        );
        assert_eq!(shortened("X'00'"), "X'00'");
    }
}
