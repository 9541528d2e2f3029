//! Why a probe cannot tell.

use crate::catalog::{Column, TableId};
use crate::request::Timestamp;

/// A probe cannot tell what a column holds, or it holds what must not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// An id's time lies in the future: the ids are not made from the time.
    #[error(
        "the ids in `{place}` are not in the order of time: `{id}` would have been made at \
         {at}, more than a day after {now} (looked at {looked_at}). Random ids, such as UUIDv4, look \
         like this, and among them any row may seem old. Use a time column instead of the id, or \
         move these rows away"
    )]
    NotTimeOrdered {
        /// The column, as `schema.table.column`.
        place: String,
        /// The id with the latest time.
        id: String,
        /// That time.
        at: Timestamp,
        /// The clock that it was compared with.
        now: Timestamp,
        /// Which ids were looked at.
        looked_at: &'static str,
    },
    /// Values of different forms stand side by side.
    #[error("`{place}` holds values of different forms: {first} and {second}. {way_out}")]
    MixedRepresentation {
        /// The column, as `schema.table.column`.
        place: String,
        /// One value and what it is.
        first: String,
        /// Another, and what it is.
        second: String,
        /// What to do about it.
        way_out: String,
    },
    /// The values are against what the configuration says of them.
    #[error(
        "[time-forms] says that `{place}` is {form}, and {unread} of {of} values that were looked at are \
         not: {shown}. {way_out}"
    )]
    Contradicted {
        /// The column, as `schema.table.column`.
        place: String,
        /// What the configuration says.
        form: String,
        /// How many values are not of it.
        unread: usize,
        /// How many were looked at.
        of: usize,
        /// Some of them.
        shown: String,
        /// What to do about it.
        way_out: String,
    },
    /// By what the configuration says, most values would be of a time that nobody expects.
    #[error(
        "[time-forms] says that `{place}` is {form}, by which {unlikely} of {of} values that were looked at would be \
         times before 2000 or after 2200, or are not counted from 1970: {shown}. Correct the word on them, or use another \
         column. Only where they are such times indeed: `oldest` beside the form lets them be"
    )]
    Unlikely {
        /// The column, as `schema.table.column`.
        place: String,
        /// What the configuration says.
        form: String,
        /// How many values are such.
        unlikely: usize,
        /// How many were looked at.
        of: usize,
        /// Some of them, with what they would be.
        shown: String,
    },
    /// Nothing says how the column holds instants.
    #[error("how `{place}` ({declared}) holds instants is not known: {found}. {way_out}")]
    UnknownTimeForm {
        /// The column, as `schema.table.column`.
        place: String,
        /// Its declared type.
        declared: String,
        /// What was found there.
        found: String,
        /// What to do about it.
        way_out: String,
    },
    /// The column does not hold ids with a time inside.
    #[error(
        "`{place}` ({declared}) does not hold ULIDs or UUIDv7s: {found}. Ids are known as \
         a native uuid, as 16 bytes, as 36 characters hyphenated in lower case, and as 26 \
         characters of Crockford's base 32; for any other key use a time column instead, and where \
         this is one, say under [time-forms] how it holds times"
    )]
    UnknownIdForm {
        /// The column, as `schema.table.column`.
        place: String,
        /// Its declared type.
        declared: String,
        /// What was found there.
        found: String,
    },
    /// The query that looks failed.
    #[error("cannot look at the values of `{place}`: {source}")]
    Query {
        /// The column, as `schema.table.column`.
        place: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

impl ProbeError {
    /// Values of several known forms stand side by side.
    pub(crate) fn is_mixed(&self) -> bool {
        matches!(self, Self::MixedRepresentation { .. })
    }

    /// The finding's code, as `tolerate` in the configuration spells it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotTimeOrdered { .. } => "not-time-ordered",
            Self::MixedRepresentation { .. } => "mixed-representation",
            Self::Contradicted { .. } | Self::Unlikely { .. } => "time-form-contradicted",
            Self::UnknownTimeForm { .. } => "unknown-time-form",
            Self::UnknownIdForm { .. } => "unknown-id-form",
            Self::Query { .. } => "probe-failed",
        }
    }
}

/// Schema, table and column, for people.
pub(super) fn place(table: &TableId, column: &Column) -> String {
    format!("{table}.{}", column.name)
}
