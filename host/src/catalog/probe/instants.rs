//! Holding sampled values against forms: telling a column's form from them, and whether they speak against
//! the operator's word.

use std::collections::BTreeMap;

use super::error::place;
use super::looks::{
    LIKELY, are_likely, as_number, classify, counted, counting, is_never, says_nothing, show,
};
use super::{ProbeError, TimeProbe};
use crate::catalog::quote::spell;
use crate::catalog::read::{Raw, Reading};
use crate::catalog::time_forms::fitting;
use crate::catalog::{Column, Dialect, Kind, TableId, TimeForm, Times};
use crate::request::Timestamp;

/// Values sampled at either end of the table or of the column's index.
pub(super) const SAMPLE_EACH_END: u32 = 50;

/// Values sampled anywhere: more than at the ends, which alone may all be of another form than most are.
pub(super) const SAMPLE_BETWEEN: u32 = 150;

/// Values that an error shows.
const SHOWN: usize = 3;

/// What `sample` says about the column.
///
/// Values that stand for "never" say nothing. A form is found where it is that of three in four of the others at
/// least: a row that is not of it is not read, and counted, so that a few odd ones need not keep the job
/// from running, while with many the operator should name both forms. The operator's own word weighs
/// more, and half is enough: where it is wrong, as with seconds for milliseconds, nearly every value is
/// against it.
///
/// A column without a value takes the form under which a value of another form would seem
/// *younger* than it is, should one arrive in mid run: seconds, because the same instant in a finer
/// unit is a larger number; `sql-text`, because no other text is read by it.
pub(super) fn form(
    dialect: Dialect,
    table: &TableId,
    column: &Column,
    sample: &[Raw],
) -> Result<TimeProbe, ProbeError> {
    let word = column.time_form.clone();
    let oldest = word.as_ref().and_then(Times::oldest);
    let probe = |form: TimeForm, assumed| TimeProbe {
        times: Times::found(form).since(oldest),
        assumed,
    };
    if column.holds_values() {
        return Err(unknown(dialect, table, column, NO_TIMES.to_owned(), &[]));
    }
    if let Some(times) = word.filter(Times::is_declared) {
        return declared(table, column, sample, times);
    }
    let telling: Vec<&Raw> = sample.iter().filter(|value| !says_nothing(value)).collect();
    if telling.is_empty() {
        return match (dialect, &column.kind) {
            (Dialect::Postgres, _) => Err(unknown(dialect, table, column, UNTOLD.to_owned(), &[])),
            (_, Kind::Integer(_) | Kind::Float) => Ok(probe(TimeForm::UnixS, true)),
            _ => Ok(probe(TimeForm::SqlText, true)),
        };
    }
    let by_form = counted(&telling);
    let most = by_form.iter().max_by_key(|(_, of)| of.len());
    let Some((found, of)) = most else {
        let shown = format!("a value is {}", show(telling.first().copied()));
        return Err(unknown(dialect, table, column, shown, &telling));
    };
    if dialect == Dialect::Postgres {
        // Its own types say what is a time; a number or a text is the operator's to explain.
        return Err(unknown(dialect, table, column, UNTOLD.to_owned(), &telling));
    }
    if of.len() * 4 < telling.len() * 3 {
        return Err(mixed(table, column, &telling, &by_form));
    }
    if !are_likely(*found, of) {
        let found = format!("a value is {}, {UNLIKELY}", show(of.first().copied()));
        return Err(unknown(dialect, table, column, found, &telling));
    }
    if *found == TimeForm::UnixNs {
        // Ids that are made from a time of their own are of that size, and few columns of times are.
        let found = format!(
            "a value is {}, which may be nanoseconds and may be an id",
            show(of.first().copied())
        );
        return Err(unknown(dialect, table, column, found, &telling));
    }
    Ok(probe(*found, false))
}

const NO_TIMES: &str = "[time-forms] says that it holds none: `value`";

const UNLIKELY: &str =
    "by which it would be a time before 2000 or after 2200, or one that is not counted from 1970";

const NO_FORM: &str = "No form that besom knows is that of all the values looked at.";

const UNTOLD: &str = "its type is not one of time, and the configuration does not say";

