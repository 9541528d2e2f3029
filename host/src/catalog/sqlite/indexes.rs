//! Indexes and triggers.

use sqlx::sqlite::SqliteConnection;

use super::super::{CatalogError, Index, IndexColumn, Notes, Trigger, noting};
use super::{Tables, firing, fold, rows, text};

/// One row a key column; a column's name is NULL for an expression.
const INDEXES: &str = "
SELECT l.name, i.name, i.\"unique\", i.partial, s.sql, x.name, x.\"desc\",
       x.coll = 'BINARY' COLLATE NOCASE
FROM pragma_table_list AS l
JOIN pragma_index_list(l.name, 'main') AS i
JOIN pragma_index_xinfo(i.name, 'main') AS x
LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = i.name
WHERE l.schema = 'main' AND l.type = 'table' AND x.\"key\"
ORDER BY l.name, i.name, x.seqno";

type IndexRow = (
    String,
    String,
    bool,
    bool,
    Option<String>,
    Option<String>,
    bool,
    bool,
);

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let found: Vec<IndexRow> = rows(connection, "indexes", INDEXES).await?;
    for (table, name, unique, partial, sql, column, descending, ordered) in found {
        let Some(table) = tables.get_mut(&fold(&table)) else {
            continue;
        };
        let place = match table.indexes.iter().position(|index| index.name == name) {
            Some(place) => place,
            None => {
                let written = sql.as_deref().filter(|_| partial);
                let predicate = partial.then(|| {
                    // A partial index whose predicate cannot be read must not pass for a whole one.
                    let read = written.and_then(text::index_predicate);
                    read.unwrap_or_else(|| "unknown".to_owned())
                });
                table.indexes.push(Index {
                    name,
                    columns: Vec::new(),
                    unique,
                    nulls_distinct: true,
                    predicate,
                    valid: true,
                    btree: true,
                    hash: false,
                    rows: None,
                });
                table.indexes.len().saturating_sub(1)
            }
        };
        let Some(index) = table.indexes.get_mut(place) else {
            continue;
        };
        let ordered = ordered && column.is_some();
        let as_written = || {
            let mut parts = text::index_columns(sql.as_deref()?).into_iter();
            parts.nth(index.columns.len())
        };
        let instead = match ordered {
            true => None,
            false => as_written(),
        };
        index.columns.push(IndexColumn {
            name: column,
            descending,
            // NULL is less than every value.
            nulls_first: !descending,
            ordered,
            collated: ordered,
            instead,
        });
    }
    Ok(())
}

pub(super) async fn add_triggers(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let found: Vec<(String, String, String)> = rows(
        connection,
        "triggers",
        "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
    )
    .await?;
    for (table, name, sql) in found {
        let Some(table) = tables.get_mut(&fold(&table)) else {
            continue;
        };
        let Some(firing) = firing::trigger_firing(&sql) else {
            continue;
        };
        table.triggers.push(Trigger {
            name,
            timing: firing.timing,
            on_delete: firing.on_delete,
            on_update: firing.on_update,
            for_each_row: true, // SQLite has no other
            may_keep_rows: firing::raises_ignore(&sql),
            may_undo_changes: firing::raises_ignore(&sql),
            of_columns: firing.of_columns,
            assigns: firing::assigned(&sql, table.columns.iter().map(|column| &column.name)),
            unread: false,
            writes: true,
            replaces: firing::replaces(&sql),
            has_zone: false,
            only_notes: noting::of_statement(&sql).map(|into| Notes {
                into,
                as_invoker: false,
            }),
            function: None,
        });
    }
    Ok(())
}
