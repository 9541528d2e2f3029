//! What the database answered instead of rows.

use crate::request::{Fault, Problem};

/// Why a statement failed, in the terms that the sweep's retries need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A row or table lock was not granted in time (55P03, SQLITE_BUSY, SQLITE_LOCKED).
    LockTimeout,
    /// The deadlock detector chose this statement (40P01).
    Deadlock,
    /// A serialization failure (40001).
    Serialization,
    /// The statement ran past its timeout (57014, SQLITE_INTERRUPT).
    StatementTimeout,
    /// A foreign key refers to a row that would go (23503, 787), or another constraint forbids what
    /// would become of a row: NOT NULL, UNIQUE, CHECK or an exclusion.
    Constraint,
    /// The connection is gone; whether the statement took effect is unknown.
    ConnectionLost,
    /// Anything else.
    Other,
}

/// A failed statement or connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct DatabaseError {
    /// What kind of failure it is.
    pub cause: Cause,
    /// SQLSTATE, SQLite's extended code, or a word of besom's own.
    pub code: String,
    /// The database's own message.
    pub message: String,
}

impl DatabaseError {
    /// An error of besom's own.
    pub fn other(code: &str, message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Other,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default().into_owned();
                // SQLite carries RESTRICT out by a trigger of its own.
                let restricted =
                    code == "1811" && inner.message() == "FOREIGN KEY constraint failed";
                Self {
                    cause: if restricted {
                        Cause::Constraint
                    } else {
                        cause_of(&code)
                    },
                    message: told(&code, inner.message()),
                    code,
                }
            }
            sqlx::Error::PoolTimedOut => Self {
                cause: Cause::ConnectionLost,
                code: "connection".to_owned(),
                message: "no connection was to be had within ten seconds: is the server there, at \
                          this host and port, and has it connections left for this role?"
                    .to_owned(),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self {
                cause: Cause::ConnectionLost,
                code: "connection".to_owned(),
                message: error.to_string(),
            },
            _ => Self::other("driver", error.to_string()),
        }
    }
}

/// SQLSTATEs are five characters, SQLite's extended result codes fewer digits: they do not meet.
fn cause_of(code: &str) -> Cause {
    match code {
        "55P03" => Cause::LockTimeout,
        "40P01" => Cause::Deadlock,
        "40001" => Cause::Serialization,
        "57014" => Cause::StatementTimeout,
        // PostgreSQL 18 has a code of its own for RESTRICT.
        "23503" | "23001" => Cause::Constraint,
        "23502" | "23505" | "23514" | "23P01" => Cause::Constraint,
        // A new value that is too long or too large for its column.
        "22001" | "22003" => Cause::Constraint,
        // admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction timeout.
        "57P01" | "57P02" | "57P03" | "25P03" => Cause::ConnectionLost,
        _ if code.len() == 5 && code.starts_with("08") => Cause::ConnectionLost,
        // SQLITE_CONSTRAINT_… FOREIGNKEY, CHECK, NOTNULL, PRIMARYKEY, UNIQUE.
        "787" | "275" | "1299" | "1555" | "2067" => Cause::Constraint,
        "9" => Cause::StatementTimeout,
        _ => match code.parse::<u32>().map(|extended| extended & 0xff) {
            Ok(5 | 6) if code.len() < 5 => Cause::LockTimeout,
            _ => Cause::Other,
        },
    }
}

/// SQLite's word for another writer names neither it nor the way out.
fn told(code: &str, message: &str) -> String {
    match cause_of(code) {
        Cause::LockTimeout if code.len() < 5 => format!(
            "{message}: another program has been writing it for longer than `lock-timeout` of [database]. Let it \
             finish, or raise that"
        ),
        _ => message.to_owned(),
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        let problem = Problem::new(error.code, error.message);
        match error.cause {
            Cause::LockTimeout | Cause::StatementTimeout => Self::Timeout(problem),
            _ => Self::Database(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_told_apart() {
        assert_eq!(cause_of("55P03"), Cause::LockTimeout);
        assert_eq!(cause_of("5"), Cause::LockTimeout);
        assert_eq!(cause_of("517"), Cause::LockTimeout, "SQLITE_BUSY_SNAPSHOT");
        assert_eq!(cause_of("787"), Cause::Constraint);
        assert_eq!(cause_of("08006"), Cause::ConnectionLost);
        assert_eq!(cause_of("42P01"), Cause::Other);
        assert_eq!(cause_of("1"), Cause::Other);
    }
}
