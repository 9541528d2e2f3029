//! Tables, views and virtual tables with their columns.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;

use super::super::{
    Affinity, Behind, CatalogError, Column, Index, IndexColumn, Privileges, Table, TableId,
    TableKind,
};
use super::{SCHEMA, Tables, fold, kinds, rows};

/// A virtual table's shadow tables are its inner organs: they count as foreign like itself, and are
/// never swept.
const TABLES: &str = "
SELECT name, type, wr, strict FROM pragma_table_list
WHERE schema = 'main' AND lower(name) NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Views and virtual tables are asked for one at a time: one that is broken fails its statement.
const COLUMNS: &str = "
SELECT l.name, x.name, x.type, x.\"notnull\", x.pk, x.hidden
FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, 'main') AS x
WHERE l.schema = 'main' AND l.type IN ('table', 'shadow')
ORDER BY l.name, x.cid";

const COLUMNS_OF_ONE: &str = "
SELECT ?1, x.name, x.type, x.\"notnull\", x.pk, x.hidden
FROM pragma_table_xinfo(?1, 'main') AS x ORDER BY x.cid";

type ColumnRow = (String, String, String, bool, i64, i64);

pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Tables, CatalogError> {
    let listed: Vec<(String, String, bool, bool)> = rows(connection, "tables", TABLES).await?;
    let mut columns: Vec<ColumnRow> = rows(connection, "columns", COLUMNS).await?;
    for (name, kind, ..) in &listed {
        if matches!(kind.as_str(), "view" | "virtual") {
            let found = sqlx::query_as(COLUMNS_OF_ONE)
                .bind(name)
                .persistent(false)
                .fetch_all(&mut *connection)
                .await;
            match found {
                Ok(found) => columns.extend::<Vec<ColumnRow>>(found),
                Err(error) => {
                    tracing::debug!(%name, %error, "a view whose columns SQLite cannot tell")
                }
            }
        }
    }

    let mut tables = Tables::new();
    let mut strict_tables = BTreeSet::new();
    for (name, kind, without_rowid, strict) in listed {
        if strict {
            strict_tables.insert(fold(&name));
        }
        tables.insert(fold(&name), bare(name, &kind, without_rowid));
    }
    add_columns(&mut tables, columns, &strict_tables);
    with_rowid_aliases(connection, &mut tables).await?;
    Ok(tables)
}

fn bare(name: String, kind: &str, without_rowid: bool) -> Table {
    let kind = match kind {
        "table" => TableKind::Table,
        "view" => TableKind::View,
        _ => TableKind::Foreign,
    };
    Table {
        id: TableId::new(SCHEMA, name),
        kind,
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
        estimated_rows: 0,
        has_rowid: kind == TableKind::Table && !without_rowid,
        rowid_alias: None,
        behind: Behind::default(),
    }
}

/// What `hidden` of `table_xinfo` says: 1 belongs to a virtual table's own workings, 2 and 3 are
/// virtual and stored generated columns.
const HIDDEN: i64 = 1;

fn add_columns(tables: &mut Tables, rows: Vec<ColumnRow>, strict_tables: &BTreeSet<String>) {
    let mut keys: Vec<(String, i64, String)> = Vec::new();
    for (table, name, declared, not_null, key, hidden) in rows {
        let folded = fold(&table);
        let strict = strict_tables.contains(&folded);
        let Some(table) = tables.get_mut(&folded) else {
            continue;
        };
        if hidden == HIDDEN {
            continue;
        }
        if key > 0 {
            keys.push((folded, key, name.clone()));
        }
        // A primary key allows NULL for the sake of old databases, except in these two.
        let key_is_not_null = key > 0 && (strict || !table.has_rowid);
        table.columns.push(Column {
            name,
            kind: kinds::kind(&declared, strict),
            stored_type: declared.clone(),
            affinity: Some(Affinity::declared(&declared, strict)),
            sql_type: declared,
            collation: None,
            nullable: !not_null && !key_is_not_null,
            generated: hidden > HIDDEN,
            computed: hidden > HIDDEN,
            readable: true,
            assignable: true,
            operators: None,
            time_form: None,
            clocks: Vec::new(),
        });
    }
    keys.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (table, _, column) in keys {
        if let Some(table) = tables.get_mut(&table) {
            table.primary_key.push(column);
        }
    }
}

/// A primary key that is one column declared INTEGER is the rowid itself, and then has no index;
/// `INTEGER PRIMARY KEY DESC` is not, and has one.
async fn with_rowid_aliases(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let indexed: Vec<(String,)> = rows(
        connection,
        "primary keys",
        "SELECT l.name FROM pragma_table_list AS l JOIN pragma_index_list(l.name, 'main') AS i
         WHERE l.schema = 'main' AND l.type = 'table' AND i.origin = 'pk'",
    )
    .await?;
    let indexed: BTreeSet<String> = indexed.into_iter().map(|(name,)| fold(&name)).collect();
    for (folded, table) in tables {
        let [key] = table.primary_key.as_slice() else {
            continue;
        };
        let key = key.clone();
        let Some(column) = table.columns.iter_mut().find(|column| column.name == key) else {
            continue;
        };
        let integer = column.sql_type.eq_ignore_ascii_case("INTEGER");
        if table.has_rowid && integer && !indexed.contains(folded) {
            column.nullable = false;
            table.indexes.push(Index {
                name: "rowid".to_owned(),
                columns: vec![IndexColumn {
                    nulls_first: true,
                    ..IndexColumn::plain(key.clone())
                }],
                unique: true,
                nulls_distinct: true,
                predicate: None,
                valid: true,
                btree: true,
                hash: false,
                rows: None,
            });
            table.rowid_alias = Some(key);
        }
    }
    Ok(())
}

/// Rows of each table as ANALYZE counted them: the first number of its widest index, because a
/// partial index has fewer.
pub(super) async fn add_estimates(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let analysed: Vec<(i64,)> = rows(
        connection,
        "statistics",
        "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'",
    )
    .await?;
    if analysed.is_empty() {
        return Ok(());
    }
    let counts: Vec<(String, Option<String>, Option<String>)> = rows(
        connection,
        "statistics",
        "SELECT tbl, idx, stat FROM sqlite_stat1",
    )
    .await?;
    for (table, index, statistics) in counts {
        let count = statistics
            .as_deref()
            .and_then(|text| text.split_whitespace().next())
            .and_then(|first| first.parse().ok())
            .unwrap_or(0);
        if let Some(table) = tables.get_mut(&fold(&table)) {
            table.estimated_rows = table.estimated_rows.max(count);
            let mut indexes = table.indexes.iter_mut();
            if let Some(index) = indexes.find(|own| Some(&own.name) == index.as_ref()) {
                index.rows = Some(count);
            }
        }
    }
    Ok(())
}
