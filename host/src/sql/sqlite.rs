//! A batch with dependents or chains on SQLite, which has no data-modifying CTE: the rows of each
//! part go to a temporary table first, then the statements that act on them.

use super::Plan;
use super::chains::Hold;
use super::dangling::same_ties;
use super::family::{VICTIMS, rows_of};
use super::fit::Among;
use super::window::Window;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, Table, quote_ident};
use crate::database::Statement;
use crate::request::{Action, Fate, Fault};

/// Rows below one another that are deleted by one statement. SQLite follows CASCADE a thousand rows deep at
/// most; where those that refer go first, it has no more than these to follow, whatever the depth of a tree.
const AT_ONCE: usize = 100;

impl Plan {
    /// A batch takes several statements.
    pub(crate) fn takes_parts(&self) -> bool {
        self.has_dependents() || self.is_chained() || self.trees_below().next().is_some()
    }

    /// Fills the temporary tables with the rows that go.
    pub(crate) fn collect(&self, window: &Window) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        let part = |name: &str, w: &mut Writer| {
            w.push(&format!("CREATE TEMP TABLE {name} AS "));
        };
        let mut w = Writer::new(Dialect::Sqlite);
        part(VICTIMS, &mut w);
        self.victims(&mut w, window)?;
        statements.push(w.finish());
        statements.push(self.index_part(VICTIMS.to_owned(), self.table()));
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            let mut w = Writer::new(Dialect::Sqlite);
            part(&rows_of(place), &mut w);
            self.dependent_rows(&mut w, place, tied, false)?;
            statements.push(w.finish());
            let table = self.table_of(tied)?;
            statements.push(self.index_part(rows_of(place), &table));
        }
        Ok(statements)
    }

    /// Whether a row is in a part is asked row by row.
    fn index_part(&self, part: String, table: &Table) -> Statement {
        let mut w = Statement::new(Dialect::Sqlite);
        let names = self.identity_of(table);
        let names: Vec<_> = names.iter().map(|name| quote_ident(name)).collect();
        w.push(&format!(
            "CREATE INDEX temp.{part}_key ON {part} ({})",
            names.join(", ")
        ));
        w
    }

    /// The rows of the window that go.
    fn victims(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        let row = w.row(self.table());
        if self.hold() != Hold::Checked {
            w.push("SELECT ")
                .push(&self.carried(&row, &[]))
                .push(" FROM ");
            self.swept(w, &row)?;
            w.push(" WHERE ");
            return self.doomed(w, &row, window);
        }
        w.push("WITH RECURSIVE ");
        let fit = self.fit(w, Among::Window(window))?;
        w.push(" SELECT ")
            .push(&self.carried(&row, &[]))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.within(w, &row, window);
        self.is_fit(w, &row, fit);
        Ok(())
    }

    /// The counts of what the temporary tables hold, in the order of the tally.
    pub(crate) fn tally_parts(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        w.push("SELECT ");
        self.examined(&mut w, window)?;
        w.push(&format!(", (SELECT count(*) FROM {VICTIMS}) - "));
        self.count_riders(&mut w, VICTIMS);
        w.push(", ");
        self.count_dependents(&mut w, None)?;
        w.push(", ");
        self.cascaded(&mut w, VICTIMS, None)?;
        w.push(" + ");
        self.count_riders(&mut w, VICTIMS);
        w.push(", 0, ");
        match self.hold() {
            Hold::Checked => self.held_among_picked(&mut w, window, VICTIMS)?,
            Hold::Loose | Hold::Gone => self.blocked(&mut w, window)?,
        }
        w.push(", 0");
        Ok(w.finish())
    }

    /// How many of the swept rows are still there after the deletes: a trigger has kept them.
    pub(crate) fn kept_parts(&self) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        let row = w.row(self.table());
        let victim = Row {
            alias: VICTIMS.to_owned(),
            table: self.table(),
        };
        w.push(&format!("SELECT count(*) FROM {VICTIMS} JOIN "));
        self.swept(&mut w, &row)?;
        w.push(" ON ")
            .push(&super::eligible::same_row(&row, &victim));
        Ok(w.finish())
    }

    /// How many rows of the dependents that were to go are still there, or still tied where they were to let go;
    /// `None`: there are none.
    pub(crate) fn kept_dependents(&self) -> Result<Option<Statement>, Fault> {
        if !self.has_dependents() {
            return Ok(None);
        }
        let mut w = Writer::new(Dialect::Sqlite);
        w.push("SELECT 0");
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            let table = self.table_of(tied)?;
            let row = w.row(&table);
            let part = Row {
                alias: rows_of(place),
                table: &table,
            };
            w.push(" + (SELECT count(*) FROM ")
                .push(&part.alias)
                .push(" JOIN ");
            self.source(&mut w, &row)?;
            w.push(" ON ").push(&self.same(&row, &part));
            if let (Fate::Unlink, Some(link)) = (tied.fate, tied.path.0.last()) {
                w.push(&same_ties(link, &row, &part));
            }
            // Rows of the swept table may be dependents that stay because a trigger keeps them: counted already.
            self.but_victims(&mut w, &part, " WHERE ");
            w.push(")");
        }
        Ok(Some(w.finish()))
    }

    /// Unlinks what is to stay.
    pub(crate) fn unlink_parts(&self) -> Result<Vec<Statement>, Fault> {
        self.unlinking()
    }

    /// Deletes what is to go, in order.
    pub(crate) fn delete_parts(&self, window: &Window) -> Result<Vec<Statement>, Fault> {
        if let Action::Update(_) = self.request().action {
            return Ok(Vec::new());
        }
        let mut deletions = Vec::new();
        for table in self.tables_to_empty()? {
            let mut parts = Vec::new();
            if table.id == self.table().id {
                parts.push(VICTIMS.to_owned());
                if let (true, Some(picked)) = (self.has_trees(), &self.picked) {
                    let places = picked.places(window);
                    for start in places.clone().step_by(AT_ONCE) {
                        let end = (start + AT_ONCE).min(places.end);
                        deletions.push(self.delete_places(start..end));
                    }
                }
            }
            for (place, tied) in self.authorized.dependents().iter().enumerate() {
                if tied.fate == Fate::Delete && tied.path.child() == Some(&table.id) {
                    parts.push(rows_of(place));
                }
            }
            deletions.push(self.delete_parts_of(&table, &parts)?);
        }
        Ok(deletions)
    }

    fn delete_parts_of(&self, table: &Table, parts: &[String]) -> Result<Statement, Fault> {
        let mut w = Writer::new(Dialect::Sqlite);
        let row = w.row(table);
        w.push("DELETE FROM ");
        self.source(&mut w, &row)?;
        w.push(" WHERE (")
            .push(&self.identity(&row).join(", "))
            .push(") IN (");
        w.separated(parts, " UNION ", |w, part| {
            let part = Row {
                alias: part.clone(),
                table,
            };
            let identity = self.identity(&part).join(", ");
            w.push(&format!("SELECT {identity} FROM {}", part.alias));
            Ok::<_, Fault>(())
        })?;
        w.push(")");
        Ok(w.finish())
    }

    /// Clears the temporary tables away.
    pub(crate) fn discard_parts(&self) -> Vec<Statement> {
        let names = (0..self.authorized.dependents().len()).map(rows_of);
        names
            .chain([VICTIMS.to_owned()])
            .map(|name| {
                let mut statement = Statement::new(Dialect::Sqlite);
                statement.push(&format!("DROP TABLE temp.{name}"));
                statement
            })
            .collect()
    }
}
