//! SQLite: which changes of rows are reported to whoever counts them, and what is not.

use super::Plan;
use crate::catalog::{Dialect, Event};
use crate::database::{Statement, Watched};

impl Plan {
    /// The tables of which a batch counts rows.
    pub(crate) fn watched(&self) -> Vec<Watched> {
        let mut watched: Vec<Watched> = Vec::new();
        for (id, event) in self.authorized.events() {
            let changes = event == Event::Update;
            match watched.iter_mut().find(|known| known.table == id.name) {
                Some(known) => known.changes |= changes,
                None => watched.push(Watched {
                    table: id.name,
                    changes,
                }),
            }
        }
        watched
    }

    /// SQLite reports each row of these tables that goes or changes. It does not where there is no rowid; and a table
    /// without keys and triggers it may empty as a whole.
    pub(crate) fn reports_each_row(&self) -> bool {
        self.authorized.events().into_iter().all(|(id, _)| {
            self.catalog.by_id(&id).is_some_and(|table| {
                let one_by_one = !table.triggers.is_empty()
                    || !table.foreign_keys.is_empty()
                    || !table.referenced_by.is_empty();
                table.has_rowid && one_by_one
            })
        })
    }

    /// Rows that are in the way of one that a trigger inserts may be gone without a report.
    pub(crate) fn may_be_replaced(&self) -> bool {
        let replaces = |name: &str| {
            let mut tables = self.catalog.tables();
            let table = tables.find(|table| table.id.name.eq_ignore_ascii_case(name));
            table.is_none_or(|table| table.behind.facts.replaces)
        };
        let mut tables = self.catalog.tables();
        tables.any(|table| table.triggers.iter().any(|trigger| trigger.replaces))
            || self.watched().iter().any(|of| replaces(&of.table))
    }
}

/// Rows that the connection has inserted, deleted and changed so far, in whatever table.
pub(crate) fn total_changes() -> Statement {
    let mut w = Statement::new(Dialect::Sqlite);
    w.push("SELECT total_changes()");
    w
}
