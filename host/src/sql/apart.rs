//! A row with which too much goes along, taken apart: rows that hang on it go, or are let go, a piece at a
//! time and by themselves, until few enough are left to go with it.
//!
//! A piece asks for the whole condition on the row again, in a fresh statement under its lock. So rows go
//! only from under a row that would go itself at that moment, with no child among them that must stay.

use super::Plan;
use super::batch::{TALLY, same_key, update};
use super::locking::{Keys, rows_of_keys};
use super::signs::same;
use super::source::join;
use super::window::{Window, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, OnDelete, Table, Trigger, quote_ident};
use crate::database::Statement;
use crate::request::{Condition, Fate, Fault};
use crate::scope::Path;

/// The row that is taken apart.
const ROOT: &str = "besom_root";

/// Rows that hang on a swept row in one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(super) path: &'a Path,
    narrowing: &'a [Condition],
    pub(super) does: Does<'a>,
    /// The request asks for it; otherwise a foreign key's rule would do it.
    pub(crate) asked: bool,
}

/// What becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does<'a> {
    Delete,
    /// These columns are set to NULL.
    Clear(&'a [String]),
    /// These columns are set to their defaults, after which the row may hang where it did.
    Default,
}

impl Part<'_> {
    /// How its rows hang on the swept row.
    pub(crate) fn path(&self) -> &Path {
        self.path
    }
}

