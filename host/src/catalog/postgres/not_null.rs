//! Columns that a foreign key's SET NULL or SET DEFAULT cannot set.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use super::super::lone_defaults::{self, Constant, constants};
use super::super::not_null::{Refusals, Refusing, forbids_null, mark_torn, stuck};
use super::super::{CatalogError, ForeignKey, TableId, quote_ident};
use super::{Tables, beside, of_tables};

/// Every column that such a key sets: NOT NULL by itself or by one of the domains of its type, or the key of a
/// partitioned table that has no place for NULL; its default; and the checks that it is in. A check is enforced on
/// new values whether it was validated or not.
const SET: &str = "
WITH RECURSIVE domain(relation, attribute, type) AS (
    SELECT a.attrelid, a.attnum, t.oid
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
    WHERE a.attrelid = ANY($1) AND a.attnum > 0
    UNION ALL
    SELECT domain.relation, domain.attribute, base.oid
    FROM domain
    JOIN pg_catalog.pg_type t ON t.oid = domain.type
    JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype AND base.typtype = 'd'
), by_domain AS (
    SELECT domain.relation, domain.attribute, bool_or(t.typnotnull) AS not_null,
           max(t.typdefault) AS preset,
           array_agg(pg_get_expr(k.conbin, 0)) FILTER (WHERE k.oid IS NOT NULL) AS checks
    FROM domain
    JOIN pg_catalog.pg_type t ON t.oid = domain.type
    LEFT JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid AND k.contype = 'c'
    GROUP BY domain.relation, domain.attribute
)
SELECT a.attrelid, a.attname::text,
       a.attnotnull OR coalesce(d.not_null, false) OR EXISTS (
           SELECT FROM pg_catalog.pg_partitioned_table p
           WHERE p.partrelid = a.attrelid AND a.attnum = ANY(p.partattrs::int2[])
             AND p.partstrat IN ('l', 'r') AND p.partdefid = 0
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i
                             JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
                             WHERE i.inhparent = p.partrelid
                               AND pg_get_expr(c.relpartbound, c.oid) ~ '\\mNULL\\M')),
       coalesce(pg_get_expr(v.adbin, v.adrelid), d.preset),
       ARRAY(SELECT pg_get_expr(k.conbin, k.conrelid) FROM pg_catalog.pg_constraint k
             WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY(k.conkey)
               AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)),
       coalesce(d.checks, '{}')
FROM pg_catalog.pg_attribute a
LEFT JOIN by_domain d ON d.relation = a.attrelid AND d.attribute = a.attnum
LEFT JOIN pg_catalog.pg_attrdef v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped
  AND EXISTS (SELECT FROM pg_catalog.pg_constraint k
              WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND k.confdeltype IN ('n', 'd')
                AND a.attnum = ANY(k.conkey))";

type SetRow = (Oid, String, bool, Option<String>, Vec<String>, Vec<String>);

/// Marks the keys that cannot act. To be called when every key is known.
pub(super) async fn mark(
    connection: &mut PgConnection,
    tables: &mut Tables,
) -> Result<(), CatalogError> {
    let rows: Vec<SetRow> = of_tables(connection, "columns that keys set", SET, tables).await?;
    let mut refusals = Refusals::new();
    for (table, column, not_null, default, checks, of_domain) in rows {
        let Some(table) = tables.get(&table.0) else {
            continue;
        };
        let by_check = checks.iter().any(|check| forbids_null(check, &column));
        let null = not_null || by_check || of_domain.iter().any(|c| forbids_null(c, "VALUE"));
        refusals.insert((table.id.clone(), column), Refusing { null, default });
    }
    let below = partitions(tables);
    let mut lookups = Vec::new();
    for table in tables.values_mut() {
        let keys = table.foreign_keys.iter_mut();
        for key in keys.chain(&mut table.referenced_by) {
            let mut partitions = Vec::new();
            gather(&key.child, &below, &mut partitions);
            key.stuck = stuck(key, &partitions, &refusals);
            mark_torn(key, &refusals);
            if let (true, Some(of)) = (key.stuck.is_empty(), constants(key, &partitions, &refusals))
            {
                lookups.push((key.clone(), of));
            }
        }
    }
    for (key, of) in lookups {
        if !refers_to_a_row(connection, tables, &key, &of).await? {
            let ends = tables.values_mut();
            let keys = ends.flat_map(|t| t.foreign_keys.iter_mut().chain(&mut t.referenced_by));
            keys.filter(|known| **known == key)
                .for_each(|key| lone_defaults::mark(key, &of));
        }
    }
    beside::mark(connection, tables, &refusals, &below).await
}

/// Whether the parent has the row. What the role may not see may be there.
async fn refers_to_a_row(
    connection: &mut PgConnection,
    tables: &Tables,
    key: &ForeignKey,
    constants: &[Constant],
) -> Result<bool, CatalogError> {
    let of = |id: &TableId| tables.values().find(|table| table.id == *id);
    let (Some(child), Some(parent)) = (of(&key.child), of(&key.parent)) else {
        return Ok(true);
    };
    if !parent.privileges.select || parent.row_security {
        return Ok(true);
    }
    let columns = key.columns.iter().zip(&key.parent_columns);
    let same: Vec<_> = columns
        .enumerate()
        .map(|(place, (column, to))| {
            let sql_type = child.column(column).map_or("text", |c| c.sql_type.as_str());
            let cast =
                |to: &Option<String>| to.as_ref().map_or_else(String::new, |to| format!("::{to}"));
            let (sign, above, below) = match key.equalities.get(place) {
                Some(Some(by)) => (by.operator.as_str(), cast(&by.parent), cast(&by.child)),
                _ => ("=", String::new(), String::new()),
            };
            let place = place + 1;
            format!(
                "p.{}{above} {sign} ${place}::text::{sql_type}{below}",
                quote_ident(to)
            )
        })
        .collect();
    let sql = format!(
        "SELECT EXISTS (SELECT FROM {} AS p WHERE {})",
        parent.sql_name(),
        same.join(" AND ")
    );
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    for constant in constants {
        query = query.bind(constant.to_string());
    }
    match query.fetch_one(connection).await {
        Ok(found) => Ok(found),
        Err(error) if cannot_be_asked(&error) => Ok(true),
        Err(error) => Err(CatalogError::reading("defaults of foreign keys")(error)),
    }
}

/// The server has no operator for the two, or several, or keeps what they are in from the role. Whoever never deletes
/// from that parent needs no answer.
fn cannot_be_asked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| ["42883", "42725", "42501"].contains(&code.as_ref()))
}

pub(super) type Below = std::collections::BTreeMap<TableId, Vec<TableId>>;

fn partitions(tables: &Tables) -> Below {
    let with = tables.values().filter(|table| !table.partitions.is_empty());
    with.map(|table| (table.id.clone(), table.partitions.clone()))
        .collect()
}

pub(super) fn gather(table: &TableId, below: &Below, found: &mut Vec<TableId>) {
    for part in below.get(table).into_iter().flatten() {
        found.push(part.clone());
        gather(part, below, found);
    }
}
