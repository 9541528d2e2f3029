//! Booleans of SQLite, which has no type for them: columns declared BOOLEAN hold the integers 0 and 1, or
//! the words that some drivers write, and so do those declared INTEGER or TINYINT(1) that are compared with
//! truth values.

use super::writer::Writer;
use crate::catalog::Kind;
use crate::request::{Condition, Value};

/// The words for true and for false, in any case.
const WORDS: [(bool, &str); 2] = [(true, "'t', 'true'"), (false, "'f', 'false'")];

/// The truth value that a column is compared with, however the condition spells it.
pub(super) fn meant(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(value) => Some(*value),
        Value::Other(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A column of this kind is asked for a truth value by being compared with `to`: one declared BOOLEAN by whatever,
/// one of numbers only by a truth value, because a number there is a number.
pub(super) fn asked(kind: &Kind, to: &Value) -> bool {
    match kind {
        Kind::Boolean => true,
        Kind::Integer(_) => matches!(to, Value::Boolean(_)),
        _ => false,
    }
}

/// The condition asks this column of the row itself, which is of this kind, for a truth value.
pub(super) fn asks(condition: &Condition, name: &str, kind: &Kind) -> bool {
    match condition {
        Condition::Compare { column, to, .. } => column == name && asked(kind, to),
        Condition::OneOf { column, values } => {
            column == name && values.iter().any(|to| asked(kind, to))
        }
        Condition::CompareColumns { column, to, .. } => {
            *kind == Kind::Boolean && (column == name || to == name)
        }
        Condition::All(of) | Condition::Any(of) => of.iter().any(|term| asks(term, name, kind)),
        Condition::Not(of) => asks(of, name, kind),
        _ => false,
    }
}

/// The column holds `value`. Neither this nor its opposite holds of what is no truth value. `words`: it
/// may be written as a word; without, an index on the integers serves.
pub(super) fn is(w: &mut Writer, name: &str, value: bool, words: bool) {
    let number = i32::from(value);
    w.push(&format!(
        "({name} = {number} AND typeof({name}) = 'integer'"
    ));
    for (of, listed) in WORDS {
        if words && of == value {
            w.push(&format!(
                " OR typeof({name}) = 'text' AND lower({name}) IN ({listed})"
            ));
        }
    }
    w.push(")");
}

/// The column's truth value as 0 or 1, to be compared with another's; NULL of what is none.
pub(super) fn number(name: &str, words: bool) -> String {
    let mut text = format!(
        "CASE WHEN typeof({name}) = 'integer' THEN CASE WHEN {name} IN (0, 1) THEN {name} END"
    );
    for (value, listed) in WORDS {
        if words {
            text.push_str(&format!(
                " WHEN typeof({name}) = 'text' AND lower({name}) IN ({listed}) THEN {}",
                i32::from(value)
            ));
        }
    }
    text + " END"
}
