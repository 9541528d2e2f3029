//! The oldest row that a sweep would take, where an index leads to it.

use super::Plan;
use super::axis::facts;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, IdShape, Kind, TimeForm};
use crate::database::{Cell, Statement};
use crate::request::{Comparison, Condition, Fault, Timestamp, Value};
use crate::scope::find_column;

/// A look for the oldest row.
pub(crate) struct Oldest {
    pub(crate) statement: Statement,
    held: Held,
}

/// How the answer holds the time.
#[derive(Clone, Copy)]
enum Held {
    /// An integer of so many microseconds.
    Number(i64),
    /// The first 48 bits of a key, in hexadecimal digits: milliseconds.
    Key,
}

impl Oldest {
    /// The time that the look has found.
    pub(crate) fn read(&self, cell: &Cell) -> Option<Timestamp> {
        let micros = match self.held {
            Held::Number(unit) => cell.as_integer()?.saturating_mul(unit),
            Held::Key => i64::from_str_radix(cell.as_text()?, 16).ok()? * 1_000,
        };
        Some(Timestamp(micros))
    }
}

impl Plan {
    /// Finds the least value of the column that the cut-off is compared with, among the rows that the
    /// sweep would take; `None`: no condition of its own compares one, no index has the rows in its
    /// order, or its order is not that of time, as with times written as text.
    pub(crate) fn oldest(&self) -> Result<Option<Oldest>, Fault> {
        let facts = facts(&self.authorized, &self.forms);
        for (name, id) in facts.iter().copied().filter_map(cut_off) {
            let column = find_column(self.table(), name)?;
            let serving = self.table().in_order_of(name, &facts, self.dialect());
            let serves = serving.into_iter().find(|serving| {
                // What this statement's ORDER BY says is the database's own order of NULLs.
                (!serving.nulls_first || self.dialect() == Dialect::Sqlite)
                    && serving.fixed.iter().all(|fixed| fixed.null.is_none())
            });
            let Some(serving) = serves else {
                continue;
            };
            let mut w = Writer::new(self.dialect());
            w.plan_each_time();
            let row = w.row(self.table());
            let told = match id {
                false => self.time_of(&row, column),
                true => self.time_in(&row, column),
            };
            let Some((value, held)) = told else {
                continue;
            };
            self.know_what_is_held(&mut w)?;
            w.push("SELECT ").push(&value).push(" FROM ");
            self.swept(&mut w, &row)?;
            w.push(" WHERE ");
            self.would_go(&mut w, &row)?;
            self.repeated(&mut w, &row, &serving.terms);
            w.push(&format!(" ORDER BY {} LIMIT 1", row.column(name)));
            let statement = w.finish();
            return Ok(Some(Oldest { statement, held }));
        }
        Ok(None)
    }

    fn time_of(&self, row: &Row<'_>, column: &Column) -> Option<(String, Held)> {
        let times = self.forms.time(&self.table().id, column).ok()?;
        let unit = match (times.forms(), &column.kind) {
            ([TimeForm::Native], Kind::Timestamp | Kind::LocalTimestamp) => 1,
            ([form], Kind::Integer(_)) => i64::try_from(form.unit()? / 1_000).ok()?.max(1),
            _ => return None,
        };
        if times.forms() == [TimeForm::UnixNs] {
            return None; // finer than what is told
        }
        let value = self.given(&row.column(&column.name), column).ok()?;
        Some((value, Held::Number(unit)))
    }

    /// Keys as text are ordered by their collation, which need not be that of time.
    fn time_in(&self, row: &Row<'_>, column: &Column) -> Option<(String, Held)> {
        let name = row.column(&column.name);
        let form = self.forms.id(&self.table().id, column).ok()?;
        let digits = match (self.dialect(), form.shape) {
            (Dialect::Sqlite, IdShape::Uuid | IdShape::Bytes) => {
                format!("hex(substr({name}, 1, 6))")
            }
            (Dialect::Postgres, IdShape::Uuid) => {
                format!("replace(left({name}::text, 13), '-', '')")
            }
            (Dialect::Postgres, IdShape::Bytes) => format!("encode(substr({name}, 1, 6), 'hex')"),
            (_, IdShape::UuidText | IdShape::Crockford { .. }) => return None,
        };
        Some((digits, Held::Key))
    }
}

/// The column of which a condition says that it lies before a cut-off, and whether it is a key with a
/// time inside.
fn cut_off(condition: &Condition) -> Option<(&str, bool)> {
    match condition {
        Condition::OlderThan { column, .. }
        | Condition::Compare {
            column,
            operator: Comparison::Less | Comparison::LessOrEqual,
            to: Value::Timestamp(_),
        } => Some((column, false)),
        Condition::IdOlderThan { column, .. } => Some((column, true)),
        _ => None,
    }
}
