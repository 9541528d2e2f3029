//! The statements of a batch.
//!
//! On PostgreSQL either one statement that does everything, or the steps of a transaction that
//! locks first and then asks again. What the ledger adds (the fence before, the record after) is
//! handed in by the caller as functions that write it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Plan;
use super::window::{Window, key_columns};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, OnDelete, Table, TableId};
use crate::database::Statement;
use crate::request::Fault;
use crate::scope::Consequence;

/// How long the fast pass waits for a locked row, as PostgreSQL spells it. Far below
/// `deadlock_timeout` (1 s), because rows already deleted stay locked while it waits.
const FAST_LOCK_WAIT: &str = "20ms";

/// The columns of the `tally` that every batch ends with, in this order.
pub const TALLY: [&str; 7] = [
    "examined",
    "affected",
    "dependents",
    "cascaded",
    "locked",
    "blocked",
    "revived",
];

impl Plan {
    /// Everything in one autocommitted statement. `fence` writes the CTE `fence`; `record` writes
    /// the CTE `record`, which inserts the `tally` into the ledger and returns it.
    pub(crate) fn one_statement(
        &self,
        window: &Window,
        skip_locked: bool,
        fence: impl FnOnce(&mut Statement),
        record: impl FnOnce(&mut Statement),
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Postgres);
        if self.has_relations() {
            w.plan_each_time();
        }
        w.push("WITH ");
        fence(&mut w);
        let row = w.row(self.table());
        // Evaluated before the first row is looked for: nothing happens without the fence's row.
        let gate = format!(
            "(SELECT set_config('lock_timeout', '{FAST_LOCK_WAIT}', true) FROM fence) IS NOT NULL AND "
        );
        if skip_locked {
            w.push(", victims AS MATERIALIZED (SELECT ")
                .push(&named_keys(&row))
                .push(" FROM ");
            self.swept(&mut w, &row)?;
            w.push(" WHERE ").push(&gate);
            self.doomed(&mut w, &row, window)?;
            w.push(" FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM ");
            let again = w.row(self.table());
            self.swept(&mut w, &again)?;
            w.push(" USING victims WHERE ")
                .push(&same_key(&again, "victims"))
                .push(" AND ");
            self.eligible(&mut w, &again)?;
            w.push(" RETURNING ").push(&self.returned(&again)).push(")");
        } else {
            w.push(", gone AS (DELETE FROM ");
            self.swept(&mut w, &row)?;
            w.push(" WHERE ").push(&gate);
            self.doomed(&mut w, &row, window)?;
            w.push(" RETURNING ").push(&self.returned(&row)).push(")");
        }
        w.push(", tally AS (SELECT ");
        self.examined(&mut w, window)?;
        w.push(" AS examined, (SELECT count(*) FROM gone) AS affected, 0 AS dependents, ");
        self.cascaded(&mut w)?;
        w.push(" AS cascaded, ");
        if skip_locked {
            let look = w.row(self.table());
            w.push("(SELECT count(*) FROM ");
            self.swept(&mut w, &look)?;
            w.push(" WHERE ");
            self.doomed(&mut w, &look, window)?;
            w.push(") - (SELECT count(*) FROM victims) AS locked, ");
        } else {
            w.push("0 AS locked, ");
        }
        self.blocked(&mut w, window)?;
        w.push(" AS blocked, ");
        w.push(if skip_locked {
            "(SELECT count(*) FROM victims) - (SELECT count(*) FROM gone) AS revived)"
        } else {
            "0 AS revived)"
        });
        record(&mut w);
        w.push(" SELECT ")
            .push(&TALLY.join(", "))
            .push(" FROM record");
        Ok(w.finish())
    }

    /// What a batch would do, by reading alone. On SQLite also what one is about to do, in the
    /// same transaction.
    pub(crate) fn tally(&self, window: &Window, affected: bool) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        w.push("SELECT ");
        self.examined(&mut w, window)?;
        w.push(", ");
        if affected {
            let row = w.row(self.table());
            w.push("(SELECT count(*) FROM ");
            self.swept(&mut w, &row)?;
            w.push(" WHERE ");
            self.doomed(&mut w, &row, window)?;
            w.push(")");
        } else {
            w.push("0");
        }
        w.push(", 0, ");
        self.cascaded_behind(&mut w, window)?;
        w.push(", 0, ");
        self.blocked(&mut w, window)?;
        w.push(", 0");
        Ok(w.finish())
    }

    /// The delete itself, on SQLite, where one writer at a time needs no locks.
    pub(crate) fn delete_window(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        let row = w.row(self.table());
        w.push("DELETE FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, window)?;
        Ok(w.finish())
    }

    /// How many rows the sweep would still delete, counted no further than `most`.
    pub(crate) fn remaining(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        let row = w.row(self.table());
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.eligible(&mut w, &row)?;
        w.push(&format!(" LIMIT {most}) AS remaining"));
        Ok(w.finish())
    }

    /// In the window and eligible.
    pub(super) fn doomed(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        window: &Window,
    ) -> Result<(), Fault> {
        self.within(w, row, window);
        w.push(" AND ");
        self.eligible(w, row)
    }

    fn has_relations(&self) -> bool {
        let mut chains = Vec::new();
        super::locking::chains_of(&self.request().matching, &[], &mut chains);
        !chains.is_empty() || self.may_block() || !self.authorized.consequences().is_empty()
    }

    pub(super) fn examined(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        match window.examined {
            Some(rows) => {
                w.bind_as(rows, "bigint");
                Ok(())
            }
            None => self.count_examined(w, window),
        }
    }

    /// Rows of the window that meet the condition and that something outside the request holds.
    pub(super) fn blocked(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        if !self.may_block() {
            w.push("0");
            return Ok(());
        }
        let row = w.row(self.table());
        w.push("(SELECT count(*) FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.within(w, &row, window);
        w.push(" AND ");
        self.predicate(w, &row)?;
        w.push(" AND NOT (");
        w.truth(true);
        self.free(w, &row)?;
        w.push("))");
        Ok(())
    }

    /// What the CTE `gone` returns of a deleted row: its key, and the columns that foreign keys
    /// with a rule of their own point at.
    pub(super) fn returned(&self, row: &Row<'_>) -> String {
        let mut list = named_keys(row);
        for (index, consequence) in self.authorized.consequences().iter().enumerate() {
            let key = consequence.path.0.first();
            for (place, column) in key
                .iter()
                .flat_map(|key| key.parent_columns.iter().enumerate())
            {
                list.push_str(&format!(", {} AS p{index}_{place}", row.column(column)));
            }
        }
        list
    }

    /// Rows that foreign keys' rules took or changed with those in `gone`, as the statement's
    /// snapshot still shows them. A row that went itself in this batch counts as affected, not
    /// again here.
    pub(super) fn cascaded(&self, w: &mut Writer) -> Result<(), Fault> {
        self.each_child_once(w, |w, index, consequence, tables, identity| {
            let rows: Vec<_> = tables.iter().map(|table| w.row(table)).collect();
            let Some(end) = rows.last() else {
                return Ok(());
            };
            w.push("SELECT ").push(&identity(end)).push(" FROM gone");
            let mut above: Option<&Row<'_>> = None;
            for (key, child) in consequence.path.0.iter().zip(&rows) {
                w.push(" JOIN ");
                self.source(w, child)?;
                let parent = |place: usize, column: &str| match above {
                    Some(above) => above.column(column),
                    None => format!("gone.p{index}_{place}"),
                };
                let pairs = key.columns.iter().zip(&key.parent_columns).enumerate();
                let on = pairs.map(|(place, (to, from))| {
                    format!("{} = {}", parent(place, from), child.column(to))
                });
                w.push(" ON ").push(&on.collect::<Vec<_>>().join(" AND "));
                above = Some(child);
            }
            if self.comes_home(consequence) {
                w.push(" WHERE NOT EXISTS (SELECT 1 FROM gone AS own WHERE ");
                w.push(&same_key(end, "own")).push(")");
            }
            Ok(())
        })
    }

    /// The same before anything is gone. A row that an earlier window of this sweep takes does not
    /// count either.
    fn cascaded_behind(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        self.each_child_once(w, |w, _, consequence, tables, identity| {
            let root = w.row(self.table());
            let rows: Vec<_> = tables.iter().map(|table| w.row(table)).collect();
            let Some(end) = rows.last() else {
                return Ok(());
            };
            w.push("SELECT ").push(&identity(end)).push(" FROM ");
            self.path_from(w, &consequence.path, &root, &rows)?;
            w.push(" WHERE ");
            self.doomed(w, &root, window)?;
            if self.comes_home(consequence) {
                w.push(" AND (");
                self.up_to(w, end, window);
                w.push(" AND ");
                self.eligible(w, end)?;
                w.push(") IS NOT TRUE");
            }
            Ok(())
        })
    }

    /// A sum over the child tables. A row that hangs on what goes by several keys counts once:
    /// `rows` writes the SELECT of one path, with the list that it is given for the path's end.
    fn each_child_once(
        &self,
        w: &mut Writer,
        rows: impl Fn(
            &mut Writer,
            usize,
            &Consequence,
            &[Arc<Table>],
            &dyn Fn(&Row<'_>) -> String,
        ) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let identity = |row: &Row<'_>| match key_columns(row).as_slice() {
            [] if self.has_ctid() => format!("{0}.tableoid, {0}.ctid", row.alias),
            [] => "1 AS one".to_owned(),
            keys => keys.join(", "),
        };
        let mut paths: BTreeMap<&TableId, Vec<(usize, &Consequence)>> = BTreeMap::new();
        for (index, consequence) in self.authorized.consequences().iter().enumerate() {
            if let Some(child) = consequence.path.child() {
                paths.entry(child).or_default().push((index, consequence));
            }
        }
        w.push("0");
        for paths in paths.values() {
            w.push(" + (SELECT count(*) FROM (");
            let mut between = "";
            for (index, consequence) in paths {
                let tables = self.tables_of(&consequence.path.0)?;
                let keyed = tables.last().is_some_and(|child| {
                    child.rowid_name().is_some() || !child.primary_key.is_empty()
                });
                w.push(between);
                rows(w, *index, consequence, &tables, &identity)?;
                between = if keyed || self.has_ctid() {
                    " UNION "
                } else {
                    " UNION ALL "
                };
            }
            w.push(") AS hit)");
        }
        Ok(())
    }

    /// Rows come from the tables themselves, where PostgreSQL numbers them.
    fn has_ctid(&self) -> bool {
        self.dialect() == Dialect::Postgres && self.history.is_empty()
    }

    /// The rule changes rows of the swept table itself.
    fn comes_home(&self, consequence: &Consequence) -> bool {
        let rule = consequence.path.0.last().map(|key| key.on_delete);
        consequence.path.child() == Some(&self.table().id) && rule != Some(OnDelete::Cascade)
    }
}

pub(super) fn named_keys(row: &Row<'_>) -> String {
    let columns = key_columns(row);
    let named = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!("{column} AS k{i}"));
    named.collect::<Vec<_>>().join(", ")
}

pub(super) fn same_key(row: &Row<'_>, keys: &str) -> String {
    let columns = key_columns(row);
    let same = columns
        .iter()
        .enumerate()
        .map(|(i, column)| format!("{column} = {keys}.k{i}"));
    same.collect::<Vec<_>>().join(" AND ")
}
