//! What happens to the rows of a request: they go, with rows ahead of them, or they are changed.

use super::{Condition, Join, Look, Timestamp, Value};

/// What happens to an eligible row.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It is deleted.
    Delete,
    /// It gets new values. Where it holds them already it is not touched.
    Update(Vec<Assignment>),
    /// It is looked at, and stays as it is.
    Read(Look),
}

/// One column of an update and where its new value comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The column that is assigned.
    pub column: String,
    /// Its new value.
    pub source: Source,
}

/// Where a new value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The same value for every row; [`Value::Null`] sets the column to NULL.
    Value(Value),
    /// Another column of the same row.
    Column(String),
    /// Each row its own, by its place among the rows that a read has shown and that are named;
    /// `None` leaves the column as it is.
    Each(Vec<Option<Value>>),
    /// The one row of another table that is joined to this one; with none or several the row is
    /// left alone.
    Related {
        /// The other table.
        table: String,
        /// How its row is joined.
        on: Vec<Join>,
        /// Its column that has the value.
        column: String,
    },
    /// The column's own IP address with all but its network zeroed.
    Network {
        /// Bits of an IPv4 address that stay.
        ipv4_prefix: u8,
        /// Bits of an IPv6 address that stay.
        ipv6_prefix: u8,
    },
}

impl Source {
    /// An instant that is written down as it is, if there is one.
    pub fn instant(&self) -> Option<Timestamp> {
        let instant = |value: &Value| match value {
            Value::Timestamp(at) => Some(*at),
            _ => None,
        };
        match self {
            Self::Value(value) => instant(value),
            Self::Each(values) => values.iter().flatten().find_map(instant),
            Self::Column(_) | Self::Related { .. } | Self::Network { .. } => None,
        }
    }
}

/// Rows that go, or are let go, ahead of the swept row and in the same transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependent {
    /// Their table.
    pub table: String,
    /// How they are tied to their parent.
    pub on: Vec<Join>,
    /// The dependent whose rows are their parents, by its place in [`super::Request::dependents`];
    /// `None`: the swept row.
    pub parent: Option<usize>,
    /// Only those of the tied rows that meet this, a condition on columns of their own; `None`: all.
    pub matching: Option<Condition>,
    /// What becomes of them.
    pub fate: Fate,
}

/// What becomes of a dependent row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is deleted.
    Delete,
    /// The columns that tie it are set to NULL, and it stays.
    Unlink,
}
