//! Looking at rows: what a plugin that must see them asks for, and what it gets.

use super::{Action, Assignment, Condition, Request, Suspension, Timestamp};

/// The part of a read that is no condition: its columns, and which end comes first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The columns whose values are asked for.
    pub columns: Vec<String>,
    /// The largest value of the order comes first.
    pub descending: bool,
}

impl Request {
    /// A request to look at some columns of every row of `table` that meets `matching`.
    pub fn read(table: impl Into<String>, columns: Vec<String>, matching: Condition) -> Self {
        let look = Look {
            columns,
            descending: false,
        };
        Self::new(table, matching, Action::Read(look))
    }

    /// The request to delete rows that a read has shown.
    #[must_use]
    pub fn deleting(&self) -> Self {
        Self {
            action: Action::Delete,
            ..self.clone()
        }
    }

    /// The request to give rows that a read has shown new values.
    #[must_use]
    pub fn updating(&self, assignments: Vec<Assignment>) -> Self {
        Self {
            action: Action::Update(assignments),
            dependents: Vec::new(),
            ..self.clone()
        }
    }
}

/// The values of one column, one a row of the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Truth values.
    Booleans(Vec<Option<bool>>),
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Floating point numbers.
    Floats(Vec<Option<f64>>),
    /// Text, and every type that has no list of its own, in the database's text form.
    Texts(Vec<Option<String>>),
    /// Bytes.
    Blobs(Vec<Option<Vec<u8>>>),
    /// Instants; the database's infinities are the first and the last that there are.
    Timestamps(Vec<Option<Timestamp>>),
}

/// Some rows of a read, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Rows.
    pub length: u32,
    /// One a column that was asked for, in its order.
    pub columns: Vec<Values>,
    /// Rows of this read that came before this page.
    pub offset: u64,
}

/// What a reader answers when it is asked for its next page.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Some rows.
    Page(Page),
    /// Every row has been read.
    Drained,
    /// Stop here; the rest stays for the next run.
    Suspended(Suspension),
}
