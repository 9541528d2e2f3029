//! The time inside ULID and UUIDv7 keys.

use super::writer::{Row, Writer};
use super::written::is_whole;
use crate::catalog::{Column, Dialect, EARLIEST_ID, IdForm, IdShape, Kind};
use crate::database::Bind;
use crate::request::Timestamp;

/// The key's creation time is before `cutoff`; with `negated`, at or after it. Neither is true of a key
/// of another shape, nor of one whose time nobody has made a key at, such as the nil UUID.
pub(crate) fn compare_id(
    w: &mut Writer,
    row: &Row<'_>,
    column: &Column,
    form: &IdForm,
    cutoff: Timestamp,
    negated: bool,
) {
    let name = row.column(&column.name);
    w.push("(");
    let sign = if negated { ">=" } else { "<" };
    side(w, &name, column, form, sign, cutoff);
    w.push(" AND ");
    was_made(w, &name, form);
    w.push(" AND ");
    is_of_form(w, &name, form);
    w.push(")");
}

/// The key's time is one at which keys were made. Tested beside, and not as a bound: a planner that took it
/// for one would think the rows few.
fn was_made(w: &mut Writer, name: &str, form: &IdForm) {
    let bound = Bound::at(EARLIEST_ID);
    let text = match form.shape {
        IdShape::Uuid | IdShape::Bytes => None,
        IdShape::UuidText => Some(bound.hyphenated()),
        IdShape::Crockford { upper } => Some(bound.crockford(upper)),
    };
    match (w.dialect(), form.shape, text) {
        (Dialect::Sqlite, _, None) => drop(
            w.push(&format!("{name} >= "))
                .bind(Bind::Blob(bound.0.to_vec())),
        ),
        (Dialect::Sqlite, _, Some(text)) => drop(w.push(&format!("{name} >= ")).bind(text)),
        (Dialect::Postgres, IdShape::Bytes, _) => {
            let bytes = format!("\\x{}", super::value::hex(&bound.0));
            w.push(&format!("({name} < ")).bind_as(bytes, "bytea");
            w.push(") IS FALSE");
        }
        (Dialect::Postgres, _, None) => {
            w.push(&format!("({name} < "))
                .bind_as(bound.hyphenated(), "uuid");
            w.push(") IS FALSE");
        }
        (Dialect::Postgres, _, Some(text)) => {
            w.push(&format!("({name}::text COLLATE \"C\" < "))
                .bind_as(text, "text");
            w.push(") IS FALSE");
        }
    }
}

/// Whether the order of a text column is that of the time in its ids. A collation may put numbers in the order of
/// their value, letters before digits, or `z` before `t`; a type of somebody's own, such as citext, anything.
pub(super) fn in_order(dialect: Dialect, column: &Column) -> bool {
    let collation = column.collation.as_ref();
    dialect == Dialect::Sqlite
        || column.kind != Kind::Text
        || column.operators.is_none() && collation.is_some_and(|by| by.orders_ids)
}

/// The key stands on that side of the least one of an instant: in the column's own order, so that its
/// index serves, where that is the order of bytes.
fn side(w: &mut Writer, name: &str, column: &Column, form: &IdForm, sign: &str, at: Timestamp) {
    let bound = Bound::at(at);
    if w.dialect() == Dialect::Sqlite || in_order(w.dialect(), column) {
        w.push(name).push(" ").push(sign).push(" ");
    }
    let text = match form.shape {
        IdShape::Uuid | IdShape::Bytes => None,
        IdShape::UuidText => Some(bound.hyphenated()),
        IdShape::Crockford { upper } => Some(bound.crockford(upper)),
    };
    match (w.dialect(), form.shape, text) {
        (Dialect::Sqlite, _, None) => drop(w.bind(Bind::Blob(bound.0.to_vec()))),
        (Dialect::Sqlite, _, Some(text)) => drop(w.bind(text)),
        (Dialect::Postgres, IdShape::Bytes, _) => {
            w.bind_as(format!("\\x{}", super::value::hex(&bound.0)), "bytea");
        }
        (Dialect::Postgres, _, None) => drop(w.bind_as(bound.hyphenated(), "uuid")),
        (Dialect::Postgres, _, Some(text)) => {
            if in_order(w.dialect(), column) {
                w.bind_as(text.clone(), &column.sql_type).push(" AND ");
            }
            w.push(&format!("{name}::text COLLATE \"C\" {sign} "))
                .bind_as(text, "text");
        }
    }
}

