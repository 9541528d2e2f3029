//! Believable rows for the demo: a fixed scheme, no randomness, the same on both databases.
//!
//! ```no_run
//! # async fn example(mut connection: sqlx::SqliteConnection, now: i64) -> anyhow::Result<()> {
//! use besom::cli::demo::{data, schema};
//!
//! schema::apply_sqlite(&mut connection).await?;
//! data::fill_sqlite(&mut connection, 200_000, now).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The database generates the rows: what a row holds is arithmetic on its number, written once as
//! text with a dialect for what the two databases spell differently. Ages hang on `now`, and
//! none comes within nine minutes of a default retention, so that a demo which takes minutes finds
//! exactly the rows eligible that were so when it began.

mod browsers;
mod compat;
mod counts;
mod dialect;
mod families;
mod grants;
mod oauth2;
mod parents;
mod personal;
mod queue;
mod recovery;
mod server;
mod upstream;

use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};

use counts::Counts;
use dialect::Dialect;

/// Keys are made from 24-bit row numbers by multiplication that must fit 63 bits, and a table has
/// at most 300 of 1000 rows: more would fit, but nobody waits for them.
pub const MOST_ROWS: u64 = 20_000_000;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Why there is no data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// More rows than the scheme has keys for.
    #[error("{rows} rows are too many for the demo: ask for {MOST_ROWS} at most")]
    TooManyRows {
        /// How many were asked for.
        rows: u64,
    },
    /// The database refused; it holds none of the rows.
    #[error("filling the demo's tables (nothing was kept): {0}")]
    Database(#[from] sqlx::Error),
}

/// Fills the reference schema with `rows` rows in the tables that the bundled plugins clean, and
/// the users, clients, signing keys and workers that go with them, in one transaction.
/// `now_micros` (microseconds since the Unix epoch) is the moment that all ages are counted from.
/// Every kind of row occurs from 2000 rows on; fewer make no sense.
///
/// Answers `false`, and changes nothing, where the database has been filled before.
///
/// # Errors
///
/// [`DataError`]. The connection has no transaction open afterwards, unless this future was
/// dropped: then close it.
pub async fn fill_postgres(
    connection: &mut PgConnection,
    rows: u64,
    now_micros: i64,
) -> Result<bool, DataError> {
    let script = script(Dialect::Postgres, rows, now_micros)?;
    let filled: bool = sqlx::query_scalar(FILLED)
        .fetch_one(&mut *connection)
        .await?;
    if filled {
        return Ok(false);
    }
    let done = sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut *connection)
        .await;
    if let Err(error) = done {
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
        return Err(error.into());
    }
    Ok(true)
}

/// [`fill_postgres`], for SQLite.
///
/// # Errors
///
/// The same.
pub async fn fill_sqlite(
    connection: &mut SqliteConnection,
    rows: u64,
    now_micros: i64,
) -> Result<bool, DataError> {
    let script = script(Dialect::Sqlite, rows, now_micros)?;
    let filled: bool = sqlx::query_scalar(FILLED)
        .fetch_one(&mut *connection)
        .await?;
    if filled {
        return Ok(false);
    }
    let done = sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut *connection)
        .await;
    if let Err(error) = done {
        // SQLite has ended the transaction by itself after some errors.
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
        return Err(error.into());
    }
    Ok(true)
}

/// The data's mark stands beside the steps of the schema.
const FILLED: &str = "SELECT EXISTS (SELECT 1 FROM besom_demo WHERE step = 'data')";

/// Everything, as one script: a demo database is filled or empty, never half.
fn script(dialect: Dialect, rows: u64, now: i64) -> Result<String, DataError> {
    let counts = Counts::of(rows)?;
    let mut statements = dialect.begin(counts.numbers());
    for part in PARTS {
        statements.extend(part(dialect, &counts, now));
    }
    // Without statistics the first batches of the demo would be planned for empty tables.
    statements.extend(FILLED_TABLES.iter().map(|table| format!("ANALYZE {table}")));
    statements.push("INSERT INTO besom_demo (step) VALUES ('data')".to_owned());
    statements.extend(dialect.end());
    Ok(statements.join(";\n"))
}

/// A room's statements; parents come before their children.
type Part = fn(Dialect, &Counts, i64) -> Vec<String>;

const PARTS: [Part; 11] = [
    parents::statements,
    browsers::statements,
    upstream::statements,
    oauth2::statements,
    grants::statements,
    compat::statements,
    families::statements,
    server::statements,
    personal::statements,
    queue::statements,
    recovery::statements,
];

/// In the order in which they are filled.
pub const FILLED_TABLES: [&str; 33] = [
    "users",
    "user_sessions",
    "user_session_authentications",
    "upstream_oauth_providers",
    "upstream_oauth_links",
    "upstream_oauth_authorization_sessions",
    "oauth2_clients",
    "oauth2_sessions",
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "oauth2_authorization_grants",
    "oauth2_device_code_grant",
    "compat_sessions",
    "compat_access_tokens",
    "compat_refresh_tokens",
    "compat_sso_logins",
    "refresh_tokens",
    "tenants",
    "session_signing_keys",
    "sessions",
    "personal_sessions",
    "queue_workers",
    "queue_leader",
    "queue_schedules",
    "queue_jobs",
    "user_emails",
    "user_recovery_sessions",
    "user_recovery_tickets",
    "user_registration_tokens",
    "user_registrations",
    "user_email_authentications",
    "user_email_authentication_codes",
    "password_resets",
];

/// An expression for a duration between `from` and `to` (microseconds): even steps in a shuffled
/// order, and a microsecond more a number, so that no two are equal.
fn spread(number: &str, from: i64, to: i64) -> String {
    // Two primes: the numbers that share a remainder by ten still spread over the whole range.
    let step = (to - from) / 10_007;
    format!("({from} + (({number}) * 7919 % 10007) * {step} + ({number}))")
}

/// `CASE … END` over `subject`, one value for each number from zero.
fn choose(subject: &str, values: impl IntoIterator<Item = String>) -> String {
    let branches: String = values
        .into_iter()
        .enumerate()
        .map(|(number, value)| format!(" WHEN {number} THEN {value}"))
        .collect();
    format!("CASE {subject}{branches} END")
}
