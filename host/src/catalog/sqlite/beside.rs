//! Unique indexes, generated columns and checks that refuse what a foreign key's rule puts into columns.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::beside::{self, Becomes, Computed, ComputedOf, Surroundings};
use super::super::checks::{Check, ChecksOf};
use super::super::lone_defaults::Constant;
use super::super::not_null::{Refusals, forbids_null};
use super::super::{CatalogError, Table, quote_ident};
use super::{Tables, fold, rows, text};

/// The statements of tables with generated columns.
const COMPUTED: &str = "
SELECT s.name, s.sql FROM sqlite_schema AS s
WHERE s.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_xinfo(s.name, 'main') AS x WHERE x.hidden IN (2, 3))";

/// The statements of tables with a key that sets columns.
const CHECKED: &str = "
SELECT s.name, s.sql FROM sqlite_schema AS s
WHERE s.type = 'table' AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(s.name, 'main') AS f
                                   WHERE f.on_delete IN ('SET NULL', 'SET DEFAULT'))";

/// Marks the keys in whose way such a thing is, or may be.
pub(super) async fn mark(
    connection: &mut SqliteConnection,
    tables: &mut Tables,
    refusals: &Refusals,
) -> Result<(), CatalogError> {
    let known: Vec<_> = beside::keys(tables.values()).cloned().collect();
    if known.is_empty() {
        return Ok(());
    }
    let around = Surroundings {
        computed: computed(connection, tables).await?,
        checks: checks(connection, tables).await?,
        ..Surroundings::default()
    };
    for key in known {
        let Some(child) = tables.get(&fold(&key.child.name)) else {
            continue;
        };
        let mut found = beside::beside(&key, &[child], refusals, &around);
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
    connection: &mut SqliteConnection,
    tables: &Tables,
) -> Result<ComputedOf, CatalogError> {
    let found: Vec<(String, String)> = rows(connection, "generated columns", COMPUTED).await?;
    let mut computed = ComputedOf::new();
    for (name, sql) in found {
        let Some(table) = tables.get(&fold(&name)) else {
            continue;
        };
        let checks = text::checks(&sql);
        let written = text::table_columns(&sql);
        for (place, column) in table.columns.iter().enumerate() {
            let by_check = || checks.iter().any(|check| forbids_null(check, &column.name));
            if !column.computed || column.nullable && !by_check() {
                continue;
            }
            let expression = written.get(place).and_then(|own| text::generation(own));
            let of = computed.entry(table.id.clone()).or_default();
            of.push(Computed {
                column: column.name.clone(),
                expression: expression.unwrap_or_default(),
            });
        }
    }
    Ok(computed)
}

async fn checks(
    connection: &mut SqliteConnection,
    tables: &Tables,
) -> Result<ChecksOf, CatalogError> {
    let found: Vec<(String, String)> = rows(connection, "checks", CHECKED).await?;
    let mut checks = ChecksOf::new();
    for (name, sql) in found {
        if let Some(table) = tables.get(&fold(&name)) {
            let of = text::checks(&sql).into_iter().map(|check| Check {
                name: None,
                expression: check.trim().to_owned(),
            });
            checks.insert(table.id.clone(), of.collect());
        }
    }
    Ok(checks)
}

/// Whether the child has a row with these values.
async fn has_row(
    connection: &mut SqliteConnection,
    child: &Table,
    values: &[(String, Becomes)],
) -> Result<bool, CatalogError> {
    let same = values.iter().map(|(column, becomes)| {
        let name = quote_ident(column);
        match becomes {
            Becomes::Constant(_) => format!("c.{name} = ?"),
            Becomes::Null | Becomes::Fewer | Becomes::Unknown => format!("c.{name} IS NULL"),
        }
    });
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} AS c WHERE {})",
        quote_ident(&child.id.name),
        same.collect::<Vec<_>>().join(" AND ")
    );
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    for (_, becomes) in values {
        query = match becomes {
            Becomes::Constant(Constant::Number(number)) => query.bind(*number),
            Becomes::Constant(Constant::Text(text)) => query.bind(text),
            Becomes::Null | Becomes::Fewer | Becomes::Unknown => query,
        };
    }
    query
        .fetch_one(connection)
        .await
        .map_err(CatalogError::reading("values that keys would set"))
}
