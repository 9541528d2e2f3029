//! The word that an update begins with.

use super::Plan;
use crate::catalog::Table;

impl Plan {
    pub(super) fn update(&self) -> &'static str {
        let set = self.assignments().iter();
        update(self.table(), set.map(|assignment| &assignment.column))
    }
}

/// On SQLite a column may be declared `UNIQUE ON CONFLICT REPLACE`: an update of one row would then
/// delete another. The statement's own word overrides that, and with it what the statements of triggers
/// say; so it stands only where a column that is set takes part in such a constraint.
pub(super) fn update<'c>(table: &Table, mut set: impl Iterator<Item = &'c String>) -> &'static str {
    match set.any(|column| table.behind.conflicts.contains(column)) {
        true => "UPDATE OR ABORT ",
        false => "UPDATE ",
    }
}
