//! The ledger's own tables, brought to this version.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::LedgerError;
use super::steps::OneTransaction;
use crate::catalog::Dialect;
use crate::database::{Database, DatabaseError, Session, Statement};

/// Kept apart from the application's own migrations, which often are sqlx's too.
const TABLE: &str = "besom_migration";

const POSTGRES: &[(i64, &str, &str)] = &[
    (
        1,
        "runs",
        include_str!("../../../migrations/ledger/postgres/0001_runs.sql"),
    ),
    (
        2,
        "findings",
        include_str!("../../../migrations/ledger/postgres/0002_findings.sql"),
    ),
    (
        3,
        "remains",
        include_str!("../../../migrations/ledger/postgres/0003_remains.sql"),
    ),
    (
        4,
        "service",
        include_str!("../../../migrations/ledger/postgres/0004_service.sql"),
    ),
    (
        5,
        "store",
        include_str!("../../../migrations/ledger/postgres/0005_store.sql"),
    ),
];

const SQLITE: &[(i64, &str, &str)] = &[
    (
        1,
        "runs",
        include_str!("../../../migrations/ledger/sqlite/0001_runs.sql"),
    ),
    (
        2,
        "findings",
        include_str!("../../../migrations/ledger/sqlite/0002_findings.sql"),
    ),
    (
        3,
        "remains",
        include_str!("../../../migrations/ledger/sqlite/0003_remains.sql"),
    ),
    (
        4,
        "service",
        include_str!("../../../migrations/ledger/sqlite/0004_service.sql"),
    ),
    (
        5,
        "store",
        include_str!("../../../migrations/ledger/sqlite/0005_store.sql"),
    ),
];

/// Whether PostgreSQL refused for want of a right.
fn lacks_a_right(failure: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = failure else {
        return false;
    };
    let code = error.as_database_error().and_then(|inner| inner.code());
    code.as_deref() == Some("42501")
}

/// Applies what is missing and answers the names of what was applied. Doing it again changes
/// nothing.
///
/// # Errors
/// When the database refuses, or when the ledger was made by a later version.
pub async fn migrate(database: &Database) -> Result<Vec<String>, LedgerError> {
    let steps = match database.dialect() {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
    };
    let migrations = steps
        .iter()
        .map(|(version, name, sql)| {
            let sql: &'static str = sql;
            Migration::new(
                *version,
                Cow::Borrowed(*name),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    let mut migrator = Migrator {
        migrations: Cow::Owned(migrations),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name(TABLE);
    // SQLite's writers wait for each other anyway.
    migrator.set_locking(database.dialect() == Dialect::Postgres);
    let mut session = database.session().await?;
    let before = applied(&mut session).await;
    if database.dialect() == Dialect::Postgres {
        // A second host waits for the first, as long as its statement timeout lets it.
        session.begin("BEGIN; SET LOCAL lock_timeout = 0").await?;
    }
    let done = if let Some(connection) = session.as_postgres() {
        let mut steps = OneTransaction(connection);
        migrator.run_direct(None, &mut steps, false).await
    } else if let Some(connection) = session.as_sqlite() {
        migrator.run_direct(None, connection, false).await
    } else {
        Ok(())
    };
    done.map_err(|failure| {
        let hint = if lacks_a_right(&failure) {
            ". It needs the right to create tables in the first schema of the search path: run \
             `besom migrate` as the owner of the schema, whom BESOM_DATABASE_URL can name"
        } else {
            ""
        };
        DatabaseError::other(
            "migrate",
            format!("the ledger was not migrated: {failure}{hint}"),
        )
    })?;
    if database.dialect() == Dialect::Postgres {
        session.commit().await?;
    }
    let new = steps
        .iter()
        .filter(|(version, ..)| !before.contains(version));
    Ok(new
        .map(|(version, name, _)| format!("{version:04}_{name}"))
        .collect())
}

/// The steps that are there; none where there is not even the list of them.
async fn applied(session: &mut Session) -> Vec<i64> {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT version FROM ").push(TABLE);
    let rows = session.fetch(&w).await.unwrap_or_default();
    rows.iter()
        .filter_map(|row| row.get(0).as_integer())
        .collect()
}
