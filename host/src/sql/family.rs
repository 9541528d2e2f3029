//! The rows that go with a batch: the swept rows and their dependents, as named parts of one statement.
//!
//! Each part carries its rows' keys and the columns that the next part hangs on, under the names
//! of the table's own columns, so that a part reads like the table it comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Plan;
use super::eligible::same_row;
use super::window::Window;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, OnDelete, Table, TableId, quote_ident};
use crate::request::Fault;
use crate::scope::{Link, Path, Tied};

/// The swept rows of a batch.
pub(super) const VICTIMS: &str = "besom_victims";

/// The rows of the dependent in that place.
pub(super) fn rows_of(place: usize) -> String {
    format!("besom_rows_{place}")
}

impl Plan {
    /// A batch has rows besides the swept ones to delete or unlink.
    pub(crate) fn has_dependents(&self) -> bool {
        !self.authorized.dependents().is_empty()
    }

    /// Rows hang on the swept ones that go or change with them.
    pub(crate) fn has_a_family(&self) -> bool {
        self.paths().next().is_some()
    }

    /// Rows of other tables go with the swept ones, or change.
    pub(crate) fn takes_others_along(&self) -> bool {
        self.has_dependents() || self.deletes_by_rule()
    }

    /// A foreign key's rule deletes rows.
    pub(super) fn deletes_by_rule(&self) -> bool {
        let mut consequences = self.authorized.consequences().iter();
        consequences.any(|c| c.path.rule() == Some(OnDelete::Cascade))
    }

    /// A foreign key's rule sets columns to their defaults.
    pub(crate) fn sets_defaults(&self) -> bool {
        let mut consequences = self.authorized.consequences().iter();
        consequences.any(|c| c.path.rule() == Some(OnDelete::SetDefault))
    }

    /// The columns to carry of a row to which others hang by `path`: its identity, what the next
    /// links hang on, and what ties it.
    pub(super) fn carried(&self, row: &Row<'_>, path: &[Link]) -> String {
        let mut names = self.identity_of(row.table);
        // Rows of the partitioned table may turn out to be this one.
        if let (true, Some(root)) = (path.is_empty(), self.authorized.root()) {
            names.extend(self.identity_of(root));
            names.sort();
            names.dedup();
        }
        let mut carry = |columns: &[String]| {
            for column in columns {
                if !names.contains(column) {
                    names.push(column.clone());
                }
            }
        };
        for other in self.paths() {
            if let Some(below) = other.0.strip_prefix(path).and_then(<[Link]>::first) {
                carry(&below.parent_columns);
            }
        }
        carry(path.last().map_or(&[], |link| &link.columns));
        let named = names
            .iter()
            .map(|name| format!("{} AS {}", row.column(name), quote_ident(name)));
        named.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let dependents = self.authorized.dependents().iter().map(|tied| &tied.path);
        let consequences = self.authorized.consequences().iter().map(|c| &c.path);
        dependents.chain(consequences)
    }

    /// The names that tell a row of any table from another: its key's, or where it lies.
    pub(super) fn identity_of(&self, table: &Table) -> Vec<String> {
        match (table.rowid_name(), table.primary_key.as_slice()) {
            (Some(rowid), _) => vec![rowid.to_owned()],
            (None, []) if self.dialect() == Dialect::Postgres => {
                vec!["tableoid".to_owned(), "ctid".to_owned()]
            }
            (None, key) => key.to_vec(),
        }
    }

    pub(super) fn identity(&self, row: &Row<'_>) -> Vec<String> {
        let names = self.identity_of(row.table);
        names.iter().map(|name| row.column(name)).collect()
    }

    /// The two are one row, of any table.
    pub(super) fn same(&self, row: &Row<'_>, other: &Row<'_>) -> String {
        let pairs = self.identity(row).into_iter().zip(self.identity(other));
        let names = self.identity_of(row.table);
        let same = pairs.zip(&names);
        let same = same.map(|((a, b), name)| super::signs::same(row.table, name, &a, &b));
        same.collect::<Vec<_>>().join(" AND ")
    }

    /// The table of a dependent.
    pub(super) fn table_of(&self, tied: &Tied) -> Result<Arc<Table>, Fault> {
        let tables = self.tables_of(&tied.path.0)?;
        tables
            .last()
            .cloned()
            .ok_or_else(|| Fault::invalid("empty-path", "a dependent without a join"))
    }

    /// The name of the part on whose rows a dependent hangs.
    pub(super) fn parent_of(&self, place: usize) -> String {
        let dependent = self.request().dependents.get(place);
        match dependent.and_then(|dependent| dependent.parent) {
            Some(parent) => rows_of(parent),
            None => VICTIMS.to_owned(),
        }
    }

