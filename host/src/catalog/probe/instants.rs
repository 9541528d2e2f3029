//! Telling from sampled values how a column holds instants.

use super::error::place;
use super::{ProbeError, TimeProbe};
use crate::catalog::quote::spell;
use crate::catalog::{Column, Kind, Table, TimeForm};

/// Values sampled at either end of the table or of the column's index.
pub(super) const SAMPLE_EACH_END: u32 = 50;

/// One sampled value, with SQLite's own name of what it is.
pub(super) enum Instant {
    Integer(i64),
    Text(String),
    /// `real` or `blob`.
    Other(String),
}

/// What `sample` says about the column.
///
/// A column without a value takes the form under which a value of another form would seem
/// *younger* than it is, should one arrive in mid run: seconds, because the same instant in a finer
/// unit is a larger number; `sql-text`, because `T` sorts after the space.
pub(super) fn form(
    table: &Table,
    column: &Column,
    sample: &[Instant],
) -> Result<TimeProbe, ProbeError> {
    let mut known: Option<(TimeForm, &Instant)> = None;
    let mut stranger = None;
    for value in sample {
        match (classify(value), known) {
            (None, _) => stranger = Some(value),
            (Some(form), None) => known = Some((form, value)),
            (Some(form), Some((first, of))) if form != first => {
                return Err(mixed(
                    table,
                    column,
                    (of, first.as_str()),
                    (value, form.as_str()),
                ));
            }
            (Some(_), Some(_)) => {}
        }
    }
    match (known, stranger) {
        (Some((form, _)), None) => Ok(TimeProbe {
            form,
            assumed: false,
        }),
        (Some((form, of)), Some(odd)) => Err(mixed(
            table,
            column,
            (of, form.as_str()),
            (odd, "no known form"),
        )),
        (None, Some(odd)) => Err(unknown(table, column, format!("a value is {}", show(odd)))),
        (None, None) => match column.kind {
            Kind::Integer(_) => Ok(TimeProbe {
                form: TimeForm::UnixS,
                assumed: true,
            }),
            Kind::Text | Kind::Any | Kind::Numeric => Ok(TimeProbe {
                form: TimeForm::SqlText,
                assumed: true,
            }),
            _ => Err(unknown(table, column, "its type holds none".to_owned())),
        },
    }
}

/// That nothing says how the column holds instants.
pub(super) fn unknown(table: &Table, column: &Column, found: String) -> ProbeError {
    let forms = match column.kind {
        Kind::Integer(32) => "\"unix-s\"",
        Kind::Integer(64) => "\"unix-us\", \"unix-ms\" or \"unix-s\"",
        Kind::Text => "\"rfc3339\" or \"sql-text\"",
        Kind::Any | Kind::Numeric => {
            "\"unix-us\", \"unix-ms\", \"unix-s\", \"rfc3339\" or \"sql-text\""
        }
        _ => "",
    };
    let way_out = if forms.is_empty() {
        "Use another column: no form fits this type".to_owned()
    } else {
        say_so(table, column, forms)
    };
    ProbeError::UnknownTimeForm {
        place: place(table, column),
        declared: if column.sql_type.is_empty() {
            "no type"
        } else {
            &column.sql_type
        }
        .to_owned(),
        found,
        way_out,
    }
}

fn mixed(
    table: &Table,
    column: &Column,
    first: (&Instant, &str),
    second: (&Instant, &str),
) -> ProbeError {
    let say = |(value, form): (&Instant, &str)| format!("{} ({form})", show(value));
    ProbeError::MixedRepresentation {
        place: place(table, column),
        first: say(first),
        second: say(second),
        way_out: "rewrite the values in one form and run `besom check` again".to_owned(),
    }
}

/// The lines of `besom.toml` that settle it. The table's name carries its schema, because the search
/// path might lead elsewhere; SQLite has no other schema.
fn say_so(table: &Table, column: &Column, forms: &str) -> String {
    let mut name = format!("{}.{}", spell(&table.id.name), spell(&column.name));
    if table.id.schema != "main" {
        name = format!("{}.{name}", spell(&table.id.schema));
    }
    let key = toml::Value::String(name);
    format!("Say so in besom.toml:\n\n[time-forms]\n{key} = …   # {forms}\n")
}

fn show(value: &Instant) -> String {
    match value {
        Instant::Integer(number) => number.to_string(),
        Instant::Text(text) => format!("'{text}'"),
        Instant::Other(kind) => format!("a {kind}"),
    }
}

/// The form of one value. An integer's magnitude tells its unit for instants between 1973 and 5138;
/// outside, zero and nanoseconds among them, nothing does.
fn classify(value: &Instant) -> Option<TimeForm> {
    match value {
        Instant::Integer(100_000_000..100_000_000_000) => Some(TimeForm::UnixS),
        Instant::Integer(100_000_000_000..100_000_000_000_000) => Some(TimeForm::UnixMs),
        Instant::Integer(100_000_000_000_000..100_000_000_000_000_000) => Some(TimeForm::UnixUs),
        Instant::Text(text) => classify_text(text),
        Instant::Integer(_) | Instant::Other(_) => None,
    }
}

/// RFC 3339 has a `T` and an offset, SQL's text a space and none.
fn classify_text(text: &str) -> Option<TimeForm> {
    if chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.get(10..11) == Some("T") {
        return Some(TimeForm::Rfc3339);
    }
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .is_ok()
        .then_some(TimeForm::SqlText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitude_and_shape_tell_the_form() {
        let text = |text: &str| Instant::Text(text.to_owned());
        let cases = [
            (Instant::Integer(1_700_000_000), Some(TimeForm::UnixS)),
            (Instant::Integer(1_700_000_000_000), Some(TimeForm::UnixMs)),
            (
                Instant::Integer(1_700_000_000_000_000),
                Some(TimeForm::UnixUs),
            ),
            (Instant::Integer(1_700_000_000_000_000_000), None), // nanoseconds
            (Instant::Integer(0), None),
            (Instant::Integer(-1), None),
            (text("2026-01-31T12:00:00Z"), Some(TimeForm::Rfc3339)),
            (
                text("2026-01-31T12:00:00.123456+02:00"),
                Some(TimeForm::Rfc3339),
            ),
            (text("2026-01-31 12:00:00"), Some(TimeForm::SqlText)),
            (text("2026-01-31 12:00:00.5"), Some(TimeForm::SqlText)),
            (text("2026-01-31 12:00:00+02:00"), None),
            (text("2026-01-31T12:00:00"), None),
            (text("2026-01-31"), None),
            (text("yesterday"), None),
            (Instant::Other("real".to_owned()), None),
        ];
        for (value, expected) in cases {
            assert_eq!(classify(&value), expected, "{}", show(&value));
        }
    }
}
