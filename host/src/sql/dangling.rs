//! Ties that a trigger may restore, so that a row would refer to one that is gone.
//!
//! PostgreSQL looks at a foreign key only where a change of the child has changed its columns. A BEFORE trigger that
//! gives the child back what ON DELETE SET NULL took, or keeps it from going, leaves it referring to nothing, and
//! no statement says so. Where no key ties the two nothing looks at all. So where a trigger could do that a batch
//! notes which values refer to what is to go, and asks afterwards whether any still does.

use super::Plan;
use super::batch::same_key;
use super::family::VICTIMS;
use super::locking::{Keys, rows_of_keys};
use super::signs::same;
use super::source::join;
use super::window::selected;
use super::writer::Row;
use super::writer::Writer;
use crate::catalog::{Dialect, OnDelete, Table, Trigger};
use crate::database::Statement;
use crate::request::{Fate, Fault};
use crate::scope::{Link, Path};

impl Plan {
    /// The ways by which rows hang on the swept ones, and at whose end a trigger could restore the tie.
    pub(crate) fn restorable(&self) -> Vec<&Path> {
        let dependents = self.authorized.dependents().iter();
        let dependents = dependents.map(|tied| {
            let columns = tied.path.0.last().map_or(&[][..], |link| &link.columns);
            (&tied.path, tied.fate == Fate::Delete, columns)
        });
        let consequences = self.authorized.consequences().iter();
        let consequences = consequences.map(|consequence| {
            let key = consequence.path.key();
            let deletes = key.is_none_or(|key| key.on_delete == OnDelete::Cascade);
            let columns = key.map_or(&[][..], |key| &key.set_columns);
            (&consequence.path, deletes, columns)
        });
        let all = dependents.chain(consequences);
        all.filter(|(path, deletes, columns)| {
            let fires = |trigger: &Trigger| match deletes {
                true => trigger.on_delete,
                false => trigger.on_update && trigger.fires_on(*columns),
            };
            let table = path.child().and_then(|id| self.catalog.by_id(id));
            table.is_some_and(|table| {
                let leaves = self.catalog.leaves_of(table).map(AsRef::as_ref);
                let mut tables = leaves.chain([table.as_ref()]);
                tables.any(|table: &Table| table.triggers.iter().any(fires))
            })
        })
        .map(|(path, ..)| path)
        .collect()
    }

    /// PostgreSQL: what refers by the end of the path to what is to go with the kept rows, in the columns of the last
    /// link.
    pub(crate) fn referring(&self, keys: &Keys, path: &Path) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        let (last, tables) = self.end_of(path)?;
        w.push("WITH ");
        self.kept(&mut w, keys);
        let root = w.row(self.table());
        let rows: Vec<_> = tables.iter().map(|table| w.row(table)).collect();
        let end = rows.last().cloned();
        let named = last.columns.iter();
        let named: Vec<_> = named
            .filter_map(|column| Some(end.as_ref()?.column(column)))
            .collect();
        w.push(" SELECT DISTINCT ")
            .push(&selected(Dialect::Postgres, &named))
            .push(" FROM kept JOIN ");
        self.swept(&mut w, &root)?;
        w.push(" ON ").push(&same_key(&root, "kept"));
        let mut above = root;
        for (link, row) in path.0.iter().zip(rows) {
            w.push(" JOIN ");
            self.source(&mut w, &row)?;
            w.push(" ON ");
            self.tied_by(&mut w, link, &row, &above)?;
            above = row;
        }
        Ok(w.finish())
    }

    /// PostgreSQL: how many rows have one of these values in the columns of the path's last link, and refer to
    /// nothing.
    pub(crate) fn dangling(&self, values: &Keys, path: &Path) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        let (last, tables) = self.end_of(path)?;
        let (Some(table), Some(parent)) = (tables.last(), self.catalog.by_id(&last.parent)) else {
            return Err(nothing());
        };
        let types: Vec<_> = last
            .columns
            .iter()
            .filter_map(|column| Some(table.column(column)?.sql_type.clone()))
            .collect();
        w.push("WITH ");
        rows_of_keys(&mut w, VICTIMS, values, &types);
        let (child, parent) = (w.row(table), w.row(parent));
        w.push(&format!(" SELECT count(*) FROM {VICTIMS} JOIN "));
        self.source(&mut w, &child)?;
        let tied = last.columns.iter().enumerate();
        let tied: Vec<_> = tied
            .map(|(i, column)| {
                let value = format!("{VICTIMS}.k{i}");
                same(table, column, &child.column(column), &value)
            })
            .collect();
        w.push(" ON ").push(&tied.join(" AND "));
        self.meant(&mut w, last, &child)?;
        w.push(" WHERE NOT EXISTS (SELECT 1 FROM ");
        self.source(&mut w, &parent)?;
        w.push(" WHERE ").push(&join(last, &child, &parent));
        w.row_by_row();
        w.push(")");
        Ok(w.finish())
    }

    fn end_of<'p>(&self, path: &'p Path) -> Result<(&'p Link, Vec<std::sync::Arc<Table>>), Fault> {
        let last = path.0.last().ok_or_else(nothing)?;
        Ok((last, self.tables_of(&path.0)?))
    }
}

/// Two names for one row, by the columns that tie it.
pub(super) fn same_ties(link: &Link, row: &Row<'_>, other: &Row<'_>) -> String {
    let columns = link.columns.iter();
    let tied = columns.map(|name| {
        let same = same(row.table, name, &row.column(name), &other.column(name));
        format!(" AND {same}")
    });
    tied.collect()
}

fn nothing() -> Fault {
    Fault::invalid("empty-path", "rows that hang on nothing")
}
