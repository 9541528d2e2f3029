//! What the operator lets a plugin touch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::request::{Fault, Value};

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

impl Grants {
    /// The same grants under the catalog's own spelling of each table: what is written for `t` and
    /// for `public.t` is one grant, with the rights of both and narrowed by both. A table that is
    /// not there keeps its name.
    ///
    /// # Errors
    /// `ambiguous-grant` where the two narrow by different values.
    pub fn spelled(&self, catalog: &Catalog) -> Result<Self, Fault> {
        let mut spelled = Self::default();
        for (name, grant) in &self.tables {
            let name = match catalog.table(name) {
                Ok(table) => catalog.spelling(&table.id),
                Err(_) => name.clone(),
            };
            spelled
                .tables
                .entry(name.clone())
                .or_default()
                .join(grant)
                .map_err(|key| {
                    Fault::invalid(
                        "ambiguous-grant",
                        format!(
                            "table `{name}` is granted under two names, with two values of \
                             {key}: write one grant for it"
                        ),
                    )
                })?;
        }
        Ok(spelled)
    }
}

impl TableGrant {
    /// Takes over another grant's rights and narrowing, or answers the key in which they differ.
    fn join(&mut self, other: &Self) -> Result<(), String> {
        self.read.extend(other.read.iter().cloned());
        self.update.extend(other.update.iter().cloned());
        self.delete |= other.delete;
        self.all_rows |= other.all_rows;
        match (&self.min_age, &other.min_age) {
            (Some(one), Some(two)) if one != two => return Err("min-age".to_owned()),
            (None, Some(floor)) => self.min_age = Some(floor.clone()),
            _ => {}
        }
        for (column, value) in &other.filter {
            match self.filter.get(column) {
                Some(have) if have != value => return Err(format!("where.{column}")),
                _ => drop(self.filter.insert(column.clone(), value.clone())),
            }
        }
        Ok(())
    }
}
