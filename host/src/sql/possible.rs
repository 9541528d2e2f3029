//! What may hold of a row, where a value of it is not known: see `condition.rs`.

use super::Plan;
use super::condition::joined_terms;
use super::newest::Newest;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, TableKind};
use crate::request::{Condition, Fault, Value};

impl Plan {
    /// Writes that `condition`, or its negation, holds on `row` or may hold: that its opposite does not
    /// hold for certain.
    pub(crate) fn possible(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        condition: &Condition,
        negated: bool,
    ) -> Result<(), Fault> {
        match condition {
            Condition::Exists {
                table,
                on,
                matching,
            } => self.relation(w, row, table, on, matching.as_deref(), !negated, true),
            Condition::NotExists {
                table,
                on,
                matching,
            } => self.relation(w, row, table, on, matching.as_deref(), negated, true),
            Condition::BeyondNewest {
                group_by,
                order_by,
                keep,
            } => {
                let (group_by, order_by, keep) = (group_by, order_by, *keep);
                let newest = Newest {
                    group_by,
                    order_by,
                    keep,
                };
                self.beyond_newest(w, row, newest, negated, true)
            }
            Condition::All(of) => joined_terms(w, of, !negated, |w, term| {
                self.possible(w, row, term, negated)
            }),
            Condition::Any(of) => joined_terms(w, of, negated, |w, term| {
                self.possible(w, row, term, negated)
            }),
            Condition::Not(of) => self.possible(w, row, of, !negated),
            Condition::IsNull { column } | Condition::IsNotNull { column } => {
                let null = matches!(condition, Condition::IsNull { .. }) != negated;
                self.is_null(w, row, column, null, true)
            }
            leaf if always_known(w.dialect(), row, leaf) => self.condition(w, row, leaf, negated),
            leaf => {
                w.push("(");
                self.condition(w, row, leaf, !negated)?;
                w.push(") IS NOT TRUE");
                Ok(())
            }
        }
    }
}

/// A leaf that holds or does not, whatever the row: it is written as it stands, so that a partial index
/// whose predicate it is serves.
fn always_known(dialect: Dialect, row: &Row<'_>, leaf: &Condition) -> bool {
    let column = match leaf {
        Condition::Everything => return true,
        Condition::Compare { column, to, .. } if !matches!(to, Value::Timestamp(_)) => column,
        _ => return false,
    };
    // A table that inherits may have dropped the NOT NULL, and SQLite holds any value in any column.
    let alone = row.table.kind == TableKind::Partitioned || row.table.partitions.is_empty();
    dialect == Dialect::Postgres
        && alone
        && row
            .table
            .column(column)
            .is_some_and(|column| !column.nullable)
}
