//! The reference schema of `migrations/auth`, applied to a demo's own database.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use besom::cli::demo::schema;
//! use sqlx::{Connection, SqliteConnection};
//!
//! let mut connection = SqliteConnection::connect("sqlite://demo.db?mode=rwc").await?;
//! let steps = schema::apply_sqlite(&mut connection).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The demo deletes rows, so it never works on a database that it did not make: the table
//! `besom_demo` is its mark, and a database with tables but without the mark is refused.

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

/// Why the reference schema could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database holds tables that the demo did not make.
    #[error(
        "the database has tables that the demo did not make, `{table}` for one, and the demo \
         deletes rows: give it an empty database"
    )]
    NotADemoDatabase {
        /// One of them, with its schema on PostgreSQL.
        table: String,
    },
    /// One step of the schema failed; the steps before it stay applied.
    #[error("applying step {step} of the reference schema: {source}")]
    Step {
        /// The file's name without its ending.
        step: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// Looking at the database, or marking it, failed.
    #[error("looking for the demo's tables: {0}")]
    Look(#[from] sqlx::Error),
}

struct Step {
    name: &'static str,
    postgres: &'static str,
    sqlite: &'static str,
}

macro_rules! steps {
    ($($name:literal),* $(,)?) => {
        &[$(Step {
            name: $name,
            postgres: include_str!(concat!("../../../../migrations/auth/postgres/", $name, ".sql")),
            sqlite: include_str!(concat!("../../../../migrations/auth/sqlite/", $name, ".sql")),
        }),*]
    };
}

/// In this order. The thousands are the chapters: tables, changes of foreign keys and columns,
/// indexes, other profiles; the gaps leave room to split a step without renumbering another.
const STEPS: &[Step] = steps![
    "1010_users",
    "1020_upstream_oauth",
    "1030_user_session_authentications",
    "1040_oauth2",
    "1050_compat",
    "1060_personal",
    "1070_queue",
    "1080_recovery",
    "1090_policy_data",
    "4010_upstream_user_session",
    "4020_upstream_user_session_trigger",
    "5010_token_indexes",
    "5020_session_indexes",
    "5030_queue_indexes",
    "5040_upstream_oauth_indexes",
    "5050_recovery_indexes",
    "6010_server_sessions",
    "6020_refresh_tokens",
];

/// Applies the steps that are missing, each in a transaction, and answers how many there were:
/// 0 when the schema was complete.
///
/// # Errors
///
/// [`SchemaError`]; the database may then hold the steps before the failed one, and the next call
/// goes on from there.
pub async fn apply_postgres(connection: &mut PgConnection) -> Result<usize, SchemaError> {
    // The ledger may have been migrated first: its tables, and sqlx's list of them, are no strangers.
    let strangers = "SELECT n.nspname || '.' || c.relname \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' \
           AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
           AND n.nspname NOT LIKE 'pg\\_%' AND c.relname NOT LIKE 'besom\\_%' \
           AND c.relname <> '_sqlx_migrations' AND to_regclass('besom_demo') IS NULL \
         ORDER BY 1 LIMIT 1";
    let stranger: Option<String> = sqlx::query_scalar(strangers)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(table) = stranger {
        return Err(SchemaError::NotADemoDatabase { table });
    }
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS besom_demo (step text NOT NULL PRIMARY KEY)")
        .execute(&mut *connection)
        .await?;
    let applied: Vec<String> = sqlx::query_scalar("SELECT step FROM besom_demo")
        .fetch_all(&mut *connection)
        .await?;
    let mut count = 0;
    for step in missing(&applied) {
        // Statements sent together are one transaction, so the step and its mark are.
        let script = format!("{}\n{}", step.postgres, mark(step.name));
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut *connection)
            .await
            .map_err(|source| SchemaError::Step {
                step: step.name,
                source,
            })?;
        count += 1;
    }
    Ok(count)
}

/// [`apply_postgres`], for SQLite.
///
/// # Errors
///
/// The same.
pub async fn apply_sqlite(connection: &mut SqliteConnection) -> Result<usize, SchemaError> {
    let strangers = "SELECT name FROM sqlite_schema \
         WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
           AND name NOT LIKE 'besom\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations' \
           AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'besom_demo') \
         ORDER BY name LIMIT 1";
    let stranger: Option<String> = sqlx::query_scalar(strangers)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(table) = stranger {
        return Err(SchemaError::NotADemoDatabase { table });
    }
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS besom_demo (step TEXT NOT NULL PRIMARY KEY) STRICT")
        .execute(&mut *connection)
        .await?;
    let applied: Vec<String> = sqlx::query_scalar("SELECT step FROM besom_demo")
        .fetch_all(&mut *connection)
        .await?;
    let mut count = 0;
    for step in missing(&applied) {
        let script = format!(
            "BEGIN IMMEDIATE;\n{}\n{};\nCOMMIT",
            step.sqlite,
            mark(step.name)
        );
        let done = sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut *connection)
            .await;
        if let Err(source) = done {
            // Best effort: SQLite has ended the transaction by itself after some errors.
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
            return Err(SchemaError::Step {
                step: step.name,
                source,
            });
        }
        count += 1;
    }
    Ok(count)
}

fn missing(applied: &[String]) -> impl Iterator<Item = &'static Step> {
    STEPS
        .iter()
        .filter(|step| !applied.iter().any(|name| name == step.name))
}

fn mark(step: &str) -> String {
    format!("INSERT INTO besom_demo (step) VALUES ('{step}')")
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::STEPS;

    #[test]
    fn every_file_of_both_dialects_is_a_step_in_the_order_of_its_number() {
        let named: Vec<String> = STEPS
            .iter()
            .map(|step| format!("{}.sql", step.name))
            .collect();
        assert!(named.is_sorted(), "{named:?}");

        for dialect in ["postgres", "sqlite"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../migrations/auth")
                .join(dialect);
            let files: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(files, named.iter().cloned().collect(), "{dialect}");
        }
    }
}
