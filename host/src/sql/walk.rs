//! Conditions as SQL.
//!
//! Negation is pushed down to the leaves, so that no NOT ever stands before a comparison: with
//! SQL's three values both spellings select the same rows, and a leaf whose column is NULL, or holds
//! what cannot be read as what it is compared with, holds neither way.
//!
//! Nothing goes on a doubt. So what makes a row eligible must hold for certain, and what a row must be
//! without, in `NOT EXISTS`, must not even be possible: there a leaf that holds neither way counts as
//! there. A live token without an expiry keeps its family.

use super::Plan;
use super::condition::{balanced, flip, starts_with};
use super::id::compare_id;
use super::newest::Newest;
use super::relation::Related;
use super::tie::Sure;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, TableKind};
use crate::request::{Comparison, Condition, Fault, Value};
use crate::scope::find_column;

impl Plan {
    /// Writes that `condition`, or its negation, holds on `row` for certain, as one SQL expression.
    pub(crate) fn condition(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        condition: &Condition,
        negated: bool,
    ) -> Result<(), Fault> {
        self.holds(w, row, condition, negated, Sure::Certainly)
    }

    /// Writes that `condition`, or its negation, holds on `row` or may hold: that its opposite does not
    /// hold for certain.
    pub(crate) fn possible(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        condition: &Condition,
        negated: bool,
    ) -> Result<(), Fault> {
        self.holds(w, row, condition, negated, Sure::Possibly)
    }

    pub(super) fn holds(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        condition: &Condition,
        negated: bool,
        sure: Sure,
    ) -> Result<(), Fault> {
        if sure == Sure::Possibly
            && is_leaf(condition)
            && !always_known(w.dialect(), row, condition)
        {
            w.push("(");
            self.holds(w, row, condition, !negated, Sure::Certainly)?;
            w.push(") IS NOT TRUE");
            return Ok(());
        }
        match condition {
            Condition::Compare {
                column,
                operator,
                to,
            } => self.compare(w, row, column, flip(*operator, negated), to),
            Condition::CompareColumns {
                column,
                operator,
                to,
            } => self.compare_columns(w, row, column, flip(*operator, negated), to),
            Condition::OlderThan {
                column,
                cutoff,
                offset,
            } => {
                let column = find_column(row.table, column)?;
                let comparison = flip(Comparison::Less, negated);
                let at = cutoff.minus_micros(*offset);
                self.held(row, column)?.compare(w, comparison, at)
            }
            Condition::IdOlderThan { column, cutoff } => {
                let column = find_column(row.table, column)?;
                let form = self.forms.id(&row.table.id, column)?;
                compare_id(w, row, column, &form, *cutoff, negated);
                Ok(())
            }
            Condition::IsNull { column } | Condition::IsNotNull { column } => {
                let null = matches!(condition, Condition::IsNull { .. }) != negated;
                self.is_null(w, row, column, null, sure)
            }
            Condition::OneOf { column, values } => self.one_of(w, row, column, values, negated),
            Condition::StartsWith { column, prefix } => {
                starts_with(w, row, column, prefix, negated)
            }
            Condition::Exists {
                table,
                on,
                matching,
            }
            | Condition::NotExists {
                table,
                on,
                matching,
            } => {
                let exists = matches!(condition, Condition::Exists { .. }) != negated;
                let matching = matching.as_deref();
                let related = Related {
                    table,
                    on,
                    matching,
                };
                self.relation(w, row, related, exists, sure)
            }
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
                self.beyond_newest(w, row, newest, negated, sure)
            }
            Condition::All(of) | Condition::Any(of) => {
                if of.is_empty() {
                    return Err(Fault::invalid(
                        "empty-condition",
                        "`all` and `any` need at least one condition; every row is `everything`",
                    ));
                }
                let and = matches!(condition, Condition::All(_)) != negated;
                balanced(w, of, if and { " AND " } else { " OR " }, &mut |w, term| {
                    self.holds(w, row, term, negated, sure)
                })
            }
            Condition::Not(of) => self.holds(w, row, of, !negated, sure),
            Condition::Everything => {
                w.truth(!negated);
                Ok(())
            }
        }
    }
}

/// What may hold is what its opposite does not rule out. Of the others each says for itself what may.
fn is_leaf(condition: &Condition) -> bool {
    match condition {
        Condition::Compare { .. }
        | Condition::CompareColumns { .. }
        | Condition::OlderThan { .. }
        | Condition::IdOlderThan { .. }
        | Condition::OneOf { .. }
        | Condition::StartsWith { .. }
        | Condition::Everything => true,
        Condition::IsNull { .. }
        | Condition::IsNotNull { .. }
        | Condition::Exists { .. }
        | Condition::NotExists { .. }
        | Condition::BeyondNewest { .. }
        | Condition::All(_)
        | Condition::Any(_)
        | Condition::Not(_) => false,
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
