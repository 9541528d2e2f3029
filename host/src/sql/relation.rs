//! Conditions on other rows.

use super::Plan;
use super::tie::Sure;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind};
use crate::request::{Condition, Fault, Join};

/// The related rows of a relation.
#[derive(Clone, Copy)]
pub(super) struct Related<'c> {
    pub(super) table: &'c str,
    pub(super) on: &'c [Join],
    pub(super) matching: Option<&'c Condition>,
}

impl Plan {
    /// `[NOT] EXISTS (…)`: for certain, or at least possibly. A row that must not be there is looked for
    /// as a possible one, and so on inward. OFFSET 0 keeps PostgreSQL from turning it into a merge join, which
    /// would read the related table's index from its start at every window.
    pub(super) fn relation(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        related: Related<'_>,
        exists: bool,
        sure: Sure,
    ) -> Result<(), Fault> {
        let Related { on, matching, .. } = related;
        let related = self.find_table(related.table)?;
        let other = w.row(&related);
        w.push(if exists {
            "EXISTS (SELECT 1 FROM "
        } else {
            "NOT EXISTS (SELECT 1 FROM "
        });
        self.related(w, &other)?;
        w.push(" WHERE ");
        let sure = match exists {
            true => sure,
            false => sure.of_opposite(),
        };
        self.joined(w, row, &other, on, sure)?;
        if let Some(matching) = matching {
            w.push(" AND ");
            self.holds(w, &other, matching, false, sure)?;
        }
        w.row_by_row();
        w.push(")");
        Ok(())
    }
}

/// SQLite compares bytes with text or numbers without complaint, and finds them different: every row
/// would seem to be without the rows tied to it.
pub(super) fn never_meet(
    dialect: Dialect,
    other: &Row<'_>,
    foreign: &Column,
    row: &Row<'_>,
    local: &Column,
) -> Result<(), Fault> {
    let known = foreign.kind != Kind::Any && local.kind != Kind::Any;
    let differ = (foreign.kind == Kind::Bytes) != (local.kind == Kind::Bytes);
    if dialect == Dialect::Sqlite && known && differ {
        return Err(Fault::invalid(
            "value",
            format!(
                "the join of `{}` of `{}` ({}) and `{}` of `{}` ({}) never holds: they hold different things",
                foreign.name,
                other.table.id,
                foreign.sql_type,
                local.name,
                row.table.id,
                local.sql_type
            ),
        ));
    }
    Ok(())
}
