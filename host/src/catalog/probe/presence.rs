//! Telling what `IS NULL` and `IS NOT NULL` mean of a column whose type does not say: applications write 0, `''`
//! or `0000-00-00` where they mean that nothing has happened yet, and such a value is not NULL.

use super::looks::{are_likely, counted};
use crate::catalog::read::Raw;
use crate::catalog::time_forms::fits;
use crate::catalog::{Column, Dialect, ForeignKey, Kind, Table, TimeForm, Times};

/// What a value that is not NULL says of a column that a condition asks for NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// That there is one, whatever it looks like.
    Said,
    /// The time that it is, by these forms: one that stands for "never" says nothing.
    Times(Times),
    /// That there is one, but nothing where it is one of those by which applications mean none.
    Doubtful,
}

impl Presence {
    /// What the operator, the column's keys and its type say; `None`: its values may say that it holds times.
    ///
    /// However many other values there are, they do not say what `''` or 0 means beside them.
    pub(crate) fn by_type(dialect: Dialect, table: &Table, column: &Column) -> Option<Self> {
        if column.holds_values() || table.primary_key == [column.name.as_str()] {
            return Some(Self::Said);
        }
        let keys = table.foreign_keys.iter();
        let keys: Vec<_> = keys
            .filter(|key| key.columns.contains(&column.name))
            .collect();
        if !keys.is_empty() {
            // Whether or not the database holds to it: it is no time.
            let held = |key: &&ForeignKey| always_refers(dialect, table, key, column);
            return Some(match keys.iter().any(held) {
                true => Self::Said,
                false => Self::Doubtful,
            });
        }
        match (dialect, &column.kind) {
            // Whoever asks a truth value for NULL takes it for a time or for a key.
            (_, Kind::Boolean) => Some(Self::Doubtful),
            // Whatever was declared, there may be a number or a text.
            (Dialect::Sqlite, _) => None,
            (_, Kind::Integer(_) | Kind::Numeric | Kind::Float | Kind::Text) => None,
            (_, Kind::Uuid | Kind::Bytes | Kind::Json) => Some(Self::Doubtful),
            (_, Kind::Enum(labels)) => Some(match labels.iter().any(|label| is_word(label)) {
                true => Self::Doubtful,
                false => Self::Said,
            }),
            _ => Some(Self::Said),
        }
    }

    /// What `sample`, of values that are not NULL, says of the column.
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
        Self::Doubtful
    }
}

/// The parent has whatever the column holds, because PostgreSQL has looked at every row and at every change since:
/// not under a key that was never validated or is disabled, and not where another column of the key is NULL. SQLite
/// looks where the application's connection says so, and never at what is there.
fn always_refers(dialect: Dialect, table: &Table, key: &ForeignKey, column: &Column) -> bool {
    let mut others = key.columns.iter().filter(|name| **name != column.name);
    dialect == Dialect::Postgres
        && key.validated
        && !key.disabled
        && table.heirs().is_empty()
        && others.all(|name| table.column(name).is_some_and(|other| !other.nullable))
}

fn is_word(text: &str) -> bool {
    let plain = text.trim().to_lowercase();
    let zeros = plain.chars().all(|c| ZEROS.contains(c)) && plain != NETWORK;
    NONE.contains(&plain.as_str()) || zeros
}

/// Words by which people and programs say that there is nothing, without their spaces and in lower case.
pub(crate) const NONE: [&str; 22] = [
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
    "{}",
    "[]",
    "\"\"",
];

/// What such a value is made of, where it is made of zeros: `0000-00-00`, `0.0`, an empty text.
pub(crate) const ZEROS: &str = "0-+.:/ ";

/// What is made of nothing else and is a value: all that is left of `::1` where an address is cut down to its network.
pub(crate) const NETWORK: &str = "::";

/// The statements ask the same of each row: `sql::presence`.
fn may_stand_for_none(value: &Raw) -> bool {
    let is_none = |number: i64| {
        let mut late = Times::late();
        number <= 0
            || number == Times::LARGEST
            || late.any(|late| late.contains(&i128::from(number)))
    };
    match value {
        Raw::Integer(number) => is_none(*number),
        Raw::Real(number) => *number <= 0.0 || !number.is_finite(),
        Raw::Text(text) => {
            let plain = text.trim().to_lowercase();
            is_word(&plain)
                || text.contains('\0')
                || is_no_day(&plain)
                || plain.ends_with(" bc")
                || plain.parse().is_ok_and(is_none)
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
    let (first, end) = Times::REAL_DAYS;
    day && !(first..end).contains(&text)
}