/// The value has the shape of the column's keys, and their version.
pub(crate) fn is_of_form(w: &mut Writer, name: &str, form: &IdForm) {
    let (shape, digits, version, variant) = match (w.dialect(), form.shape) {
        (Dialect::Sqlite, IdShape::Uuid | IdShape::Bytes) => (
            format!("typeof({name}) = 'blob' AND length({name}) = 16"),
            format!("hex({name})"),
            13,
            17,
        ),
        (Dialect::Sqlite, IdShape::UuidText) => (
            format!(
                "typeof({name}) = 'text' AND {name} GLOB '{}' AND {}",
                [8, 4, 4, 4, 12].map(|of| "[0-9a-f]".repeat(of)).join("-"),
                is_whole(name)
            ),
            name.to_owned(),
            15,
            20,
        ),
        (Dialect::Sqlite, IdShape::Crockford { upper }) => (
            format!(
                "typeof({name}) = 'text' AND length({name}) = 26 AND {name} NOT GLOB '*[^{}]*' AND {}",
                crockford_class(upper),
                is_whole(name)
            ),
            String::new(),
            0,
            0,
        ),
        (Dialect::Postgres, IdShape::Uuid) => ("TRUE".to_owned(), format!("{name}::text"), 15, 20),
        (Dialect::Postgres, IdShape::Bytes) => (
            format!("octet_length({name}) = 16"),
            format!("encode({name}, 'hex')"),
            13,
            17,
        ),
        (Dialect::Postgres, IdShape::UuidText) => (
            format!(
                "{name}::text COLLATE \"C\" ~ '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$'"
            ),
            name.to_owned(),
            15,
            20,
        ),
        (Dialect::Postgres, IdShape::Crockford { upper }) => (
            format!(
                "{name}::text COLLATE \"C\" ~ '^[{}]{{26}}$'",
                crockford_class(upper)
            ),
            String::new(),
            0,
            0,
        ),
    };
    w.push(&shape);
    if form.version7 && !digits.is_empty() {
        // Version 7 and the RFC's variant, at these hexadecimal digits (from 1).
        w.push(&format!(
            " AND substr({digits}, {version}, 1) = '7' \
             AND lower(substr({digits}, {variant}, 1)) IN ('8', '9', 'a', 'b')"
        ));
    }
}

/// Every value of the column has the form: its type sees to that.
pub(crate) fn always_of_form(dialect: Dialect, form: &IdForm) -> bool {
    dialect == Dialect::Postgres && form.shape == IdShape::Uuid && !form.version7
}

fn crockford_class(upper: bool) -> &'static str {
    if upper {
        "0-9A-HJKMNP-TV-Z"
    } else {
        "0-9a-hjkmnp-tv-z"
    }
}

/// The least key of a millisecond: 48 bits of time, then zeros. Keys of that millisecond or later
/// are not below it.
struct Bound([u8; 16]);

impl Bound {
    fn at(cutoff: Timestamp) -> Self {
        /// 48 bits: the year 10889.
        const MOST: i64 = (1 << 48) - 1;
        let millis = cutoff.0.div_euclid(1_000).clamp(0, MOST);
        let mut bytes = [0; 16];
        for (to, from) in bytes
            .iter_mut()
            .zip(millis.to_be_bytes().into_iter().skip(2))
        {
            *to = from;
        }
        Self(bytes)
    }

    fn hyphenated(&self) -> String {
        uuid::Uuid::from_bytes(self.0).to_string()
    }

    /// ULID's text: 128 bits in 26 characters of five bits, the first holding three.
    fn crockford(&self, upper: bool) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = u128::from_be_bytes(self.0);
        let text: String = (0..26)
            .rev()
            .map(|place| {
                let index = usize::try_from(bits >> (place * 5) & 31).unwrap_or_default();
                char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
            })
            .collect();
        if upper {
            text
        } else {
            text.to_ascii_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_least_key_of_its_millisecond() {
        let bound = Bound::at(Timestamp(1_469_918_176_385_999));
        assert_eq!(bound.crockford(true), "01ARYZ6S410000000000000000");
        assert_eq!(bound.hyphenated(), "01563df3-6481-0000-0000-000000000000");
        assert_eq!(Bound::at(Timestamp(-5)).0, [0; 16]);
    }
}
