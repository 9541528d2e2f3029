//! What the catalog says about real databases.

mod postgres;
mod postgres_keys;
mod probes_postgres;
mod probes_sqlite;
mod sqlite;

use besom::catalog::{Catalog, ForeignKey, Table};
use besom::request::Timestamp;
use besom_tests::TestDatabase;
use sqlx::{Connection, PgConnection, SqliteConnection};

/// A connection to a fresh PostgreSQL database in which `schema` was run, and that database, to be
/// held as long as the connection is used.
async fn postgres_with(schema: &'static str) -> (PgConnection, TestDatabase) {
    let database = besom_tests::postgres().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(schema)
        .execute(&mut connection)
        .await
        .unwrap();
    (connection, database)
}

/// A connection to a fresh SQLite database in memory in which `schema` was run.
async fn sqlite_with(schema: &'static str) -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(schema)
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    catalog.table(name).unwrap()
}

/// Names of the columns of each key, as `child(columns) -> parent(columns)`.
fn written(keys: &[ForeignKey]) -> Vec<String> {
    keys.iter()
        .map(|key| {
            format!(
                "{}({}) -> {}({})",
                key.child.name,
                key.columns.join(", "),
                key.parent.name,
                key.parent_columns.join(", ")
            )
        })
        .collect()
}

/// 2026-01-01 00:00 UTC.
const NOW: Timestamp = Timestamp(1_767_225_600_000_000);
