//! Telling what `IS NULL` and `IS NOT NULL` mean of a column whose type does not say: applications write 0, `''`
//! or `0000-00-00` where they mean that nothing has happened yet, and such a value is not NULL.

use chrono::NaiveDate;

use super::instants::{are_likely, classify, counted};
use crate::catalog::read::{Raw, Reading};
use crate::catalog::time_forms::fits;
use crate::catalog::{Column, Dialect, Kind, Table, TimeForm, Times};

/// What a value that is not NULL says of a column that a condition asks for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// That there is one.
    Said,
    /// The time that it is, by these forms: one that stands for "never" says nothing.
    Times(Times),
    /// Nothing, where it is one of those by which applications mean none.
    Doubtful,
}

impl Presence {
    /// What the column's type and keys say; `None`: only its values can.
    pub(crate) fn by_type(dialect: Dialect, table: &Table, column: &Column) -> Option<Self> {
        let keys = table.foreign_keys.iter().flat_map(|key| &key.columns);
        let mut keys = keys.chain(&table.primary_key);
        if keys.any(|name| *name == column.name) {
            // A key that refers to no row is refused by the database.
            return Some(Self::Said);
        }
        match (dialect, &column.kind) {
            // Whoever asks a truth value for NULL takes it for a time or for a key.
            (_, Kind::Boolean) => Some(Self::Doubtful),
            (_, Kind::Integer(_) | Kind::Numeric | Kind::Float | Kind::Text) => None,
            (Dialect::Sqlite, Kind::Any | Kind::Date) => None,
            _ => Some(Self::Said),
        }
    }

    /// What `sample`, of values that are not NULL, says of the column. Without a word against it a value that may
    /// stand for none is in doubt.
    pub(super) fn of(dialect: Dialect, column: &Column, sample: &[Raw]) -> Self {
        let telling: Vec<&Raw> = sample.iter().filter(|v| !may_stand_for_none(v)).collect();
        let mut times = counted(&telling);
        times.retain(|(form, of)| {
            *form != TimeForm::UnixNs && are_likely(*form, of) && fits(dialect, column, *form)
        });
        let read: usize = times.iter().map(|(_, of)| of.len()).sum();
        if read > 0 && read * 4 >= telling.len() * 3 {
            let oldest = column.time_form.as_ref().and_then(Times::oldest);
            let forms = times.into_iter().map(|(form, _)| form);
            return Self::Times(Times::found_several(forms).since(oldest));
        }
        let other = telling
            .iter()
            .filter(|v| !is_truth(v) && !is_like_a_time(v));
        let other = other.count();
        let declared = column.sql_type.to_ascii_lowercase();
        let as_time = declared.contains("date") || declared.contains("time");
        match !as_time && other * 4 >= telling.len() * 3 && other * 2 >= sample.len() && other > 0 {
            true => Self::Said,
            false => Self::Doubtful,
        }
    }
}

/// Words by which people and programs say that there is nothing, without their spaces and in lower case.
pub(crate) const NONE: [&str; 19] = [
    "-1",
    "infinity",
    "-infinity",
    "inf",
    "-inf",
    "nan",
    "null",
    "nil",
    "none",
    "never",
    "n/a",
    "na",
    "undefined",
    "unset",
    "f",
    "false",
    "n",
    "no",
    "off",
];

/// What such a value is made of, where it is made of zeros: `0000-00-00`, `0.0`, an empty text.
pub(crate) const ZEROS: &str = "0-+.:/ ";

/// The statements ask the same of each row: `sql::presence`.
fn may_stand_for_none(value: &Raw) -> bool {
    let seconds = Times::found(TimeForm::UnixS);
    let ends = |number: i64| matches!(seconds.read(&Raw::Integer(number)), Reading::Never(_));
    match value {
        Raw::Integer(number) => *number <= 0 || *number >= END && ends(*number),
        Raw::Real(number) => *number <= 0.0 || !number.is_finite(),
        Raw::Text(text) => {
            let plain = text.trim().to_lowercase();
            NONE.contains(&plain.as_str())
                || plain.chars().all(|c| ZEROS.contains(c))
                || text.contains('\0')
                || is_no_day(&plain)
                || plain.ends_with(" bc")
                || plain
                    .parse()
                    .is_ok_and(|number: i64| number <= 0 || number >= END && ends(number))
        }
        Raw::Other(_) => false,
    }
}

/// It begins with a day before 1973, such as `0000-00-00`, or at the end of time.
fn is_no_day(text: &str) -> bool {
    let digits = |from: usize, to| {
        text.get(from..to)
            .is_some_and(|of| of.bytes().all(|b| b.is_ascii_digit()))
    };
    let lines = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let day = lines && digits(0, 4) && digits(5, 7) && digits(8, 10);
    day && !("1973".."9999-12-30").contains(&text)
}

/// Seconds of 9999-12-30, the least number that stands for "never" because it is large.
const END: i64 = Times::END.0 / 1_000_000;

/// 1, or a word for true: beside it 0 means that it is not so.
fn is_truth(value: &Raw) -> bool {
    match value {
        Raw::Integer(number) => *number == 1,
        Raw::Text(text) => {
            ["1", "t", "true", "y", "yes", "on"].contains(&text.trim().to_lowercase().as_str())
        }
        Raw::Real(_) | Raw::Other(_) => false,
    }
}

/// A time in no form that besom reads, by the look of it.
fn is_like_a_time(value: &Raw) -> bool {
    /// Days that astronomers count, from 1973 to 2200: what SQLite's `julianday` writes.
    const JULIAN: std::ops::Range<f64> = 2_441_683.5..2_524_593.5;
    if classify(value).is_some() {
        return true;
    }
    match value {
        Raw::Integer(number) => is_day(&number.to_string()),
        Raw::Real(number) => JULIAN.contains(number),
        Raw::Text(text) => {
            let text = text.trim();
            let mut parts = text.split(|c: char| !c.is_ascii_digit());
            let numbers: Vec<_> = parts.by_ref().take(3).map(str::len).collect();
            matches!(numbers.as_slice(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
                && !text.contains("::")
                || is_day(text)
                || text.contains(':') && MONTHS.iter().any(|month| text.contains(month))
        }
        Raw::Other(_) => false,
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `20260131`, and perhaps a clock's digits behind it.
fn is_day(digits: &str) -> bool {
    let day = digits
        .get(..8)
        .and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain
        && matches!(digits.len(), 8 | 12 | 14)
        && day.is_some_and(|_| ("1973".."2200").contains(&digits.get(..4).unwrap_or_default()))
}
