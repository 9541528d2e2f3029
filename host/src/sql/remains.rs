//! What a sweep leaves, for the probe after a run: without a window, and counted only so far.

use super::Plan;
use super::writer::{Row, Writer};
use crate::database::Statement;
use crate::request::Fault;

impl Plan {
    /// How many rows meet the condition and are held by rows that stay, counted no further than
    /// `most`.
    pub(crate) fn remaining_blocked(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        w.push("SELECT ");
        self.count_left(&mut w, most, |w, row| {
            w.push("NOT (");
            w.truth(true);
            self.free(w, row)?;
            w.push(")");
            Ok(())
        })?;
        Ok(w.finish())
    }

    /// The same by the table that holds them, one row a reason: the table's name and the count.
    pub(crate) fn remaining_blocked_by(&self, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.plan_each_time();
        let mut between = "";
        self.reasons(|table, holds| {
            w.push(between)
                .push("SELECT ")
                .bind_as(self.catalog.spelling(table), "text")
                .push(", ");
            between = " UNION ALL ";
            self.count_left(&mut w, most, holds)
        })?;
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
