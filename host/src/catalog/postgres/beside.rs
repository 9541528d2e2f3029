//! Unique indexes and generated columns that refuse what a foreign key's rule puts into other columns.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::beside::{self, Becomes, Computed, ComputedOf};
use super::super::not_null::{Refusals, forbids_null};
use super::super::{CatalogError, Table, TableId, quote_ident};
use super::not_null::{Below, gather};
use super::{Tables, of_tables};

/// Generated columns, and whether they are NOT NULL by themselves; the checks that they are in.
const COMPUTED: &str = "
SELECT a.attrelid, a.attname::text, pg_get_expr(v.adbin, v.adrelid), a.attnotnull,
       ARRAY(SELECT pg_get_expr(k.conbin, k.conrelid) FROM pg_catalog.pg_constraint k
             WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY(k.conkey)
               AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true))
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_attrdef v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''";

type ComputedRow = (Oid, String, String, bool, Vec<String>);

/// Marks the keys in whose way such a thing is, or may be.
pub(super) async fn mark(
    connection: &mut PgConnection,
    tables: &mut Tables,
    refusals: &Refusals,
    below: &Below,
) -> Result<(), CatalogError> {
    let computed = computed(connection, tables).await?;
    let known: Vec<_> = beside::keys(tables.values()).cloned().collect();
    for key in known {
        let mut ids = vec![key.child.clone()];
        gather(&key.child, below, &mut ids);
        let of = |id: &TableId| tables.values().find(|table| table.id == *id);
        let children: Vec<&Table> = ids.iter().filter_map(of).collect();
        let Some(child) = children.first() else {
            continue;
        };
        let mut found = beside::beside(&key, &children, refusals, &computed);
        for (obstacle, values) in std::mem::take(&mut found.taken) {
            if found.certain.is_none() && has_row(connection, child, &values).await? {
                found.is_taken(obstacle, values);
            }
        }
        found.mark(&key, tables.values_mut());
    }
    Ok(())
}

async fn computed(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<ComputedOf, CatalogError> {
    let rows: Vec<ComputedRow> =
        of_tables(connection, "generated columns", COMPUTED, tables).await?;
    let mut computed = ComputedOf::new();
    for (table, column, expression, not_null, checks) in rows {
        let by_check = checks.iter().any(|check| forbids_null(check, &column));
        if let (Some(table), true) = (tables.get(&table.0), not_null || by_check) {
            let of = computed.entry(table.id.clone()).or_default();
            of.push(Computed { column, expression });
        }
    }
    Ok(computed)
}

/// Whether the child has a row with these values. What the role may not see is not known.
async fn has_row(
    connection: &mut PgConnection,
    child: &Table,
    values: &[(String, Becomes)],
) -> Result<bool, CatalogError> {
    if !child.privileges.select || child.row_security {
        return Ok(false);
    }
    let mut constants = Vec::new();
    let mut same = Vec::new();
    for (column, becomes) in values {
        let name = quote_ident(column);
        same.push(match becomes {
            Becomes::Constant(constant) => {
                constants.push(constant.to_string());
                let sql_type = child.column(column).map_or("text", |c| c.sql_type.as_str());
                format!("c.{name} = ${}::text::{sql_type}", constants.len())
            }
            Becomes::Null | Becomes::Fewer | Becomes::Unknown => format!("c.{name} IS NULL"),
        });
    }
    let sql = format!(
        "SELECT EXISTS (SELECT FROM {} AS c WHERE {})",
        child.sql_name(),
        same.join(" AND ")
    );
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    for constant in constants {
        query = query.bind(constant);
    }
    query
        .fetch_one(connection)
        .await
        .map_err(CatalogError::reading("values that keys would set"))
}
