//! The catalog of a PostgreSQL server: a dozen queries on `pg_catalog`, however many tables there
//! are.
//!
//! `information_schema` is not used: it hides what the role does not own, and knows neither
//! indexes nor `confdelsetcols`.

mod behind;
mod beside;
mod clocks;
mod columns;
mod facts;
mod foreign_keys;
mod indexes;
mod not_null;
mod operators;
mod relations;
mod role;
mod zones;

use std::collections::BTreeMap;

use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, SqlSafeStr};

use super::{Catalog, CatalogError, Dialect, ReadOnly, Table};

pub(super) use facts::{expression as facts, named};
pub(super) use relations::hides;
pub(super) use role::load as load_role;
pub use zones::SessionZone;

/// `server_version_num` of the oldest supported server; 13 has left its makers' own support.
const OLDEST: i32 = 140_000;

/// Tables by object id while they are put together.
type Tables = BTreeMap<u32, Table>;

/// What is asked of the session.
type Session = (i32, String, Vec<String>, String, bool, bool, Option<String>);

pub(super) async fn load(connection: &mut PgConnection) -> Result<Catalog, CatalogError> {
    let (number, version, search_path, role, replica, standby, read_only): Session =
        sqlx::query_as(
            "SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
                current_schemas(false)::text[], current_user::text,
                current_setting('session_replication_role') = 'replica', pg_is_in_recovery(),
                CASE WHEN current_setting('default_transaction_read_only')::bool
                THEN current_database()::text END",
        )
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .map_err(CatalogError::reading("version and search path"))?;
    let read_only = match standby {
        true => Some(ReadOnly::Standby),
        false => read_only.map(|database| ReadOnly::ByDefault { database }),
    };
    if number < OLDEST {
        return Err(CatalogError::TooOld { version });
    }

    let facts = facts::load(connection).await?;
    let told_zones = zones::told(connection).await?;
    let mut tables = relations::load(connection).await?;
    for (oid, facts) in facts {
        if let Some(table) = tables.get_mut(&oid.0) {
            table.behind.facts = facts;
        }
    }
    relations::add_partitions(connection, &mut tables).await?;
    columns::add(connection, &mut tables).await?;
    operators::add(connection, &mut tables).await?;
    indexes::add(connection, &mut tables).await?;
    indexes::add_triggers(connection, &mut tables).await?;
    foreign_keys::add(connection, &mut tables, number).await?;
    not_null::mark(connection, &mut tables).await?;
    behind::add_rules(connection, &mut tables).await?;
    behind::add_publications(connection, &mut tables, number).await?;
    clocks::add(connection, &mut tables).await?;
    let zones = zones::load(connection).await?;
    let tables = tables.into_values();
    let catalog = Catalog::from_tables(Dialect::Postgres, search_path, tables);
    Ok(catalog
        .seen_by(role)
        .seen_as_replica(replica)
        .seen_read_only(read_only)
        .in_zones(zones, told_zones))
}

/// The rows of `sql` for the tables known so far, whose object ids are its `$1`. Not kept prepared:
/// it runs once a run.
async fn of_tables<Row>(
    connection: &mut PgConnection,
    what: &'static str,
    sql: impl SqlSafeStr,
    tables: &Tables,
) -> Result<Vec<Row>, CatalogError>
where
    Row: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let oids: Vec<Oid> = tables.keys().copied().map(Oid).collect();
    sqlx::query_as(sql)
        .persistent(false)
        .bind(oids)
        .fetch_all(connection)
        .await
        .map_err(CatalogError::reading(what))
}
