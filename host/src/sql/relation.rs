//! Conditions on other rows: relations, and the newest of a group.

use super::Plan;
use super::collation::named;
use super::condition::no_order;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind};
use crate::request::{Condition, Fault, Join};
use crate::scope::find_column;

impl Plan {
    /// `[NOT] EXISTS (…)`: for certain, or at least possibly. A row that must not be there is looked for
    /// as a possible one, and so on inward. OFFSET 0 keeps PostgreSQL from turning it into a merge join, which
    /// would read the related table's index from its start at every window.
    #[allow(clippy::too_many_arguments)] // the parts of one relation, and how it is meant
    pub(super) fn relation(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        table: &str,
        on: &[Join],
        matching: Option<&Condition>,
        exists: bool,
        possibly: bool,
    ) -> Result<(), Fault> {
        let related = self.find_table(table)?;
        let other = w.row(&related);
        w.push(if exists {
            "EXISTS (SELECT 1 FROM "
        } else {
            "NOT EXISTS (SELECT 1 FROM "
        });
        self.related(w, &other)?;
        w.push(" WHERE ");
        self.joined(w, row, &other, on)?;
        if let Some(matching) = matching {
            w.push(" AND ");
            match exists == possibly {
                true => self.possible(w, &other, matching, false)?,
                false => self.condition(w, &other, matching, false)?,
            }
        }
        w.row_by_row();
        w.push(")");
        Ok(())
    }

    /// The join of a related row to the row under test.
    pub(crate) fn joined(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        other: &Row<'_>,
        on: &[Join],
    ) -> Result<(), Fault> {
        w.separated(on, " AND ", |w, join| {
            let foreign = find_column(other.table, &join.foreign)?;
            let local = find_column(row.table, &join.local)?;
            never_meet(w.dialect(), other, foreign, row, local)?;
            let (a, b) = (other.column(&foreign.name), row.column(&local.name));
            let collation = named(Some(local), Some(foreign));
            w.push(&format!("{a}{collation} = {b}"));
            let also = self.also_was(other, &foreign.name, &format!("{b}{collation}"));
            w.push(&also);
            Ok(())
        })
    }

    /// At least `keep` rows of the same group are newer. Counting stops at `keep`. A NULL in a
    /// group or order column is equal to nothing, so such rows are never beyond.
    pub(super) fn beyond_newest(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        group_by: &[String],
        order_by: &str,
        keep: u32,
        negated: bool,
    ) -> Result<(), Fault> {
        if keep == 0 {
            return Err(Fault::invalid(
                "value",
                "`beyond-newest` must keep at least one row; every row is `everything`",
            ));
        }
        if negated {
            return Err(Fault::invalid(
                "unstable",
                "`beyond-newest` cannot be negated: deleting the newest rows would make others the \
                 newest, and the sweep would go on to those",
            ));
        }
        let order = find_column(row.table, order_by)?;
        if order.kind == Kind::Json {
            return Err(no_order(row, order));
        }
        // The newest of a partitioned table are those of all its leaves.
        let root = self.authorized.root();
        let whole = root.filter(|_| row.table.id == self.table().id);
        let row = &Row {
            alias: row.alias.clone(),
            table: whole.map_or(row.table, |whole| whole),
        };
        let other = w.row(row.table);
        w.push(&format!("({keep} <= (SELECT count(*) FROM (SELECT 1 FROM "));
        self.source(w, &other)?;
        w.push(" WHERE ");
        for column in group_by {
            let name = &find_column(row.table, column)?.name;
            w.push(&format!(
                "{} = {} AND ",
                other.column(name),
                row.column(name)
            ));
        }
        let newer: Vec<_> = std::iter::once(other.column(&order.name))
            .chain(tie_break(&other))
            .collect();
        let own: Vec<_> = std::iter::once(row.column(&order.name))
            .chain(tie_break(row))
            .collect();
        w.push(&format!("({}) > ({})", newer.join(", "), own.join(", ")));
        if w.dialect() == Dialect::Sqlite {
            w.push(&format!(
                " AND typeof({}) = typeof({})",
                other.column(&order.name),
                row.column(&order.name)
            ));
        }
        w.push(&format!(" LIMIT {keep}) AS newer))"));
        Ok(())
    }
}

/// Which of two rows with one order value is newer: the primary key says, alike in both databases.
fn tie_break(row: &Row<'_>) -> Vec<String> {
    match row.table.primary_key.as_slice() {
        [] => super::window::key_columns(row),
        key => key.iter().map(|name| row.column(name)).collect(),
    }
}

/// SQLite compares bytes with text or numbers without complaint, and finds them different: every row
/// would seem to be without the rows tied to it.
fn never_meet(
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
