//! Trees of rows below the swept ones, in a table of their own, as answers below a thread: CASCADE takes them by two
//! keys, the one that leads to the swept row and the table's own.
//!
//! SQLite follows CASCADE a thousand rows deep at most, and fails the statement then. So where such a tree is deep its
//! rows go ahead of the swept ones in the same transaction, those that refer first. What goes by that is what the rules
//! would take: a row whose tree has any that does not hang on the swept row as well is held.

use super::Plan;
use super::chains::refers;
use super::eligible::same_row;
use super::family::VICTIMS;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, ForeignKey, OnDelete, Table, quote_ident};
use crate::database::Statement;
use crate::request::Fault;
use crate::scope::Path;

/// The rows of a tree, and how far each is below the first.
const TREE: &str = "besom_tree";
const DEPTHS: &str = "besom_depths";
const DEPTH: &str = "besom_depth";

/// Rows below one another that are left to one statement.
const AT_ONCE: u64 = 100;

/// A tree below the swept rows: how its table hangs on them, and its own key.
#[derive(Debug, Clone)]
pub(crate) struct Below<'a> {
    path: Path,
    key: &'a ForeignKey,
}

impl Plan {
    /// The keys of other tables to themselves by which CASCADE would take rows along with those that go.
    pub(crate) fn trees_below(&self) -> impl Iterator<Item = Below<'_>> {
        let restricting = self.authorized.restricting().iter();
        restricting.filter_map(|restriction| {
            let (last, above) = restriction.path.0.split_last()?;
            let key = last.key.as_ref()?;
            let own = key.rule() == OnDelete::Cascade && key.child == key.parent;
            own.then(|| Below {
                path: Path(above.to_vec()),
                key,
            })
        })
    }

    /// ` AND NOT EXISTS (…)`: no other row of its table would go along with this one at the end of a path.
    pub(super) fn is_a_leaf(
        &self,
        w: &mut Writer,
        path: &Path,
        row: &Row<'_>,
    ) -> Result<(), Fault> {
        for below in self.trees_below().filter(|below| below.path == *path) {
            let child = w.row(row.table);
            w.push(" AND NOT EXISTS (SELECT 1 FROM ");
            self.source(w, &child)?;
            w.push(" WHERE ")
                .push(&refers([below.key], &child, row))
                .push(")");
        }
        Ok(())
    }

    /// SQLite: notes the rows of a tree that go with the noted swept rows, and how deep each is. Rows that refer to
    /// each other in a circle are below none, and are left to the rule.
    pub(crate) fn note_tree(&self, below: &Below<'_>) -> Result<Vec<Statement>, Fault> {
        let tables = self.tables_of(&below.path.0)?;
        let Some(table) = tables.last() else {
            return Ok(Vec::new());
        };
        let mut names = self.identity_of(table);
        for column in below.key.columns.iter().chain(&below.key.parent_columns) {
            if !names.contains(column) {
                names.push(column.clone());
            }
        }
        let carried = |row: &Row<'_>| {
            let named = names.iter();
            let named = named.map(|name| format!("{} AS {}", row.column(name), quote_ident(name)));
            named.collect::<Vec<_>>().join(", ")
        };
        let mut w = Writer::new(Dialect::Sqlite);
        let (start, skip) = self.part_above(&below.path, VICTIMS);
        let rows: Vec<_> = tables.iter().skip(skip).map(|table| w.row(table)).collect();
        let first = match skip.checked_sub(1).and_then(|index| tables.get(index)) {
            Some(table) => table,
            None => self.table(),
        };
        let part = Row {
            alias: start.clone(),
            table: first,
        };
        w.push(&format!("CREATE TEMP TABLE {TREE} AS SELECT DISTINCT "))
            .push(&carried(rows.last().unwrap_or(&part)))
            .push(&format!(" FROM {start}"));
        let mut above = self.as_it_is(&mut w, part)?;
        for (link, child) in below.path.0.iter().skip(skip).zip(&rows) {
            w.push(" CROSS JOIN ");
            self.source(&mut w, child)?;
            w.push(" ON ");
            self.tied_by(&mut w, link, child, &above)?;
            above = child.clone();
        }
        let mut statements = vec![w.finish()];
        for (name, columns) in [
            ("up", &below.key.columns),
            ("down", &below.key.parent_columns),
        ] {
            let columns = columns.iter().zip(&below.key.parent_columns);
            let columns: Vec<_> = columns
                .map(|(column, of)| format!("{}{}", quote_ident(column), collated(table, of)))
                .collect();
            statements.push(said(&format!(
                "CREATE INDEX temp.{TREE}_{name} ON {TREE} ({})",
                columns.join(", ")
            )));
        }
        let part = |alias: &str| Row {
            alias: alias.to_owned(),
            table,
        };
        let (top, parent, fall, next) = (part("top"), part("parent"), part("fall"), part("next"));
        statements.push(said(&format!(
            "CREATE TEMP TABLE {DEPTHS} AS WITH RECURSIVE fall AS (
                SELECT {}, 0 AS {DEPTH} FROM {TREE} AS top
                    WHERE NOT EXISTS (SELECT 1 FROM {TREE} AS parent WHERE {})
                UNION ALL
                SELECT {}, fall.{DEPTH} + 1 FROM fall CROSS JOIN {TREE} AS next ON {})
             SELECT * FROM fall",
            carried(&top),
            refers_as_noted(below.key, &top, &parent),
            carried(&next),
            refers_as_noted(below.key, &next, &fall),
        )));
        statements.push(said(&format!(
            "CREATE INDEX temp.{DEPTHS}_at ON {DEPTHS} ({DEPTH})"
        )));
        Ok(statements)
    }

    /// SQLite: how deep the noted tree is.
    pub(crate) fn depth_of_tree(&self) -> Statement {
        said(&format!("SELECT coalesce(max({DEPTH}), 0) FROM {DEPTHS}"))
    }

    /// SQLite: deletes the rows of a noted tree of that depth, those that refer first, where it is deeper than one
    /// statement bears.
    pub(crate) fn fell_tree(&self, below: &Below<'_>, depth: u64) -> Result<Vec<Statement>, Fault> {
        let tables = self.tables_of(&below.path.0)?;
        let Some(table) = tables.last().filter(|_| depth >= AT_ONCE) else {
            return Ok(Vec::new());
        };
        let levels = (0..=depth / AT_ONCE).rev();
        levels
            .map(|level| {
                let mut w = Writer::new(Dialect::Sqlite);
                let row = w.row(table);
                let noted = Row {
                    alias: "noted".to_owned(),
                    table,
                };
                w.push("DELETE FROM ");
                self.source(&mut w, &row)?;
                w.push(&format!(
                    " WHERE ({}) IN (SELECT {} FROM {DEPTHS} AS noted WHERE noted.{DEPTH} >= {} AND noted.{DEPTH} < {})",
                    self.identity(&row).join(", "),
                    self.identity(&noted).join(", "),
                    level * AT_ONCE,
                    (level + 1) * AT_ONCE,
                ));
                Ok::<_, Fault>(w.finish())
            })
            .collect()
    }

    /// SQLite: clears the note of a tree away.
    pub(crate) fn forget_tree(&self) -> [Statement; 2] {
        [TREE, DEPTHS].map(|name| said(&format!("DROP TABLE IF EXISTS temp.{name}")))
    }
}

/// `child`, another row than `parent`, refers to it: both are notes, which have lost the collations of their columns.
fn refers_as_noted(key: &ForeignKey, child: &Row<'_>, parent: &Row<'_>) -> String {
    let pairs = key.columns.iter().zip(&key.parent_columns);
    let ties = pairs.map(|(to, from)| {
        let collated = collated(parent.table, from);
        format!("{}{collated} = {}", parent.column(from), child.column(to))
    });
    let ties = ties.collect::<Vec<_>>().join(" AND ");
    format!("{ties} AND NOT ({})", same_row(child, parent))
}

/// ` COLLATE …`: by what a foreign key compares values with this column of the parent.
fn collated(parent: &Table, column: &str) -> String {
    let collation = parent
        .column(column)
        .and_then(|column| column.collation.as_ref());
    collation.map_or_else(String::new, |by| format!(" COLLATE {}", by.sql_name))
}

fn said(sql: &str) -> Statement {
    let mut statement = Statement::new(Dialect::Sqlite);
    statement.push(sql);
    statement
}
