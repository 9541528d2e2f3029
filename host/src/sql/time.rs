//! Instants in every form that a column may hold them.

use chrono_tz::Tz;

use super::value::native_time;
use crate::catalog::{Column, Dialect, Kind, TimeForm, Times};
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
