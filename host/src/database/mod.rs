//! Pools, the database's clock, and work that finishes whatever is dropped.
//!
//! Database work that must not be torn in two runs in a task of its own, which owns its
//! [`Session`] and is tracked: see [`Work`]. A guest may be dropped at any await; the batch it was
//! waiting for still commits or rolls back as a whole, and whoever records the run's outcome
//! waits for it first.

mod cells;
mod changes;
mod error;
mod parameters;
mod pooler;
mod session;
mod statement;
mod work;

pub use cells::{Cell, Cells};
pub use changes::{Counted, Watched};
pub use error::{Cause, DatabaseError};
pub use pooler::{IDLE_IN_TRANSACTION, Pooler};
pub use session::Session;
pub use statement::{Bind, Statement};
pub use work::Work;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::ConnectOptions as _;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};

use self::pooler::Terms;
use crate::catalog::Dialect;
use crate::request::Timestamp;

/// How to talk to the database.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// No statement runs longer than this.
    pub statement_timeout: Duration,
    /// No wait for a lock of the ledger's own rows is longer than this.
    pub lock_timeout: Duration,
    /// Connections held at most.
    pub max_connections: u32,
    /// Create a SQLite file that is not there; otherwise that is an error.
    pub create: bool,
    /// What stands between besom and PostgreSQL.
    pub pooler: Pooler,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            // Long enough for a batch on a busy server, short enough that a bad plan is noticed.
            statement_timeout: Duration::from_secs(15),
            // Half of PostgreSQL's deadlock_timeout: besom yields before the detector runs.
            lock_timeout: Duration::from_millis(500),
            // One for the batch in hand, one for the lease, one for the ledger, one to spare.
            max_connections: 6,
            create: false,
            pooler: Pooler::None,
        }
    }
}

#[derive(Debug, Clone)]
enum Pool {
    Postgres(PgPool, Terms),
    Sqlite(SqlitePool),
}

/// The database being cleaned.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    options: DatabaseOptions,
}

impl Database {
    /// Connects by a URL: `postgres://…`, `postgresql://…` or `sqlite://PATH`.
    ///
    /// # Errors
    /// When the URL is of neither kind, the database does not answer, or a pooler stands before it
    /// that the options do not tell of.
    pub async fn connect(url: &str, options: DatabaseOptions) -> Result<Self, DatabaseError> {
        let scheme = url.split(':').next().unwrap_or_default();
        let pool = match scheme {
            "postgres" | "postgresql" => {
                let (pool, terms) = connect_postgres(url, &options).await?;
                Pool::Postgres(pool, terms)
            }
            "sqlite" => Pool::Sqlite(connect_sqlite(url, &options).await?),
            _ => {
                return Err(DatabaseError::other(
                    "url",
                    "the database URL must begin with `postgres://` or `sqlite://`",
                ));
            }
        };
        Ok(Self { pool, options })
    }

    /// Which kind of database it is.
    pub fn dialect(&self) -> Dialect {
        match self.pool {
            Pool::Postgres(..) => Dialect::Postgres,
            Pool::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Connections that are open, and how many of them are idle.
    pub fn connections(&self) -> (u32, u32) {
        let (open, idle) = match &self.pool {
            Pool::Postgres(pool, _) => (pool.size(), pool.num_idle()),
            Pool::Sqlite(pool) => (pool.size(), pool.num_idle()),
        };
        (open, u32::try_from(idle).unwrap_or(u32::MAX))
    }

    /// The options that it was connected with.
    pub fn options(&self) -> &DatabaseOptions {
        &self.options
    }

    /// Exclusive use of one connection.
    pub async fn session(&self) -> Result<Session, DatabaseError> {
        Ok(match &self.pool {
            Pool::Postgres(pool, terms) => {
                let connection = pool.acquire().await.map_err(|error| terms.refused(error))?;
                terms.check()?;
                Session::postgres(connection, terms.opening())
            }
            Pool::Sqlite(pool) => Session::sqlite(pool.acquire().await?),
        })
    }

    /// The database's clock; on SQLite, which has none of its own, the host's.
    pub async fn now(&self) -> Result<Timestamp, DatabaseError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(host_clock()),
            Dialect::Postgres => {
                let mut statement = Statement::new(Dialect::Postgres);
                statement
                    .push("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
                let row = self.session().await?.fetch_one(&statement).await?;
                Ok(Timestamp(row.get(0).as_integer().unwrap_or_default()))
            }
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Postgres(pool, _) => pool.close().await,
            Pool::Sqlite(pool) => pool.close().await,
        }
    }
}

/// The host's wall clock.
fn host_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// How long to wait for a connection before the database counts as gone.
const ACQUIRE: Duration = Duration::from_secs(10);

async fn connect_postgres(
    url: &str,
    options: &DatabaseOptions,
) -> Result<(PgPool, Terms), DatabaseError> {
    parameters::warn_of_unknown(url);
    let connect: PgConnectOptions = url.parse()?;
    // The driver would log the whole text of a slow statement; the sweep logs what matters of it.
    let connect = connect
        .application_name("besom")
        .disable_statement_logging();
    let (terms, connect) = Terms::new(connect, options)?;
    let of_each = terms.clone();
    let pool = PoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(ACQUIRE)
        // Asking first costs every batch a round trip; a batch whose connection is gone is tried
        // again anyway.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let terms = of_each.clone();
            Box::pin(async move { terms.look(connection).await })
        })
        .connect_with(connect)
        .await
        .map_err(|error| terms.refused(error))?;
    terms.check()?;
    Ok((pool, terms))
}

async fn connect_sqlite(url: &str, options: &DatabaseOptions) -> Result<SqlitePool, DatabaseError> {
    let connect: SqliteConnectOptions = url.parse()?;
    let mut connect = connect
        .foreign_keys(true)
        .busy_timeout(options.lock_timeout)
        .disable_statement_logging();
    if options.create {
        connect = connect.create_if_missing(true);
        // Readers go on while a batch is written. The mode is a property of the file, so a file
        // that was there keeps its own.
        connect = connect.journal_mode(SqliteJournalMode::Wal);
    }
    let pool = PoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(ACQUIRE)
        .connect_with(connect)
        .await?;
    let (encoding,): (String,) = sqlx::query_as("PRAGMA encoding").fetch_one(&pool).await?;
    match encoding.contains('8') {
        true => Ok(pool),
        // Bytes of a text would not be what its letters are.
        false => Err(DatabaseError::other(
            "encoding",
            "the SQLite file keeps its texts in UTF-16, which besom does not read: write it anew in UTF-8 (sqlite3 OLD \
             .dump | sqlite3 NEW)",
        )),
    }
}
