//! A row with which too much goes along, taken apart: rows that hang on it go, or are let go, a piece at a
//! time and by themselves, until few enough are left to go with it.
//!
//! A piece asks for the whole condition on the row again, in a fresh statement under its lock. So rows go
//! only from under a row that would go itself at that moment, with no child among them that must stay.

use super::Plan;
use super::batch::{TALLY, same_key};
use super::locking::{Keys, rows_of_keys};
use super::parts::{Does, Part};
use super::signs::same;
use super::source::join;
use super::window::{Window, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, Table, quote_ident};
use crate::database::Statement;
use crate::request::Fault;

/// The row that is taken apart.
const ROOT: &str = "besom_root";

impl Plan {
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
                w.push(match self.dialect() {
                    Dialect::Postgres => "UPDATE ",
                    // As the key's own action does.
                    Dialect::Sqlite => "UPDATE OR ABORT ",
                });
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

fn empty() -> Fault {
    Fault::invalid("empty-path", "rows that hang on nothing")
}
