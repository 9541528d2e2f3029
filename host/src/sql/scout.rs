//! Few of many rows are free: they are looked for by statements over a long stretch of the table, in which
//! the database may join, and not window by window.

use super::Plan;
use super::window::{Window, key_columns, selected};
use super::writer::Writer;
use crate::catalog::Dialect;
use crate::database::Statement;
use crate::request::Fault;

impl Plan {
    /// Whether such a look can find rows faster than windows do: only where conditions look at other rows.
    pub(crate) fn can_be_scouted(&self) -> bool {
        self.picked.is_none() && !self.is_chained() && self.has_relations()
    }

    /// The keys of a stretch's eligible rows, no more than `most`.
    pub(crate) fn list(&self, stretch: &Window, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.by_sets();
        let row = w.row(self.table());
        w.push("SELECT ")
            .push(&selected(self.dialect(), &key_columns(&row)))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, stretch)?;
        w.push(&format!(" LIMIT {most}"));
        Ok(w.finish())
    }

    /// SQLite: whether [`Plan::list_met`] serves.
    pub(crate) fn lists_and_counts(&self) -> bool {
        self.dialect() == Dialect::Sqlite && self.may_block() && self.table().rowid_name().is_some()
    }

    /// How many rows of a stretch meet the condition, and the rowids of those that are eligible, with commas between
    /// them: each row is asked once, where two statements would ask it twice.
    pub(crate) fn list_met(&self, stretch: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.by_sets();
        let row = w.row(self.table());
        let key = key_columns(&row).join(", ");
        w.push("SELECT count(*), group_concat(k) FILTER (WHERE free) FROM (SELECT ")
            .push(&format!("{key} AS k, ("));
        w.truth(true);
        self.free_by_itself(&mut w, &row)?;
        w.push(") AS free FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.within(&mut w, &row, stretch);
        w.push(" AND ");
        self.predicate(&mut w, &row)?;
        w.push(") AS met");
        Ok(w.finish())
    }

    /// How many rows of a stretch meet the condition, held by others or not.
    pub(crate) fn count_met_of(&self, stretch: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.by_sets();
        w.push("SELECT ");
        self.count_met(&mut w, stretch, |w, _| {
            w.truth(true);
            Ok(())
        })?;
        Ok(w.finish())
    }

    /// The table whose rows hold the blocked ones, where it is one in one way.
    pub(crate) fn only_holder(&self) -> Result<Option<String>, Fault> {
        let mut holders = Vec::new();
        self.reasons(|table, _| {
            holders.push(self.catalog.spelling(table));
            Ok(())
        })?;
        let only = holders.len() == 1;
        Ok(holders.pop().filter(|_| only))
    }

    /// As [`Plan::blocked_by`], of a stretch.
    pub(crate) fn blocked_by_of(&self, stretch: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.by_sets();
        self.write_blocked_by(&mut w, stretch)?;
        Ok(w.finish())
    }
}
