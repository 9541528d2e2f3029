//! In which forms the values of a column are measured against an instant: in the column's own units where they
//! have its order, so that an index serves, and else as microseconds that the statement works out row by row.

use super::collation::by_bytes;
use super::scale::{Edge, Numbers, Scale};
use super::value::native_time;
use super::written::{Written, is_whole};
use crate::catalog::{Affinity, Column, Dialect, Kind, TimeForm, Times};
use crate::request::Timestamp;

/// The values of one form in a column.
pub(super) struct Measured {
    /// Whether a value is of the form, where its type does not say so.
    pub(super) of_form: Option<String>,
    pub(super) scale: Scale,
}

/// The values of a column by each of its forms.
pub(super) fn measured(
    dialect: Dialect,
    name: &str,
    column: &Column,
    times: &Times,
) -> Vec<Measured> {
    let by_type = dialect == Dialect::Postgres && column.is_native_time();
    let forms = match by_type {
        // Such a column holds nothing else beside.
        true => vec![times.forms().first().copied().unwrap_or(TimeForm::Native)],
        false => times.read_by(),
    };
    let each = forms.iter();
    each.flat_map(|form| of_form(dialect, name, column, *form))
        .collect()
}

fn of_form(dialect: Dialect, name: &str, column: &Column, form: TimeForm) -> Vec<Measured> {
    let name = name.to_owned();
    let zone = match form {
        TimeForm::Local(zone) => Some(zone),
        _ => None,
    };
    let plain = |scale| {
        vec![Measured {
            of_form: None,
            scale,
        }]
    };
    if dialect == Dialect::Postgres {
        match column.kind {
            Kind::Timestamp => {
                return plain(Scale::Stamps {
                    name,
                    sql_type: "timestamptz",
                    zone: None,
                });
            }
            Kind::LocalTimestamp => {
                return plain(Scale::Stamps {
                    name,
                    sql_type: "timestamp",
                    zone,
                });
            }
            Kind::Date => return plain(Scale::Days { name, zone }),
            _ => {}
        }
    }
    if let Some(unit) = form.unit() {
        return match (dialect, &column.kind) {
            (Dialect::Postgres, Kind::Numeric) => plain(Scale::Units {
                name,
                unit,
                numbers: Numbers::Of("numeric"),
            }),
            (Dialect::Postgres, Kind::Float) => plain(Scale::Units {
                name,
                unit,
                numbers: Numbers::Of("float8"),
            }),
            (Dialect::Postgres, Kind::Text) => {
                let text = by_bytes(&name);
                vec![Measured {
                    of_form: Some(format!("{text} ~ '^[0-9]{{2,19}}(?:[.][0-9]{{1,9}})?$'")),
                    scale: Scale::Units {
                        name: format!("{text}::numeric"),
                        unit,
                        numbers: Numbers::Of("numeric"),
                    },
                }]
            }
            (Dialect::Postgres, _) => plain(Scale::Units {
                name,
                unit,
                numbers: Numbers::Whole,
            }),
            (Dialect::Sqlite, _) => sqlite_numbers(&name, column, unit),
        };
    }
    let (text, is_text) = match dialect {
        Dialect::Postgres => (by_bytes(&name), String::new()),
        Dialect::Sqlite => (name.clone(), format!("typeof({name}) = 'text' AND ")),
    };
    let written = Written::new(dialect, &text, form).into_iter();
    written
        .map(|written| Measured {
            of_form: Some(format!("{is_text}{}", written.of_form)),
            scale: Scale::Text { written, zone },
        })
        .collect()
}

/// Numbers, and digits in a column whose affinity does not make numbers of them.
fn sqlite_numbers(name: &str, column: &Column, unit: i128) -> Vec<Measured> {
    let mut measured = Vec::new();
    if column.kind != Kind::Text {
        measured.push(Measured {
            of_form: Some(format!("typeof({name}) IN ('integer', 'real')")),
            scale: Scale::Units {
                name: name.to_owned(),
                unit,
                numbers: Numbers::Any,
            },
        });
    }
    if holds_digits(column) {
        measured.push(Measured {
            of_form: Some(format!(
                "typeof({name}) = 'text' AND length({name}) BETWEEN 2 AND 29 AND {name} GLOB '[0-9]*[0-9]' \
                 AND {name} NOT GLOB '*[^0-9.]*' AND {name} NOT GLOB '*.*.*' AND {}",
                is_whole(name)
            )),
            scale: Scale::Units {
                name: format!("CAST({name} AS NUMERIC)"),
                unit,
                numbers: Numbers::Any,
            },
        });
    }
    measured
}

/// SQLite: digits stay text.
fn holds_digits(column: &Column) -> bool {
    matches!(column.kind, Kind::Text | Kind::Any) && column.affinity != Some(Affinity::Number)
}

/// Why the column's own order says nothing of its instants' order, so that an index on it bounds no
/// comparison with a time; `None`: one does. SQLite compares text byte for byte, or without regard to case,
/// so ISO text stands there in the order of time but for what offsets shift, which is less than two days.
pub(super) fn out_of_order(
    dialect: Dialect,
    column: &Column,
    times: &Times,
) -> Option<&'static str> {
    let forms = times.read_by();
    let counted = forms.iter().any(|form| form.unit().is_some());
    match dialect {
        Dialect::Postgres => (column.kind == Kind::Text)
            .then_some("it is text, which PostgreSQL orders by its collation"),
        Dialect::Sqlite if counted && holds_digits(column) => {
            Some("digits in text are ordered as text, and not as the numbers that they are")
        }
        Dialect::Sqlite => (counted && forms.iter().any(|form| form.is_written()))
            .then_some("numbers stand before all text, whatever times either mean"),
    }
}

/// The least text of an ISO day that is behind every text that means an instant before `edge`, in
/// whatever zone; SQLite orders numbers before it. `None`: the column may hold digits, whose order is
/// another, or no text at all.
pub(super) fn text_bound(column: &Column, times: &Times, edge: Edge) -> Option<String> {
    let forms = times.read_by();
    let digits = holds_digits(column) && forms.iter().any(|form| form.unit().is_some());
    if digits || !forms.iter().any(|form| form.is_written()) {
        return None;
    }
    let behind = Timestamp(edge.at.0.saturating_add(2 * 86_400_000_000));
    let day = native_time(behind).ok()?;
    day.get(..10).map(str::to_owned)
}
