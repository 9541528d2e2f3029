//! Joins of two columns that no index on the child's serves, because the database converts its value in each row first.

use crate::catalog::{Affinity, Column, Dialect, Kind};

/// `parent = child` converts the child's value.
pub(crate) fn is_converted(dialect: Dialect, parent: &Column, child: &Column) -> bool {
    match dialect {
        Dialect::Sqlite => {
            let counts = |column: &Column| column.affinity == Some(Affinity::Number);
            counts(parent) && !counts(child)
        }
        Dialect::Postgres => match (rank(&parent.kind), rank(&child.kind)) {
            (Some(parent), Some(child)) => parent > child,
            _ => {
                let padded = |column: &Column| column.sql_type.starts_with("bpchar");
                let texts = parent.kind == Kind::Text && child.kind == Kind::Text;
                texts && padded(parent) != padded(child)
            }
        },
    }
}

/// PostgreSQL compares two kinds of numbers by the operator of the higher one.
fn rank(kind: &Kind) -> Option<u8> {
    match kind {
        Kind::Integer(_) => Some(0),
        Kind::Numeric => Some(1),
        Kind::Float => Some(2),
        _ => None,
    }
}
