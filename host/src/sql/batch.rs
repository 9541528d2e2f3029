//! The statements of a batch.
//!
//! On PostgreSQL either one statement that does everything, or the steps of a transaction that
//! locks first and then asks again. What the ledger adds (the fence before, the record after) is
//! handed in by the caller as functions that write it.

use super::Plan;
use super::chains::Hold;
use super::family::VICTIMS;
use super::fit::Among;
use super::locking::chains_of;
use super::signs::{is_in, key_fields, sign};
use super::window::{Window, key_columns};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, TableId, quote_ident};
use crate::database::Statement;
use crate::request::{Action, Comparison, Fault};

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
        if self.has_relations() || self.picked.is_some() {
            w.plan_each_time();
        }
        w.push("WITH ");
        fence(&mut w);
        let row = w.row(self.table());
        // Evaluated before the first row is looked for: nothing happens without the fence's row.
        let gate = format!(
            "(SELECT set_config('lock_timeout', '{FAST_LOCK_WAIT}', true) FROM fence) IS NOT NULL AND "
        );
        let family = self.has_dependents();
        let noted = skip_locked || family || self.counts_kept();
        if noted {
            // Rows that others hang on are locked before those are looked for, and asked again
            // once the lock is there.
            w.push(&format!(", {VICTIMS} AS MATERIALIZED (SELECT "))
                .push(&self.carried(&row, &[]))
                .push(" FROM ");
            self.swept(&mut w, &row)?;
            w.push(" WHERE ").push(&gate);
            self.doomed(&mut w, &row, window)?;
            w.push(" FOR UPDATE");
            w.push(if skip_locked { " SKIP LOCKED)" } else { ")" });
            self.dependent_parts(&mut w, true)?;
            self.act_on_dependents(&mut w)?;
            let again = w.row(self.table());
            w.push(", gone AS (");
            self.act_on(&mut w, &again, Some(VICTIMS))?;
            let victim = Row {
                alias: VICTIMS.to_owned(),
                table: self.table(),
            };
            w.push(&super::eligible::same_row(&again, &victim));
            if !family {
                w.push(" AND ");
                self.eligible(&mut w, &again)?;
            }
            w.push(" RETURNING ")
                .push(&self.carried(&again, &[]))
                .push(")");
        } else {
            w.push(", gone AS (");
            self.act_on(&mut w, &row, None)?;
            w.push(&gate);
            self.doomed(&mut w, &row, window)?;
            w.push(" RETURNING ")
                .push(&self.carried(&row, &[]))
                .push(")");
        }
        w.push(", tally AS (SELECT ");
        self.examined(&mut w, window)?;
        w.push(" AS examined, (SELECT count(*) FROM gone) AS affected, ");
        self.count_acted_on_dependents(&mut w);
        w.push(" AS dependents, ");
        self.cascaded(&mut w, "gone", None)?;
        w.push(" AS cascaded, ");
        if skip_locked {
            let look = w.row(self.table());
            w.push("(SELECT count(*) FROM ");
            self.swept(&mut w, &look)?;
            w.push(" WHERE ");
            self.doomed(&mut w, &look, window)?;
            w.push(&format!(") - (SELECT count(*) FROM {VICTIMS}) AS locked, "));
        } else {
            w.push("0 AS locked, ");
        }
        self.blocked(&mut w, window)?;
        w.push(" AS blocked, ");
        if noted {
            w.push(&format!(
                "(SELECT count(*) FROM {VICTIMS}) - (SELECT count(*) FROM gone) AS revived)"
            ));
        } else {
            w.push("0 AS revived)");
        }
        record(&mut w);
        w.push(" SELECT ")
            .push(&TALLY.join(", "))
            .push(" FROM record");
        Ok(w.finish())
    }

    /// The delete or update itself, on SQLite, where one writer at a time needs no locks.
    pub(crate) fn act_on_window(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        let row = w.row(self.table());
        if self.reads_related() {
            // SQLite works the values out before the first row is written only where they come
            // from another source: a row could be related to one that has been changed.
            let seen = w.row(self.table());
            w.push(self.update());
            self.swept(&mut w, &row)?;
            w.push(" SET ");
            for (index, assignment) in self.assignments().iter().enumerate() {
                let between = if index > 0 { ", " } else { "" };
                let name = quote_ident(&assignment.column);
                w.push(&format!("{between}{name} = fresh.v{index}"));
            }
            w.push(" FROM (SELECT ").push(&named_keys(&seen));
            for (index, assignment) in self.assignments().iter().enumerate() {
                w.push(", (");
                self.new_value(&mut w, &seen, assignment)?;
                w.push(&format!(") AS v{index}"));
            }
            w.push(" FROM ");
            self.swept(&mut w, &seen)?;
            w.push(" WHERE ");
            self.doomed(&mut w, &seen, window)?;
            w.push(") AS fresh WHERE ").push(&same_key(&row, "fresh"));
            return Ok(w.finish());
        }
        self.act_on(&mut w, &row, None)?;
        self.doomed(&mut w, &row, window)?;
        Ok(w.finish())
    }

    /// `DELETE FROM … WHERE ` or `UPDATE … SET … WHERE `, with the part to join.
    pub(super) fn act_on(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        using: Option<&str>,
    ) -> Result<(), Fault> {
        let (verb, join) = match self.request().action {
            Action::Update(_) => (self.update(), " FROM "),
            Action::Delete => ("DELETE FROM ", " USING "),
            Action::Read(_) => {
                return Err(Fault::invalid(
                    "read-only",
                    "a request to look at rows changes none",
                ));
            }
        };
        w.push(verb);
        self.swept(w, row)?;
        if let Action::Update(_) = self.request().action {
            w.push(" SET ");
            self.set_list(w, row)?;
        }
        if let Some(part) = using {
            w.push(join).push(part);
        }
        w.push(" WHERE ");
        Ok(())
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
        self.goes_now(w, row, Among::Window(window))
    }

    pub(super) fn has_relations(&self) -> bool {
        let mut chains = Vec::new();
        chains_of(&self.request().matching, &[], &mut chains);
        !chains.is_empty()
            || self.may_block()
            || self.has_dependents()
            || !self.authorized.consequences().is_empty()
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

    /// Rows of the window that meet the condition and that something outside the request holds. What
    /// hangs together with other rows of the table is not known by then.
    pub(super) fn blocked(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        if !self.may_block() || self.hold() != Hold::Loose {
            w.push("0");
            return Ok(());
        }
        if let Some(picked) = &self.picked {
            w.push(&format!("{} + ", picked.blocked_beside));
        }
        self.count_met(w, window, |w, row| {
            w.push("NOT (");
            w.truth(true);
            self.free_by_itself(w, row)?;
            w.push(")");
            Ok(())
        })
    }

    /// Of picked rows: those that meet the condition, besides the ones in `part`.
    pub(super) fn held_among_picked(
        &self,
        w: &mut Writer,
        window: &Window,
        part: &str,
    ) -> Result<(), Fault> {
        if self.hold() != Hold::Checked {
            w.push("0");
            return Ok(());
        }
        self.count_met(w, window, |w, row| {
            let gone = Row {
                alias: part.to_owned(),
                table: self.table(),
            };
            let within = is_in(row, &key_columns(row), &key_columns(&gone), part);
            w.push("NOT ").push(&within);
            Ok(())
        })
    }

    /// `(SELECT count(*) …)`: rows of the window that meet the condition, and one more.
    pub(super) fn count_met(
        &self,
        w: &mut Writer,
        window: &Window,
        also: impl FnOnce(&mut Writer, &Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push("(SELECT count(*) FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.within(w, &row, window);
        w.push(" AND ");
        self.predicate(w, &row)?;
        w.push(" AND ");
        also(w, &row)?;
        w.push(")");
        Ok(())
    }

    /// Blocked rows of the window by the table that holds them, one row a reason: the table's name
    /// and the count. A row that two tables hold counts for each.
    pub(crate) fn blocked_by(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        self.write_blocked_by(&mut w, window)?;
        Ok(w.finish())
    }

    pub(super) fn write_blocked_by(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        let mut between = "";
        self.reasons(|table, holds| {
            w.push(between)
                .push("SELECT ")
                .bind_as(self.catalog.spelling(table), "text")
                .push(", ");
            between = " UNION ALL ";
            self.count_met(w, window, holds)
        })
    }

    /// Calls for everything that may hold a row, but for rows of its own table that it hangs together
    /// with: the table whose rows hold it, and how to ask.
    pub(super) fn reasons(
        &self,
        mut tell: impl FnMut(
            &TableId,
            &dyn Fn(&mut Writer, &Row<'_>) -> Result<(), Fault>,
        ) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for restriction in self.authorized.restricting() {
            if let Some(child) = restriction.path.child() {
                tell(child, &|w, row| self.refers(w, row, restriction))?;
            }
        }
        for (path, narrowing) in self.protected() {
            if let Some(child) = path.child() {
                tell(child, &|w, row| self.outside(w, row, path, narrowing))?;
            }
        }
        Ok(())
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
    let fields = columns.iter().zip(key_fields(row.table)).enumerate();
    let same = fields.map(|(i, (column, field))| {
        let sign = sign(field, Comparison::Equal);
        format!("{column} {sign} {keys}.k{i}")
    });
    same.collect::<Vec<_>>().join(" AND ")
}
