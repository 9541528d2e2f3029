//! Columns and what values they hold.

use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::{CatalogError, Collation, Column, Kind};
use super::{Tables, of_tables};

/// Domains are followed to the type below the last of them. `format_type` is given -1 because its
/// answer without is not always castable to: `character` would cut to one character, `bpchar`
/// does not. That a collation puts ids in the order of their bytes is taken for granted of the locales of computers and
/// of English, without rules of its own: others have letters in other places (`z` before `t` in Estonian, `aa` behind
/// `z` in Danish) or digits by the number that they are. A NOT NULL of PostgreSQL 18 that was never validated may have NULLs behind it.
const COLUMNS: &str = "
WITH RECURSIVE step(domain, type) AS (
    SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT step.domain, t.typbasetype
    FROM step JOIN pg_catalog.pg_type t ON t.oid = step.type WHERE t.typtype = 'd'
), base AS (
    SELECT step.domain, step.type
    FROM step JOIN pg_catalog.pg_type t ON t.oid = step.type WHERE t.typtype <> 'd'
)
SELECT a.attrelid, a.attname::text, format_type(t.oid, -1),
       CASE WHEN base.domain IS NULL THEN format_type(t.oid, a.atttypmod)
            ELSE format_type(t.oid, -1) END, t.typname::text,
       n.nspname = 'pg_catalog', t.typtype = 'e',
       NOT a.attnotnull OR EXISTS (
           SELECT FROM pg_catalog.pg_constraint k
           WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY(k.conkey)),
       a.attgenerated <> '', a.attidentity = 'a',
       coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), false),
       coalesce(has_column_privilege(a.attrelid, a.attnum, 'UPDATE'), false),
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
       quote_ident(cn.nspname) || '.' || quote_ident(c.collname), c.collisdeterministic,
       CASE c.collprovider
           WHEN 'd' THEN coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'b'
               OR to_jsonb(d) ->> 'daticurules' IS NULL
                  AND coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', d.datcollate::text) ~ known.locale
           WHEN 'b' THEN true
           ELSE to_jsonb(c) ->> 'collicurules' IS NULL
                AND coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate::text) ~ known.locale
       END
FROM pg_catalog.pg_attribute a
LEFT JOIN base ON base.domain = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = coalesce(base.type, a.atttypid)
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.collnamespace
JOIN pg_catalog.pg_database d ON d.datname = current_database()
CROSS JOIN (SELECT '^(C|POSIX|(en|und)([_-][A-Z]{2})?)([.][A-Za-z0-9-]+)?$' AS locale) AS known
WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum";

type ColumnRow = (
    Oid,
    String,
    String,
    String,
    String,
    bool,
    bool,
    bool,
    bool,
    bool,
    bool,
    bool,
    Vec<String>,
    Option<String>,
    Option<bool>,
    Option<bool>,
);

pub(super) async fn add(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<ColumnRow> = of_tables(connection, "columns", COLUMNS, tables).await?;
    for row in rows {
        let (
            table,
            name,
            sql_type,
            stored_type,
            type_name,
            built_in,
            is_enum,
            nullable,
            computed,
            identity,
            readable,
            assignable,
            labels,
            collation,
            deterministic,
            orders_ids,
        ) = row;
        let kind = if is_enum {
            Kind::Enum(labels)
        } else {
            kind(&type_name, built_in)
        };
        if let Some(table) = tables.get_mut(&table.0) {
            let time_form = None;
            table.columns.push(Column {
                name,
                sql_type,
                stored_type,
                kind,
                collation: collation.map(|sql_name| Collation {
                    sql_name,
                    deterministic: deterministic != Some(false),
                    orders_ids: orders_ids == Some(true),
                }),
                affinity: None,
                nullable,
                generated: computed || identity,
                computed,
                readable,
                assignable,
                operators: None,
                time_form,
                clocks: Vec::new(),
            });
        }
    }
    Ok(())
}

/// The kind of a type by its name in `pg_type`. `built_in`: it lies in `pg_catalog`, so that a
/// user's own type called `uuid` is not taken for the real one; citext lies wherever its extension
/// was put.
fn kind(type_name: &str, built_in: bool) -> Kind {
    match (type_name, built_in) {
        ("citext", false) => Kind::Text,
        (_, false) => Kind::Other,
        ("bool", _) => Kind::Boolean,
        ("int2", _) => Kind::Integer(16),
        ("int4", _) => Kind::Integer(32),
        ("int8", _) => Kind::Integer(64),
        ("float4" | "float8", _) => Kind::Float,
        ("numeric", _) => Kind::Numeric,
        ("text" | "varchar" | "bpchar", _) => Kind::Text,
        ("bytea", _) => Kind::Bytes,
        ("uuid", _) => Kind::Uuid,
        ("timestamptz", _) => Kind::Timestamp,
        ("timestamp", _) => Kind::LocalTimestamp,
        ("date", _) => Kind::Date,
        ("interval", _) => Kind::Interval,
        ("json" | "jsonb", _) => Kind::Json,
        ("inet" | "cidr", _) => Kind::Inet,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;
    use crate::catalog::Kind;

    #[test]
    fn a_users_own_type_named_like_a_built_in_one_is_other() {
        assert_eq!(kind("uuid", true), Kind::Uuid);
        assert_eq!(kind("uuid", false), Kind::Other);
        assert_eq!(kind("citext", false), Kind::Text);
        assert_eq!(kind("_text", true), Kind::Other);
    }
}
