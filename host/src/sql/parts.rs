//! What hangs on a swept row, way by way, and whether it can be taken off the row by statements of its own.

use super::Plan;
use crate::catalog::{Dialect, OnDelete, Table, Trigger};
use crate::request::{Condition, Fate};
use crate::scope::Path;

/// Rows that hang on a swept row in one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(super) path: &'a Path,
    pub(super) narrowing: &'a [Condition],
    pub(super) does: Does<'a>,
    /// The request asks for it; otherwise a foreign key's rule would do it.
    pub(crate) asked: bool,
}

/// What becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does<'a> {
    Delete,
    /// These columns are set to NULL.
    Clear(&'a [String]),
    /// These columns are set to their defaults, after which the row may hang where it did.
    Default,
}

impl Part<'_> {
    /// How its rows hang on the swept row.
    pub(crate) fn path(&self) -> &Path {
        self.path
    }
}

impl Plan {
    /// What hangs on a swept row, in an order in which it may go: rows on which others hang come after
    /// those, and what is to go altogether before what only lets go of it.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let dependents = self.authorized.dependents().iter();
        let dependents = dependents.map(|tied| Part {
            path: &tied.path,
            narrowing: &tied.narrowing,
            does: match tied.fate {
                Fate::Delete => Does::Delete,
                Fate::Unlink => Does::Clear(columns_of(&tied.path)),
            },
            asked: true,
        });
        let consequences = self.authorized.consequences().iter();
        let consequences = consequences.map(|consequence| Part {
            path: &consequence.path,
            narrowing: &consequence.narrowing,
            does: match consequence.path.key() {
                Some(key) if key.on_delete == OnDelete::SetNull => Does::Clear(&key.set_columns),
                Some(key) if key.on_delete == OnDelete::SetDefault => Does::Default,
                _ => Does::Delete,
            },
            asked: false,
        });
        let mut parts: Vec<_> = dependents.chain(consequences).collect();
        let all = parts.clone();
        parts.sort_by_key(|part| {
            let below = all
                .iter()
                .filter(|other| other.path.0.starts_with(&part.path.0))
                .map(|other| other.path.0.len() - part.path.0.len())
                .max();
            (below, part.does != Does::Delete)
        });
        parts
    }

    /// Everything that hangs on a row can be let go by statements of its own: also what the database's
    /// rules would do with its owner's rights, which the role itself may lack. And the row is due whether it
    /// is there or not.
    pub(crate) fn comes_apart(&self) -> bool {
        self.kept_whole_by().is_empty()
            && !self.leans_on_its_parts()
            && self.parts().iter().all(|part| {
                let table = part.path.child().and_then(|id| self.catalog.by_id(id));
                table.is_some_and(|table| match part.does {
                    Does::Delete => table.privileges.delete && table.privileges.update_any,
                    Does::Clear(columns) => {
                        table.privileges.update_any && !self.would_not_end(table, columns)
                    }
                    Does::Default => false,
                })
            })
    }

    /// Rows that are cleared may be tied again at once without anybody being able to tell.
    fn would_not_end(&self, table: &Table, columns: &[String]) -> bool {
        let restores = |trigger: &Trigger| match self.dialect() {
            // Without a key a changed row is not known again.
            Dialect::Postgres => table.primary_key.is_empty(),
            Dialect::Sqlite => columns
                .iter()
                .any(|column| trigger.assigns.contains(column)),
        };
        let mut triggers = table.triggers.iter();
        triggers.any(|trigger| trigger.on_update && trigger.fires_on(columns) && restores(trigger))
    }
}

fn columns_of(path: &Path) -> &[String] {
    path.0.last().map_or(&[], |link| &link.columns)
}