/// The operator's word, unless more values are against it than for it. Against it is what is of another form; what is of
/// none at all is not read, whatever the word.
fn declared(
    table: &TableId,
    column: &Column,
    sample: &[Raw],
    times: Times,
) -> Result<TimeProbe, ProbeError> {
    let by = times.with_early_numbers();
    let is = |reading: fn(&Reading) -> bool| -> Vec<&Raw> {
        let values = sample.iter();
        values.filter(|value| reading(&by.read(value))).collect()
    };
    let read = is(|reading| matches!(reading, Reading::Instant(_)));
    let mut other = is(|reading| *reading == Reading::Unread);
    other.retain(|value| classify(value).is_some() && !is_never(value, times.oldest()));
    if other.len() > read.len() {
        let telling = [read.as_slice(), &other].concat();
        let way_out = match covering(&telling) {
            Some(forms) => format!(
                "All that were looked at are {forms}: correct them, or the word on them. {}",
                lines(table, column, &forms.to_string())
            ),
            None => format!("{NO_FORM} Correct the values"),
        };
        return Err(ProbeError::Contradicted {
            place: place(table, column),
            form: times.to_string(),
            unread: other.len(),
            of: telling.len(),
            shown: shown(&other),
            way_out,
        });
    }
    if times.oldest().is_none()
        && let Some((odd, of)) = unlikely(&times, sample)
    {
        return Err(ProbeError::Unlikely {
            place: place(table, column),
            form: times.to_string(),
            unlikely: odd.len(),
            of,
            shown: odd
                .iter()
                .take(SHOWN)
                .map(as_time)
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    Ok(TimeProbe {
        times,
        assumed: false,
    })
}

/// A number, and what it would be by the operator's word.
type Odd<'v> = (&'v Raw, Timestamp);

/// Fewer are what an application writes for "never"; days since 1970 are more.
const SMALL: f64 = 10_000.0;

/// The numbers that would be times that nobody expects, where most of the numbers are, and how many there are.
///
/// Small ones of one size are among them, such as minutes or Julian days under seconds. One that comes again and
/// again stands for "never", and so do several whose sizes have nothing in common.
fn unlikely<'v>(times: &Times, sample: &'v [Raw]) -> Option<(Vec<Odd<'v>>, usize)> {
    let (mut odd, mut small) = (Vec::new(), BTreeMap::new());
    let mut numbers = 0;
    for form in times.forms().iter().filter(|form| form.unit().is_some()) {
        let by = counting(*form);
        for value in sample.iter().filter(|value| !says_nothing(value)) {
            match by.read(value) {
                Reading::Instant(at) => {
                    numbers += 1;
                    odd.extend((!LIKELY.contains(&at.0)).then_some((value, at)));
                }
                Reading::Never(at) if at < Times::REAL && as_number(value) >= SMALL => {
                    small.insert(show(Some(value)), (value, at));
                }
                _ => {}
            }
        }
    }
    let sizes = small.values().map(|(value, _)| as_number(value));
    let (least, most) = sizes.fold((f64::MAX, 0.0_f64), |(least, most), size| {
        (least.min(size), most.max(size))
    });
    if small.len() > 1 && most < 2.0 * least {
        numbers += small.len();
        odd.extend(small.into_values());
    }
    (odd.len() * 2 > numbers).then_some((odd, numbers))
}

fn as_time((value, at): &Odd<'_>) -> String {
    let value = show(Some(value));
    match chrono::DateTime::from_timestamp_micros(at.0) {
        Some(at) => format!("{value} would be {}", at.format("%Y-%m-%d %H:%M:%S")),
        None => value,
    }
}

fn shown(values: &[&Raw]) -> String {
    let shown = values.iter().take(SHOWN);
    let shown: Vec<_> = shown.map(|value| show(Some(value))).collect();
    shown.join(", ")
}

/// The forms that all of the values have, if there are: one, or several of which each value has its own.
fn covering(values: &[&Raw]) -> Option<Times> {
    let by_form = counted(values);
    if by_form.iter().any(|(form, of)| !are_likely(*form, of)) {
        return None;
    }
    let read: usize = by_form.iter().map(|(_, of)| of.len()).sum();
    let forms: Vec<_> = by_form.into_iter().map(|(form, _)| form).collect();
    (read == values.len() && !forms.is_empty()).then(|| Times::declared(forms))
}

/// How far forms would reach where none are those of all the values: nothing to write down unseen.
fn reaching(values: &[&Raw]) -> String {
    let mut by_form = counted(values);
    by_form.retain(|(form, of)| are_likely(*form, of));
    let read: usize = by_form.iter().map(|(_, of)| of.len()).sum();
    if read == 0 {
        return String::new();
    }
    let (forms, left) = (
        by_form.into_iter().map(|(form, _)| form),
        values.len() - read,
    );
    let most = Times::declared(forms);
    format!(
        "{most} would read {read} of {} samples, and leave {left} where they are. ",
        values.len()
    )
}

/// That nothing says how the column holds instants. Only forms that all of the values have are proposed.
pub(super) fn unknown(
    dialect: Dialect,
    table: &TableId,
    column: &Column,
    found: String,
    values: &[&Raw],
) -> ProbeError {
    let forms = fitting(dialect, column);
    let way_out = match covering(values) {
        _ if forms.is_empty() => "Use another column: no form fits this type".to_owned(),
        Some(forms) => lines(table, column, &forms.to_string()),
        None if values.is_empty() => {
            let forms: Vec<_> = forms.iter().map(|form| format!("\"{form}\"")).collect();
            lines(table, column, &format!("…   # one of {}", forms.join(", ")))
        }
        None => format!("{NO_FORM} Correct the values, or use another column"),
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
    table: &TableId,
    column: &Column,
    telling: &[&Raw],
    by_form: &[(TimeForm, Vec<&Raw>)],
) -> ProbeError {
    let mut examples: Vec<String> = by_form
        .iter()
        .map(|(form, of)| format!("{} ({form})", show(of.first().copied())))
        .collect();
    let strange = telling.iter().find(|value| classify(value).is_none());
    if let Some(strange) = strange {
        examples.push(format!("{} (no known form)", show(Some(strange))));
    }
    let second = match examples.len() {
        0 | 1 => String::new(),
        _ => examples.split_off(1).join(", "),
    };
    let way_out = match covering(telling) {
        Some(forms) => format!(
            "Where each of them is what it looks like, each row can be read by its own. {}",
            lines(table, column, &forms.to_string())
        ),
        None => format!(
            "{NO_FORM} {}Rewrite the values in one form",
            reaching(telling)
        ),
    };
    ProbeError::MixedRepresentation {
        place: place(table, column),
        first: examples.pop().unwrap_or_default(),
        second,
        way_out,
    }
}

/// The lines of `besom.toml` that settle it. The table's name carries its schema, because the search
/// path might lead elsewhere; SQLite has no other schema.
fn lines(table: &TableId, column: &Column, value: &str) -> String {
    let mut name = format!("{}.{}", spell(&table.name), spell(&column.name));
    if table.schema != "main" {
        name = format!("{}.{name}", spell(&table.schema));
    }
    let key = toml::Value::String(name);
    format!("Say so in besom.toml:\n\n[time-forms]\n{key} = {value}\n")
}
