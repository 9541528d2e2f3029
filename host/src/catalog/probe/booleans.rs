//! Telling whether a column declared BOOLEAN holds words, which SQLite takes without complaint.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::error::place;
use super::sqlite::{both_ends, source};
use super::{ProbeError, has_ends};
use crate::catalog::{Catalog, Column, Dialect, Table};

/// Values looked at from either end of the column's index, or of the table: an index has words behind
/// every number, and without one the oldest rows and the newest tell what writes them.
const SAMPLE_EACH_END: u32 = 50;

impl Catalog {
    /// Whether truth values of the column are written as words (`t`, `f`, `true`, `false`, in any case)
    /// beside or in place of 0 and 1, by the values that are looked at.
    ///
    /// # Errors
    /// What the database says.
    pub async fn boolean_words_sqlite(
        connection: &mut SqliteConnection,
        table: &Table,
        column: &Column,
    ) -> Result<bool, ProbeError> {
        let from = source(table, column);
        let from = match (has_ends(table, column, Dialect::Sqlite), table.rowid_name()) {
            (true, _) => both_ends(&from, "c", SAMPLE_EACH_END),
            (false, Some(_)) => both_ends(&from, "r", SAMPLE_EACH_END),
            (false, None) => format!("{from} LIMIT {}", 2 * SAMPLE_EACH_END),
        };
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM ({from}) WHERE typeof(c) = 'text' \
             AND lower(c) IN ('t', 'f', 'true', 'false'))"
        );
        sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_one(connection)
            .await
            .map_err(|source| ProbeError::Query {
                place: place(&table.id, column),
                source,
            })
    }
}
