//! The catalog of a SQLite database, from its pragmas and, for what no pragma tells, from the
//! statements that it keeps in `sqlite_schema`.

mod beside;
mod clocks;
mod collations;
mod conflicts;
mod facts;
mod firing;
mod foreign_keys;
mod indexes;
mod kinds;
mod known_indexes;
mod tables;
pub(super) mod text;

use std::collections::BTreeMap;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{FromRow, SqlSafeStr};

use super::{Catalog, CatalogError, Dialect, Table};

/// The one schema that is looked at: attached databases have ledgers of their own.
const SCHEMA: &str = "main";

/// Tables by name in lower case while they are put together, because SQLite takes any case where
/// one statement refers to another's names.
type Tables = BTreeMap<String, Table>;

pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Catalog, CatalogError> {
    // First: what changes while the rest is read is then found by the version.
    let version: Vec<(i64,)> =
        rows(connection, "schema version", "PRAGMA main.schema_version").await?;
    let mut tables = tables::load(connection).await?;
    collations::add(connection, &mut tables).await?;
    conflicts::add(connection, &mut tables).await?;
    indexes::add(connection, &mut tables).await?;
    known_indexes::mark(connection, &mut tables).await?;
    tables::add_estimates(connection, &mut tables).await?;
    indexes::add_triggers(connection, &mut tables).await?;
    clocks::add(connection, &mut tables).await?;
    foreign_keys::add(connection, &mut tables).await?;
    facts::mark_stuck(connection, &mut tables).await?;
    facts::add(connection, &mut tables).await?;
    let vacuumed = facts::vacuumed(connection).await?;
    let catalog = Catalog::from_tables(
        Dialect::Sqlite,
        vec![SCHEMA.to_owned()],
        tables.into_values(),
    )
    .vacuumed(vacuumed);
    Ok(match version.first() {
        Some((version,)) => catalog.at_version(*version),
        None => catalog,
    })
}

/// SQLite folds ASCII letters and no others.
fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

async fn rows<Row>(
    connection: &mut SqliteConnection,
    what: &'static str,
    sql: impl SqlSafeStr,
) -> Result<Vec<Row>, CatalogError>
where
    Row: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    sqlx::query_as(sql)
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading(what))
}
