//! Instants in every form that a column may hold them.

use super::value::{native_time, units};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, TimeForm};
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
