//! Looking at data where the type alone does not say what a column holds: ids with a time inside,
//! and instants that are not of a time type.
//!
//! A wrong guess here deletes live rows, so a probe that cannot tell answers with an error whose
//! message says how to settle it.

mod booleans;
mod equality;
mod error;
mod ids;
mod instants;
mod looks;
mod postgres;
mod presence;
mod sqlite;

pub use equality::Classes;
pub use error::ProbeError;
pub use ids::EARLIEST_ID;
pub use presence::Presence;
pub(crate) use presence::{NETWORK, NONE, ZEROS};

use super::{Column, Dialect, Table, Times};
use crate::request::Condition;

/// How a key column holds ids with a time inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdShape {
    /// The native type of PostgreSQL.
    Uuid,
    /// 36 characters, hyphenated, in lower case.
    UuidText,
    /// 26 characters of Crockford's base 32, as ULIDs are written.
    Crockford {
        /// In upper case, else in lower case.
        upper: bool,
    },
    /// 16 bytes.
    Bytes,
}

/// What the ids of a key column look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdForm {
    /// How they are held.
    pub shape: IdShape,
    /// Only those of UUID version 7 count, because most of the sampled ones have a version, or there are none yet. ULIDs
    /// held as UUIDs have none, and are told by that.
    pub version7: bool,
    /// A sampled id that is not of version 7 where only those count, and what it is.
    pub stray: Option<String>,
}

/// What the instants of a column look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeProbe {
    /// How they are held.
    pub times: Times,
    /// There was no value to look at, and nobody said: good for comparisons, where a row that
    /// arrives meanwhile in another form counts as younger than it is; **not** for writing.
    pub assumed: bool,
}

/// The column's smallest and largest values can be read from an index: from a whole one, or from a
/// partial one of the values that are not NULL, the only ones that a probe looks at.
fn has_ends(table: &Table, column: &Column, dialect: Dialect) -> bool {
    let set = Condition::IsNotNull {
        column: column.name.clone(),
    };
    let serving = table.in_order_of(&column.name, &[&set], dialect);
    // The probes' ORDER BY leaves NULLs where the database puts them.
    let mut serving = serving.iter();
    serving.any(|serving| !serving.nulls_first || dialect == Dialect::Sqlite)
}
