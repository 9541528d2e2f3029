//! One connection in the hands of one piece of work.
//!
//! Transactions are opened and closed by explicit statements. sqlx's own `begin()` can leave an
//! open transaction behind when its future is dropped half-way; here a session that goes out of
//! scope inside a transaction takes its connection with it, and the server rolls back.
//!
//! A connection that a pooler lends is besom's for one transaction. There a statement outside of one
//! gets its own, and no prepared statement outlives the transaction that it was prepared in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use super::cells::{postgres_cells, sqlite_cells};
use super::changes::{Counted, Counts, Watched};
use super::{Bind, Cause, Cells, DatabaseError, Statement};
use crate::catalog::Dialect;
use crate::sql::KNOW_THE_SCHEMA;

enum Inner {
    Postgres(PoolConnection<Postgres>),
    Sqlite(PoolConnection<Sqlite>),
}

/// Exclusive use of one pooled connection.
pub struct Session {
    inner: Inner,
    in_transaction: bool,
    /// SQLite: statements of the connection are limited.
    limited: bool,
    /// SQLite: since when it keeps other writers from the file, and for how long it did before.
    writes: Option<Instant>,
    wrote: Duration,
    /// SQLite: rows that its statements change.
    counts: Counts,
    /// The first words of each transaction on a connection that a pooler lends.
    opening: Option<Arc<str>>,
}

impl Session {
    pub(super) fn postgres(
        connection: PoolConnection<Postgres>,
        opening: Option<Arc<str>>,
    ) -> Self {
        Self {
            inner: Inner::Postgres(connection),
            in_transaction: false,
            limited: false,
            writes: None,
            wrote: Duration::ZERO,
            counts: Counts::default(),
            opening,
        }
    }

    pub(super) fn sqlite(connection: PoolConnection<Sqlite>) -> Self {
        Self {
            inner: Inner::Sqlite(connection),
            in_transaction: false,
            limited: false,
            writes: None,
            wrote: Duration::ZERO,
            counts: Counts::default(),
            opening: None,
        }
    }

    /// The dialect of the other side.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Postgres(_) => Dialect::Postgres,
            Inner::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The PostgreSQL connection, for work with statements of its own such as the catalog's: between
    /// [`Session::hold`] and [`Session::release`], and with none that stays prepared.
    pub fn as_postgres(&mut self) -> Option<&mut sqlx::PgConnection> {
        match &mut self.inner {
            Inner::Postgres(connection) => Some(&mut *connection),
            Inner::Sqlite(_) => None,
        }
    }

    /// The SQLite connection, likewise.
    pub fn as_sqlite(&mut self) -> Option<&mut sqlx::SqliteConnection> {
        match &mut self.inner {
            Inner::Postgres(_) => None,
            Inner::Sqlite(connection) => Some(&mut *connection),
        }
    }

    /// Opens a transaction by the given statements, which begin with BEGIN.
    pub async fn begin(&mut self, sql: &str) -> Result<(), DatabaseError> {
        // Set first: a BEGIN whose answer is lost may have taken effect.
        self.in_transaction = true;
        let sql = match &self.opening {
            None => Cow::Borrowed(sql),
            // In one round trip, and before what the caller sets for itself.
            Some(opening) => {
                let (begin, rest) = sql.split_once(';').unwrap_or((sql, ""));
                Cow::Owned(format!("{begin}; {opening}{rest}"))
            }
        };
        self.script(&sql).await?;
        self.writes = sql.starts_with("BEGIN IMMEDIATE").then(Instant::now);
        Ok(())
    }

    fn is_over(&mut self) {
        self.in_transaction = false;
        self.wrote += self
            .writes
            .take()
            .map_or(Duration::ZERO, |since| since.elapsed());
    }

    /// SQLite: how long it has kept other writers from the file.
    pub fn wrote(&self) -> Duration {
        self.wrote
    }

