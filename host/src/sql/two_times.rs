//! Two columns of a row compared by the instants that they hold, each in its own form.

use super::Plan;
use super::instant::Held;
use super::scale::{Numbers, Scale};
use super::time::operator;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, TimeForm};
use crate::request::{Comparison, Fault};

impl Plan {
    /// `left comparison right`; neither it nor its negation holds where one of the two is no instant.
    pub(super) fn compare_times(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        (left, right): (&Column, &Column),
        comparison: Comparison,
    ) -> Result<(), Fault> {
        let (a, b) = (self.held(row, left)?, self.held(row, right)?);
        if w.dialect() == Dialect::Sqlite && (a.has_zone() || b.has_zone()) && !a.alike(&b) {
            return Err(zones_apart(row, left, right));
        }
        let sign = operator(comparison);
        match w.dialect() {
            Dialect::Postgres => {
                w.push("(");
                a.instant(w, micros)?;
                w.push(&format!(" {sign} "));
                b.instant(w, micros)?;
                w.push(")");
            }
            Dialect::Sqlite => {
                let pair = |w: &mut Writer, held: &Held<'_>| {
                    w.push("(");
                    held.instant(w, whole)?;
                    w.push(", ");
                    held.instant(w, rest)?;
                    w.push(")");
                    Ok::<_, Fault>(())
                };
                w.push("(");
                pair(w, &a)?;
                w.push(&format!(" {sign} "));
                pair(w, &b)?;
                w.push(")");
            }
        }
        Ok(())
    }
}

impl Held<'_> {
    /// What orders the column's values by their instants: one expression or two, each NULL where the value is no
    /// instant. On SQLite, which knows no zones, local time has an order of its own, and no other beside it.
    pub(super) fn ordinal(&self, w: &mut Writer) -> Result<(), Fault> {
        self.whole_ordinal(w)?;
        if w.dialect() == Dialect::Sqlite {
            w.push(", ");
            self.instant(w, rest)?;
        }
        Ok(())
    }

    /// The first of these expressions.
    pub(super) fn whole_ordinal(&self, w: &mut Writer) -> Result<(), Fault> {
        match w.dialect() {
            Dialect::Postgres => self.instant(w, micros),
            Dialect::Sqlite => self.instant(w, whole),
        }
    }

    /// `of` the value by whichever form it is of; NULL where it is no instant.
    fn instant(&self, w: &mut Writer, of: impl Fn(&Scale) -> String) -> Result<(), Fault> {
        w.push("CASE");
        for measured in self.measured() {
            // There the hands of a clock compare with those of another in its zone, and with no instant.
            let shown = matches!(measured.scale, Scale::Text { zone: Some(_), .. });
            if w.dialect() == Dialect::Sqlite && self.has_zone() && !shown {
                continue;
            }
            w.push(" WHEN ");
            self.is_instant(w, measured)?;
            w.push(" THEN ").push(&of(&measured.scale));
        }
        if self.measured().is_empty() {
            w.push(" WHEN 1 = 0 THEN 0");
        }
        w.push(" END");
        Ok(())
    }
}

/// PostgreSQL: microseconds as `numeric`, with what is below them behind the point.
fn micros(scale: &Scale) -> String {
    let local = |value: String, zone: &Option<chrono_tz::Tz>| match zone {
        Some(zone) => format!("({value} AT TIME ZONE '{zone}')"),
        None => value,
    };
    match scale {
        Scale::Stamps { name, zone, .. } => {
            format!(
                "extract(epoch FROM {}) * 1000000",
                local(name.clone(), zone)
            )
        }
        Scale::Days { name, zone } => {
            let end = local(format!("({name} + 1)::timestamp"), zone);
            format!("extract(epoch FROM {end}) * 1000000")
        }
        Scale::Units {
            name,
            unit,
            numbers,
        } => match numbers {
            // A cast to numeric would keep fifteen digits.
            Numbers::Of("float8") => {
                format!(
                    "round({name}::float8 * {})::bigint::numeric",
                    in_micros(*unit)
                )
            }
            _ => format!("{name}::numeric * {}", in_micros(*unit)),
        },
        Scale::Text { written, zone } => {
            let seconds = match zone {
                Some(_) => {
                    let hands = format!("to_timestamp({}) AT TIME ZONE 'UTC'", written.seconds);
                    format!("extract(epoch FROM {})", local(format!("({hands})"), zone))
                }
                None => written.seconds.clone(),
            };
            format!(
                "({seconds})::numeric * 1000000 + {} + {} * 0.001",
                written.micros, written.nanos
            )
        }
    }
}

/// A unit of so many nanoseconds in microseconds.
fn in_micros(unit: i128) -> String {
    match unit {
        1 => "0.001".to_owned(),
        unit => (unit / 1_000).to_string(),
    }
}

/// SQLite: whole microseconds.
fn whole(scale: &Scale) -> String {
    match scale {
        Scale::Units { name, unit: 1, .. } => format!("CAST({name} AS INTEGER) / 1000"),
        Scale::Units { name, unit, .. } => {
            let micros = unit / 1_000;
            format!(
                "CASE typeof({name}) WHEN 'integer' THEN {name} * {micros} \
                 ELSE CAST(round({name} * {micros}) AS INTEGER) END"
            )
        }
        Scale::Text { written, .. } => written.floor(),
        Scale::Stamps { name, .. } | Scale::Days { name, .. } => name.clone(),
    }
}

/// SQLite: nanoseconds below them.
fn rest(scale: &Scale) -> String {
    match scale {
        Scale::Units { name, unit: 1, .. } => format!("CAST({name} AS INTEGER) % 1000"),
        Scale::Text { written, .. } => written.nanos.clone(),
        _ => "0".to_owned(),
    }
}

fn zones_apart(row: &Row<'_>, left: &Column, right: &Column) -> Fault {
    Fault::invalid(
        "value",
        format!(
            "columns `{}` and `{}` of `{}` are not compared on SQLite, which knows no zones: one holds \
             local time (\"{}\") and the other does not hold it in the same zone",
            left.name,
            right.name,
            row.table.id,
            TimeForm::Local(chrono_tz::Tz::UTC)
                .to_string()
                .replace("UTC", "…"),
        ),
    )
}
