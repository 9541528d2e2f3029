//! A value held against an instant, exact in the unit that the value is counted in.

use chrono::Datelike;
use chrono_tz::Tz;

use super::value::native_time;
use super::writer::Writer;
use super::written::Written;
use super::zones::{Hands, hands};
use crate::request::{Fault, Timestamp};

/// Nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

/// Between two instants: before this one, or behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) at: Timestamp,
    pub(super) behind: bool,
}

impl Edge {
    pub(super) fn before(at: Timestamp) -> Self {
        Self { at, behind: false }
    }

    pub(super) fn behind(at: Timestamp) -> Self {
        Self { at, behind: true }
    }

    /// No form is finer than nanoseconds.
    fn nanos(self) -> i128 {
        i128::from(self.at.0) * 1_000 + i128::from(self.behind)
    }
}

/// What the values of one form are counted in.
pub(super) enum Scale {
    /// PostgreSQL's types of times.
    Stamps {
        name: String,
        sql_type: &'static str,
        zone: Option<Tz>,
    },
    /// PostgreSQL's `date`.
    Days { name: String, zone: Option<Tz> },
    /// Numbers of a unit of so many nanoseconds.
    Units {
        name: String,
        unit: i128,
        numbers: Numbers,
    },
    /// Text that is read row by row.
    Text { written: Written, zone: Option<Tz> },
}

/// What takes part in a comparison of numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Whole numbers alone.
    Whole,
    /// PostgreSQL's `numeric` or `float8`.
    Of(&'static str),
    /// SQLite: integers and reals.
    Any,
}

impl Scale {
    /// `value < edge`, or `value >= edge`, exact in the values' own units. A fixed edge is written out, so
    /// that a planner knows it.
    pub(super) fn compared(
        &self,
        w: &mut Writer,
        edge: Edge,
        before: bool,
        fixed: bool,
    ) -> Result<(), Fault> {
        let value = |w: &mut Writer, text: String, sql_type: &str| match fixed {
            true => drop(w.push(&format!("'{text}'::{sql_type}"))),
            false => drop(w.bind_as(text, sql_type)),
        };
        match self {
            Self::Stamps {
                name,
                sql_type,
                zone,
            } => {
                let write = |w: &mut Writer, nanos: i128, before: bool| -> Result<(), Fault> {
                    let zone = if *sql_type == "timestamptz" { "Z" } else { "" };
                    let (text, era) = stamp(nanos)?;
                    let text = format!("{text}{zone}{era}");
                    w.push(name).push(sign(before));
                    value(w, text, sql_type);
                    Ok(())
                };
                by_hands(w, *zone, edge, before, &write)
            }
            Self::Days { name, zone } => {
                // A day is over at its end.
                let write = |w: &mut Writer, nanos: i128, before: bool| -> Result<(), Fault> {
                    let (day, era) = stamp((ceiling(nanos, DAY) - 1) * DAY)?;
                    let day = day.get(..10).unwrap_or_default();
                    let day = format!("{day}{era}");
                    w.push(name).push(sign(before));
                    value(w, day, "date");
                    Ok(())
                };
                by_hands(w, *zone, edge, before, &write)
            }
            Self::Units {
                name,
                unit,
                numbers,
            } => {
                w.push(name);
                units(w, *unit, *numbers, edge, before);
                Ok(())
            }
            Self::Text { written, zone } => {
                let write = |w: &mut Writer, nanos: i128, before: bool| -> Result<(), Fault> {
                    let micros = nanos.div_euclid(1_000);
                    let behind = nanos.rem_euclid(1_000) > 0;
                    let value = if behind {
                        written.ceiling()
                    } else {
                        written.floor()
                    };
                    let micros = micros + i128::from(behind);
                    w.push(&format!("{value}{}{micros}", sign(before)));
                    Ok(())
                };
                by_hands(w, *zone, edge, before, &write)
            }
        }
    }
}

/// `text BETWEEN … AND …`, where one look at the text is enough: `false`, and nothing is written, where
/// nanoseconds tell or a clock left out an hour at one of the edges.
pub(super) fn between(
    w: &mut Writer,
    written: &Written,
    zone: Option<Tz>,
    from: Edge,
    to: Edge,
) -> bool {
    let shown = |edge: Edge| match zone {
        Some(zone) => hands(zone, edge.nanos()),
        None => Hands {
            bound: edge.nanos(),
            but: None,
        },
    };
    let (first, last) = (shown(from), shown(to));
    if from.behind || to.behind || first.but.is_some() || last.but.is_some() {
        return false;
    }
    let (first, last) = (
        first.bound.div_euclid(1_000),
        last.bound.div_euclid(1_000) - 1,
    );
    w.push(&format!("{} BETWEEN {first} AND {last}", written.floor()));
    true
}

