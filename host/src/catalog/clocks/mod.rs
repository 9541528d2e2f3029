//! Whose clock writes a time without a zone, as far as the schema itself shows it: a default, a generated column, a
//! trigger, or a function that one of them calls, which names the zone.
//!
//! Nothing here says that the application does not write the column by itself, and by another clock. So a zone that
//! is not UTC is no form; it is what a form that was found or declared is held against, before a run.

mod body;
mod expression;
mod machine;
mod name;

use std::fmt;

use chrono_tz::Tz;

pub(super) use body::{of_function, of_trigger, sets_zone};
pub(super) use expression::shown as of_expression;
pub(super) use machine::{
    is_now_in_utc, of_trigger as of_sqlite_trigger, shown as of_sqlite_expression,
};
pub(crate) use name::same_clock;

/// What writes a column, and by which clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What writes it.
    pub writer: ClockWriter,
    /// By which clock.
    pub shows: Shows,
}

/// A part of the schema that writes a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockWriter {
    /// The column's default, or its domain's.
    Default,
    /// The expression that it is generated from.
    Generated,
    /// A function that one of these calls.
    Function(String),
    /// A trigger.
    Trigger(String),
}

/// What an expression shows of the zone of the time that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// UTC.
    Utc,
    /// A zone, as it is written there; and which one that is, where it is known by that name.
    Zone(String, Option<Tz>),
    /// SQLite: that of the machine on which the statement runs.
    Machine,
    /// Another in each row, or several one after the other.
    Unclear(String),
}

impl Clock {
    /// Whatever else writes the column, its default or the expression that it is generated from does so by this
    /// clock. What a trigger's source shows may be about another value.
    pub(crate) fn is_certain(&self) -> bool {
        matches!(self.writer, ClockWriter::Default | ClockWriter::Generated)
    }
}

impl fmt::Display for ClockWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("its default"),
            Self::Generated => f.write_str("the expression that it is generated from"),
            Self::Function(name) => write!(f, "function `{name}`, which its default calls,"),
            Self::Trigger(name) => write!(f, "trigger `{name}`"),
        }
    }
}
