//! Whose connection it is: besom's own, or one that a pooler lends it for a transaction at a time.
//!
//! What besom tells PostgreSQL about its session (no sequential scans, short waits) would ruin an
//! application that is lent the same server connection next. So nothing is ever said by a plain
//! `SET`: besom's own connection has its settings from the start packet, which a pooler refuses or
//! drops, and a lent one has them by `SET LOCAL` in each transaction.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{DatabaseError, DatabaseOptions};

/// What stands between besom and PostgreSQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pooler {
    /// Nothing: each connection is a session of besom's own.
    #[default]
    None,
    /// A pooler such as PgBouncer, which may give each transaction to another server connection.
    Transaction,
}

/// Between two statements of one transaction besom only waits for the network, so a host that hangs
/// there must not hold rows, nor a pooler's connection, for longer.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// A name that no setting of PostgreSQL has; it says whose start packet opened the session.
const MARK: &str = "besom.session";

/// Settings as text: each value is a word, or milliseconds.
struct Settings(Vec<(&'static str, Value)>);

enum Value {
    Word(&'static str),
    Wait(Duration),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Wait(wait) => write!(f, "{}", wait.as_millis()),
        }
    }
}

impl Settings {
    /// `row_security = off` makes a hidden row an error instead of a row that is silently kept. A
    /// batch is a few milliseconds' work on few rows, which it finds through indexes:
    /// - compiling its statement took a hundred times as long as running it;
    /// - where one parent has most of the children the planner expects to meet one at once, and
    ///   would read the whole table for every parent that has none;
    /// - a merge join reads an index from its start to the batch's keys, further with every batch.
    fn of(options: &DatabaseOptions) -> Self {
        Self(vec![
            ("statement_timeout", Value::Wait(options.statement_timeout)),
            ("lock_timeout", Value::Wait(options.lock_timeout)),
            ("row_security", Value::Word("off")),
            ("jit", Value::Word("off")),
            ("enable_seqscan", Value::Word("off")),
            ("enable_mergejoin", Value::Word("off")),
            ("bytea_output", Value::Word("hex")),
            ("intervalstyle", Value::Word("iso_8601")),
            // A key's array travels as text, and NULL in it is no word.
            ("array_nulls", Value::Word("on")),
        ])
    }

    /// The same and what the driver puts in its start packet, as the first words of a transaction.
    fn for_one_transaction(mut self) -> String {
        self.0.extend([
            // Which a pooler may have dropped; a server has no need to know the user's zone.
            ("timezone", Value::Word("UTC")),
            ("datestyle", Value::Word("ISO, MDY")),
            // A window's edge travels as text and must come back as the same number.
            ("extra_float_digits", Value::Word("2")),
            (
                "idle_in_transaction_session_timeout",
                Value::Wait(IDLE_IN_TRANSACTION),
            ),
        ]);
        let mut sql = String::new();
        for (name, value) in &self.0 {
            // Writing to a String cannot fail.
            let _ = write!(sql, "SET LOCAL {name} = '{value}'; ");
        }
        sql
    }

    /// A question that only a session with these settings and this mark answers by yes.
    fn question(&self, mark: &str) -> String {
        let mut sql = format!("SELECT coalesce(current_setting('{MARK}', true) = '{mark}'");
        for (name, value) in &self.0 {
            let _ = match value {
                Value::Word(word) => write!(sql, " AND current_setting('{name}') = '{word}'"),
                // Shown with whatever unit fits.
                Value::Wait(_) => write!(
                    sql,
                    " AND current_setting('{name}')::interval = '{value} ms'::interval"
                ),
            };
        }
        sql.push_str(", false)");
        sql
    }
}

/// On which terms a connection to PostgreSQL is had.
#[derive(Debug, Clone)]
pub(super) enum Terms {
    /// It is besom's own.
    Own {
        /// Asked of each new connection.
        question: Arc<str>,
        /// One of them was not besom's own after all.
        shared: Arc<AtomicBool>,
    },
    /// It is lent for a transaction, which begins by these words.
    Lent { opening: Arc<str> },
}

impl Terms {
    /// The terms, and how to connect on them.
    ///
    /// # Errors
    /// Where the URL sets something for a session that there will not be.
    pub(super) fn new(
        connect: PgConnectOptions,
        options: &DatabaseOptions,
    ) -> Result<(Self, PgConnectOptions), DatabaseError> {
        let settings = Settings::of(options);
        match options.pooler {
            Pooler::None => {
                let mark = Uuid::new_v4().to_string();
                let question = settings.question(&mark).into();
                let connect = connect.options(settings.0).options([(MARK, mark)]);
                let shared = Arc::default();
                Ok((Self::Own { question, shared }, connect))
            }
            Pooler::Transaction if connect.get_options().is_some() => Err(DatabaseError::other(
                "pooler",
                "a pooler does not pass on `options`, which the database's URL or PGOPTIONS has: \
                 take them out, and set them by ALTER ROLE … SET on the server where they matter",
            )),
            Pooler::Transaction => {
                let opening = settings.for_one_transaction().into();
                // A start parameter that PgBouncer does not know is an error.
                Ok((Self::Lent { opening }, connect.extra_float_digits(None)))
            }
        }
    }

    /// Looks whose a new connection is. What comes of it, [`Terms::check`] says: an error here would
    /// make the driver's pool try again until its patience ends, and then say nothing of the reason.
    pub(super) async fn look(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Self::Own { question, shared } = self else {
            return Ok(());
        };
        let question = AssertSqlSafe(question.as_ref().to_owned());
        let row = sqlx::raw_sql(question).fetch_one(connection).await?;
        if !row.try_get::<bool, _>(0)? {
            shared.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// # Errors
    /// When a connection turned out to be somebody else's.
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        match self {
            Self::Own { shared, .. } if shared.load(Ordering::Acquire) => Err(pooler_in_between(
                "what besom sets for its connection is not in force there",
            )),
            _ => Ok(()),
        }
    }

    /// Why there is no connection.
    pub(super) fn refused(&self, error: sqlx::Error) -> DatabaseError {
        match (self, &error) {
            (Self::Own { .. }, sqlx::Error::Database(inner)) if about_start(inner.message()) => {
                pooler_in_between(inner.message())
            }
            _ => error.into(),
        }
    }

    /// The words by which each transaction begins, on a lent connection.
    pub(super) fn opening(&self) -> Option<Arc<str>> {
        match self {
            Self::Own { .. } => None,
            Self::Lent { opening } => Some(Arc::clone(opening)),
        }
    }
}

/// PgBouncer's "unsupported startup parameter", and the words of Amazon's RDS Proxy.
fn about_start(message: &str) -> bool {
    message.contains("startup parameter") || message.contains("command-line options")
}

fn pooler_in_between(why: &str) -> DatabaseError {
    DatabaseError::other(
        "pooler",
        format!(
            "a connection pooler such as PgBouncer stands before the database ({why}): write \
             pooler = \"transaction\" under [database], or name the server itself in the URL. \
             Nothing was changed on the pooler's connections"
        ),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_lent_connection_is_told_everything_for_one_transaction_only() {
        let options = DatabaseOptions {
            pooler: Pooler::Transaction,
            ..DatabaseOptions::default()
        };
        let connect = PgConnectOptions::new_without_pgpass();
        let (terms, connect) = Terms::new(connect, &options).unwrap();

        let opening = terms.opening().unwrap();
        assert!(opening.contains("SET LOCAL lock_timeout = '500'; "));
        for statement in opening.split_inclusive("; ") {
            assert!(statement.starts_with("SET LOCAL "), "{statement}");
        }
        assert_eq!(connect.get_options(), None);
    }

    #[test]
    fn options_of_the_url_are_refused_where_they_would_be_lost() {
        let options = DatabaseOptions {
            pooler: Pooler::Transaction,
            ..DatabaseOptions::default()
        };
        let connect = PgConnectOptions::new_without_pgpass().options([("search_path", "auth")]);

        let refused = Terms::new(connect, &options).unwrap_err();

        assert_eq!(refused.code, "pooler");
        assert!(refused.message.contains("ALTER ROLE"), "{refused}");
    }

    #[test]
    fn a_pooler_that_refuses_the_start_is_named_with_the_key() {
        let connect = PgConnectOptions::new_without_pgpass();
        let (terms, connect) = Terms::new(connect, &DatabaseOptions::default()).unwrap();
        assert!(connect.get_options().unwrap().contains("besom.session="));
        assert!(terms.check().is_ok());

        assert!(about_start("unsupported startup parameter: options"));
        assert!(!about_start("password authentication failed"));
        let Terms::Own { shared, .. } = &terms else {
            panic!("without a pooler the connection is besom's own");
        };
        shared.store(true, Ordering::Release);

        let told = terms.check().unwrap_err().message;
        assert!(told.contains("pooler = \"transaction\" under [database]"));
    }
}