    /// `SELECT …` of the rows of a dependent, from those of the part that it hangs on. With
    /// `lock`, rows that others hang on are locked, and a row that moved away is left out with all
    /// that hangs on it.
    pub(super) fn dependent_rows(
        &self,
        w: &mut Writer,
        place: usize,
        tied: &Tied,
        lock: bool,
    ) -> Result<(), Fault> {
        let tables = self.tables_of(&tied.path.0)?;
        let (Some(link), Some(table)) = (tied.path.0.last(), tables.last()) else {
            return Ok(());
        };
        let above = match tables
            .len()
            .checked_sub(2)
            .and_then(|index| tables.get(index))
        {
            Some(parent) => Arc::clone(parent),
            None => Arc::clone(self.table()),
        };
        let part = Row {
            alias: self.parent_of(place),
            table: &above,
        };
        let child = w.row(table);
        w.push("SELECT ")
            .push(&self.carried(&child, &tied.path.0))
            .push(" FROM ")
            .push(&part.alias);
        let parent = self.as_it_is(w, part)?;
        w.push(" JOIN ");
        self.source(w, &child)?;
        w.push(" ON ");
        self.tied_by(w, link, &child, &parent)?;
        let is_parent = self
            .request()
            .dependents
            .iter()
            .any(|d| d.parent == Some(place));
        if lock && is_parent {
            w.push(" FOR UPDATE OF ").push(&child.alias);
        }
        Ok(())
    }

    /// SQLite: ` JOIN …` the rows of a part as their table has them, since a temporary table has lost the collations of
    /// the columns. Elsewhere the part itself.
    pub(super) fn as_it_is<'t>(&self, w: &mut Writer, part: Row<'t>) -> Result<Row<'t>, Fault> {
        if w.dialect() != Dialect::Sqlite {
            return Ok(part);
        }
        let row = w.row(part.table);
        w.push(" CROSS JOIN ");
        self.source(w, &row)?;
        w.push(" ON ").push(&self.same(&row, &part));
        Ok(row)
    }

    /// `, rows_of_0 AS (…), …`
    pub(super) fn dependent_parts(&self, w: &mut Writer, lock: bool) -> Result<(), Fault> {
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            w.push(&format!(", {} AS MATERIALIZED (", rows_of(place)));
            self.dependent_rows(w, place, tied, lock)?;
            w.push(")");
        }
        Ok(())
    }

    /// Distinct rows of all dependents, by their table, the swept rows not counted again; in a dry run, which has a
    /// `rehearsed` window, neither those that earlier windows have taken.
    pub(super) fn count_dependents(
        &self,
        w: &mut Writer,
        rehearsed: Option<&Window>,
    ) -> Result<(), Fault> {
        let mut by_table: BTreeMap<&TableId, Vec<usize>> = BTreeMap::new();
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if let Some(table) = tied.path.child() {
                by_table.entry(table).or_default().push(place);
            }
        }
        w.push("0");
        for (id, places) in by_table {
            let Some(table) = self.catalog.by_id(id) else {
                continue;
            };
            w.push(" + (SELECT count(*) FROM (");
            w.separated(places, " UNION ", |w, place| {
                let part = Row {
                    alias: rows_of(place),
                    table,
                };
                match rehearsed.filter(|_| self.sweeps_of(&table.id)) {
                    None => {
                        let identity = self.identity(&part).join(", ");
                        w.push("SELECT DISTINCT ")
                            .push(&identity)
                            .push(" FROM ")
                            .push(&part.alias);
                        self.but_victims(w, &part, " WHERE ");
                    }
                    Some(window) => {
                        let identity = |row: &Row<'_>| self.identity(row).join(", ");
                        self.left_of(w, &part, window, identity)?;
                    }
                }
                Ok::<_, Fault>(())
            })?;
            w.push(") AS tied)");
        }
        Ok(())
    }

    /// `NOT EXISTS (…)`: the row is not one of the swept rows themselves.
    pub(super) fn but_victims(&self, w: &mut Writer, row: &Row<'_>, before: &str) {
        if !self.sweeps_of(&row.table.id) {
            return;
        }
        let own = Row {
            alias: "own".to_owned(),
            table: row.table,
        };
        w.push(before)
            .push(&format!(
                "NOT EXISTS (SELECT 1 FROM {VICTIMS} AS own WHERE "
            ))
            .push(&same_row(row, &own))
            .push(")");
    }

    /// `NOT EXISTS (…)` for every dependent of this table in `among`: the row is none of them.
    pub(super) fn but_dependents(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        among: impl Fn(usize, &Tied) -> bool,
    ) {
        for (place, tied) in self.authorized.dependents().iter().enumerate() {
            if tied.path.child() == Some(&row.table.id) && among(place, tied) {
                let own = Row {
                    alias: format!("own_{place}"),
                    table: row.table,
                };
                w.push(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM {} AS {} WHERE ",
                    rows_of(place),
                    own.alias
                ))
                .push(&self.same(row, &own))
                .push(")");
            }
        }
    }

    /// The swept rows are rows of that table: it is the swept one, or has it as a leaf.
    pub(super) fn sweeps_of(&self, id: &TableId) -> bool {
        self.catalog.holds(id, &self.table().id)
    }
}
