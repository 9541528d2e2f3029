//! What is done to the dependents of a batch.

use std::collections::BTreeMap;

use super::Plan;
use super::family::rows_of;
use super::signs::same;
use super::verb::update;
use super::writer::{Row, Writer};
use crate::catalog::{OnDelete, Table, TableId, quote_ident};
use crate::database::Statement;
use crate::request::{Fate, Fault};
use crate::scope::Tied;

impl Plan {
    /// Writes what is asked of the dependents once, for a value that does not fit its column to be refused before
    /// anything is deleted. No statement that only counts asks it where no foreign key ties them.
    pub(super) fn write_dependents(&self) -> Result<(), Fault> {
        for tied in self.authorized.dependents() {
            let mut w = Writer::new(self.dialect());
            for (link, table) in tied.path.0.iter().zip(&self.tables_of(&tied.path.0)?) {
                let row = w.row(table);
                self.meant(&mut w, link, &row)?;
            }
        }
        Ok(())
    }

    /// `, gone_0 AS (DELETE …), let_go_0 AS (UPDATE …)`: on PostgreSQL one statement may delete
    /// and unlink in any order, because foreign keys are checked at its end.
    pub(super) fn act_on_dependents(&self, w: &mut Writer) -> Result<(), Fault> {
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if tied.fate == Fate::Delete {
                w.push(&format!(", gone_{place} AS ("));
                self.delete_dependents(w, place, tied)?;
                w.push(" RETURNING 1)");
            }
        }
        for (index, places) in self.unlinked().into_values().enumerate() {
            w.push(&format!(", let_go_{index} AS ("));
            self.unlink(w, &places)?;
            w.push(" RETURNING 1)");
        }
        Ok(())
    }

    /// Rows that [`Plan::act_on_dependents`] deleted and unlinked.
    pub(super) fn count_acted_on_dependents(&self, w: &mut Writer) {
        w.push("0");
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if tied.fate == Fate::Delete {
                w.push(&format!(" + (SELECT count(*) FROM gone_{place})"));
            }
        }
        for index in 0..self.unlinked().len() {
            w.push(&format!(" + (SELECT count(*) FROM let_go_{index})"));
        }
    }

    /// Dependents that are unlinked, by their table: a row that several let go is updated once.
    fn unlinked(&self) -> BTreeMap<&TableId, Vec<usize>> {
        let mut by_table: BTreeMap<&TableId, Vec<usize>> = BTreeMap::new();
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if let (Fate::Unlink, Some(table)) = (tied.fate, tied.path.child()) {
                by_table.entry(table).or_default().push(place);
            }
        }
        by_table
    }

    /// A dependent that has been moved to another parent meanwhile is left alone.
    fn delete_dependents(&self, w: &mut Writer, place: usize, tied: &Tied) -> Result<(), Fault> {
        let table = self.table_of(tied)?;
        let row = w.row(&table);
        w.push("DELETE FROM ");
        self.source(w, &row)?;
        w.push(&format!(" USING {} AS own WHERE ", rows_of(place)))
            .push(&self.is_still(&row, "own", tied));
        self.still_meant(w, &row, tied)?;
        self.but_victims(w, &row, " AND ");
        Ok(())
    }

    /// ` AND …`: a dependent that no longer meets what its join asks of it is left alone, too.
    fn still_meant(&self, w: &mut Writer, row: &Row<'_>, tied: &Tied) -> Result<(), Fault> {
        let last = tied.path.0.last();
        last.map_or(Ok(()), |link| self.meant(w, link, row))
    }

    fn is_still(&self, row: &Row<'_>, part: &str, tied: &Tied) -> String {
        let own = Row {
            alias: part.to_owned(),
            table: row.table,
        };
        let columns = tied.path.0.last().map_or(&[][..], |link| &link.columns);
        let ties = columns.iter().map(|column| {
            let same = same(row.table, column, &row.column(column), &own.column(column));
            format!(" AND {same}")
        });
        self.same(row, &own) + &ties.collect::<String>()
    }

    /// Sets the columns that tie rows of one table to NULL, each where its own dependent says so.
    fn unlink(&self, w: &mut Writer, places: &[usize]) -> Result<(), Fault> {
        let tied: Vec<(usize, &Tied)> = places
            .iter()
            .filter_map(|place| {
                let tied = self.authorized.dependents().get(*place)?;
                Some((*place, tied))
            })
            .collect();
        let Some((_, first)) = tied.first() else {
            return Ok(());
        };
        let table = self.table_of(first)?;
        let row = w.row(&table);
        let is = |w: &mut Writer, (place, tied): &(usize, &Tied)| {
            let part = format!("own_{place}");
            w.push(&format!(
                "(EXISTS (SELECT 1 FROM {} AS {part} WHERE {})",
                rows_of(*place),
                self.is_still(&row, &part, tied)
            ));
            self.still_meant(w, &row, tied)?;
            w.push(")");
            Ok::<_, Fault>(())
        };
        let mut columns: BTreeMap<&String, Vec<(usize, &Tied)>> = BTreeMap::new();
        for (place, tied) in &tied {
            for column in tied
                .path
                .0
                .last()
                .into_iter()
                .flat_map(|link| &link.columns)
            {
                columns.entry(column).or_default().push((*place, tied));
            }
        }
        w.push(update(&table, columns.keys().copied()));
        self.source(w, &row)?;
        w.push(" SET ");
        w.separated(&columns, ", ", |w, (column, when)| {
            w.push(&format!("{} = CASE WHEN ", quote_ident(column)));
            w.separated(when, " OR ", &is)?;
            w.push(&format!(" THEN NULL ELSE {} END", row.column(column)));
            Ok::<_, Fault>(())
        })?;
        w.push(" FROM (");
        w.separated(&tied, " UNION ", |w, (place, _)| {
            let part = Row {
                alias: rows_of(*place),
                table: &table,
            };
            let identity = self.identity(&part).join(", ");
            w.push(&format!("SELECT {identity} FROM {}", part.alias));
            Ok::<_, Fault>(())
        })?;
        let hit = Row {
            alias: "hit".to_owned(),
            table: &table,
        };
        w.push(") AS hit WHERE ")
            .push(&self.same(&row, &hit))
            .push(" AND (");
        w.separated(&tied, " OR ", &is)?;
        w.push(")");
        self.but_victims(w, &row, " AND ");
        self.but_dependents(w, &row, |_, tied| tied.fate == Fate::Delete);
        Ok(())
    }

    /// SQLite: the unlinking statements, each to be run once.
    pub(super) fn unlinking(&self) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        for places in self.unlinked().into_values() {
            let mut w = Writer::new(self.dialect());
            self.unlink(&mut w, &places)?;
            statements.push(w.finish());
        }
        Ok(statements)
    }

    /// The tables from which a batch deletes, those first whose rows RESTRICT the others: SQLite
    /// checks that rule at once, row by row, while NO ACTION waits for the commit.
    pub(super) fn tables_to_empty(&self) -> Result<Vec<std::sync::Arc<Table>>, Fault> {
        let mut deepest_first: Vec<_> = self
            .authorized
            .dependents()
            .iter()
            .filter(|tied| tied.fate == Fate::Delete)
            .collect();
        deepest_first.sort_by_key(|tied| std::cmp::Reverse(tied.path.0.len()));
        let mut waiting = Vec::new();
        for tied in deepest_first {
            waiting.push(self.table_of(tied)?);
        }
        waiting.push(std::sync::Arc::clone(self.table()));
        let mut once: Vec<std::sync::Arc<Table>> = Vec::new();
        for table in waiting {
            if !once.contains(&table) {
                once.push(table);
            }
        }
        let mut order = Vec::new();
        while !once.is_empty() {
            let held = |table: &Table| {
                let others =
                    |id: &TableId| *id != table.id && once.iter().any(|other| other.id == *id);
                table
                    .referenced_by
                    .iter()
                    .any(|key| key.rule() == OnDelete::Restrict && others(&key.child))
            };
            // In a circle of RESTRICT no order helps; the database will say so.
            let next = once.iter().position(|table| !held(table)).unwrap_or(0);
            order.push(once.remove(next));
        }
        Ok(order)
    }
}
