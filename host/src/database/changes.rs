//! What a connection changes in a SQLite file, counted row by row as it happens: by statements, by foreign keys' rules, and
//! by triggers at any depth.
//!
//! SQLite's own totals tell no table from another, nor what a trigger inserts elsewhere from what it takes. What it does not
//! report row by row is in those totals alone: rows of tables without a rowid, and of one that is emptied as a whole.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::sqlite::{LockedSqliteHandle, SqliteOperation, UpdateHookResult};

/// A table whose rows are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its name in the file.
    pub table: String,
    /// Rows that change are counted as those that go are.
    pub changes: bool,
}

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Rows deleted.
    pub deleted: u64,
    /// Changes of rows, also of one that was changed before.
    pub changes: u64,
    /// Rows changed and not deleted.
    pub changed: u64,
    /// Rows inserted.
    pub inserted: u64,
    /// Whatever was reported, of any table.
    pub reported: u64,
}

/// The counts of a connection, shared with the thread that SQLite works in.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Arc<Mutex<Tally>>);

#[derive(Debug, Default)]
struct Tally {
    counted: Counted,
    /// Tables by their places, and rowids.
    changed: HashSet<(usize, i64)>,
}

impl Counts {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Each count is whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from now on on this connection, instead of what was counted before.
    pub(super) fn watch(&self, handle: &mut LockedSqliteHandle<'_>, tables: Vec<Watched>) {
        let counts = self.clone();
        handle.set_update_hook(move |change| counts.tally().note(&tables, &change));
    }

    pub(super) fn begin_anew(&self) {
        let mut tally = self.tally();
        tally.changed.clear();
        tally.counted = Counted::default();
    }

    pub(super) fn so_far(&self) -> Counted {
        let tally = self.tally();
        Counted {
            changed: tally.changed.len() as u64,
            ..tally.counted
        }
    }
}

impl Tally {
    fn note(&mut self, tables: &[Watched], change: &UpdateHookResult<'_>) {
        self.counted.reported += 1;
        let of = |watched: &Watched| watched.table.eq_ignore_ascii_case(change.table);
        let place = match change.database {
            "main" => tables.iter().position(of),
            _ => None,
        };
        let Some((place, watched)) = place.and_then(|at| Some((at, tables.get(at)?))) else {
            return;
        };
        let row = (place, change.rowid);
        match change.operation {
            SqliteOperation::Delete => {
                self.counted.deleted += 1;
                self.changed.remove(&row);
            }
            SqliteOperation::Update if watched.changes => {
                self.counted.changes += 1;
                self.changed.insert(row);
            }
            SqliteOperation::Insert => self.counted.inserted += 1,
            SqliteOperation::Update | SqliteOperation::Unknown(_) => {}
        }
    }
}
