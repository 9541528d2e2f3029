//! The join of two rows that a relation names, and by which equality its columns are equal.
//!
//! A text may equal another from the one side and not from the other: SQLite compares under the left
//! column's collation, and a foreign key of PostgreSQL under the parent's or without blanks. Where a foreign
//! key ties the two, its own equality says which rows CASCADE takes. Where none does, nobody has said which
//! one is meant, and nothing goes on either alone.

use super::Plan;
use super::collation::{by_bytes, by_key, equal, one_equality};
use super::relation::never_meet;
use super::writer::{Row, Writer};
use crate::catalog::{Affinity, Column, Dialect, Equality, Kind, Table};
use crate::request::{Fault, Join};
use crate::scope::find_column;

/// How sure a condition must be where a value is in doubt, and a join where two equalities differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sure {
    /// Whatever the value is; by both.
    Certainly,
    /// By one value or another; by either.
    Possibly,
}

impl Sure {
    /// What is not there for certain is not even possibly there.
    pub(super) fn of_opposite(self) -> Self {
        match self {
            Self::Certainly => Self::Possibly,
            Self::Possibly => Self::Certainly,
        }
    }
}

impl Plan {
    /// The join of a related row to the row under test.
    pub(super) fn joined(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        other: &Row<'_>,
        on: &[Join],
        sure: Sure,
    ) -> Result<(), Fault> {
        w.separated(on, " AND ", |w, join| {
            let foreign = find_column(other.table, &join.foreign)?;
            let local = find_column(row.table, &join.local)?;
            never_meet(w.dialect(), other, foreign, row, local)?;
            let (to, from) = (&foreign.name, &local.name);
            let refers = self.refers_by(other.table, to, row.table, from);
            let referred = self.refers_by(row.table, from, other.table, to);
            let one = one_equality(foreign, local) && refers.flatten() == referred.flatten();
            let down = equal(row, from, other, to, refers.flatten());
            let up = equal(other, to, row, from, referred.flatten());
            let mut ways = match (one, refers.is_some(), referred.is_some()) {
                (true, ..) | (_, true, false) => vec![down],
                (_, false, true) => vec![up],
                (_, true, true) | (_, false, false) => vec![down, up],
            };
            let by_a_key = refers.is_some() || referred.is_some();
            if sure == Sure::Certainly {
                ways.extend(to_the_letter(
                    (row, local),
                    (other, foreign),
                    w.dialect(),
                    by_a_key,
                ));
            }
            let column = other.column(to);
            let text = together(w.dialect(), &ways, sure);
            let was = self.was_column(other, to);
            w.push(&text);
            if let Some(was) = was {
                let ways = ways.iter().map(|way| way.replacen(&column, &was, 1));
                let text = together(w.dialect(), &ways.collect::<Vec<_>>(), sure);
                w.push(" AND ").push(&text);
            }
            Ok(())
        })
    }

    /// A foreign key of `child` refers by this column to that one of `parent`, or of what that is a part of: and by
    /// what it holds them to be equal, where that is not `=`.
    fn refers_by<'t>(
        &self,
        child: &'t Table,
        to: &str,
        parent: &Table,
        from: &str,
    ) -> Option<Option<&'t Equality>> {
        child.foreign_keys.iter().find_map(|key| {
            let mut pairs = key.columns.iter().zip(&key.parent_columns);
            let holds = |above, below| self.catalog.holds(above, below);
            if !holds(&key.parent, &parent.id) && !holds(&parent.id, &key.parent) {
                return None;
            }
            let place = pairs.position(|(own, of)| own == to && of == from)?;
            Some(by_key(key, place))
        })
    }
}

/// What tells apart values that both ways take for equal, and that are two keys: letters of another case, `1` and `01`.
/// A foreign key of PostgreSQL's takes them for what it does; SQLite's makes a text of the number, and `=` does not.
fn to_the_letter(
    (row, local): (&Row<'_>, &Column),
    (other, foreign): (&Row<'_>, &Column),
    dialect: Dialect,
    by_a_key: bool,
) -> Option<String> {
    let (here, there) = (row.column(&local.name), other.column(&foreign.name));
    if dialect == Dialect::Sqlite {
        return match (local.affinity, foreign.affinity) {
            (Some(Affinity::Number), Some(Affinity::Number)) => None,
            (Some(Affinity::Number), Some(kept)) => Some(as_written(kept, &there, &here)),
            (Some(kept), Some(Affinity::Number)) => Some(as_written(kept, &here, &there)),
            _ => None,
        };
    }
    let is_float = |column: &Column| column.kind == Kind::Float;
    if is_float(local) != is_float(foreign) && !by_a_key {
        // Of a whole number and a double that are equal the database has compared doubles, and rounded the first.
        return Some(format!("{here}::numeric = {there}::numeric"));
    }
    let is_text = |column: &Column| column.kind == Kind::Text;
    let unlike = is_text(local) && is_text(foreign) && !one_equality(local, foreign);
    (unlike && !by_a_key).then(|| format!("{} = {}", by_bytes(&here), by_bytes(&there)))
}

/// SQLite: a value of a column that keeps texts of digits is the one of a column of numbers: of texts as that one writes
/// it, and without a type as it stands.
fn as_written(kept: Affinity, value: &str, number: &str) -> String {
    match kept {
        // A plus takes the affinity of the numbers away.
        Affinity::None => format!("{value} = +{number}"),
        _ => format!("{value} = CAST({number} AS TEXT)"),
    }
}

fn together(dialect: Dialect, ways: &[String], sure: Sure) -> String {
    match (ways, sure, dialect) {
        ([one], ..) => one.clone(),
        (_, Sure::Certainly, _) => ways.join(" AND "),
        (_, Sure::Possibly, Dialect::Postgres) => format!("({})", ways.join(" OR ")),
        // SQLite makes one IN of two equalities of one column, under one collation, unless it cannot see them.
        (_, Sure::Possibly, Dialect::Sqlite) => format!("(({}) = 1)", ways.join(") = 1 OR (")),
    }
}
