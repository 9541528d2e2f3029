//! How large a guest's sweep and its conditions are, and what is said where a sweep is too large.
//!
//! What a guest adds to a sweep is kept until the sweep is dropped and goes along with every
//! statement, so that it is bounded in number, in depth and in bytes before it is kept.

use crate::request::{Assignment, Condition, Dependent, Fault, Join, Problem, Source, Value};

/// Refuses `size` where it is beyond `limit`. The code says of what.
pub(super) fn fits(code: &'static str, size: usize, limit: usize) -> Result<(), Fault> {
    if size <= limit {
        return Ok(());
    }
    let what = match code {
        "sweep-dependents" => format!("has more than {limit} dependents"),
        "dependent-depth" => format!("has dependents that hang on each other {limit} deep"),
        "sweep-assignments" => format!("assigns more than {limit} columns"),
        "read-columns" => format!("reads more than {limit} columns"),
        "join-pairs" => format!("joins more than {limit} pairs of columns at once"),
        _ => format!("takes more than {limit} bytes for its names and values"),
    };
    Err(Fault::Exhausted(Problem::new(
        code,
        format!("the sweep {what}, the limit of a plugin: do it in several sweeps"),
    )))
}

/// How deep a new dependent would hang: 1 on the swept row.
pub(super) fn depth(earlier: &[Dependent], new: &Dependent) -> usize {
    let mut depth = 1;
    let mut parent = new.parent;
    // A parent has a smaller number than its child, and other numbers lead nowhere: this ends.
    while let Some(above) = parent.and_then(|place| earlier.get(place)) {
        depth += 1;
        parent = above.parent;
    }
    depth
}

/// Bytes of the names in a join.
pub(super) fn joins_bytes(on: &[Join]) -> usize {
    on.iter()
        .map(|join| join.foreign.len() + join.local.len())
        .sum()
}

/// Bytes of the names and values in a condition, without those of the conditions inside it.
pub(super) fn condition_bytes(condition: &Condition) -> usize {
    match condition {
        Condition::Compare { column, to, .. } => column.len() + value_bytes(to),
        Condition::CompareColumns { column, to, .. } => column.len() + to.len(),
        Condition::OlderThan { column, .. }
        | Condition::IdOlderThan { column, .. }
        | Condition::IsNull { column }
        | Condition::IsNotNull { column } => column.len(),
        Condition::OneOf { column, values } => {
            column.len() + values.iter().map(value_bytes).sum::<usize>()
        }
        Condition::StartsWith { column, prefix } => column.len() + prefix.len(),
        Condition::Exists { table, on, .. } | Condition::NotExists { table, on, .. } => {
            table.len() + joins_bytes(on)
        }
        Condition::BeyondNewest {
            group_by, order_by, ..
        } => {
            // They are no terms, so that a list of empty names must count, too.
            let names = group_by.iter().map(|name| name.len() + size_of::<String>());
            order_by.len() + names.sum::<usize>()
        }
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::Everything => 0,
    }
}

/// The same with the conditions inside it, and what each takes by itself.
pub(super) fn tree_bytes(condition: &Condition) -> usize {
    let inside: usize = match condition {
        Condition::All(of) | Condition::Any(of) => of.iter().map(tree_bytes).sum(),
        Condition::Not(of) => tree_bytes(of),
        Condition::Exists { matching, .. } | Condition::NotExists { matching, .. } => {
            matching.as_deref().map_or(0, tree_bytes)
        }
        _ => 0,
    };
    size_of::<Condition>() + condition_bytes(condition) + inside
}

/// Bytes of the names and the value in an assignment.
pub(super) fn assignment_bytes(assignment: &Assignment) -> usize {
    let source = match &assignment.source {
        Source::Value(value) => value_bytes(value),
        Source::Column(column) => column.len(),
        Source::Related { table, on, column } => table.len() + joins_bytes(on) + column.len(),
        Source::Each(values) => values.iter().flatten().map(value_bytes).sum(),
        Source::Network { .. } => 0,
    };
    assignment.column.len() + source
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Uuid(text)
        | Value::Json(text)
        | Value::Other(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Timestamp(_)
        | Value::Duration(_) => size_of::<Value>(),
    }
}
