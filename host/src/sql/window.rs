//! Windows: the range of rows that one batch covers, and the order in which they follow.
//!
//! Edges come from the database and go back to it in its own form; the host never compares two of
//! them, because its order is not the collation's.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::physical::File;
use super::signs::{beside, same, sign};
use super::writer::{Row, Writer};
use crate::catalog::Dialect;
use crate::database::{Bind, Statement};
use crate::request::{Comparison, Fault};

/// The values of one row's order columns.
pub type Edge = Vec<Bind>;

/// Where a sweep stands: every row up to here has been visited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cursor {
    /// The last row visited; `None`: nothing yet.
    pub after: Option<Edge>,
    /// Inside a large group of rows with this one value in the order column, by key.
    pub tie: Option<Bind>,
    /// By page: the file that `after` points into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
    /// Of a partitioned table: the partition that the sweep has come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Leaf>,
}

/// A partition, and the order in which it is gone through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Leaf {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// A hash of its order: a cursor of another order would be compared with other columns.
    pub order: String,
}

/// The rows of one batch: after one edge, up to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Rows after this edge; `None`: from the first.
    pub after: Option<Edge>,
    /// Rows up to this edge; `None`: to the last, whatever arrives meanwhile.
    pub upto: Option<Edge>,
    /// The upper edge's own row belongs to the window.
    pub inclusive: bool,
    /// Only rows with this value in the order column; the edges are then keys.
    pub tie: Option<Bind>,
    /// Rows in the window, where the edge told.
    pub examined: Option<u64>,
    /// Where the sweep stands after it; `None`: at the end.
    pub next: Option<Cursor>,
}

/// The columns that tell one row of a table from another: SQLite's rowid where there is one, on
/// PostgreSQL the row's place on disk where there is no primary key.
pub(crate) fn key_columns(row: &Row<'_>) -> Vec<String> {
    match row.table.rowid_name() {
        Some(name) => vec![row.column(name)],
        None if row.table.primary_key.is_empty() && !row.table.has_rowid => {
            super::physical::place_of(row)
        }
        None => row
            .table
            .primary_key
            .iter()
            .map(|name| row.column(name))
            .collect(),
    }
}

impl Plan {
    /// The edge `size` rows after the cursor: no row where fewer are left. On a cutting axis the
    /// value of that row.
    pub(crate) fn edge(&self, cursor: &Cursor, size: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        self.write_edge(&mut w, cursor, size, selected)?;
        Ok(w.finish())
    }

    fn write_edge(
        &self,
        w: &mut Writer,
        cursor: &Cursor,
        size: u64,
        select: impl Fn(Dialect, &[String]) -> String,
    ) -> Result<(), Fault> {
        let row = w.row(self.table());
        let columns = self.axis.columns(&row, cursor.tie.is_some());
        w.push("SELECT ")
            .push(&select(self.dialect(), &columns))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        let here = Window {
            after: cursor.after.clone(),
            upto: None,
            inclusive: true,
            tie: cursor.tie.clone(),
            examined: None,
            next: None,
        };
        self.within(w, &row, &here);
        self.filtered(w, &row)?;
        w.push(&format!(
            " ORDER BY {} LIMIT 1 OFFSET {}",
            self.axis.order(&row, cursor.tie.is_some()),
            size.saturating_sub(1)
        ));
        Ok(())
    }

