//! What SQLite makes of values before it compares them, by the declared types of the two columns.

use super::{Column, Kind};

/// What SQLite makes of the values of a column, and of those that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    Number,
    Text,
    None,
}

impl Affinity {
    pub(crate) fn of(column: &Column) -> Self {
        match column.kind {
            Kind::Boolean | Kind::Integer(_) | Kind::Float | Kind::Numeric => Self::Number,
            // A STRICT table's ANY has none; elsewhere that declared type is nobody's.
            Kind::Any => match column.sql_type.trim() {
                "" => Self::None,
                declared if declared.eq_ignore_ascii_case("ANY") => Self::None,
                _ => Self::Number,
            },
            Kind::Text => Self::Text,
            _ => Self::None,
        }
    }
}
