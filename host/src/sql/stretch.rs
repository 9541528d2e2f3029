//! SQLite: a table in stretches by rowid, for counts that may not read the file at one go.
//!
//! Whatever order a sweep goes in, each row is in one stretch.

use super::Plan;
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::database::{Bind, Statement};
use crate::request::Fault;

/// Rows after one rowid, up to another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stretch {
    /// `None`: from the first.
    pub(crate) after: Option<Bind>,
    /// `None`: to the last.
    pub(crate) upto: Option<Bind>,
}

impl Plan {
    /// Whether [`Plan::remaining`] is the sum over stretches.
    pub(crate) fn adds_up(&self) -> bool {
        self.dialect() == Dialect::Sqlite
            && self.table().rowid_name().is_some()
            && self.history.is_empty()
            && self.picked.is_none()
            && !self.finds_held_as_a_set()
    }

    /// The rowid so many rows on; no row where fewer are left.
    pub(crate) fn end_of_stretch(
        &self,
        after: Option<&Bind>,
        rows: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(self.table());
        let rowid = rowid(&row);
        let stretch = Stretch {
            after: after.cloned(),
            upto: None,
        };
        w.push(&format!("SELECT {rowid} FROM "));
        self.stretch(&mut w, &row, &stretch)?;
        let offset = rows.saturating_sub(1);
        w.push(&format!(" ORDER BY {rowid} LIMIT 1 OFFSET {offset}"));
        Ok(w.finish())
    }

    /// As [`Plan::remaining`], of a stretch.
    pub(crate) fn remaining_of(&self, stretch: &Stretch, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.by_sets();
        let row = w.row(self.table());
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.stretch(&mut w, &row, stretch)?;
        w.push(" AND ");
        self.would_go(&mut w, &row)?;
        w.push(&format!(" LIMIT {most}) AS remaining"));
        Ok(w.finish())
    }

    /// The rows of a stretch, counted no further than `most`.
    pub(crate) fn rows_of(&self, stretch: &Stretch, most: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(self.table());
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.stretch(&mut w, &row, stretch)?;
        w.push(&format!(" LIMIT {most}) AS counted"));
        Ok(w.finish())
    }

    /// `t AS r1 NOT INDEXED WHERE …`: any index would be read from its beginning by each stretch.
    fn stretch(&self, w: &mut Writer, row: &Row<'_>, stretch: &Stretch) -> Result<(), Fault> {
        self.swept(w, row)?;
        w.push(" NOT INDEXED WHERE ");
        w.truth(true);
        let edges = [(" > ", &stretch.after), (" <= ", &stretch.upto)];
        for (sign, edge) in edges {
            if let Some(edge) = edge {
                w.push(&format!(" AND {}{sign}", rowid(row)))
                    .bind(edge.clone());
            }
        }
        Ok(())
    }
}

fn rowid(row: &Row<'_>) -> String {
    let name = row.table.rowid_name().unwrap_or("rowid");
    row.column(name)
}
