//! A value meets a column: converted without guessing, or refused.

use crate::catalog::{Column, Dialect, Kind, Table};
use crate::database::Bind;
use crate::request::{Fault, Timestamp, Value};

/// A value as the database takes it for one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Converted {
    pub(crate) bind: Bind,
    /// SQLite: what `typeof` must say of the column for a comparison to mean anything. SQLite
    /// orders every number before every text, so a text bound on an integer column would
    /// otherwise match every row.
    pub(crate) storage: &'static str,
}

/// Largest integer that a double holds exactly.
const EXACT: u64 = 1 << 53;

/// Converts `value` for comparison with `column`. Instants are not handled here: how they compare
/// depends on the column's time form.
pub(crate) fn convert(
    dialect: Dialect,
    table: &Table,
    column: &Column,
    value: &Value,
) -> Result<Converted, Fault> {
    let converted = match dialect {
        Dialect::Postgres => postgres(&column.kind, value).map(|text| Converted {
            bind: Bind::Text(text),
            storage: "",
        }),
        Dialect::Sqlite => sqlite(&column.kind, value),
    };
    converted.map_err(|why| {
        Fault::invalid(
            "value",
            format!(
                "{} does not fit column `{}` of `{}`, which is {}{}",
                named(value),
                column.name,
                table.id,
                if column.sql_type.is_empty() {
                    "of no declared type"
                } else {
                    &column.sql_type
                },
                if why.is_empty() {
                    String::new()
                } else {
                    format!(": {why}")
                },
            ),
        )
    })
}

/// What a message calls a value. Of a text in the database's own form its kind says nothing.
fn named(value: &Value) -> String {
    match value {
        Value::Other(_) => "a value".to_owned(),
        _ if value.kind().starts_with(['a', 'e', 'i', 'o']) => format!("an {} value", value.kind()),
        _ => format!("a {} value", value.kind()),
    }
}

fn postgres(kind: &Kind, value: &Value) -> Result<String, String> {
    let none = || String::new();
    match (kind, value) {
        (_, Value::Null) => Err("use is-null or is-not-null".to_owned()),
        (Kind::Json, _) => Err("JSON has no equality".to_owned()),
        (Kind::Boolean, Value::Boolean(b)) => Ok(b.to_string()),
        (Kind::Integer(bits), Value::Integer(i)) => {
            let limit = 1_i128 << (bits - 1);
            let wide = i128::from(*i);
            if wide < -limit || wide >= limit {
                return Err(format!("{i} is out of its range"));
            }
            Ok(i.to_string())
        }
        (Kind::Numeric, Value::Integer(i)) => Ok(i.to_string()),
        (Kind::Float, Value::Integer(i)) if i.unsigned_abs() <= EXACT => Ok(i.to_string()),
        (Kind::Float, Value::Float(f)) => finite(*f).map(|f| f.to_string()),
        (Kind::Numeric, Value::Decimal(text)) => decimal(text).map(str::to_owned),
        (Kind::Text, Value::Text(text)) => plain(text),
        (Kind::Enum(labels), Value::Text(text) | Value::Other(text)) => {
            if labels.contains(text) {
                Ok(text.clone())
            } else {
                Err(format!(
                    "`{text}` is not one of its labels: {}",
                    labels.join(", ")
                ))
            }
        }
        (Kind::Bytes, Value::Bytes(bytes)) => Ok(format!("\\x{}", hex(bytes))),
        (Kind::Uuid, Value::Uuid(text)) => uuid(text).map(|id| id.to_string()),
        (Kind::Interval, Value::Duration(micros)) => Ok(format!("{micros} microseconds")),
        // What the database would refuse in the middle of a run is refused before it.
        (Kind::Boolean, Value::Other(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "false" | "f" => Ok(text.clone()),
            _ => Err(format!("`{text}` is not `true` or `false`")),
        },
        (Kind::Integer(_), Value::Other(text)) => match text.trim().parse() {
            Ok(number) => postgres(kind, &Value::Integer(number)),
            Err(_) => Err(format!("`{text}` is not a whole number")),
        },
        (Kind::Uuid, Value::Other(text)) => uuid(text).map(|id| id.to_string()),
        (_, Value::Other(text)) => plain(text),
        _ => Err(none()),
    }
}

fn sqlite(kind: &Kind, value: &Value) -> Result<Converted, String> {
    let of = |bind: Bind, storage| Ok(Converted { bind, storage });
    match (kind, value) {
        (_, Value::Null) => Err("use is-null or is-not-null".to_owned()),
        (Kind::Json, _) => Err("JSON has no equality".to_owned()),
        (Kind::Boolean | Kind::Integer(_), Value::Boolean(b)) => {
            of(Bind::Integer(i64::from(*b)), "integer")
        }
        (Kind::Integer(_) | Kind::Numeric | Kind::Any, Value::Integer(i)) => {
            of(Bind::Integer(*i), "integer")
        }
        (Kind::Float, Value::Integer(i)) if i.unsigned_abs() <= EXACT => {
            // Exact by the guard above.
            #[allow(clippy::cast_precision_loss)]
            let real = *i as f64;
            of(Bind::Real(real), "real")
        }
        (Kind::Float | Kind::Any, Value::Float(f)) => of(Bind::Real(finite(*f)?), "real"),
        (Kind::Text | Kind::Any, Value::Text(text)) => of(Bind::Text(plain(text)?), "text"),
        (Kind::Text | Kind::Any, Value::Decimal(text)) => {
            of(Bind::Text(decimal(text)?.to_owned()), "text")
        }
        (Kind::Bytes | Kind::Any, Value::Bytes(bytes)) => of(Bind::Blob(bytes.clone()), "blob"),
        (Kind::Bytes, Value::Uuid(text)) => of(Bind::Blob(uuid(text)?.into_bytes().into()), "blob"),
        (Kind::Text, Value::Uuid(text)) => of(Bind::Text(uuid(text)?.to_string()), "text"),
        (Kind::Text, Value::Other(text)) => of(Bind::Text(plain(text)?), "text"),
        (Kind::Boolean, Value::Other(text)) if text == "true" || text == "false" => {
            of(Bind::Integer(i64::from(text == "true")), "integer")
        }
        (Kind::Integer(_) | Kind::Boolean, Value::Other(text)) => match text.parse::<i64>() {
            Ok(value) => of(Bind::Integer(value), "integer"),
            Err(_) => Err(format!("`{text}` is not a whole number")),
        },
        (Kind::Bytes, Value::Other(text)) => {
            of(Bind::Blob(uuid(text)?.into_bytes().into()), "blob")
        }
        _ => Err(String::new()),
    }
}

/// An instant as PostgreSQL reads it for any session's date style and time zone.
pub(crate) fn native_time(at: Timestamp) -> Result<String, Fault> {
    /// 0001-01-01 and 9999-12-31T23:59:59.999999: four-digit years, which every date style reads.
    const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;
    if YEARS.contains(&at.0) {
        Ok(at.to_string())
    } else {
        Err(Fault::invalid(
            "value",
            format!("the instant {at} is outside the years 1 to 9999"),
        ))
    }
}

fn finite(value: f64) -> Result<f64, String> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(format!("{value} is not a finite number"))
    }
}

