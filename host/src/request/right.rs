//! Rights on tables, and those that are missing.

use std::fmt;

/// A right on a table or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look at a column in a condition, join or order.
    Read,
    /// Have a column set to NULL or its default by a foreign key's rule.
    Update,
    /// Delete rows, also by a foreign key's CASCADE.
    Delete,
    /// Ask for every row.
    AllRows,
}

impl Right {
    /// What one may not do, up to the table's name.
    fn in_words(self, on_a_column: bool) -> &'static str {
        match (self, on_a_column) {
            (Self::Read, true) => "read",
            (Self::Update, true) => "update",
            (Self::Read, false) => "read rows of",
            (Self::Update, false) => "update rows of",
            (Self::Delete, _) => "delete rows of",
            (Self::AllRows, _) => "take every row (`all-rows`) of",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::AllRows => "all-rows",
        })
    }
}

/// One right that a job needs and may not use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The table, under the name that the file uses for it or would.
    pub table: String,
    /// The right.
    pub right: Right,
    /// The column, where the right is on one.
    pub column: Option<String>,
    /// What needs it: "the condition", a foreign key.
    pub because: String,
    /// The plugin's own `access` does not name it: no line of the file gives it, because a plugin does
    /// nothing that it has not said beforehand.
    pub unsaid: bool,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.right.in_words(self.column.is_some()))?;
        if let Some(column) = &self.column {
            write!(f, "column `{column}` of ")?;
        }
        write!(f, "table `{}`", self.table)
    }
}

/// What a request may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// For people and guests, with the lines that would allow it.
    pub problem: super::Problem,
    /// Right by right; none where no grant opens what was asked for.
    pub missing: Vec<Missing>,
}
