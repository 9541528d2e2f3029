//! Defaults that ON DELETE SET DEFAULT puts into a column although no row of the parent has them: then every delete
//! of a parent with such a child is refused.
//!
//! Only constants are looked up: what an expression comes to the database alone knows, at the delete.

use std::fmt;

use super::not_null::Refusals;
use super::{ForeignKey, OnDelete, TableId};

/// A constant as a column's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Constant {
    Number(i64),
    Text(String),
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What the key's rule puts into its columns, in their order, where all of it is constant and refers to one row;
/// `None`: that is not known, or it refers to none, as NULL does.
pub(super) fn constants(
    key: &ForeignKey,
    partitions: &[TableId],
    refusals: &Refusals,
) -> Option<Vec<Constant>> {
    let (set, to) = (key.set_columns.len(), key.parent_columns.len());
    let whole = set == key.columns.len() && to == set;
    if key.on_delete != OnDelete::SetDefault || !whole || !partitions.is_empty() {
        return None;
    }
    let default = |column: &String| {
        let refusing = refusals.get(&(key.child.clone(), column.clone()))?;
        constant(refusing.default.as_deref()?)
    };
    key.columns.iter().map(default).collect()
}

/// Marks a key whose constants no row of the parent has.
pub(super) fn mark(key: &mut ForeignKey, constants: &[Constant]) {
    key.stuck.clone_from(&key.set_columns);
    let told: Vec<_> = constants.iter().map(ToString::to_string).collect();
    key.lone_default = Some(told.join(", "));
}

/// The value of a number or a text in quotes, with or without a cast behind it.
pub(super) fn constant(expression: &str) -> Option<Constant> {
    let mut text = expression.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        text = inner.trim();
    }
    if let Ok(number) = text.parse() {
        return Some(Constant::Number(number));
    }
    let quoted = text.strip_prefix('\'')?;
    let (mut value, mut rest) = (String::new(), quoted.chars().peekable());
    loop {
        match rest.next()? {
            '\'' if rest.peek() == Some(&'\'') => {
                rest.next();
                value.push('\'');
            }
            '\'' => break,
            c => value.push(c),
        }
    }
    let cast: String = rest.collect();
    let is_type = |c: char| c.is_ascii_alphanumeric() || "_ .\"(),[]".contains(c);
    let is_cast = cast
        .strip_prefix("::")
        .is_some_and(|of| of.chars().all(is_type));
    (cast.is_empty() || is_cast).then_some(Constant::Text(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_and_nothing_else_is() {
        for (expression, value) in [
            ("0", Some("0")),
            ("(-1)", Some("-1")),
            ("'-1'::integer", Some("-1")),
            ("'it''s'::character varying", Some("it's")),
            ("''", Some("")),
            ("'a'::app.\"Kind\"", Some("a")),
            ("NULL", None),
            ("NULL::integer", None),
            ("nextval('s'::regclass)", None),
            ("'a' || 'b'", None),
            ("'a'::text || 'b'::text", None),
            ("1 + 1", None),
            ("CURRENT_TIMESTAMP", None),
            ("X'00'", None),
            ("E'\\\\n'", None),
            ("1.5", None),
            ("-", None),
            ("'open", None),
        ] {
            let read = constant(expression).map(|constant| constant.to_string());
            assert_eq!(read.as_deref(), value, "{expression}");
        }
    }
}
