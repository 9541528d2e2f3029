//! The steps of a migration in the one transaction that is open.
//!
//! The driver's own way to carry them out locks by the session, opens a transaction a step and keeps
//! statements prepared between them. Behind a pooler each of these may be on another connection.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration};
use sqlx::{AssertSqlSafe, PgConnection};

/// One number for every ledger in a database: its hosts wait for each other while one migrates.
/// The letters `besom` as bytes, so that an application's own number is unlikely to be the same.
const LOCK: i64 = 0x62_65_73_6f_6d;

/// A connection on which a transaction is open.
pub(super) struct OneTransaction<'a>(pub(super) &'a mut PgConnection);

impl Migrate for OneTransaction<'_> {
    fn create_schema_if_not_exists<'e>(
        &'e mut self,
        schema: &'e str,
    ) -> BoxFuture<'e, Result<(), MigrateError>> {
        self.0.create_schema_if_not_exists(schema)
    }

    fn ensure_migrations_table<'e>(
        &'e mut self,
        table: &'e str,
    ) -> BoxFuture<'e, Result<(), MigrateError>> {
        // Without values, so not prepared.
        self.0.ensure_migrations_table(table)
    }

    fn dirty_version<'e>(
        &'e mut self,
        _table: &'e str,
    ) -> BoxFuture<'e, Result<Option<i64>, MigrateError>> {
        // A step is recorded in its own transaction: there are none that are half done.
        Box::pin(std::future::ready(Ok(None)))
    }

    fn list_applied_migrations<'e>(
        &'e mut self,
        table: &'e str,
    ) -> BoxFuture<'e, Result<Vec<AppliedMigration>, MigrateError>> {
        let sql = format!("SELECT version, checksum FROM {table} ORDER BY version");
        Box::pin(async move {
            let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(sql))
                .persistent(false)
                .fetch_all(&mut *self.0)
                .await?;
            let applied = rows
                .into_iter()
                .map(|(version, checksum)| AppliedMigration {
                    version,
                    checksum: checksum.into(),
                });
            Ok(applied.collect())
        })
    }

    fn lock(&mut self) -> BoxFuture<'_, Result<(), MigrateError>> {
        Box::pin(async move {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .persistent(false)
                .bind(LOCK)
                .execute(&mut *self.0)
                .await?;
            Ok(())
        })
    }

    fn unlock(&mut self) -> BoxFuture<'_, Result<(), MigrateError>> {
        // The end of the transaction does it.
        Box::pin(std::future::ready(Ok(())))
    }

    fn apply<'e>(
        &'e mut self,
        table: &'e str,
        step: &'e Migration,
    ) -> BoxFuture<'e, Result<Duration, MigrateError>> {
        let record = format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) \
             VALUES ($1, $2, true, $3, $4)"
        );
        Box::pin(async move {
            let began = Instant::now();
            sqlx::raw_sql(step.sql.clone())
                .execute(&mut *self.0)
                .await
                .map_err(|error| MigrateError::ExecuteMigration(error, step.version))?;
            let took = began.elapsed();
            sqlx::query(AssertSqlSafe(record))
                .persistent(false)
                .bind(step.version)
                .bind(&*step.description)
                .bind(&*step.checksum)
                .bind(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX))
                .execute(&mut *self.0)
                .await?;
            Ok(took)
        })
    }

    fn revert<'e>(
        &'e mut self,
        _table: &'e str,
        step: &'e Migration,
    ) -> BoxFuture<'e, Result<Duration, MigrateError>> {
        // The ledger proves what happened and only grows; it has no steps back.
        Box::pin(std::future::ready(Err(MigrateError::VersionNotPresent(
            step.version,
        ))))
    }
}
