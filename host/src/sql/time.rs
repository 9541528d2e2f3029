//! Instants in every form that a column may hold them, and the time inside ULID and UUIDv7 keys.

use super::value::{native_time, units};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, IdForm, IdShape, Kind, TimeForm};
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
    comparison.inverse()
}

/// `column comparison at`, exact to the microsecond in every form.
pub(crate) fn compare_time(
    w: &mut Writer,
    row: &Row<'_>,
    column: &Column,
    form: TimeForm,
    comparison: Comparison,
    at: Timestamp,
) -> Result<(), Fault> {
    let name = row.column(&column.name);
    let sign = operator(comparison);
    match form {
        TimeForm::Native => {
            let sql_type = match column.kind {
                Kind::LocalTimestamp => "timestamp",
                _ => "timestamptz",
            };
            let mut text = native_time(at)?;
            if column.kind == Kind::LocalTimestamp {
                text.truncate(text.trim_end_matches('Z').len());
            }
            w.push(&name)
                .push(" ")
                .push(sign)
                .push(" ")
                .bind_as(text, sql_type);
        }
        TimeForm::UnixUs | TimeForm::UnixMs | TimeForm::UnixS => {
            let Some((floor, ceil)) = units(form, at) else {
                return Ok(());
            };
            let bound = match comparison {
                // An instant between two units equals none of them.
                Comparison::Equal if floor != ceil => {
                    w.push("FALSE");
                    return Ok(());
                }
                Comparison::NotEqual if floor != ceil => None,
                Comparison::Less | Comparison::GreaterOrEqual => Some(ceil),
                _ => Some(floor),
            };
            w.push("(").push(&name);
            match bound {
                Some(bound) => w.push(" ").push(sign).push(" ").bind(bound),
                None => w.push(" IS NOT NULL"),
            };
            if let (None, Some((least, most))) = (column.time_form, magnitude(form)) {
                // The form was told from a sample: a value of another size is of another form.
                w.push(&format!(" AND {name} >= {least} AND {name} < {most}"));
            }
            if w.dialect() == Dialect::Sqlite {
                w.push(&format!(" AND typeof({name}) = 'integer'"));
            }
            w.push(")");
        }
        TimeForm::Rfc3339 | TimeForm::SqlText => {
            let micros = text_micros(w.dialect(), &name, form);
            w.push(&micros).push(" ").push(sign).push(" ").bind(at.0);
        }
    }
    Ok(())
}

/// The numbers that stand for instants between 1973 and 5138 in an integer form, by which the probe
/// tells one form from another.
fn magnitude(form: TimeForm) -> Option<(i64, i64)> {
    match form {
        TimeForm::UnixS => Some((100_000_000, 100_000_000_000)),
        TimeForm::UnixMs => Some((100_000_000_000, 100_000_000_000_000)),
        TimeForm::UnixUs => Some((100_000_000_000_000, 100_000_000_000_000_000)),
        TimeForm::Native | TimeForm::Rfc3339 | TimeForm::SqlText => None,
    }
}

/// Microseconds of a time written as text; NULL where the text is not of that form, so that no
/// comparison with it holds.
fn text_micros(dialect: Dialect, name: &str, form: TimeForm) -> String {
    let separator = if form == TimeForm::Rfc3339 { 'T' } else { ' ' };
    match dialect {
        Dialect::Sqlite => {
            let digits = "[0-9][0-9]";
            let shape =
                format!("{digits}{digits}-{digits}-{digits}{separator}{digits}:{digits}:{digits}");
            let zone = match form {
                TimeForm::Rfc3339 => format!(
                    "CASE WHEN {name} GLOB '*Z' THEN 'Z' \
                     WHEN {name} GLOB '*[-+]{digits}:{digits}' THEN substr({name}, -6) END"
                ),
                _ => "'Z'".to_owned(),
            };
            // Whole seconds by SQLite's calendar, the fraction by hand: its own rounds to
            // milliseconds.
            format!(
                "CASE WHEN typeof({name}) = 'text' AND {name} GLOB '{shape}*' THEN \
                 unixepoch(substr({name}, 1, 19) || {zone}) * 1000000 + \
                 CASE WHEN substr({name}, 20, 1) = '.' \
                 THEN CAST(round(CAST('0' || substr({name}, 20) AS REAL) * 1000000) AS INTEGER) \
                 ELSE 0 END END"
            )
        }
        Dialect::Postgres => {
            let (zone, value) = match form {
                TimeForm::Rfc3339 => ("(Z|[-+]\\d\\d:\\d\\d)", format!("{name}::timestamptz")),
                _ => ("", format!("({name} || 'Z')::timestamptz")),
            };
            format!(
                "CASE WHEN {name} ~ '^\\d{{4}}-\\d\\d-\\d\\d{separator}\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?{zone}$' \
                 THEN (extract(epoch FROM {value}) * 1000000)::bigint END"
            )
        }
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

/// An instant as a column of that form holds it. A unit coarser than a microsecond rounds down.
pub(crate) fn time_value(column: &Column, form: TimeForm, at: Timestamp) -> Result<Bind, Fault> {
    let text = native_time(at)?;
    Ok(match form {
        TimeForm::Native if column.kind == Kind::LocalTimestamp => {
            Bind::Text(text.trim_end_matches('Z').to_owned())
        }
        TimeForm::Native | TimeForm::Rfc3339 => Bind::Text(text),
        TimeForm::SqlText => Bind::Text(text.trim_end_matches('Z').replace('T', " ")),
        TimeForm::UnixUs | TimeForm::UnixMs | TimeForm::UnixS => {
            units(form, at).map_or(Bind::Null, |(floor, _)| Bind::Integer(floor))
        }
    })
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
