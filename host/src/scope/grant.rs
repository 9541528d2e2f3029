//! What the operator lets a plugin touch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::request::Value;

/// Every table that a plugin may touch, by the name under which it was granted: `table` or
/// `schema.table`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grants {
    /// The grants, by table name as written.
    pub tables: BTreeMap<String, TableGrant>,
}

/// What a plugin may do with one table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableGrant {
    /// Columns that conditions, joins and orders may look at.
    pub read: BTreeSet<String>,
    /// Columns that may be assigned, or set to NULL by a foreign key's rule.
    pub update: BTreeSet<String>,
    /// Rows may be deleted, also by a foreign key's CASCADE.
    pub delete: bool,
    /// The condition may be "every row".
    pub all_rows: bool,
    /// No row younger than this is ever changed, whatever the plugin asks for.
    pub min_age: Option<MinAge>,
    /// Only rows with these values are ever changed.
    pub filter: BTreeMap<String, Value>,
}

/// The floor on the age of a row that may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinAge {
    /// A time column, or a key that holds a ULID or UUIDv7.
    pub column: String,
    /// The least age.
    pub age: Duration,
}
