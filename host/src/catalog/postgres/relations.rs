//! Tables, views and foreign tables, with what the role may do to them, and their partitions.

use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{Behind, CatalogError, Privileges, Table, TableId, TableKind};
use super::{Tables, of_tables};

/// `row_security_active` knows about owners, FORCE, superusers and BYPASSRLS. `reltuples` is -1
/// where nothing has been counted yet. A table dropped meanwhile has NULL for every privilege.
const RELATIONS: &str = "
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
       coalesce(has_table_privilege(c.oid, 'SELECT'), false) OR NOT EXISTS (
           SELECT FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND has_column_privilege(c.oid, a.attnum, 'SELECT') IS NOT TRUE),
       coalesce(has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(has_table_privilege(c.oid, 'DELETE'), false),
       coalesce(has_any_column_privilege(c.oid, 'UPDATE'), false),
       coalesce(has_table_privilege(c.oid, 'INSERT'), false),
       row_security_active(c.oid),
       greatest(c.reltuples, 0)::int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE')";

type RelationRow = (
    Oid,
    String,
    String,
    String,
    bool,
    bool,
    bool,
    bool,
    bool,
    bool,
    i64,
);

pub(super) async fn load(connection: &mut PgConnection) -> Result<Tables, CatalogError> {
    let rows: Vec<RelationRow> = sqlx::query_as(RELATIONS)
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading("tables"))?;
    let tables = rows.into_iter().map(|row| {
        let (
            oid,
            schema,
            name,
            kind,
            select,
            select_whole,
            delete,
            update_any,
            insert,
            row_security,
            estimate,
        ) = row;
        let table = Table {
            id: TableId::new(schema, name),
            kind: match kind.as_str() {
                "r" => TableKind::Table,
                "p" => TableKind::Partitioned,
                "f" => TableKind::Foreign,
                _ => TableKind::View,
            },
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            referenced_by: Vec::new(),
            indexes: Vec::new(),
            triggers: Vec::new(),
            partitions: Vec::new(),
            partition_key: Vec::new(),
            privileges: Privileges {
                select,
                select_whole,
                delete,
                update_any,
                insert,
            },
            row_security,
            estimated_rows: u64::try_from(estimate).unwrap_or(0),
            has_rowid: false,
            rowid_alias: None,
            behind: Behind::default(),
        };
        (oid.0, table)
    });
    Ok(tables.collect())
}

const PARTITIONS: &str = "
SELECT i.inhparent, n.nspname::text, c.relname::text
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = ANY($1)
ORDER BY i.inhparent, n.nspname, c.relname";

const PARTITION_KEYS: &str = "
SELECT p.partrelid, a.attname::text
FROM pg_catalog.pg_partitioned_table p
JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY(p.partattrs::int2[])
WHERE p.partrelid = ANY($1)
ORDER BY p.partrelid, a.attnum";

pub(super) async fn add_partitions(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<(Oid, String, String)> =
        of_tables(connection, "partitions", PARTITIONS, tables).await?;
    for (parent, schema, name) in rows {
        if let Some(table) = tables.get_mut(&parent.0) {
            table.partitions.push(TableId::new(schema, name));
        }
    }
    let rows: Vec<(Oid, String)> =
        of_tables(connection, "partition keys", PARTITION_KEYS, tables).await?;
    for (parent, column) in rows {
        if let Some(table) = tables.get_mut(&parent.0) {
            table.partition_key.push(column);
        }
    }
    Ok(())
}

/// Whether a relation of that name, in any case, is in a schema that the role may not use.
pub(in crate::catalog) async fn hides(
    connection: &mut PgConnection,
    table: &str,
) -> Result<bool, CatalogError> {
    sqlx::query_scalar(
        "SELECT EXISTS (
           SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE lower(c.relname) = lower($1) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
             AND n.nspname !~ '^pg_' AND NOT has_schema_privilege(n.oid, 'USAGE'))",
    )
    .persistent(false)
    .bind(table)
    .fetch_one(connection)
    .await
    .map_err(CatalogError::reading("schemas that the role may not use"))
}
