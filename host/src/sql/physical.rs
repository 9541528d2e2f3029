//! Going through a PostgreSQL table in the order in which it lies on disk, by its `ctid`.
//!
//! For tables without a primary key, and for large ones where no index serves: by key such a sweep
//! would fetch every page once for each of its rows. An edge is a `ctid`; `(7,0)` stands before
//! the first row of page 7, because rows are numbered from 1 in each page.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::window::{Edge, Window};
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, Table, TableKind};
use crate::database::{Bind, Cells, Statement};
use crate::request::{Action, Fault};

/// A table with fewer rows than this is read so fast that its order does not matter.
const LARGE: u64 = 100_000;

/// The file that a cursor's `ctid` belongs to. VACUUM FULL and CLUSTER write the rows to another
/// one, where the same `ctid` is another row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct File {
    /// Its number.
    pub node: u64,
    /// The sweep ends before this page: an update puts the new rows behind the last page, where a
    /// sweep without an end would meet them again.
    pub end: Option<u64>,
    /// Rows that the last window held, or that the statistics tell of.
    pub rows: u64,
    /// The pages that those rows lay on.
    pub pages: u64,
}

/// What there is of a table's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) file: File,
    pub(crate) pages: u64,
}

/// The table can be gone through by page, and has no better order.
pub(super) fn serves(table: &Table, dialect: Dialect, bounded: bool, updates: bool) -> bool {
    // Updated rows move; with a key each is met once all the same.
    let slow = table.estimated_rows >= LARGE && !bounded && !updates;
    dialect == Dialect::Postgres && (table.primary_key.is_empty() || slow)
}

/// The columns that stand in for a primary key. A partitioned table's rows lie in several files.
pub(super) fn place_of(row: &Row<'_>) -> Vec<String> {
    let ctid = format!("{}.ctid", row.alias);
    match row.table.kind {
        TableKind::Partitioned => vec![format!("{}.tableoid", row.alias), ctid],
        _ => vec![ctid],
    }
}

/// The types of the columns that tell one row of a swept table from another.
pub(super) fn key_types(table: &Table) -> Vec<String> {
    if table.primary_key.is_empty() {
        return vec!["tid".to_owned()];
    }
    let columns = table.primary_key.iter();
    columns
        .map(|name| {
            let column = table.column(name);
            column.map_or_else(|| "text".to_owned(), |column| column.sql_type.clone())
        })
        .collect()
}

/// Before the first row of a page.
pub(crate) fn start_of(page: u64) -> Edge {
    vec![Bind::Text(format!("({page},0)"))]
}

/// The page that an edge lies in, and whether rows of that page lie before it.
pub(crate) fn page_of(edge: Option<&Edge>) -> (u64, bool) {
    let text = edge.and_then(|edge| match edge.first() {
        Some(Bind::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    let inside = text.and_then(|text| text.strip_prefix('(')?.strip_suffix(')'));
    let parts = inside.and_then(|inside| inside.split_once(','));
    let numbers = parts.and_then(|(page, row)| Some((page.parse().ok()?, row != "0")));
    numbers.unwrap_or((0, false))
}

impl Plan {
    /// The table's file: its number, its pages now, and rows and pages by the statistics.
    pub(crate) fn extent(&self) -> Statement {
        let mut w = Writer::new(self.dialect());
        w.push(
            "SELECT pg_relation_filenode(c.oid)::bigint, \
             pg_relation_size(c.oid) / current_setting('block_size')::bigint, \
             greatest(c.reltuples, 0)::bigint, c.relpages::bigint \
             FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass(",
        )
        .bind_as(self.table().sql_name(), "text")
        .push(")");
        w.finish()
    }

    /// What [`Plan::extent`] answers.
    pub(crate) fn read_extent(&self, row: &Cells) -> Extent {
        let pages = row.get(1).as_count();
        let updates = matches!(self.request().action, Action::Update(_));
        Extent {
            file: File {
                node: row.get(0).as_count(),
                end: updates.then_some(pages),
                rows: row.get(2).as_count(),
                pages: row.get(3).as_count(),
            },
            pages,
        }
    }

    /// The `n`-th row of a window that is one page long.
    pub(crate) fn nth_row(&self, window: &Window, n: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        let row = w.row(self.table());
        w.push(&format!("SELECT {}.ctid::text FROM ", row.alias));
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.within(&mut w, &row, window);
        w.push(&format!(
            " ORDER BY {}.ctid LIMIT 1 OFFSET {}",
            row.alias,
            n.saturating_sub(1)
        ));
        Ok(w.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_tells_its_page_and_whether_it_lies_inside() {
        let inside = vec![Bind::Text("(12,7)".into())];
        assert_eq!(page_of(Some(&inside)), (12, true));
        assert_eq!(page_of(Some(&start_of(12))), (12, false));
        assert_eq!(page_of(None), (0, false));
    }
}
