//! How large a table is now, for preflight: asked of few tables and only where it matters, because on
//! PostgreSQL the question waits for whoever rewrites the table.

use super::writer::Writer;
use crate::catalog::{Dialect, Table};
use crate::database::{Cells, Statement};

/// SQLite: rows are counted no further than this, which takes about a millisecond.
const MOST_COUNTED: u64 = 10_000;

/// SQLite: bytes of a row with one column: its key and header, and a value of a middling length.
const BYTES_A_ROW: u64 = 10;
const BYTES_A_COLUMN: u64 = 16;

/// A table's rows and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Its rows.
    pub rows: u64,
    /// The pages that a look at all of them reads.
    pub pages: u64,
    /// No more than these; how much less is not known. Otherwise they are an estimate.
    pub at_most: bool,
}

/// Asks for the size of a table, that of a partitioned one over all of its partitions.
pub(crate) fn size(table: &Table, dialect: Dialect) -> Statement {
    let mut w = Writer::new(dialect);
    match dialect {
        Dialect::Postgres => of_files(&mut w, table),
        Dialect::Sqlite => of_rowids(&mut w, table),
    }
    w.finish()
}

/// What [`size`] answers.
pub(crate) fn read_size(table: &Table, dialect: Dialect, row: &Cells) -> Size {
    let counts: Vec<u64> = (0..5).map(|at| row.get(at).as_count()).collect();
    match (dialect, counts.as_slice()) {
        (Dialect::Postgres, [pages, rows, ..]) => Size {
            rows: *rows,
            pages: *pages,
            at_most: false,
        },
        (Dialect::Sqlite, [counted, span, pages, page_size, ..]) => {
            of_sqlite(table, *counted, *span, *pages, *page_size)
        }
        _ => Size {
            rows: 0,
            pages: 0,
            at_most: false,
        },
    }
}

/// The size of each file now, and rows as the planner has it: those of the statistics, more where the file
/// has grown since. Where there are no statistics, by the columns' widths, a variable one taken for 32
/// bytes, beside 28 of the row's own.
fn of_files(w: &mut Writer, table: &Table) {
    w.push(
        "SELECT coalesce(sum(pages), 0)::bigint, coalesce(sum(CASE \
         WHEN known AND relpages > 0 THEN reltuples * greatest(1, pages / relpages) \
         WHEN known THEN reltuples ELSE pages * a_page END), 0)::bigint, 0::bigint, 0::bigint, 0::bigint \
         FROM (SELECT (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::float8 AS pages, \
         c.reltuples::float8 AS reltuples, c.relpages::float8 AS relpages, \
         c.reltuples > 0 OR (c.reltuples = 0 AND c.relpages > 0) AS known, \
         (SELECT greatest(1, 8000 / (28 + sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END))) \
         FROM pg_catalog.pg_attribute AS a \
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::float8 AS a_page \
         FROM pg_catalog.pg_class AS c WHERE c.relkind <> 'p' AND c.oid IN (SELECT to_regclass(",
    )
    .bind_as(table.sql_name(), "text")
    .push(") UNION ALL SELECT relid FROM pg_partition_tree(to_regclass(")
    .bind_as(table.sql_name(), "text")
    .push(")) WHERE isleaf)) AS files");
}

/// Rows up to a limit, how far apart the first and the last rowid are, and the pages of the whole
/// database.
fn of_rowids(w: &mut Writer, table: &Table) {
    let name = table.sql_name();
    let most = MOST_COUNTED + 1;
    w.push(&format!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT {most}))"
    ));
    match table.rowid_name() {
        Some(rowid) => {
            let rowid = crate::catalog::quote_ident(rowid);
            w.push(&format!(
                ", (SELECT max({rowid}) FROM {name}) - (SELECT min({rowid}) FROM {name})"
            ))
        }
        None => w.push(", NULL"),
    };
    w.push(
        ", (SELECT page_count FROM pragma_page_count), (SELECT page_size FROM pragma_page_size), 0",
    );
}

fn of_sqlite(table: &Table, counted: u64, span: u64, pages: u64, page_size: u64) -> Size {
    let columns = u64::try_from(table.columns.len()).unwrap_or(u64::MAX);
    let row = BYTES_A_ROW.saturating_add(columns.saturating_mul(BYTES_A_COLUMN));
    let a_page = (page_size / row).max(1);
    // Statistics may be old, and a span may be one of numbers that mean something else.
    let (rows, at_most) = match (counted, table.estimated_rows) {
        (counted, known) if counted <= MOST_COUNTED => (counted.max(known), false),
        (counted, known) if known > 0 => (counted.max(known), false),
        (counted, _) => {
            let room = pages.saturating_mul(page_size) / BYTES_A_ROW;
            let rows = match span {
                0 => room,
                span => room.min(span.saturating_add(1)),
            };
            (rows.max(counted), true)
        }
    };
    Size {
        rows,
        pages: rows.div_ceil(a_page).min(pages),
        at_most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Privileges, TableId, TableKind};

    fn table(known: u64) -> Table {
        Table {
            id: TableId::new("main", "t"),
            kind: TableKind::Table,
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            referenced_by: Vec::new(),
            indexes: Vec::new(),
            triggers: Vec::new(),
            partitions: Vec::new(),
            partition_key: Vec::new(),
            privileges: Privileges {
                select: true,
                select_whole: true,
                delete: true,
                update_any: true,
                insert: true,
            },
            row_security: false,
            estimated_rows: known,
            has_rowid: true,
            rowid_alias: None,
            behind: Default::default(),
        }
    }

    #[test]
    fn few_rows_are_counted_and_many_are_bounded_by_what_holds_them() {
        let few = of_sqlite(&table(0), 7, 1 << 50, 100, 4096);
        assert_eq!((few.rows, few.pages, few.at_most), (7, 1, false));
        let counted = of_sqlite(&table(0), MOST_COUNTED + 1, 199_999, 5_000, 4096);
        assert_eq!((counted.rows, counted.at_most), (200_000, true));
        assert!(counted.pages <= 5_000);
        // Rowids that are times: the file cannot hold so many rows.
        let sparse = of_sqlite(&table(0), MOST_COUNTED + 1, 1 << 50, 5_000, 4096);
        assert_eq!((sparse.rows, sparse.pages), (5_000 * 4096 / 10, 5_000));
        let analysed = of_sqlite(&table(150_000), MOST_COUNTED + 1, 199_999, 5_000, 4096);
        assert_eq!((analysed.rows, analysed.at_most), (150_000, false));
    }
}
