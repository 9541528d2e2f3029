//! The rows that foreign keys' rules take or change with a batch, as parts of one statement: each counts once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Plan;
use super::eligible::same_row;
use super::family::rows_of;
use super::window::Window;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, OnDelete, Table, TableId};
use crate::request::{Fate, Fault};
use crate::scope::{Consequence, Path};

impl Plan {
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

    /// The rule changes rows of the swept table itself.
    pub(super) fn comes_home(&self, consequence: &Consequence) -> bool {
        let child = consequence.path.child();
        child.is_some_and(|child| self.sweeps_of(child))
            && consequence.path.rule() != Some(OnDelete::Cascade)
    }
}
