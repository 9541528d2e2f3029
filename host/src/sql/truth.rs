//! Booleans of SQLite, which has no type for them: columns declared BOOLEAN hold the integers 0 and 1, or
//! the words that some drivers write.

use super::writer::Writer;
use crate::request::Value;

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