impl Plan {
    /// What hangs on a swept row, in an order in which it may go: rows on which others hang come after
    /// those, and what is to go altogether before what only lets go of it.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let dependents = self.authorized.dependents().iter();
        let dependents = dependents.map(|tied| Part {
            path: &tied.path,
            narrowing: &tied.narrowing,
            does: match tied.fate {
                Fate::Delete => Does::Delete,
                Fate::Unlink => Does::Clear(columns_of(&tied.path)),
            },
            asked: true,
        });
        let consequences = self.authorized.consequences().iter();
        let consequences = consequences.map(|consequence| Part {
            path: &consequence.path,
            narrowing: &consequence.narrowing,
            does: match consequence.path.key() {
                Some(key) if key.on_delete == OnDelete::SetNull => Does::Clear(&key.set_columns),
                Some(key) if key.on_delete == OnDelete::SetDefault => Does::Default,
                _ => Does::Delete,
            },
            asked: false,
        });
        let mut parts: Vec<_> = dependents.chain(consequences).collect();
        let all = parts.clone();
        parts.sort_by_key(|part| {
            let below = all
                .iter()
                .filter(|other| other.path.0.starts_with(&part.path.0))
                .map(|other| other.path.0.len() - part.path.0.len())
                .max();
            (below, part.does != Does::Delete)
        });
        parts
    }

    /// Everything that hangs on a row can be let go by statements of its own: also what the database's
    /// rules would do with its owner's rights, which the role itself may lack. And the row is due whether it
    /// is there or not.
    pub(crate) fn comes_apart(&self) -> bool {
        self.kept_whole_by().is_empty()
            && !self.leans_on_its_parts()
            && self.parts().iter().all(|part| {
                let table = part.path.child().and_then(|id| self.catalog.by_id(id));
                table.is_some_and(|table| match part.does {
                    Does::Delete => table.privileges.delete && table.privileges.update_any,
                    Does::Clear(columns) => {
                        table.privileges.update_any && !self.would_not_end(table, columns)
                    }
                    Does::Default => false,
                })
            })
    }

    /// Rows that are cleared may be tied again at once without anybody being able to tell.
    fn would_not_end(&self, table: &Table, columns: &[String]) -> bool {
        let restores = |trigger: &Trigger| match self.dialect() {
            // Without a key a changed row is not known again.
            Dialect::Postgres => table.primary_key.is_empty(),
            Dialect::Sqlite => columns
                .iter()
                .any(|column| trigger.assigns.contains(column)),
        };
        let mut triggers = table.triggers.iter();
        triggers.any(|trigger| trigger.on_update && trigger.fires_on(columns) && restores(trigger))
    }

    /// PostgreSQL: how many rows of a piece that were to let go still hang on the row; `None`: no trigger could have
    /// brought that about.
    pub(crate) fn still_tied(
        &self,
        root: &Keys,
        part: &Part<'_>,
        keys: &Keys,
    ) -> Result<Option<Statement>, Fault> {
        let tables = self.tables_of(&part.path.0)?;
        let Some(table) = tables.last() else {
            return Err(empty());
        };
        if part.does == Does::Delete || !self.restorable().contains(&part.path) {
            return Ok(None);
        }
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        w.push("WITH ");
        self.kept(&mut w, root);
        let row = w.row(self.table());
        w.push(&format!(", {ROOT} AS MATERIALIZED (SELECT "))
            .push(&self.carried(&row, &[]))
            .push(" FROM kept JOIN ");
        self.swept(&mut w, &row)?;
        w.push(" ON ").push(&same_key(&row, "kept")).push("), ");
        rows_of_keys(&mut w, "piece", keys, &self.identity_types(table));
        let child = w.row(table);
        w.push(" SELECT count(*) FROM piece JOIN ");
        self.source(&mut w, &child)?;
        w.push(" ON ")
            .push(&self.is_of_piece(&child))
            .push(" WHERE ");
        self.hangs_on_root(&mut w, part, &child)?;
        Ok(Some(w.finish()))
    }

    /// PostgreSQL: locks as many rows of a part as `most` and answers what tells them apart. Those that
    /// another transaction holds are left for the next piece.
    pub(crate) fn lock_part(
        &self,
        root: &Keys,
        part: &Part<'_>,
        most: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        w.push("WITH ");
        self.kept(&mut w, root);
        let tables = self.tables_of(&part.path.0)?;
        let row = w.row(self.table());
        let rows: Vec<_> = tables.iter().map(|table| w.row(table)).collect();
        let Some(end) = rows.last() else {
            return Err(empty());
        };
        w.push(" SELECT ")
            .push(&selected(Dialect::Postgres, &self.identity(end)))
            .push(" FROM kept JOIN ");
        self.swept(&mut w, &row)?;
        w.push(" ON ").push(&same_key(&row, "kept"));
        self.down(&mut w, part, &row, &rows)?;
        w.push(" WHERE ");
        self.may_go(&mut w, part, end)?;
        let names: Vec<_> = rows.iter().map(|row| row.alias.as_str()).collect();
        // Those between as well: one that moved to another row would take its own along.
        w.push(&format!(
            " LIMIT {most} FOR UPDATE OF {} SKIP LOCKED",
            names.join(", ")
        ));
        Ok(w.finish())
    }

    /// PostgreSQL: lets the locked rows go, if the row on which they hang would go itself now.
    pub(crate) fn act_on_part(
        &self,
        root: &Keys,
        part: &Part<'_>,
        keys: &Keys,
        record: impl FnOnce(&mut Statement),
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        w.plan_each_time();
        w.push("WITH ");
        self.kept(&mut w, root);
        let row = w.row(self.table());
        w.push(&format!(", {ROOT} AS MATERIALIZED (SELECT "))
            .push(&self.carried(&row, &[]))
            .push(" FROM kept JOIN ");
        self.swept(&mut w, &row)?;
        w.push(" ON ").push(&same_key(&row, "kept")).push(" WHERE ");
        self.eligible(&mut w, &row)?;
        w.push("), ");
        let tables = self.tables_of(&part.path.0)?;
        let Some(table) = tables.last() else {
            return Err(empty());
        };
        let types = self.identity_types(table);
        rows_of_keys(&mut w, "piece", keys, &types);
        let child = w.row(table);
        w.push(", gone AS (");
        self.let_go(&mut w, part, &child)?;
        w.push(match part.does {
            Does::Delete => " USING piece WHERE ",
            Does::Clear(_) | Does::Default => " FROM piece WHERE ",
        });
        w.push(&self.is_of_piece(&child)).push(" AND ");
        self.hangs_on_root(&mut w, part, &child)?;
        w.push(" AND ");
        self.may_go(&mut w, part, &child)?;
        self.nothing_below(&mut w, part, &child)?;
        let (dependents, cascaded) = match part.asked {
            true => ("(SELECT count(*) FROM gone)", "0::bigint"),
            false => ("0::bigint", "(SELECT count(*) FROM gone)"),
        };
        w.push(&format!(
            " RETURNING 1), tally AS (SELECT 0::bigint AS examined, 0::bigint AS affected, {dependents} AS \
             dependents, {cascaded} AS cascaded, 0::bigint AS locked, 0::bigint AS blocked, \
             0::bigint AS revived)"
        ));
        record(&mut w);
        w.push(" SELECT ")
            .push(&TALLY.join(", "))
            .push(" FROM record");
        Ok(w.finish())
    }

    /// SQLite: lets as many rows of a part go as `most`, where the window's row would go itself now.
    pub(crate) fn act_on_part_of_window(
        &self,
        window: &Window,
        part: &Part<'_>,
        most: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        w.plan_each_time();
        let tables = self.tables_of(&part.path.0)?;
        let Some(table) = tables.last() else {
            return Err(empty());
        };
        let outer = w.row(table);
        self.let_go(&mut w, part, &outer)?;
        w.push(" WHERE (")
            .push(&self.identity(&outer).join(", "))
            .push(") IN (SELECT ");
        let row = w.row(self.table());
        let rows: Vec<_> = tables.iter().map(|table| w.row(table)).collect();
        let Some(end) = rows.last() else {
            return Err(empty());
        };
        w.push(&self.identity(end).join(", ")).push(" FROM ");
        self.swept(&mut w, &row)?;
        self.down(&mut w, part, &row, &rows)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, window)?;
        w.push(" AND ");
        self.may_go(&mut w, part, end)?;
        self.nothing_below(&mut w, part, end)?;
        w.push(&format!(" LIMIT {most})"));
        Ok(w.finish())
    }

    /// `DELETE FROM …` or `UPDATE … SET … = NULL`.
    fn let_go(&self, w: &mut Writer, part: &Part<'_>, row: &Row<'_>) -> Result<(), Fault> {
        match part.does {
            Does::Delete => {
                w.push("DELETE FROM ");
                self.source(w, row)
            }
            Does::Clear(columns) => {
                w.push(update(self.dialect()));
                self.source(w, row)?;
                let set = columns
                    .iter()
                    .map(|column| format!("{} = NULL", quote_ident(column)));
                w.push(" SET ").push(&set.collect::<Vec<_>>().join(", "));
                Ok(())
            }
            Does::Default => Err(empty()),
        }
    }

    /// ` JOIN …` from the root down to the rows of the part.
    fn down(
        &self,
        w: &mut Writer,
        part: &Part<'_>,
        root: &Row<'_>,
        rows: &[Row<'_>],
    ) -> Result<(), Fault> {
        let mut above = root.clone();
        for (link, row) in part.path.0.iter().zip(rows) {
            w.push(match self.dialect() {
                Dialect::Postgres => " JOIN ",
                Dialect::Sqlite => " CROSS JOIN ",
            });
            self.source(w, row)?;
            w.push(" ON ");
            self.tied_by(w, link, row, &above)?;
            above = row.clone();
        }
        Ok(())
    }

    /// The grant lets the row go, and no other row of its table would go with it uncounted.
    fn may_go(&self, w: &mut Writer, part: &Part<'_>, row: &Row<'_>) -> Result<(), Fault> {
        w.truth(true);
        for term in part.narrowing {
            w.push(" AND ");
            self.condition(w, row, term, false)?;
        }
        match part.does {
            Does::Delete => self.is_a_leaf(w, part.path, row),
            Does::Clear(_) | Does::Default => Ok(()),
        }
    }

    /// `EXISTS (…)`: the child hangs on the root by the part's path.
    fn hangs_on_root(&self, w: &mut Writer, part: &Part<'_>, child: &Row<'_>) -> Result<(), Fault> {
        let Some((last, middle)) = part.path.0.split_last() else {
            return Err(empty());
        };
        let tables = self.tables_of(middle)?;
        w.push(&format!("EXISTS (SELECT 1 FROM {ROOT}"));
        let mut above = Row {
            alias: ROOT.to_owned(),
            table: self.table(),
        };
        for (link, table) in middle.iter().zip(&tables) {
            let next = w.row(table);
            w.push(" JOIN ");
            self.source(w, &next)?;
            w.push(" ON ");
            self.tied_by(w, link, &next, &above)?;
            above = next;
        }
        w.push(" WHERE ");
        self.tied_by(w, last, child, &above)?;
        w.push(")");
        Ok(())
    }

    /// ` AND NOT EXISTS (…)`: nothing hangs on the row that would go along uncounted, whether it is meant
    /// or not.
    fn nothing_below(&self, w: &mut Writer, part: &Part<'_>, row: &Row<'_>) -> Result<(), Fault> {
        if part.does != Does::Delete {
            return Ok(());
        }
        let depth = part.path.0.len();
        let below = self.paths().filter(|path| path.0.len() == depth + 1);
        for path in below.filter(|path| path.0.starts_with(&part.path.0)) {
            let (Some(link), Some(table)) = (path.0.last(), self.tables_of(&path.0)?.pop()) else {
                continue;
            };
            let child = w.row(&table);
            w.push(" AND NOT EXISTS (SELECT 1 FROM ");
            self.source(w, &child)?;
            w.push(" WHERE ").push(&join(link, &child, row)).push(")");
        }
        Ok(())
    }

    /// The row is one of the piece.
    fn is_of_piece(&self, row: &Row<'_>) -> String {
        let own = self.identity_of(row.table).into_iter().enumerate();
        let own =
            own.map(|(i, name)| same(row.table, &name, &row.column(&name), &format!("piece.k{i}")));
        own.collect::<Vec<_>>().join(" AND ")
    }

    /// The types of the columns that tell a row of any table from another.
    fn identity_types(&self, table: &Table) -> Vec<String> {
        match table.primary_key.is_empty() {
            true => vec!["oid".to_owned(), "tid".to_owned()],
            false => super::physical::key_types(table),
        }
    }
}

fn columns_of(path: &Path) -> &[String] {
    path.0.last().map_or(&[], |link| &link.columns)
}

fn empty() -> Fault {
    Fault::invalid("empty-path", "rows that hang on nothing")
}
