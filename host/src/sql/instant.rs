//! Comparisons with an instant, exact in every form that a column may hold one.
//!
//! A value has three answers. Where it is an instant a comparison holds or its negation does; where it is
//! NULL, not of the column's form, or stands for "never", neither holds. So every comparison is written
//! as a stretch of time between two edges, which never reaches past what is real.

use std::ops::Range;

use super::collation::by_bytes;
use super::measure::{Measured, measured, text_bound};
use super::scale::{Edge, Numbers, Scale, between};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, TimeForm, Times};
use crate::request::{Comparison, Fault, Timestamp};

/// The column of a row, and how it holds instants.
pub(super) struct Held<'a> {
    pub(super) name: String,
    pub(super) column: &'a Column,
    pub(super) times: Times,
    pub(super) measured: Vec<Measured>,
}

/// From the first edge to the last; `None`: as far as instants are real.
type Span = (Option<Edge>, Option<Edge>);

impl<'a> Held<'a> {
    pub(super) fn new(dialect: Dialect, row: &Row<'_>, column: &'a Column, times: &Times) -> Self {
        let name = row.column(&column.name);
        Self {
            measured: measured(dialect, &name, column, times),
            name,
            column,
            times: times.clone(),
        }
    }

    /// A text that stands for no instant, also a day such as one without year, month and day.
    pub(super) fn never_text(&self, text: &str) -> String {
        let words = listed(&Times::NO_WORDS);
        let days = self.times.no_days().iter();
        let days = days.map(|day| format!(" OR {text} LIKE '{day}%'"));
        format!("(lower({text}) IN ({words}){})", days.collect::<String>())
    }

    pub(super) fn measured(&self) -> &[Measured] {
        &self.measured
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.column.kind
    }

    /// The numbers of a unit that stand for real instants.
    pub(super) fn real_in(&self, unit: i128) -> Range<i128> {
        self.times.real_in(unit)
    }

    /// `column comparison at`.
    pub(super) fn compare(
        &self,
        w: &mut Writer,
        comparison: Comparison,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let (before, behind) = (Some(Edge::before(at)), Some(Edge::behind(at)));
        let spans: &[Span] = match comparison {
            Comparison::Less => &[(None, before)],
            Comparison::LessOrEqual => &[(None, behind)],
            Comparison::Equal => &[(before, behind)],
            Comparison::NotEqual => &[(None, before), (behind, None)],
            Comparison::Greater => &[(behind, None)],
            Comparison::GreaterOrEqual => &[(before, None)],
        };
        w.push("(");
        w.separated(spans, " OR ", |w, span| self.within(w, *span))?;
        w.push(")");
        Ok(())
    }

    /// The value is an instant within the span, by whichever form it is of.
    pub(super) fn within(&self, w: &mut Writer, span: Span) -> Result<(), Fault> {
        w.push("(");
        if let (Dialect::Sqlite, (_, Some(edge))) = (w.dialect(), span)
            && let Some(bound) = text_bound(self.column, &self.times, edge)
        {
            // Implied by what follows, for an index to serve.
            w.push(&self.name).push(" < ").bind(bound).push(" AND (");
            self.by_each_form(w, span)?;
            w.push(")");
        } else {
            self.by_each_form(w, span)?;
        }
        w.push(")");
        Ok(())
    }

    fn by_each_form(&self, w: &mut Writer, span: Span) -> Result<(), Fault> {
        if self.measured.is_empty() {
            w.truth(false);
        }
        w.separated(&self.measured, " OR ", |w, measured| {
            guarded(w, measured, &mut |w| self.between(w, &measured.scale, span))
        })
    }

    /// The value is of that form and an instant.
    pub(super) fn is_instant(&self, w: &mut Writer, measured: &Measured) -> Result<(), Fault> {
        guarded(w, measured, &mut |w| {
            self.between(w, &measured.scale, (None, None))
        })
    }

    /// Some of its values are the hands of a clock in a zone.
    pub(super) fn has_zone(&self) -> bool {
        let zoned = |form: &TimeForm| matches!(form, TimeForm::Local(_));
        self.times.forms().iter().any(zoned)
    }

    /// Both hold instants in the same single form.
    pub(super) fn alike(&self, other: &Self) -> bool {
        self.times.forms() == other.times.forms() && self.times.forms().len() == 1
    }

    /// The value lies in the span and is real.
    pub(super) fn between(
        &self,
        w: &mut Writer,
        scale: &Scale,
        (from, to): Span,
    ) -> Result<(), Fault> {
        if let Scale::Text { written, zone } = scale {
            let real = (Edge::before(self.times.first()), Edge::before(Times::END));
            let later = from.filter(|from| from.at > real.0.at).unwrap_or(real.0);
            let earlier = to.filter(|to| to.at < real.1.at).unwrap_or(real.1);
            if between(w, written, *zone, later, earlier) {
                return Ok(());
            }
        }
        // What bounds the index goes first; what is real is tested beside, and not as a bound: a planner
        // that took it for one would think the rows few.
        if let Some(to) = to {
            scale.compared(w, to, true, false)?;
            w.push(" AND ");
        }
        if let Some(from) = from {
            scale.compared(w, from, false, false)?;
            w.push(" AND ");
        }
        self.real(w, scale)
    }

