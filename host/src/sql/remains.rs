//! What a sweep leaves, for the probe after a run: without a window, and counted only so far.

use super::Plan;
use super::chains::{refers, ties};
use super::eligible::same_row;
use super::window::key_columns;
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::database::Statement;
use crate::request::Fault;

/// Rows that hang together with one that stays.
const HELD: &str = "besom_held";

impl Plan {
    /// How many rows the sweep would still delete, counted no further than `most`.
    pub(crate) fn remaining(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.by_sets();
        let row = w.row(self.table());
        self.know_what_is_held(&mut w)?;
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.would_go(&mut w, &row)?;
        w.push(&format!(" LIMIT {most}) AS remaining"));
        Ok(w.finish())
    }

    /// What [`Plan::would_go`] needs at the head of its statement.
    pub(super) fn know_what_is_held(&self, w: &mut Writer) -> Result<(), Fault> {
        match self.finds_held_as_a_set() {
            true => self.list_held(w),
            false => Ok(()),
        }
    }

    /// As [`Plan::eligible`], in a statement over many rows.
    pub(super) fn would_go(&self, w: &mut Writer, row: &Row<'_>) -> Result<(), Fault> {
        if !self.finds_held_as_a_set() {
            return self.eligible(w, row);
        }
        self.predicate(w, row)?;
        self.free_by_itself(w, row)?;
        w.push(" AND NOT ");
        self.is_held(w, row);
        Ok(())
    }

    /// What a row that stays holds is found for all rows at once, which takes as long as there are due
    /// rows. Where CASCADE takes rows that are not due, each due row is asked by itself.
    pub(super) fn finds_held_as_a_set(&self) -> bool {
        self.is_chained() && !self.has_trees()
    }

    /// `WITH RECURSIVE besom_held AS (…)`: due rows that one that stays refers to, over however many
    /// others that are due.
    fn list_held(&self, w: &mut Writer) -> Result<(), Fault> {
        let keys = self.authorized.chains();
        let (row, child, next) = (
            w.row(self.table()),
            w.row(self.table()),
            w.row(self.table()),
        );
        w.push(&format!("WITH RECURSIVE {HELD} AS (SELECT "))
            .push(&self.chained_columns(&row))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.predicate(w, &row)?;
        w.push(" AND EXISTS (SELECT 1 FROM ");
        self.swept(w, &child)?;
        w.push(" WHERE ")
            .push(&refers(keys, &child, &row))
            .push(" AND (");
        self.predicate(w, &child)?;
        self.free_by_itself(w, &child)?;
        w.push(") IS NOT TRUE");
        if w.dialect() == Dialect::Postgres {
            w.push(" OFFSET 0");
        }
        w.push(") UNION SELECT ")
            .push(&self.chained_columns(&next))
            .push(&format!(" FROM {HELD} JOIN "));
        self.swept(w, &next)?;
        let held = self.part(HELD);
        w.push(" ON ")
            .push(&format!("({})", ties(keys, &held, &next)))
            .push(" WHERE ");
        self.predicate(w, &next)?;
        w.push(") ");
        Ok(())
    }

    fn is_held(&self, w: &mut Writer, row: &Row<'_>) {
        let held = self.part(HELD);
        match w.dialect() {
            // An anti-join, which may take to disk what does not fit into memory.
            Dialect::Postgres => w
                .push(&format!("EXISTS (SELECT 1 FROM {HELD} WHERE "))
                .push(&same_row(row, &held)),
            // Worked out once.
            Dialect::Sqlite => w
                .push(&format!("({}) IN (SELECT ", key_columns(row).join(", ")))
                .push(&format!("{} FROM {HELD}", key_columns(&held).join(", "))),
        };
        w.push(")");
    }

    fn part(&self, name: &str) -> Row<'_> {
        Row {
            alias: name.to_owned(),
            table: self.table(),
        }
    }

    /// `(SELECT count(*) …)` of the rows in [`Plan::list_held`] that nothing else holds.
    fn count_held_alone(&self, w: &mut Writer, most: u64) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push(&format!(
            "(SELECT count(*) FROM (SELECT 1 FROM {HELD} JOIN "
        ));
        self.swept(w, &row)?;
        w.push(" ON ")
            .push(&same_row(&row, &self.part(HELD)))
            .push(" WHERE ");
        w.truth(true);
        self.free_by_itself(w, &row)?;
        w.push(&format!(" LIMIT {most}) AS chained)"));
        Ok(())
    }

    /// How many rows meet the condition and are held by rows that stay, counted no further than
    /// `most`.
    pub(crate) fn remaining_blocked(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        let as_a_set = self.finds_held_as_a_set();
        self.know_what_is_held(&mut w)?;
        w.push("SELECT ");
        self.count_left(&mut w, most, |w, row| {
            w.push("NOT (");
            w.truth(true);
            match as_a_set {
                true => self.free_by_itself(w, row)?,
                false => self.free(w, row)?,
            }
            w.push(")");
            Ok(())
        })?;
        if as_a_set {
            w.push(" + ");
            self.count_held_alone(&mut w, most)?;
        }
        Ok(w.finish())
    }

    /// The same by the table that holds them, one row a reason: the table's name and the count.
    pub(crate) fn remaining_blocked_by(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        let as_a_set = self.finds_held_as_a_set();
        self.know_what_is_held(&mut w)?;
        let mut between = "";
        self.reasons(|table, holds| {
            w.push(between)
                .push("SELECT ")
                .bind_as(self.catalog.spelling(table), "text")
                .push(", ");
            between = " UNION ALL ";
            self.count_left(&mut w, most, holds)
        })?;
        if self.is_chained() {
            w.push(between)
                .push("SELECT ")
                .bind_as(self.catalog.spelling(&self.table().id), "text")
                .push(", ");
            match as_a_set {
                true => {
                    w.push(&format!(
                        "(SELECT count(*) FROM (SELECT 1 FROM {HELD} LIMIT {most}) AS chained)"
                    ));
                }
                false => self.count_left(&mut w, most, |w, row| self.chain_is_held(w, row))?,
            }
        }
        Ok(w.finish())
    }

    /// How many rows meet the condition, held by others or not, counted no further than `most`.
    pub(crate) fn meeting(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        w.push("SELECT ");
        self.count_left(&mut w, most, |w, _| {
            w.truth(true);
            Ok(())
        })?;
        Ok(w.finish())
    }

    /// `(SELECT count(*) …)`: rows that meet the condition, and one more.
    fn count_left(
        &self,
        w: &mut Writer,
        most: u64,
        also: impl FnOnce(&mut Writer, &Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push("(SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.predicate(w, &row)?;
        w.push(" AND ");
        also(w, &row)?;
        w.push(&format!(" LIMIT {most}) AS remaining)"));
        Ok(())
    }
}
