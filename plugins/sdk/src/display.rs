//! Conditions in words, for logs and for the messages of failed tests.

use std::fmt;

use crate::condition::{Comparison, Condition};
use crate::join::Join;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare {
                column,
                operator,
                to,
            } => write!(f, "{column} {operator} {to}"),
            Self::CompareColumns {
                column,
                operator,
                to,
            } => write!(f, "{column} {operator} {to}"),
            Self::OlderThan {
                column,
                cutoff,
                offset: 0,
            } => write!(f, "{column} before {cutoff}"),
            Self::OlderThan {
                column,
                cutoff,
                offset,
            } => write!(f, "{column} {offset:+}µs before {cutoff}"),
            Self::IdOlderThan { column, cutoff } => {
                write!(f, "{column} created before {cutoff}")
            }
            Self::IsNull { column } => write!(f, "{column} is null"),
            Self::IsNotNull { column } => write!(f, "{column} is not null"),
            Self::OneOf { column, values } => {
                write!(f, "{column} in (")?;
                listed(f, values, ", ")?;
                f.write_str(")")
            }
            Self::StartsWith { column, prefix } => write!(f, "{column} starts with '{prefix}'"),
            Self::Exists {
                table,
                on,
                matching,
            } => related(f, "some", table, on, matching.as_deref()),
            Self::NotExists {
                table,
                on,
                matching,
            } => related(f, "no", table, on, matching.as_deref()),
            Self::BeyondNewest {
                group_by,
                order_by,
                keep,
            } => {
                write!(f, "beyond the newest {keep} by {order_by}")?;
                if group_by.is_empty() {
                    return Ok(());
                }
                f.write_str(" of each ")?;
                listed(f, group_by, ", ")
            }
            Self::All(of) => nested(f, of, " and "),
            Self::Any(of) => nested(f, of, " or "),
            Self::Not(of) => write!(f, "not ({of})"),
            Self::Everything => f.write_str("every row"),
        }
    }
}

fn related(
    f: &mut fmt::Formatter<'_>,
    how_many: &str,
    table: &str,
    on: &Join,
    matching: Option<&Condition>,
) -> fmt::Result {
    write!(f, "{how_many} {table} with {on}")?;
    match matching {
        Some(condition @ (Condition::All(_) | Condition::Any(_))) => {
            write!(f, " has ({condition})")
        }
        Some(condition) => write!(f, " has {condition}"),
        None => Ok(()),
    }
}

fn nested(f: &mut fmt::Formatter<'_>, of: &[Condition], between: &str) -> fmt::Result {
    for (index, condition) in of.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        match condition {
            Condition::All(_) | Condition::Any(_) => write!(f, "({condition})")?,
            _ => write!(f, "{condition}")?,
        }
    }
    Ok(())
}

fn listed(f: &mut fmt::Formatter<'_>, of: &[impl fmt::Display], between: &str) -> fmt::Result {
    for (index, item) in of.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
