//! Conditions: what makes a row eligible.

use std::time::Duration;

use crate::join::{Join, Related};
use crate::time::{Timestamp, micros};
use crate::value::Value;

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition on one row, as plain data: it can be compared, printed and tested, and nothing is
/// checked until a sweep uses it.
///
/// As in SQL, a comparison with a NULL column does not hold, and neither does its negation. Text
/// has no order here, because collations differ: compare it with `equals`, `not_equals`, `one_of`
/// and `starts_with` only.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let idle = all([
///     column("last_active_at").older_than(Timestamp::from_micros(0)),
///     any([column("status").one_of(["idle", "lost"]), column("owner").is_null()]),
///     not_exists("jobs", join("worker_id").matching(not(column("done").equals(true)))),
/// ]);
/// assert_eq!(
///     idle.to_string(),
///     "last_active_at before 1970-01-01T00:00:00.000000Z \
///      and (status in ('idle', 'lost') or owner is null) \
///      and no jobs with worker_id = worker_id has not (done = true)",
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the functions that build the cases document their parts
pub enum Condition {
    Compare {
        column: String,
        operator: Comparison,
        to: Value,
    },
    CompareColumns {
        column: String,
        operator: Comparison,
        to: String,
    },
    /// `column` and `offset` microseconds is before `cutoff`.
    OlderThan {
        column: String,
        cutoff: Timestamp,
        offset: i64,
    },
    /// The creation time inside a ULID or UUIDv7 is before `cutoff`.
    IdOlderThan {
        column: String,
        cutoff: Timestamp,
    },
    IsNull {
        column: String,
    },
    IsNotNull {
        column: String,
    },
    OneOf {
        column: String,
        values: Vec<Value>,
    },
    StartsWith {
        column: String,
        prefix: String,
    },
    Exists {
        table: String,
        on: Join,
        matching: Option<Box<Condition>>,
    },
    NotExists {
        table: String,
        on: Join,
        matching: Option<Box<Condition>>,
    },
    BeyondNewest {
        group_by: Vec<String>,
        order_by: String,
        keep: u32,
    },
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Everything,
}

/// A column of the row under test, to say something about: `column("revoked_at").older_than(cutoff)`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Column {
    name: String,
    offset: i64,
}

/// Names a column of the row under test.
pub fn column(name: impl Into<String>) -> Column {
    Column {
        name: name.into(),
        offset: 0,
    }
}

impl Column {
    /// Before [`older_than`](Self::older_than): the time in the column, and `later`.
    ///
    /// ```
    /// use besom_plugin::prelude::*;
    ///
    /// let week = Duration::from_secs(7 * 86_400);
    /// let grace_is_over = column("expires_at").plus(week).older_than(now());
    /// ```
    pub fn plus(mut self, later: Duration) -> Self {
        self.offset = self.offset.saturating_add(micros(later));
        self
    }

    /// Before [`older_than`](Self::older_than): the time in the column, less `earlier`.
    pub fn minus(mut self, earlier: Duration) -> Self {
        self.offset = self.offset.saturating_sub(micros(earlier));
        self
    }

    /// The time in the column is before `cutoff`. A row of exactly `cutoff` stays.
    pub fn older_than(self, cutoff: Timestamp) -> Condition {
        Condition::OlderThan {
            column: self.name,
            cutoff,
            offset: self.offset,
        }
    }

    /// The creation time inside the column's ULID or UUIDv7 is before `cutoff`, to the millisecond.
    /// An index on the column serves it.
    pub fn id_older_than(self, cutoff: Timestamp) -> Condition {
        Condition::IdOlderThan {
            column: self.name,
            cutoff,
        }
    }

    /// The column is NULL.
    pub fn is_null(self) -> Condition {
        Condition::IsNull { column: self.name }
    }

    /// The column is not NULL.
    pub fn is_not_null(self) -> Condition {
        Condition::IsNotNull { column: self.name }
    }

    /// The column equals `value`.
    pub fn equals(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::Equal, value)
    }

    /// The column is set and differs from `value`.
    pub fn not_equals(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::NotEqual, value)
    }

    /// The column is less than `value`. Not for text.
    pub fn less_than(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::Less, value)
    }

    /// The column is `value` or less. Not for text.
    pub fn at_most(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::LessOrEqual, value)
    }

    /// The column is greater than `value`. Not for text.
    pub fn greater_than(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::Greater, value)
    }

    /// The column is `value` or greater. Not for text.
    pub fn at_least(self, value: impl Into<Value>) -> Condition {
        self.compares(Comparison::GreaterOrEqual, value)
    }

    /// The column compares so with `value`.
    pub fn compares(self, operator: Comparison, value: impl Into<Value>) -> Condition {
        Condition::Compare {
            column: self.name,
            operator,
            to: value.into(),
        }
    }

    /// The column compares so with another column of the same row.
    pub fn compares_to_column(self, operator: Comparison, other: impl Into<String>) -> Condition {
        Condition::CompareColumns {
            column: self.name,
            operator,
            to: other.into(),
        }
    }

    /// The column equals one of `values`.
    pub fn one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Condition {
        Condition::OneOf {
            column: self.name,
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// The column's text begins with `prefix`.
    pub fn starts_with(self, prefix: impl Into<String>) -> Condition {
        Condition::StartsWith {
            column: self.name,
            prefix: prefix.into(),
        }
    }
}

/// Every one of `conditions` holds. An empty list is refused by the host: "every row" is said with
/// [`everything`], never by leaving something out.
pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Condition {
    Condition::All(conditions.into_iter().collect())
}

/// At least one of `conditions` holds. An empty list is refused by the host.
pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Condition {
    Condition::Any(conditions.into_iter().collect())
}

/// `condition` is false. Where it is neither true nor false because a column is NULL, neither is
/// this.
pub fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

/// Some row of `table` is joined to this one and meets the join's `matching`.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// let active = column("finished_at").is_null();
/// let of_an_active_session = exists("compat_sessions", join("compat_session_id").matching(active));
/// let without_children = not_exists("oauth2_sessions", join("user_session_id"));
/// ```
pub fn exists(table: impl Into<String>, related: impl Into<Related>) -> Condition {
    let Related { on, matching } = related.into();
    Condition::Exists {
        table: table.into(),
        on,
        matching: matching.map(Box::new),
    }
}

/// No row of `table` is joined to this one and meets the join's `matching`.
pub fn not_exists(table: impl Into<String>, related: impl Into<Related>) -> Condition {
    let Related { on, matching } = related.into();
    Condition::NotExists {
        table: table.into(),
        on,
        matching: matching.map(Box::new),
    }
}

/// The row is not among the first `keep` of the rows with equal `group_by` columns, newest first
/// by `order_by`. No `group_by`: among all rows of the table.
pub fn beyond_newest<C: Into<String>>(
    group_by: impl IntoIterator<Item = C>,
    order_by: impl Into<String>,
    keep: u32,
) -> Condition {
    Condition::BeyondNewest {
        group_by: group_by.into_iter().map(Into::into).collect(),
        order_by: order_by.into(),
        keep,
    }
}

/// Every row of the table. Denied unless the operator's grant says `all-rows`.
pub fn everything() -> Condition {
    Condition::Everything
}
