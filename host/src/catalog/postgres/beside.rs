//! Unique indexes, exclusion constraints, generated columns and checks that refuse what a foreign key's rule puts into
//! columns.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::beside::{
    self, Becomes, Computed, ComputedOf, Exclusion, ExclusionsOf, Surroundings,
};
use super::super::checks::{Check, ChecksOf};
use super::super::not_null::{Refusals, forbids_null};
use super::super::{CatalogError, Index, Table, TableId, quote_ident};
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

/// Enforced checks of tables with a key that sets columns.
const CHECKS: &str = "
SELECT k.conrelid, k.conname::text, pg_get_expr(k.conbin, k.conrelid)
FROM pg_catalog.pg_constraint k
WHERE k.conrelid = ANY($1) AND k.contype = 'c'
  AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
  AND EXISTS (SELECT FROM pg_catalog.pg_constraint f
              WHERE f.conrelid = k.conrelid AND f.contype = 'f' AND f.confdeltype IN ('n', 'd'))
ORDER BY k.conrelid, k.conname";

/// Exclusion constraints, with the indexes behind them; which of their operators are equality by their name.
const EXCLUSIONS: &str = "
SELECT k.conrelid, k.conname::text, c.relname::text, pg_get_constraintdef(k.oid),
       ARRAY(SELECT o.oprname = '=' FROM unnest(k.conexclop) WITH ORDINALITY AS by(operator, place)
             JOIN pg_catalog.pg_operator o ON o.oid = by.operator ORDER BY place)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conindid
WHERE k.conrelid = ANY($1) AND k.contype = 'x'
ORDER BY k.conrelid, k.conname";

type ComputedRow = (Oid, String, String, bool, Vec<String>);

/// Marks the keys in whose way such a thing is, or may be.
pub(super) async fn mark(
    connection: &mut PgConnection,
    tables: &mut Tables,
    refusals: &Refusals,
    below: &Below,
) -> Result<(), CatalogError> {
    let around = Surroundings {
        computed: computed(connection, tables).await?,
        checks: checks(connection, tables).await?,
        exclusions: exclusions(connection, tables).await?,
    };
    let known: Vec<_> = beside::keys(tables.values()).cloned().collect();
    for key in known {
        let mut ids = vec![key.child.clone()];
        gather(&key.child, below, &mut ids);
        let of = |id: &TableId| tables.values().find(|table| table.id == *id);
        let children: Vec<&Table> = ids.iter().filter_map(of).collect();
        let Some(child) = children.first() else {
            continue;
        };
        let mut found = beside::beside(&key, &children, refusals, &around);
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

async fn checks(connection: &mut PgConnection, tables: &Tables) -> Result<ChecksOf, CatalogError> {
    let rows: Vec<(Oid, String, String)> = of_tables(connection, "checks", CHECKS, tables).await?;
    let mut checks = ChecksOf::new();
    for (table, name, expression) in rows {
        if let Some(table) = tables.get(&table.0) {
            let of = checks.entry(table.id.clone()).or_default();
            let name = Some(name);
            of.push(Check { name, expression });
        }
    }
    Ok(checks)
}

async fn exclusions(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<ExclusionsOf, CatalogError> {
    let rows: Vec<(Oid, String, String, String, Vec<bool>)> =
        of_tables(connection, "exclusion constraints", EXCLUSIONS, tables).await?;
    let mut exclusions = ExclusionsOf::new();
    for (table, name, by, definition, equal) in rows {
        let Some(table) = tables.get(&table.0) else {
            continue;
        };
        let Some(index) = table.indexes.iter().find(|index| index.name == by) else {
            continue;
        };
        // A NULL excludes nothing.
        let index = Index {
            unique: true,
            nulls_distinct: true,
            ..index.clone()
        };
        let of = exclusions.entry(table.id.clone()).or_default();
        of.push(Exclusion {
            name,
            definition,
            index,
            equal,
        });
    }
    Ok(exclusions)
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
