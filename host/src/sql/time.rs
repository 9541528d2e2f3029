//! Instants in every form that a column may hold them, and the time inside ULID and UUIDv7 keys.

use chrono_tz::Tz;

use super::value::native_time;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, IdForm, IdShape, Kind, TimeForm, Times};
use crate::database::Bind;
use crate::request::{Comparison, Fault, Timestamp};

/// SQL's spelling of a comparison.
pub(crate) fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// The comparison that holds where this one does not (NULL aside).
pub(crate) fn inverse(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

/// The key's creation time is before `cutoff`; with `negated`, at or after it. A key of another
/// shape meets neither.
pub(crate) fn compare_id(
    w: &mut Writer,
    row: &Row<'_>,
    column: &Column,
    form: &IdForm,
    cutoff: Timestamp,
    negated: bool,
) {
    let name = row.column(&column.name);
    let sign = if negated { ">=" } else { "<" };
    let bound = Bound::at(cutoff);
    w.push("(").push(&name).push(" ").push(sign).push(" ");
    match (w.dialect(), form.shape) {
        (Dialect::Sqlite, IdShape::Uuid | IdShape::Bytes) => {
            w.bind(Bind::Blob(bound.0.to_vec()));
            w.push(&format!(
                " AND typeof({name}) = 'blob' AND length({name}) = 16"
            ));
            if form.version7 {
                w.push(&version7(&format!("hex({name})"), 13, 17));
            }
        }
        (Dialect::Sqlite, IdShape::UuidText) => {
            w.bind(bound.hyphenated());
            w.push(&format!(
                " AND typeof({name}) = 'text' AND length({name}) = 36 AND {name} NOT GLOB '*[^0-9a-f-]*'"
            ));
            if form.version7 {
                w.push(&version7(&name, 15, 20));
            }
        }
        (Dialect::Sqlite, IdShape::Crockford { upper }) => {
            w.bind(bound.crockford(upper));
            let alphabet = crockford_class(upper);
            w.push(&format!(
                " AND typeof({name}) = 'text' AND length({name}) = 26 AND {name} NOT GLOB '*[^{alphabet}]*'"
            ));
        }
        (Dialect::Postgres, IdShape::Uuid) => {
            w.bind_as(bound.hyphenated(), "uuid");
            if form.version7 {
                w.push(&version7(&format!("{name}::text"), 15, 20));
            }
        }
        (Dialect::Postgres, IdShape::Bytes) => {
            w.bind_as(format!("\\x{}", super::value::hex(&bound.0)), "bytea");
            w.push(&format!(" AND octet_length({name}) = 16"));
            if form.version7 {
                w.push(&version7(&format!("encode({name}, 'hex')"), 13, 17));
            }
        }
        (Dialect::Postgres, IdShape::UuidText) => {
            w.bind_as(bound.hyphenated(), &column.sql_type);
            in_bytes(w, &name, sign, bound.hyphenated());
            w.push(&format!(
                " AND {name}::text COLLATE \"C\" ~ '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$'"
            ));
            if form.version7 {
                w.push(&version7(&name, 15, 20));
            }
        }
        (Dialect::Postgres, IdShape::Crockford { upper }) => {
            // The column's own collation, so that its index serves; and then by bytes, because a
            // collation may put numbers in the order of their value or letters before digits.
            w.bind_as(bound.crockford(upper), &column.sql_type);
            in_bytes(w, &name, sign, bound.crockford(upper));
            let alphabet = crockford_class(upper);
            w.push(&format!(
                " AND {name}::text COLLATE \"C\" ~ '^[{alphabet}]{{26}}$'"
            ));
        }
    }
    w.push(")");
}

fn in_bytes(w: &mut Writer, name: &str, sign: &str, bound: String) {
    w.push(&format!(" AND {name}::text COLLATE \"C\" {sign} "))
        .bind_as(bound, "text");
}

/// Version 7 and the RFC's variant, at the given hexadecimal digits (from 1).
fn version7(text: &str, version: u8, variant: u8) -> String {
    format!(
        " AND substr({text}, {version}, 1) = '7' AND lower(substr({text}, {variant}, 1)) IN ('8', '9', 'a', 'b')"
    )
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

/// An instant as a column of these forms holds it: in the first of them. A unit coarser than a
/// microsecond rounds down.
pub(crate) fn time_value(
    dialect: Dialect,
    column: &Column,
    times: &Times,
    at: Timestamp,
) -> Result<Bind, Fault> {
    let text = native_time(at)?;
    let form = times.forms().first().copied().unwrap_or(TimeForm::Native);
    if let Some(unit) = form.unit() {
        let value = (i128::from(at.0) * 1_000).div_euclid(unit);
        let value = i64::try_from(value).map_err(|_| beyond(column, form, at))?;
        let typed = dialect == Dialect::Sqlite && column.kind != Kind::Text;
        return Ok(match typed || matches!(column.kind, Kind::Integer(_)) {
            true => Bind::Integer(value),
            false => Bind::Text(value.to_string()),
        });
    }
    let plain = match form {
        TimeForm::Local(zone) => shown(zone, at),
        _ => text.trim_end_matches('Z').to_owned(),
    };
    let day = || Bind::Text(plain.chars().take(10).collect());
    Ok(match (form, &column.kind) {
        (_, Kind::Date) if dialect == Dialect::Postgres => day(),
        (TimeForm::Date, _) => day(),
        (_, Kind::LocalTimestamp) => Bind::Text(plain),
        (TimeForm::SqlText | TimeForm::Local(_), _) => Bind::Text(plain.replace('T', " ")),
        _ => Bind::Text(text),
    })
}

/// What a clock in the zone shows, without the offset.
fn shown(zone: Tz, at: Timestamp) -> String {
    let at = chrono::DateTime::from_timestamp_micros(at.0).unwrap_or_default();
    let local = at.with_timezone(&zone).naive_local();
    local.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

fn beyond(column: &Column, form: TimeForm, at: Timestamp) -> Fault {
    let name = &column.name;
    Fault::invalid(
        "value",
        format!("the instant {at} is beyond what column `{name}` holds as \"{form}\""),
    )
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