    /// The edge of a cutting axis, and how many rows have its value, counted no further than
    /// `most`.
    pub(crate) fn edge_with_ties(
        &self,
        cursor: &Cursor,
        size: u64,
        most: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        let Some(along) = &self.axis.along else {
            return self.edge(cursor, size);
        };
        let row = w.row(self.table());
        w.push("SELECT ")
            .push(&selected(self.dialect(), &["edge.at".to_owned()]));
        w.push(", (SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        let same = same(row.table, along, &row.column(along), "edge.at");
        w.push(" WHERE ").push(&same);
        self.filtered(&mut w, &row)?;
        w.push(&format!(" LIMIT {most}) AS tied) FROM ("));
        self.write_edge(&mut w, cursor, size, |_, columns| {
            format!("{} AS at", columns.join(", "))
        })?;
        w.push(") AS edge");
        Ok(w.finish())
    }

    /// How many rows a window holds.
    pub(crate) fn examine(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.push("SELECT ");
        self.count_examined(&mut w, window)?;
        Ok(w.finish())
    }

    /// A scalar subquery: the rows of the window that an edge would have counted.
    pub(crate) fn count_examined(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push("(SELECT count(*) FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.within(w, &row, window);
        self.filtered(w, &row)?;
        w.push(")");
        Ok(())
    }

    /// The edge of the `n`-th eligible row of a window: where a row budget ends.
    pub(crate) fn nth_eligible(&self, window: &Window, n: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        let row = w.row(self.table());
        let columns = self.axis.columns(&row, window.tie.is_some());
        w.push("SELECT ")
            .push(&selected(self.dialect(), &columns))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.doomed(&mut w, &row, window)?;
        w.push(&format!(
            " ORDER BY {} LIMIT 1 OFFSET {}",
            self.axis.order(&row, window.tie.is_some()),
            n.saturating_sub(1)
        ));
        Ok(w.finish())
    }

    /// The window's bounds on a row.
    pub(crate) fn within(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        if let Some(picked) = &self.picked {
            return self.is_picked(w, row, picked, window, false);
        }
        let tie = window.tie.is_some();
        let mut any = false;
        if let Some(at) = &window.tie {
            self.tied(w, row, at);
            any = true;
        }
        let upper = upper(window);
        for (edge, comparison) in [(&window.after, Comparison::Greater), (&window.upto, upper)] {
            let Some(edge) = edge else { continue };
            if any {
                w.push(" AND ");
            }
            self.beside_edge(w, row, tie, comparison, edge);
            any = true;
        }
        if !any {
            w.truth(true);
        }
    }

    /// The row is in the window or before it.
    pub(crate) fn up_to(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        if let Some(picked) = &self.picked {
            return self.is_picked(w, row, picked, window, true);
        }
        self.up_to_edge(w, row, window);
    }

    /// The same by the sweep's order, also where rows were picked.
    pub(super) fn up_to_edge(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        let Some(edge) = &window.upto else {
            // The last window of a tie group: all before the group, and the group.
            match (&window.tie, &self.axis.along) {
                (Some(at), Some(along)) => {
                    self.beside_tie(w, row, along, Comparison::LessOrEqual, at);
                }
                _ => w.truth(true),
            }
            return;
        };
        let tie = window.tie.is_some();
        if let (Some(at), Some(along)) = (&window.tie, &self.axis.along) {
            w.push("(");
            self.beside_tie(w, row, along, Comparison::Less, at);
            w.push(" OR ");
            self.tied(w, row, at);
            w.push(" AND ");
            self.beside_edge(w, row, tie, upper(window), edge);
            w.push(")");
        } else {
            self.beside_edge(w, row, tie, upper(window), edge);
        }
    }

    fn beside_edge(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        tie: bool,
        comparison: Comparison,
        edge: &Edge,
    ) {
        let columns = self.axis.columns(row, tie);
        let types = self.axis.types(row.table, tie);
        let fields = self.axis.fields(row.table, tie);
        beside(w, &columns, &fields, comparison, &|w, place| {
            bind_edge(w, edge, &types, place);
        });
    }

    fn beside_tie(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        along: &str,
        comparison: Comparison,
        at: &Bind,
    ) {
        let sql_type = self.along_type();
        let sign = sign(row.table.column(along), comparison);
        w.push(&format!("{} {sign} ", row.column(along)))
            .bind_as(at.clone(), &sql_type);
    }

    fn tied(&self, w: &mut Writer, row: &Row<'_>, at: &Bind) {
        if let Some(along) = &self.axis.along {
            self.beside_tie(w, row, along, Comparison::Equal, at);
        }
    }

    fn along_type(&self) -> String {
        let column = self
            .axis
            .along
            .as_ref()
            .and_then(|along| self.table().column(along));
        column.map_or_else(String::new, |column| column.sql_type.clone())
    }
}

/// PostgreSQL answers edges as text, its own exact form of any type.
pub(crate) fn selected(dialect: Dialect, columns: &[String]) -> String {
    let text = |column: &String| match dialect {
        Dialect::Postgres => format!("{column}::text"),
        Dialect::Sqlite => column.clone(),
    };
    columns.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// One value of an edge.
pub(super) fn bind_edge(w: &mut Writer, edge: &Edge, types: &[String], place: usize) {
    let Some(value) = edge.get(place) else {
        return;
    };
    match types.get(place) {
        Some(sql_type) => w.bind_as(value.clone(), sql_type),
        None => w.bind(value.clone()),
    };
}

fn upper(window: &Window) -> Comparison {
    match window.inclusive {
        true => Comparison::LessOrEqual,
        false => Comparison::Less,
    }
}