fn sign(before: bool) -> &'static str {
    if before { " < " } else { " >= " }
}

/// Compares with an edge, or with what the hands of a clock in the zone show then.
fn by_hands(
    w: &mut Writer,
    zone: Option<Tz>,
    edge: Edge,
    before: bool,
    write: &impl Fn(&mut Writer, i128, bool) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(zone) = zone else {
        return write(w, edge.nanos(), before);
    };
    let hands = hands(zone, edge.nanos());
    w.push("(");
    write(w, hands.bound, before)?;
    if let Some((from, to)) = hands.but {
        let (outside, inside) = if before {
            (" AND (", " OR ")
        } else {
            (" OR ", " AND ")
        };
        w.push(outside);
        write(w, from, before)?;
        w.push(inside);
        write(w, to, !before)?;
        if before {
            w.push(")");
        }
    }
    w.push(")");
    Ok(())
}

fn units(w: &mut Writer, unit: i128, numbers: Numbers, edge: Edge, before: bool) {
    let nanos = edge.nanos();
    if numbers == Numbers::Whole {
        w.push(sign(before)).bind(whole(ceiling(nanos, unit)));
        return;
    }
    // Without its last digit, which says that the edge is behind the instant.
    let at = i128::from(edge.at.0) * 1_000;
    w.push(match (before, edge.behind) {
        (true, false) => " < ",
        (true, true) => " <= ",
        (false, false) => " >= ",
        (false, true) => " > ",
    });
    match numbers {
        Numbers::Of(sql_type) => drop(w.bind_as(decimal(at, unit), sql_type)),
        _ if at.rem_euclid(unit) == 0 => drop(w.bind(whole(at.div_euclid(unit)))),
        // The nearest double of a fraction, as one who writes the instant as a real number has it.
        _ => drop(w.bind(crate::database::Bind::Real(
            decimal(at, unit).parse().unwrap_or(f64::NAN),
        ))),
    }
}

fn whole(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

fn ceiling(nanos: i128, unit: i128) -> i128 {
    -((-nanos).div_euclid(unit))
}

/// Nanoseconds in a decimal unit.
fn decimal(nanos: i128, unit: i128) -> String {
    let (whole, rest) = (
        nanos.unsigned_abs() / unit.unsigned_abs(),
        nanos.unsigned_abs() % unit.unsigned_abs(),
    );
    let places = unit.to_string().len() - 1;
    let sign = if nanos < 0 { "-" } else { "" };
    match rest {
        0 => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest:0places$}"),
    }
}

/// Microseconds, rounded up, as PostgreSQL reads them, and the era: the day before the year 1 is one that it knows.
fn stamp(nanos: i128) -> Result<(String, &'static str), Fault> {
    let micros = whole(ceiling(nanos, 1_000));
    if let Some(text) = before_christ(micros) {
        return Ok((text, " BC"));
    }
    let mut text = native_time(Timestamp(micros))?;
    text.truncate(text.trim_end_matches('Z').len());
    Ok((text, ""))
}

/// A time of the year before the first, which is not called 0.
fn before_christ(micros: i64) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_micros(micros)?;
    let within = at.format("%m-%dT%H:%M:%S%.6f");
    (at.year() == 0).then(|| format!("0001-{within}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_between_two_units_is_behind_the_one_and_before_the_other() {
        let of = |micros, unit| ceiling(Edge::before(Timestamp(micros)).nanos(), unit);
        assert_eq!(of(1_500, 1_000_000), 2);
        assert_eq!(of(2_000, 1_000_000), 2);
        assert_eq!(of(-1, 1_000_000_000), 0);
        let behind = |micros, unit| ceiling(Edge::behind(Timestamp(micros)).nanos(), unit);
        assert_eq!(behind(2_000, 1_000_000), 3);
        assert_eq!(behind(1_500, 1_000_000), 2);
    }

    #[test]
    fn a_number_of_a_unit_keeps_every_digit() {
        assert_eq!(
            decimal(1_700_000_000_123_456_000, 1_000_000_000),
            "1700000000.123456000"
        );
        assert_eq!(decimal(-1_500_000, 1_000_000), "-1.500000");
        assert_eq!(decimal(2_000_000, 1_000_000), "2");
        assert_eq!(decimal(7, 1), "7");
    }

    #[test]
    fn the_day_before_the_first_year_is_one_of_the_year_before_christ() {
        let first = -62_135_596_800_000_000 * 1_000;
        let (text, era) = stamp(first).unwrap();
        assert_eq!((text.get(..19), era), (Some("0001-01-01T00:00:00"), ""));
        let (text, era) = stamp(first - DAY).unwrap();
        assert_eq!((text.get(..10), era), (Some("0001-12-31"), " BC"));
        assert!(stamp(first - 400 * DAY).is_err());
    }
}
