//! The rows that go with a batch: the swept rows, their dependents, and what foreign keys' rules
//! do, as named parts of one statement.
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
use crate::request::{Fate, Fault};
use crate::scope::{Consequence, Link, Path, Tied};

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

    /// Rows that foreign keys' rules take or change with those in `root` and with the dependents.
    /// A row that goes itself in this batch counts as affected or dependent, not again here; in a dry run, which has
    /// a `rehearsed` window, neither does one that has gone before.
    pub(super) fn cascaded(
        &self,
        w: &mut Writer,
        root: &str,
        rehearsed: Option<&Window>,
    ) -> Result<(), Fault> {
        self.each_child_once(w, |w, consequence, tables, identity| {
            self.hit(w, consequence, tables, identity, (root, rehearsed))
        })
    }

    /// `SELECT …` of the rows at the end of a consequence's path, as [`Plan::cascaded`] counts them.
    pub(super) fn hit(
        &self,
        w: &mut Writer,
        consequence: &Consequence,
        tables: &[Arc<Table>],
        identity: &dyn Fn(&Row<'_>) -> String,
        (root, rehearsed): (&str, Option<&Window>),
    ) -> Result<(), Fault> {
        let (start, skip) = self.part_above(&consequence.path, root);
        let rows: Vec<_> = tables.iter().skip(skip).map(|table| w.row(table)).collect();
        let Some(end) = rows.last() else {
            return Ok(());
        };
        w.push(if skip > 0 {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        })
        .push(&identity(end))
        .push(" FROM ")
        .push(&start);
        let first = match skip.checked_sub(1).and_then(|index| tables.get(index)) {
            Some(table) => Arc::clone(table),
            None => Arc::clone(self.table()),
        };
        let part = Row {
            alias: start,
            table: &first,
        };
        let mut above = self.as_it_is(w, part)?;
        for (link, child) in consequence.path.0.iter().skip(skip).zip(&rows) {
            w.push(" JOIN ");
            self.source(w, child)?;
            w.push(" ON ");
            self.tied_by(w, link, child, &above)?;
            above = child.clone();
        }
        w.push(" WHERE ");
        w.truth(true);
        if self.comes_home(consequence) {
            let own = Row {
                alias: "own".to_owned(),
                table: end.table,
            };
            match rehearsed {
                None => {
                    w.push(&format!(
                        " AND NOT EXISTS (SELECT 1 FROM {root} AS own WHERE "
                    ))
                    .push(&same_row(end, &own))
                    .push(")");
                }
                Some(window) => self.is_left(w, end, window)?,
            }
        }
        self.but_dependents(w, end, |_, _| true);
        Ok(())
    }

    /// The part from which a consequence's own foreign keys lead on, and how many links of its path
    /// lead there.
    pub(super) fn part_above(&self, path: &Path, root: &str) -> (String, usize) {
        let by_request = path.0.iter().take_while(|link| link.key.is_none()).count();
        let above = path.0.get(..by_request).unwrap_or_default();
        let mut dependents = self.authorized.dependents().iter();
        match dependents.position(|tied| tied.fate == Fate::Delete && tied.path.0 == above) {
            Some(place) if by_request > 0 => (rows_of(place), by_request),
            _ => (root.to_owned(), 0),
        }
    }

    /// A sum over the child tables. A row that hangs on what goes by several keys counts once:
    /// `rows` writes the SELECT of one path, with the list that it is given for the path's end.
    fn each_child_once(
        &self,
        w: &mut Writer,
        rows: impl Fn(
            &mut Writer,
            &Consequence,
            &[Arc<Table>],
            &dyn Fn(&Row<'_>) -> String,
        ) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let identity = |row: &Row<'_>| match self.identity(row).as_slice() {
            [] => "1 AS one".to_owned(),
            columns => columns.join(", "),
        };
        let mut paths: BTreeMap<&TableId, Vec<&Consequence>> = BTreeMap::new();
        for consequence in self.authorized.consequences() {
            if let Some(child) = consequence.path.child() {
                paths.entry(child).or_default().push(consequence);
            }
        }
        w.push("0");
        for paths in paths.values() {
            w.push(" + (SELECT count(*) FROM (");
            let mut between = "";
            for consequence in paths {
                let tables = self.tables_of(&consequence.path.0)?;
                let keyed = tables.last().is_some_and(|child| {
                    child.rowid_name().is_some() || !child.primary_key.is_empty()
                });
                w.push(between);
                rows(w, consequence, &tables, &identity)?;
                between = if keyed || self.dialect() == Dialect::Postgres {
                    " UNION "
                } else {
                    " UNION ALL "
                };
            }
            w.push(") AS hit)");
        }
        Ok(())
    }

    /// The swept rows are rows of that table: it is the swept one, or has it as a leaf.
    pub(super) fn sweeps_of(&self, id: &TableId) -> bool {
        self.catalog.holds(id, &self.table().id)
    }

    /// The rule changes rows of the swept table itself.
    pub(super) fn comes_home(&self, consequence: &Consequence) -> bool {
        let child = consequence.path.child();
        child.is_some_and(|child| self.sweeps_of(child))
            && consequence.path.rule() != Some(OnDelete::Cascade)
    }
}
