//! How the rows of another table are tied to the row under test.

use std::fmt;

use crate::condition::Condition;

/// Pairs of columns that are equal: one of the other table, one of the row under test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Join {
    pub(crate) pairs: Vec<Pair>,
}

/// One pair of a [`Join`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) foreign: String,
    pub(crate) local: String,
}

/// Joins on a column that has the same name in both tables.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// // the other table's user_id = this row's id, and both tables' tenant_id
/// let on = join("user_id").to("id").and("tenant_id");
/// assert_eq!(on.to_string(), "user_id = id and tenant_id = tenant_id");
/// ```
pub fn join(column: impl Into<String>) -> Join {
    Join { pairs: Vec::new() }.and(column)
}

impl Join {
    /// The column of the row under test, where its name differs from the other table's.
    pub fn to(mut self, local: impl Into<String>) -> Self {
        if let Some(pair) = self.pairs.last_mut() {
            pair.local = local.into();
        }
        self
    }

    /// One more pair of columns, of the same name until [`to`](Self::to) says otherwise.
    pub fn and(mut self, column: impl Into<String>) -> Self {
        let column = column.into();
        self.pairs.push(Pair {
            foreign: column.clone(),
            local: column,
        });
        self
    }

    /// Only the joined rows that meet `condition`.
    pub fn matching(self, condition: Condition) -> Related {
        Related {
            on: self,
            matching: Some(condition),
        }
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Pair { foreign, local }) in self.pairs.iter().enumerate() {
            let and = if index == 0 { "" } else { " and " };
            write!(f, "{and}{foreign} = {local}")?;
        }
        Ok(())
    }
}

/// The rows of another table that `exists` and `not_exists` look for, or that go ahead of a swept row: a
/// [`Join`], and perhaps a condition on the other table's row. Of rows that go ahead it is on columns of
/// their own.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Related {
    pub(crate) on: Join,
    pub(crate) matching: Option<Condition>,
}

impl From<Join> for Related {
    fn from(on: Join) -> Self {
        Self { on, matching: None }
    }
}
