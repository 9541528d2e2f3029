//! Triggers, as far as their source is read.

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

/// One user trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub timing: TriggerTiming,
    /// It fires on DELETE.
    pub on_delete: bool,
    /// It fires on UPDATE.
    pub on_update: bool,
    /// Once a row rather than once a statement.
    pub for_each_row: bool,
    /// By the look of its source it may keep a row from being deleted: a function that returns
    /// NULL, or NEW and never OLD, which is NULL when a row goes; on SQLite RAISE(IGNORE).
    pub may_keep_rows: bool,
    /// The same of a change: a function that returns NULL, or OLD whatever fired it.
    pub may_undo_changes: bool,
    /// Columns whose UPDATE fires it; empty: all.
    pub of_columns: Vec<String>,
    /// Columns of its table that it assigns by the look of its source, be it to `NEW` or by an UPDATE.
    pub assigns: Vec<String>,
    /// SQLite: by the look of its source it may replace rows that are in the way.
    pub replaces: bool,
    /// By the words of its source it may delete or change rows, or call what does. On SQLite any may.
    pub writes: bool,
    /// Its source is in a language that is not looked at.
    pub unread: bool,
    /// It cannot refuse that a row goes, as far as its own source says: it only inserts rows, into these tables.
    /// `None`: it may do anything.
    pub only_notes: Option<Notes>,
    /// PostgreSQL: its function is set to a zone of its own, whatever the session's.
    pub has_zone: bool,
    /// PostgreSQL: its function as the server names it in errors.
    pub function: Option<String>,
}

/// What a trigger writes that does nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// The tables, as its source names them.
    pub into: Vec<String>,
    /// It writes with the rights of whoever deletes; otherwise with those of its function's owner.
    pub as_invoker: bool,
}

impl Trigger {
    /// An UPDATE that sets one of these columns fires it, if it fires on updates at all.
    pub fn fires_on<'c>(&self, set: impl IntoIterator<Item = &'c String>) -> bool {
        let of = &self.of_columns;
        let mut set = set.into_iter();
        set.any(|column| of.is_empty() || of.contains(column))
    }
}