fn plain(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("it contains a NUL character".to_owned());
    }
    Ok(text.to_owned())
}

fn decimal(text: &str) -> Result<&str, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if all_digits(whole) && all_digits(fraction) {
        Ok(text)
    } else {
        Err(format!("`{text}` is not a decimal number such as -12.50"))
    }
}

fn uuid(text: &str) -> Result<uuid::Uuid, String> {
    text.parse().map_err(|_| format!("`{text}` is not a UUID"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_a_number() {
        assert!(postgres(&Kind::Integer(64), &Value::Text("5".into())).is_err());
        assert!(sqlite(&Kind::Integer(64), &Value::Text("5".into())).is_err());
        assert!(sqlite(&Kind::Text, &Value::Integer(5)).is_err());
    }

    #[test]
    fn an_integer_out_of_the_columns_range_is_refused() {
        assert!(postgres(&Kind::Integer(16), &Value::Integer(40_000)).is_err());
        assert!(postgres(&Kind::Integer(32), &Value::Integer(40_000)).is_ok());
    }

    #[test]
    fn a_text_of_the_file_that_is_no_value_of_the_column_is_refused() {
        let given = |kind: Kind, text: &str| postgres(&kind, &Value::Other(text.into()));
        assert!(given(Kind::Boolean, "false").is_ok());
        assert!(given(Kind::Boolean, "fasle").is_err());
        assert!(given(Kind::Integer(32), "-5").is_ok());
        assert!(given(Kind::Integer(16), "40000").is_err());
        assert!(given(Kind::Integer(32), "five").is_err());
        assert!(given(Kind::Uuid, "t-1").is_err());
        assert!(given(Kind::Text, "t-1").is_ok());

        let truth = |text: &str| sqlite(&Kind::Boolean, &Value::Other(text.into())).ok();
        let bound = |text: &str| truth(text).map(|value| value.bind);
        assert_eq!(bound("true"), Some(Bind::Integer(1)));
        assert_eq!(bound("false"), Some(Bind::Integer(0)));
        assert_eq!(bound("fasle"), None);
    }
}