    /// Keeps what follows on one connection of the server, under besom's settings: behind a pooler
    /// in a transaction, which [`Session::release`] ends. Not to be used inside of another.
    pub async fn hold(&mut self) -> Result<(), DatabaseError> {
        match self.opening {
            None => Ok(()),
            Some(_) => self.begin("BEGIN").await,
        }
    }

    /// Ends what [`Session::hold`] began.
    pub async fn release(&mut self) -> Result<(), DatabaseError> {
        match self.opening {
            None => Ok(()),
            Some(_) => self.commit().await,
        }
    }

    /// Commits. After an error the connection is not used again.
    pub async fn commit(&mut self) -> Result<(), DatabaseError> {
        self.script("COMMIT").await?;
        self.is_over();
        Ok(())
    }

    /// Rolls back. After an error the connection is not used again.
    pub async fn rollback(&mut self) -> Result<(), DatabaseError> {
        self.script("ROLLBACK").await?;
        self.is_over();
        Ok(())
    }

    /// Runs statements without binds, the host's own words only.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        match &self.opening {
            // Statements that are sent together are one transaction where none is open.
            Some(opening) if !self.in_transaction => {
                let sql = format!("{opening}{sql}");
                self.script(&sql).await
            }
            _ => self.script(sql).await,
        }
    }

    async fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match &mut self.inner {
            Inner::Postgres(connection) => {
                script.execute(&mut **connection).await?;
            }
            Inner::Sqlite(connection) => {
                script.execute(&mut **connection).await?;
            }
        }
        Ok(())
    }

    /// Runs a statement and answers its rows.
    pub async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Cells>, DatabaseError> {
        if self.opening.is_none() || self.in_transaction {
            return self.rows(statement).await;
        }
        self.begin("BEGIN").await?;
        let rows = self.rows(statement).await;
        match &rows {
            Ok(_) => self.commit().await?,
            Err(error) if error.cause == Cause::ConnectionLost => {}
            // If this fails too, the session takes its connection with it.
            Err(_) => drop(self.rollback().await),
        }
        rows
    }

    async fn rows(&mut self, statement: &Statement) -> Result<Vec<Cells>, DatabaseError> {
        let sql = AssertSqlSafe(statement.text().to_owned());
        match &mut self.inner {
            Inner::Postgres(connection) => {
                let kept = statement.reusable() && self.opening.is_none();
                let mut query = sqlx::query::<Postgres>(sql).persistent(kept);
                for bind in statement.binds() {
                    query = match bind {
                        Bind::Null => query.bind(None::<String>),
                        Bind::Integer(value) => query.bind(*value),
                        Bind::Real(value) => query.bind(*value),
                        Bind::Text(text) => query.bind(text.as_str()),
                        Bind::Blob(bytes) => query.bind(bytes.as_slice()),
                        Bind::Texts(texts) => query.bind(texts.as_slice()),
                    };
                }
                let rows: Vec<_> = query.fetch(&mut **connection).try_collect().await?;
                rows.iter().map(postgres_cells).collect()
            }
            Inner::Sqlite(connection) => {
                let mut query = sqlx::query::<Sqlite>(sql).persistent(statement.reusable());
                for bind in statement.binds() {
                    query = match bind {
                        Bind::Null => query.bind(None::<String>),
                        Bind::Integer(value) => query.bind(*value),
                        Bind::Real(value) => query.bind(*value),
                        Bind::Text(text) => query.bind(text.clone()),
                        Bind::Blob(bytes) => query.bind(bytes.clone()),
                        Bind::Texts(_) => {
                            return Err(DatabaseError::other(
                                "driver",
                                "SQLite has no arrays: this is a defect of besom, please report it",
                            ));
                        }
                    };
                }
                let rows: Vec<_> = query.fetch(&mut **connection).try_collect().await?;
                rows.iter().map(sqlite_cells).collect()
            }
        }
    }

    /// What the database says of how it goes about a statement. SQLite explains by the schema that the connection
    /// knows, and learns only from a statement that is run what others have changed in it.
    pub async fn explain(
        &mut self,
        statement: &Statement,
        analyze: bool,
    ) -> Result<Vec<Cells>, DatabaseError> {
        if self.dialect() == Dialect::Sqlite {
            self.run_script(KNOW_THE_SCHEMA).await?;
        }
        self.fetch(&statement.explained(analyze)).await
    }

    /// Runs a statement and answers the number of rows it changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, DatabaseError> {
        match self.dialect() {
            Dialect::Postgres => Ok(self.fetch(statement).await?.len() as u64),
            Dialect::Sqlite => {
                self.fetch(statement).await?;
                let mut changes = Statement::new(Dialect::Sqlite);
                changes.push("SELECT changes()");
                Ok(self.fetch_one(&changes).await?.get(0).as_count())
            }
        }
    }

    /// The first row; an error where there is none.
    pub async fn fetch_one(&mut self, statement: &Statement) -> Result<Cells, DatabaseError> {
        self.fetch(statement)
            .await?
            .into_iter()
            .next()
            .ok_or_else(|| {
                DatabaseError::other("driver", "a statement that answers one row answered none")
            })
    }

    /// Whether nobody commits as long as this session reads: a SQLite file with any journal but a write-ahead log.
    /// On a connection that was open when the mode was changed, the mode before may be told until it has read.
    pub async fn shuts_out_writers(&mut self) -> Result<bool, DatabaseError> {
        if self.dialect() == Dialect::Postgres {
            return Ok(false);
        }
        let mut mode = Statement::new(Dialect::Sqlite);
        mode.push("PRAGMA main.journal_mode");
        let mode = self.fetch_one(&mode).await?;
        Ok(mode.get(0).as_text() != Some("wal"))
    }

    /// Limits every following statement on SQLite, which has no statement timeout of its own;
    /// `None` lifts the limit. PostgreSQL's is set by SQL. A session that goes out of scope with a limit takes its
    /// connection with it: whoever came next would meet it.
    pub async fn limit_sqlite_statements(
        &mut self,
        limit: Option<Duration>,
    ) -> Result<(), DatabaseError> {
        /// Virtual machine steps between two looks at the clock: some ten microseconds, and far more where pages come from a slow disk.
        const STEPS: i32 = 1_000;
        if let Inner::Sqlite(connection) = &mut self.inner {
            self.limited = true;
            let mut handle = connection.lock_handle().await?;
            match limit {
                Some(limit) => {
                    let until = Instant::now() + limit;
                    handle.set_progress_handler(STEPS, move || Instant::now() < until);
                }
                None => handle.remove_progress_handler(),
            }
            self.limited = limit.is_some();
        }
        Ok(())
    }
}

/// What statements do to rows besides what they answer, on SQLite alone.
impl Session {
    /// Has rows of these tables counted from now on.
    pub async fn watch_sqlite_rows(&mut self, tables: Vec<Watched>) -> Result<(), DatabaseError> {
        if let Inner::Sqlite(connection) = &mut self.inner {
            let mut handle = connection.lock_handle().await?;
            self.counts.watch(&mut handle, tables);
        }
        Ok(())
    }

    /// Counts no more.
    pub async fn watch_no_sqlite_rows(&mut self) -> Result<(), DatabaseError> {
        if let Inner::Sqlite(connection) = &mut self.inner {
            connection.lock_handle().await?.remove_update_hook();
        }
        Ok(())
    }

    /// Begins the counts anew.
    pub fn count_sqlite_rows_anew(&self) {
        self.counts.begin_anew();
    }

    /// Rows that have gone or changed since.
    pub fn counted_sqlite_rows(&self) -> Counted {
        self.counts.so_far()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.in_transaction || self.limited {
            match &mut self.inner {
                Inner::Postgres(connection) => connection.close_on_drop(),
                Inner::Sqlite(connection) => connection.close_on_drop(),
            }
        }
    }
}
