//! Storage classes of SQLite, which takes any value into any column of a table that is not STRICT: a text bound as
//! bytes, a word among numbers. SQLite finds values of two classes different, and every number less than every text.
//! So a comparison says something of a value of the class that it asks for only, and of the others it is not read.

use std::collections::BTreeSet;

use super::Plan;
use super::truth;
use super::value::convert;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, Table};
use crate::request::{Comparison, Condition, Fault, Value};
use crate::scope::find_column;

/// The classes of numbers, which SQLite compares exactly with each other.
const NUMBERS: &str = "'integer', 'real'";

/// The value is of the class that `storage` is of.
pub(super) fn is_of(name: &str, storage: &str) -> String {
    match storage {
        "integer" | "real" => format!("typeof({name}) IN ({NUMBERS})"),
        other => format!("typeof({name}) = '{other}'"),
    }
}

/// Two columns of one kind hold values of one class, and of numbers where their order is asked.
pub(super) fn alike(kind: &Kind, comparison: Comparison, (a, b): (&str, &str)) -> String {
    match of_kind(kind) {
        Some(storage) if comparison.is_ordering() => {
            format!("{} AND {}", is_of(a, storage), is_of(b, storage))
        }
        _ => format!("{} = {}", class(a), class(b)),
    }
}

fn class(name: &str) -> String {
    format!("replace(typeof({name}), 'integer', 'real')")
}

/// What a column of the kind holds, where nobody has bound anything else.
fn of_kind(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Integer(_) | Kind::Numeric | Kind::Float => Some("real"),
        Kind::Text => Some("text"),
        Kind::Bytes => Some("blob"),
        _ => None,
    }
}

/// How a value may be of another class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// It is compared with a constant of this one.
    Of(&'static str),
    /// It is compared with another column, and as to its order.
    Beside(String, bool),
}

impl Plan {
    /// The values of the column are compared as what they are, and not as a time or a truth value.
    pub(super) fn compares_classes(&self, kind: &Kind, to: &Value) -> bool {
        self.dialect() == Dialect::Sqlite
            && !matches!(to, Value::Timestamp(_) | Value::Null)
            && !truth::asked(kind, to)
    }

    /// Writes "the value is there, and of another class than a condition compares it with"; `false`, and nothing
    /// is written, where none does.
    pub(super) fn of_another_class<'c>(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &Column,
        conditions: impl Iterator<Item = &'c Condition>,
    ) -> Result<bool, Fault> {
        let mut asked = BTreeSet::new();
        for condition in conditions {
            self.asked(row.table, column, condition, &mut asked)?;
        }
        let name = row.column(&column.name);
        let mut ways = Vec::new();
        for of in asked {
            match of {
                Asked::Of(storage) => ways.push(is_not_of(&name, &column.kind, storage)),
                Asked::Beside(other, ordering) => {
                    let other = row.column(&other);
                    ways.push(beside(&name, &other, &column.kind, ordering));
                }
            }
        }
        if ways.is_empty() {
            return Ok(false);
        }
        w.push("(").push(&ways.join(" OR ")).push(")");
        Ok(true)
    }

    /// What the condition on the row itself compares the column with.
    fn asked(
        &self,
        table: &Table,
        column: &Column,
        condition: &Condition,
        asked: &mut BTreeSet<Asked>,
    ) -> Result<(), Fault> {
        let mut constant = |value: &Value| -> Result<(), Fault> {
            if self.compares_classes(&column.kind, value) {
                let storage = convert(self.dialect(), table, column, value)?.storage;
                asked.insert(Asked::Of(storage));
            }
            Ok(())
        };
        match condition {
            Condition::Compare { column: on, to, .. } if *on == column.name => constant(to),
            Condition::OneOf { column: on, values } if *on == column.name => {
                values.iter().try_for_each(constant)
            }
            Condition::StartsWith { column: on, .. } if *on == column.name => {
                asked.insert(Asked::Of("text"));
                Ok(())
            }
            Condition::CompareColumns {
                column: left,
                operator,
                to,
            } if *left == column.name || *to == column.name => {
                let other = if *left == column.name { to } else { left };
                let other = find_column(table, other)?;
                let times = self.forms.are_times(&table.id, column, other);
                if self.dialect() == Dialect::Sqlite && !times && column.kind != Kind::Boolean {
                    let ordering = operator.is_ordering();
                    asked.insert(Asked::Beside(other.name.clone(), ordering));
                }
                Ok(())
            }
            Condition::All(of) | Condition::Any(of) => of
                .iter()
                .try_for_each(|term| self.asked(table, column, term, asked)),
            Condition::Not(of) => self.asked(table, column, of, asked),
            _ => Ok(()),
        }
    }
}

/// As a stretch of an index, where the column's affinity leaves no other class on that side.
fn is_not_of(name: &str, kind: &Kind, storage: &str) -> String {
    let not = format!("NOT ({})", is_of(name, storage));
    match (kind, storage) {
        (Kind::Text, "text") => format!("{name} >= X'' AND {not}"),
        (Kind::Integer(_) | Kind::Numeric | Kind::Float, "integer" | "real") => {
            format!("{name} >= '' AND {not}")
        }
        _ => format!("{name} IS NOT NULL AND {not}"),
    }
}

/// The value is what keeps the two from being compared: of another class than its column's type says; where that says
/// nothing, than the other is of.
fn beside(name: &str, other: &str, kind: &Kind, ordering: bool) -> String {
    let there = format!("{name} IS NOT NULL AND {other} IS NOT NULL");
    match of_kind(kind) {
        Some(storage) if ordering => format!("{there} AND NOT ({})", is_of(name, storage)),
        Some(storage) => format!(
            "{there} AND {} <> {} AND NOT ({})",
            class(name),
            class(other),
            is_of(name, storage)
        ),
        None => format!("{there} AND {} <> {}", class(name), class(other)),
    }
}
