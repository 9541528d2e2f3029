//! The same facts, read from a database.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{Schema, Table};

const ENUMS: &str = "
    SELECT t.typname::text, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
    FROM pg_type AS t JOIN pg_enum AS e ON e.enumtypid = t.oid
    WHERE t.typnamespace = current_schema()::regnamespace GROUP BY t.typname";

const COLUMNS: &str = "
    SELECT t.relname::text, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r'
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY t.relname, a.attnum";

/// One that is not validated says so itself: `… NOT VALID`.
const KEYS: &str = "
    SELECT t.relname::text, k.conname || ' ' || pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid
    WHERE t.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'c', 'f')";

const INDEXES: &str = "
    SELECT t.relname::text, i.relname || ' ' || CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END
        || split_part(pg_get_indexdef(x.indexrelid), ' USING ', 2)
        || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_am AS m ON m.oid = i.relam
    WHERE t.relnamespace = current_schema()::regnamespace AND m.amname <> 'gin'
      AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k
                      WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))";

/// The tables of the connection's own schema.
///
/// # Errors
///
/// What the database says.
pub async fn read(connection: &mut PgConnection) -> Result<Schema, sqlx::Error> {
    let enums: Vec<(String, Vec<String>)> =
        sqlx::query_as(ENUMS).fetch_all(&mut *connection).await?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (table, line) in lines(connection, COLUMNS).await? {
        tables.entry(table).or_default().columns.push(line);
    }
    for (table, line) in lines(connection, KEYS).await? {
        tables.entry(table).or_default().keys.push(line);
    }
    for (table, line) in lines(connection, INDEXES).await? {
        tables.entry(table).or_default().indexes.push(line);
    }
    for table in tables.values_mut() {
        table.keys.sort_unstable();
        table.indexes.sort_unstable();
    }
    Ok(Schema {
        product: "a database".to_owned(),
        of: "now".to_owned(),
        enums: enums.into_iter().collect(),
        tables,
    })
}

async fn lines(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(sql).fetch_all(connection).await
}