    fn real(&self, w: &mut Writer, scale: &Scale) -> Result<(), Fault> {
        let (first, end) = (self.times.first(), Times::END);
        if let Scale::Units {
            name,
            unit,
            numbers,
        } = scale
        {
            let real = self.real_in(*unit);
            let coarser = Times::late_in(*unit * 1_000);
            let name = match (w.dialect(), numbers) {
                (Dialect::Sqlite, _) => format!("+{name}"),
                _ => name.clone(),
            };
            let test = match w.dialect() {
                Dialect::Sqlite => {
                    format!("{name} >= {} AND {name} < {}", real.start, real.end)
                }
                Dialect::Postgres => format!(
                    "({name} < {}) IS FALSE AND ({name} >= {}) IS FALSE",
                    real.start, real.end
                ),
            };
            w.push(&test);
            if let Some(late) = coarser {
                w.push(&format!(" AND NOT ({})", within(&name, &late)));
            }
            return Ok(());
        }
        w.push("(");
        scale.compared(w, Edge::before(first), true, true)?;
        w.push(") IS FALSE AND (");
        scale.compared(w, Edge::before(end), false, true)?;
        w.push(") IS FALSE");
        Ok(())
    }

    /// The value stands for no instant. Never NULL.
    pub(super) fn never(&self, w: &mut Writer) -> Result<(), Fault> {
        let name = &self.name;
        w.push("coalesce(");
        match (w.dialect(), &self.column.kind) {
            (Dialect::Sqlite, _) => drop(w.push(&format!(
                "typeof({name}) = 'integer' AND {name} IN ({}) \
                 OR typeof({name}) = 'text' AND {}",
                Times::NO_NUMBERS.map(|number| number.to_string()).join(", "),
                self.never_text(name)
            ))),
            (_, Kind::Text) => drop(w.push(&self.never_text(&by_bytes(name)))),
            _ => w.truth(false),
        }
        for measured in &self.measured {
            w.push(" OR ");
            guarded(w, measured, &mut |w| self.unreal(w, &measured.scale))?;
        }
        w.push(", ");
        w.truth(false);
        w.push(")");
        Ok(())
    }

    /// What is less stands for "never". A number of the size of another unit's instants is not read; it is
    /// no "never".
    pub(super) fn least_real(&self, unit: i128) -> i128 {
        match self.times.oldest() {
            Some(_) => self.real_in(unit).start,
            None => i128::from(Times::REAL.0) / 1_000_000,
        }
    }

    pub(super) fn unreal(&self, w: &mut Writer, scale: &Scale) -> Result<(), Fault> {
        let (first, end) = (self.times.first(), Times::END);
        if let Scale::Units { name, unit, .. } = scale {
            let least = self.least_real(*unit);
            w.push(&format!("({name} < {least} OR {}", late(name)));
            match (w.dialect(), scale) {
                (Dialect::Sqlite, _) => drop(w.push(&format!(" OR {name} = 9e999"))),
                (
                    _,
                    Scale::Units {
                        numbers: Numbers::Of(sql_type),
                        ..
                    },
                ) => {
                    w.push(&format!(" OR {name} = 'infinity'::{sql_type}"));
                }
                _ => {}
            }
            w.push(")");
            return Ok(());
        }
        w.push("(");
        scale.compared(w, Edge::before(first), true, true)?;
        w.push(" OR ");
        scale.compared(w, Edge::before(end), false, true)?;
        w.push(")");
        Ok(())
    }
}

/// `write`, for values of the form only: PostgreSQL casts nothing before a CASE has decided.
fn guarded(
    w: &mut Writer,
    measured: &Measured,
    write: &mut impl FnMut(&mut Writer) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let casts = matches!(measured.scale, Scale::Text { .. }) || w.dialect() == Dialect::Postgres;
    match &measured.of_form {
        None => {
            w.push("(");
            write(w)?;
            w.push(")");
        }
        Some(of_form) if casts => {
            w.push("CASE WHEN ").push(of_form).push(" THEN ");
            write(w)?;
            w.push(" END");
        }
        Some(of_form) => {
            w.push("(");
            write(w)?;
            w.push(" AND ").push(of_form).push(")");
        }
    }
    Ok(())
}

/// Numbers that stand for "never" because they are large, whatever their unit.
pub(super) fn late(name: &str) -> String {
    let mut ways: Vec<_> = Times::late().map(|late| within(name, &late)).collect();
    ways.push(format!("{name} = {}", Times::LARGEST));
    ways.join(" OR ")
}

fn within(name: &str, range: &Range<i128>) -> String {
    let Range { start, end } = range;
    format!("{name} >= {start} AND {name} < {end}")
}

/// Words as SQL lists them.
pub(super) fn listed(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    words.join(", ")
}
