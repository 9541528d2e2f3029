//! Whether rows that were picked some time ago may go in this batch, as things are now.
//!
//! What hangs together was told by windows, perhaps minutes before: since then a row may have been
//! revived, locked, or tied to others. So a due row goes where nothing outside of the batch refers to it,
//! over however many others. And a row that CASCADE would take goes only below one that goes in this very
//! batch, found from above: that nothing speaks against it is no reason to delete a row that is not due.

use super::Plan;
use super::chains::{Hold, refers, ties};
use super::signs::is_in;
use super::window::{Window, key_columns};
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::request::Fault;

/// The rows that a batch takes, as far as the statement knows.
#[derive(Clone, Copy)]
pub(super) enum Among<'a> {
    /// All that were picked for this window.
    Window(&'a Window),
    /// Those of the part `kept`, which could be locked.
    Kept,
}

/// Rows that may not go after all, and those that they refer to.
const UNFIT: &str = "besom_unfit";
/// Rows that go, where some go below others.
const GOING: &str = "besom_going";

/// The part that tells which of the picked rows go.
#[derive(Clone, Copy)]
pub(super) enum Fit {
    /// Those that are not in it.
    Without(&'static str),
    /// Those that are in it.
    Within(&'static str),
}

impl Plan {
    /// The row may go in this batch: it is due, or rides along, and nothing outside of the batch holds
    /// it.
    pub(super) fn goes_now(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        among: Among<'_>,
    ) -> Result<(), Fault> {
        match &self.picked {
            Some(picked) if picked.has_riders() => {
                w.push("CASE WHEN ");
                self.rides(w, row, picked);
                w.push(" THEN ");
                w.truth(true);
                self.may_ride(w, row)?;
                w.push(" ELSE ");
                self.predicate(w, row)?;
                self.free_by_itself(w, row)?;
                w.push(" END");
            }
            _ => {
                self.predicate(w, row)?;
                self.free_by_itself(w, row)?;
            }
        }
        self.hangs_on_none(w, row, among)
    }

    /// ` AND …`: no row outside of the batch refers to this one by a key of its own table.
    fn hangs_on_none(&self, w: &mut Writer, row: &Row<'_>, among: Among<'_>) -> Result<(), Fault> {
        if !self.is_chained() {
            return Ok(());
        }
        match self.hold() {
            Hold::Gone => Ok(()),
            Hold::Loose => self.is_loose(w, row),
            Hold::Checked => {
                w.push(" AND NOT ");
                self.is_referred_to(w, row, Some(among))
            }
        }
    }

    /// ` AND …`: the row hangs together with no other of its table.
    pub(super) fn is_loose(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        w.push(" AND NOT ")
            .push(&self.refers_to_something(row))
            .push(" AND NOT ");
        self.is_referred_to(w, row, None)
    }

    /// `EXISTS (…)`: another row refers to this one, which is not `among` those of the batch.
    pub(super) fn is_referred_to(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        among: Option<Among<'_>>,
    ) -> Result<(), Fault> {
        let child = w.row(row.table);
        w.push("EXISTS (SELECT 1 FROM ");
        self.swept(w, &child)?;
        w.push(" WHERE ")
            .push(&refers(self.authorized.chains(), &child, row));
        if let Some(among) = among {
            w.push(" AND NOT ");
            self.is_among(w, &child, among);
        }
        if w.dialect() == Dialect::Postgres {
            w.push(" OFFSET 0");
        }
        w.push(")");
        Ok(())
    }

    /// The row is one of those that the batch takes.
    fn is_among(&self, w: &mut Writer, row: &Row<'_>, among: Among<'_>) {
        match (among, &self.picked) {
            (Among::Window(window), Some(picked)) => {
                self.is_picked(w, row, picked, window, false);
            }
            (Among::Window(_), None) => w.truth(false),
            (Among::Kept, _) => {
                let keys = key_columns(row);
                let names: Vec<_> = (0..keys.len()).map(|i| format!("k{i}")).collect();
                let within = is_in(row, &keys, &names, "kept");
                w.push(&format!("({within})"));
            }
        }
    }

    /// `besom_unfit AS (…), …`: which of the picked rows go.
    pub(super) fn fit(&self, w: &mut Writer, among: Among<'_>) -> Result<Fit, Fault> {
        let unfit = self.named_part(UNFIT);
        let (row, next) = (w.row(self.table()), w.row(self.table()));
        w.push(&format!("{UNFIT} AS (SELECT "))
            .push(&self.chained_columns(&row))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.is_among(w, &row, among);
        w.push(" AND (");
        self.goes_now(w, &row, among)?;
        w.push(") IS NOT TRUE UNION SELECT ")
            .push(&self.chained_columns(&next))
            .push(&format!(" FROM {UNFIT} JOIN "));
        self.swept(w, &next)?;
        w.push(" ON ")
            .push(&refers(self.authorized.chains(), &unfit, &next))
            .push(" WHERE ");
        self.is_among(w, &next, among);
        w.push(")");
        match self
            .picked
            .as_ref()
            .is_some_and(|picked| picked.has_riders())
        {
            false => Ok(Fit::Without(UNFIT)),
            true => {
                self.going(w, among)?;
                Ok(Fit::Within(GOING))
            }
        }
    }

    /// `, besom_going AS (…)`: due rows that go, and what hangs below them. A row below that may not go has
    /// made all above it unfit.
    fn going(&self, w: &mut Writer, among: Among<'_>) -> Result<(), Fault> {
        let Some(picked) = &self.picked else {
            return Ok(());
        };
        let going = self.named_part(GOING);
        let (root, below) = (w.row(self.table()), w.row(self.table()));
        w.push(&format!(", {GOING} AS (SELECT "))
            .push(&self.chained_columns(&root))
            .push(" FROM ");
        self.swept(w, &root)?;
        w.push(" WHERE ");
        self.is_among(w, &root, among);
        w.push(" AND NOT (");
        self.rides(w, &root, picked);
        w.push(")");
        self.is_fit(w, &root, Fit::Without(UNFIT));
        w.push(" UNION SELECT ");
        // The index of the key leads from each row to those below it, whatever the planner believes.
        let by_index = w.dialect() == Dialect::Postgres;
        if by_index {
            w.push(&format!("below.* FROM {GOING}, LATERAL (SELECT "));
        }
        w.push(&self.chained_columns(&below)).push(" FROM ");
        if !by_index {
            w.push(&format!("{GOING} CROSS JOIN "));
        }
        self.swept(w, &below)?;
        w.push(" WHERE (")
            .push(&ties(self.trees(), &below, &going))
            .push(") AND ");
        self.is_among(w, &below, among);
        w.push(" AND ");
        self.rides(w, &below, picked);
        w.push(if by_index {
            " OFFSET 0) AS below)"
        } else {
            ")"
        });
        Ok(())
    }

    /// ` AND (…) [NOT] IN (…)`: the row is one of those that go.
    pub(super) fn is_fit(&self, w: &mut Writer, row: &Row<'_>, fit: Fit) {
        let (within, name) = match fit {
            Fit::Without(name) => (" AND NOT ", name),
            Fit::Within(name) => (" AND ", name),
        };
        let names = key_columns(&self.named_part(name));
        w.push(within)
            .push(&is_in(row, &key_columns(row), &names, name));
    }

    fn named_part(&self, name: &str) -> Row<'_> {
        Row {
            alias: name.to_owned(),
            table: self.table(),
        }
    }

    /// `(SELECT count(*) …)` of the rows in a part that went along and were not due themselves; `0` where
    /// none may.
    pub(super) fn count_riders(&self, w: &mut Writer, part: &str) {
        let Some(picked) = self.picked.as_ref().filter(|picked| picked.has_riders()) else {
            w.push("0");
            return;
        };
        let row = Row {
            alias: part.to_owned(),
            table: self.table(),
        };
        w.push(&format!("(SELECT count(*) FROM {part} WHERE "));
        self.rides(w, &row, picked);
        w.push(")");
    }
}
