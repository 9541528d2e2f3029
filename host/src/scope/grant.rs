//! What the operator lets a plugin touch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::catalog::{Catalog, TableId};
use crate::request::{Fault, Missing, Right, Value};

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

/// Everything that bears on what one job may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// The whole grant: what may be done to each table, by whatever hand, and what narrows that. What
    /// ON DELETE rules do along with a delete is held against this alone.
    pub whole: Grants,
    /// What the plugin itself says that it touches. Its requests do not go beyond, however much more
    /// the grant gives.
    pub access: Grants,
    /// What stands in the operator's file, under the names that stand there: a refusal prints it again beside
    /// what is missing, because a table stands in a file once.
    pub file: Grants,
}

impl Granted {
    /// The same under the catalog's own spelling, but for the file's words: see [`Grants::spelled`].
    ///
    /// # Errors
    /// As [`Grants::spelled`].
    pub fn spelled(&self, catalog: &Catalog) -> Result<Self, Fault> {
        Ok(Self {
            whole: self.whole.spelled(catalog)?,
            access: self.access.spelled(catalog)?,
            file: self.file.clone(),
        })
    }

    /// What the plugin's own requests may do: the grant cut down to the plugin's access list.
    pub fn own(&self) -> Grants {
        let said = |(name, grant): (&String, &TableGrant)| {
            let said = self.access.tables.get(name)?;
            Some((name.clone(), grant.cut_down_to(said)))
        };
        Grants {
            tables: self.whole.tables.iter().filter_map(said).collect(),
        }
    }

    /// The name that the file has for a table; the catalog's own where it has none.
    pub(super) fn name_of(&self, table: &TableId, catalog: &Catalog) -> String {
        let mut names = self.file.tables.keys();
        let means = |name: &&String| catalog.table(name).is_ok_and(|found| found.id == *table);
        names
            .find(means)
            .cloned()
            .unwrap_or_else(|| catalog.spelling(table))
    }

    /// What of the plugin's access list the grant does not cover, both under the catalog's spelling:
    /// asked before a run begins, so that a plugin that needs more says so at once and not in the
    /// middle.
    pub fn lacking(&self, catalog: &Catalog) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (table, wanted) in &self.access.tables {
            let none = TableGrant::default();
            let have = self.whole.tables.get(table).unwrap_or(&none);
            let name = match catalog.table(table) {
                Ok(found) => self.name_of(&found.id, catalog),
                Err(_) => table.clone(),
            };
            let needs = wanted
                .rights()
                .filter(|(right, of)| !have.gives(*right, *of));
            missing.extend(needs.map(|(right, column)| Missing {
                table: name.clone(),
                right,
                column: column.map(str::to_owned),
                because: "the plugin's `access` names it".to_owned(),
                unsaid: false,
            }));
        }
        missing
    }
}

impl TableGrant {
    /// Whether it gives the right, on a column where it is on one.
    pub fn gives(&self, right: Right, column: Option<&str>) -> bool {
        match (right, column) {
            (Right::Read, Some(column)) => self.read.contains(column),
            (Right::Update, Some(column)) => self.update.contains(column),
            (Right::Delete, _) => self.delete,
            (Right::AllRows, _) => self.all_rows,
            (Right::Read | Right::Update, None) => false,
        }
    }

    /// Every right that it gives, and on which column.
    pub fn rights(&self) -> impl Iterator<Item = (Right, Option<&str>)> {
        let read = self.read.iter().map(|c| (Right::Read, Some(c.as_str())));
        let update = self.update.iter();
        let update = update.map(|c| (Right::Update, Some(c.as_str())));
        let delete = self.delete.then_some((Right::Delete, None));
        let all = self.all_rows.then_some((Right::AllRows, None));
        read.chain(update).chain(delete).chain(all)
    }

    /// It narrows what may be changed.
    pub fn narrows(&self) -> bool {
        self.min_age.is_some() || !self.filter.is_empty()
    }

    /// Some right in it changes rows.
    pub fn changes(&self) -> bool {
        self.delete || !self.update.is_empty()
    }

    /// Gives the right that is missing.
    pub(super) fn give(&mut self, need: &Missing) {
        match (need.right, &need.column) {
            (Right::Read, Some(column)) => drop(self.read.insert(column.clone())),
            (Right::Update, Some(column)) => drop(self.update.insert(column.clone())),
            (Right::Delete, _) => self.delete = true,
            (Right::AllRows, _) => self.all_rows = true,
            (Right::Read | Right::Update, None) => {}
        }
    }

    /// The rights that both give, narrowed as this one is.
    fn cut_down_to(&self, other: &Self) -> Self {
        Self {
            read: self.read.intersection(&other.read).cloned().collect(),
            update: self.update.intersection(&other.update).cloned().collect(),
            delete: self.delete && other.delete,
            all_rows: self.all_rows && other.all_rows,
            min_age: self.min_age.clone(),
            filter: self.filter.clone(),
        }
    }

    /// Takes over another's rights, and leaves its narrowing.
    pub fn add_rights(&mut self, other: &Self) {
        self.read.extend(other.read.iter().cloned());
        self.update.extend(other.update.iter().cloned());
        self.delete |= other.delete;
        self.all_rows |= other.all_rows;
    }

    /// Takes over another grant's rights and narrowing, or answers the key in which they differ.
    fn join(&mut self, other: &Self) -> Result<(), String> {
        self.add_rights(other);
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
