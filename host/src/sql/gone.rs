//! Dry run: which rows of the swept table would have gone by the time of a batch.
//!
//! A batch may change rows of the table that it sweeps, by a key that is ON DELETE SET NULL or as what the request
//! unlinks. Nothing has gone in a dry run, so what an earlier batch has taken is told from what is left by the
//! sweep's own order. Where rows hang together the statement knows those that hang on nothing, which go with their
//! windows; the others went in an order that only the sweep knows, and it takes them off the counts
//! ([`Plan::changed_at_home`]).

use super::Plan;
use super::eligible::same_row;
use super::family::{VICTIMS, rows_of};
use super::window::{Cursor, Window, key_columns, selected};
use super::writer::{Row, Writer};
use crate::database::Statement;
use crate::request::{Action, Fault};

impl Plan {
    /// Batches of rows that hang together may change others of the table.
    pub(crate) fn changes_its_own_in_an_order(&self) -> bool {
        self.is_chained()
            && matches!(self.request().action, Action::Delete)
            && (self.dependents_at_home().next().is_some()
                || self
                    .authorized
                    .consequences()
                    .iter()
                    .any(|c| self.comes_home(c)))
    }

    /// The places of dependents that are rows of the swept table itself.
    fn dependents_at_home(&self) -> impl Iterator<Item = usize> {
        let dependents = self.authorized.dependents().iter().enumerate();
        let own = dependents.filter(|(_, tied)| tied.path.child() == Some(&self.table().id));
        own.map(|(place, _)| place)
    }

    /// ` AND …`: a row of the table that is swept does not go in this batch, and has not gone before it.
    pub(super) fn is_left(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        window: &Window,
    ) -> Result<(), Fault> {
        if !self.is_chained() {
            w.push(" AND (");
            self.visited(w, row, window);
            w.push(" AND ");
            self.eligible(w, &self.as_swept(row))?;
            w.push(") IS NOT TRUE");
            return Ok(());
        }
        match &self.picked {
            None => {
                let own = Row {
                    alias: "own".to_owned(),
                    table: row.table,
                };
                w.push(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM {VICTIMS} AS own WHERE "
                ))
                .push(&same_row(row, &own))
                .push(") AND (");
                self.visited(w, row, window);
            }
            Some(picked) => {
                w.push(" AND NOT (");
                self.visited(w, row, window);
                w.push(") AND (");
                match &picked.windows {
                    None => w.truth(true),
                    Some(Cursor {
                        after: None,
                        tie: None,
                        ..
                    }) => w.truth(false),
                    Some(cursor) => self.up_to_edge(w, &self.as_swept(row), &behind(cursor)),
                }
            }
        }
        let swept = self.as_swept(row);
        w.push(" AND ");
        self.predicate(w, &swept)?;
        self.free_by_itself(w, &swept)?;
        self.is_loose(w, &swept)?;
        w.push(") IS NOT TRUE");
        Ok(())
    }

    /// `SELECT DISTINCT …` of the rows of a part that are left by then.
    pub(super) fn left_of(
        &self,
        w: &mut Writer,
        part: &Row<'_>,
        window: &Window,
        select: impl Fn(&Row<'_>) -> String,
    ) -> Result<(), Fault> {
        let row = w.row(part.table);
        w.push("SELECT DISTINCT ")
            .push(&select(&row))
            .push(" FROM ")
            .push(&part.alias)
            .push(" JOIN ");
        self.source(w, &row)?;
        w.push(" ON ").push(&self.same(&row, part)).push(" WHERE ");
        w.truth(true);
        self.is_left(w, &row, window)
    }

    /// The rows of the table itself that a batch would change: 0 for a dependent, 1 by a foreign key's rule, and the
    /// key. Also those that have gone before in an order that the statement does not know.
    pub(crate) fn changed_at_home(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        self.rehearsed_parts(&mut w, window)?;
        let mut between = " ";
        for place in self.dependents_at_home() {
            let part = Row {
                alias: rows_of(place),
                table: self.table(),
            };
            w.push(between);
            self.left_of(&mut w, &part, window, |row| {
                format!("0, {}", selected(self.dialect(), &key_columns(row)))
            })?;
            between = " UNION ";
        }
        for consequence in self.authorized.consequences() {
            if !self.comes_home(consequence) || consequence.path.child() != Some(&self.table().id) {
                continue;
            }
            let tables = self.tables_of(&consequence.path.0)?;
            w.push(between);
            self.hit(
                &mut w,
                consequence,
                &tables,
                &|row| format!("1, {}", selected(self.dialect(), &key_columns(row))),
                (VICTIMS, Some(window)),
            )?;
            between = " UNION ";
        }
        Ok(w.finish())
    }
}

/// All that windows have covered up to the cursor.
fn behind(cursor: &Cursor) -> Window {
    let (upto, inclusive, tie) = match (&cursor.after, &cursor.tie) {
        // The group of this value begins.
        (None, Some(at)) => (Some(vec![at.clone()]), false, None),
        (after, tie) => (after.clone(), true, tie.clone()),
    };
    Window {
        after: None,
        upto,
        inclusive,
        tie,
        examined: None,
        next: None,
    }
}
