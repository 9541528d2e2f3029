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

mod steps;

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use steps::{STEPS, Step};

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

/// The last chapter there is.
const LAST_CHAPTER: u32 = 9;

/// Applies the steps that are missing and answers how many there were: 0 when the schema was complete.
///
/// In a database that has some of them the others are applied as to one that is in use: each in a
/// transaction that waits for a lock for a moment only and is tried again, and what says `-- no-transaction`
/// in its first line statement by statement outside of one.
///
/// # Errors
///
/// [`SchemaError`]; the database may then hold the steps before the failed one, and the next call
/// goes on from there.
pub async fn apply_postgres(connection: &mut PgConnection) -> Result<usize, SchemaError> {
    apply_chapters_postgres(connection, LAST_CHAPTER).await
}

/// The same, up to a chapter: what a database looked like then.
///
/// # Errors
///
/// The same.
pub async fn apply_chapters_postgres(
    connection: &mut PgConnection,
    last: u32,
) -> Result<usize, SchemaError> {
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
    let in_use = !applied.is_empty();
    let mut count = 0;
    for step in missing(&applied) {
        if step.chapter().is_some_and(|chapter| chapter > last) {
            break;
        }
        let done = match (step.postgres.strip_prefix(NO_TRANSACTION), in_use) {
            (Some(statements), true) => one_by_one(connection, statements, step).await,
            // Nobody waits for an index of a table that nobody knows yet.
            (Some(statements), false) => {
                let statements = statements.replace(" CONCURRENTLY", "");
                at_once(connection, &statements, step).await
            }
            (None, _) => patiently(connection, step).await,
        };
        done.map_err(|source| SchemaError::Step {
            step: step.name,
            source,
        })?;
        count += 1;
    }
    Ok(count)
}

/// The first line of a step whose statements PostgreSQL does not allow in a transaction.
const NO_TRANSACTION: &str = "-- no-transaction\n";

/// A step and its mark in one transaction.
async fn at_once(
    connection: &mut PgConnection,
    statements: &str,
    step: &Step,
) -> Result<(), sqlx::Error> {
    let script = format!("BEGIN;\n{statements}\n{};\nCOMMIT", mark(step.name));
    let done = sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut *connection)
        .await;
    if let Err(error) = done {
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
        return Err(error);
    }
    Ok(())
}

/// The same, again where the lock was not to be had: whoever waits for a lock makes all wait that come
/// later, so a step waits for a moment, lets them through and comes back.
async fn patiently(connection: &mut PgConnection, step: &Step) -> Result<(), sqlx::Error> {
    /// With the pauses between them about a minute.
    const ATTEMPTS: u32 = 200;
    const PAUSE: Duration = Duration::from_millis(300);
    let mut attempt = 1;
    loop {
        match at_once(connection, step.postgres, step).await {
            Err(error) if attempt < ATTEMPTS && is_lock_timeout(&error) => {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "55P03")
}

async fn one_by_one(
    connection: &mut PgConnection,
    statements: &str,
    step: &Step,
) -> Result<(), sqlx::Error> {
    let own = statements.split(";\n").map(str::trim);
    let mark = mark(step.name);
    for statement in own.filter(|text| !text.is_empty()).chain([mark.as_str()]) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
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
    let steps = missing(&applied).filter_map(|step| Some((step, step.sqlite?)));
    for (step, sqlite) in steps {
        let script = format!("BEGIN IMMEDIATE;\n{sqlite}\n{};\nCOMMIT", mark(step.name));
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
