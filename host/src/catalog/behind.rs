//! What the database does besides, or in place of, what a statement says, and the facts by which a later look
//! tells whether that, or what the statement names, has changed.

use std::collections::{BTreeMap, BTreeSet};

/// What stands behind one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behind {
    /// PostgreSQL: rewrite rules ON DELETE and ON UPDATE that are in force.
    pub rules: Vec<Rule>,
    /// PostgreSQL: publications that make the database refuse a change, because they could not name the row
    /// to their subscribers.
    pub unpublishable: Vec<Unpublishable>,
    /// SQLite: the columns in a constraint that says itself what becomes of a conflict, such as `UNIQUE ON CONFLICT
    /// REPLACE`, which deletes the row that is in the way.
    pub conflicts: BTreeSet<String>,
    /// What was there when the catalog was read.
    pub facts: Facts,
    /// SQLite: indexes on what only the application's own connections know, by name, and what that is: ``collation
    /// `c` ``. SQLite refuses a statement that would have to write one.
    pub unknown_indexes: BTreeMap<String, String>,
}

/// A rewrite rule: the statement that is carried out is another than the one that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// It is on DELETE; otherwise on UPDATE.
    pub on_delete: bool,
}

/// A publication that a table is part of and has no usable replica identity for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublishable {
    /// The publication.
    pub publication: String,
    /// It publishes deletes.
    pub deletes: bool,
    /// It publishes updates.
    pub updates: bool,
    /// What is amiss, as the end of a sentence about the table.
    pub why: String,
}

/// What a plan takes for given about a table, each in one text. Equal texts: nothing of it has changed.
///
/// Everything that takes part when its rows go, or change: keys that point at the table, triggers, rules, tables that
/// inherit. And what its name and those of its columns stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// PostgreSQL: the table's object id, which a table of the same name made later does not have.
    pub oid: u32,
    /// Where rows go.
    pub deletes: String,
    /// Where rows change.
    pub updates: String,
    /// The table itself.
    pub itself: String,
    /// Its columns, by name: their place, and what they hold.
    pub columns: BTreeMap<String, String>,
    /// SQLite: the page at which the table begins, which is another one where the table was made anew, and
    /// after a VACUUM.
    pub root: i64,
    /// SQLite: by the look of its statement a row that is in the way of another may be replaced.
    pub replaces: bool,
    /// SQLite: its place among what the schema lists, at the end of which a table is that was made anew.
    pub place: i64,
}

/// What becomes of rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// They go.
    Delete,
    /// They change.
    Update,
}

impl Facts {
    /// The text for that event.
    pub fn of(&self, event: Event) -> &str {
        match event {
            Event::Delete => &self.deletes,
            Event::Update => &self.updates,
        }
    }

    /// The text about a column; `None`: about the table itself. Empty where there is none of that name.
    pub fn named(&self, column: Option<&str>) -> &str {
        match column {
            None => &self.itself,
            Some(column) => self.columns.get(column).map_or("", String::as_str),
        }
    }
}

impl Event {
    /// The event's bit in `pg_trigger.tgtype`, from the server's own `pg_trigger.h`.
    pub(crate) fn bit(self) -> i16 {
        match self {
            Self::Delete => 8,
            Self::Update => 16,
        }
    }
}
