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
    /// Something refuses what would become of a row: a foreign key that refers to it (23503, 787), NOT NULL,
    /// UNIQUE, CHECK or an exclusion, a value that does not fit, or a trigger that raises.
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
    /// PostgreSQL: where in functions and triggers it came about, by the server's own word.
    pub within: Option<String>,
}

impl DatabaseError {
    /// An error of besom's own.
    pub fn other(code: &str, message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Other,
            code: code.to_owned(),
            message: message.into(),
            within: None,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) => {
                let code = inner.code().unwrap_or_default().into_owned();
                let cause = match cause_of(&code) {
                    Cause::Other if goes_too_deep(&code, inner.message()) => Cause::Constraint,
                    cause => cause,
                };
                Self {
                    cause,
                    message: told(&code, inner.message()),
                    within: within(inner.as_ref()),
                    code,
                }
            }
            sqlx::Error::PoolTimedOut => Self {
                cause: Cause::ConnectionLost,
                code: "connection".to_owned(),
                message: "no connection was to be had within ten seconds: is the server there, at \
                          this host and port, and has it connections left for this role?"
                    .to_owned(),
                within: None,
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self {
                cause: Cause::ConnectionLost,
                code: "connection".to_owned(),
                message: error.to_string(),
                within: None,
            },
            _ => Self::other("driver", error.to_string()),
        }
    }
}

/// On one line, and no longer than a record bears.
fn within(error: &(dyn sqlx::error::DatabaseError + 'static)) -> Option<String> {
    const MOST_CHARACTERS: usize = 400;
    let error = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    let lines: Vec<_> = error.r#where()?.split_whitespace().collect();
    Some(lines.join(" ").chars().take(MOST_CHARACTERS).collect())
}

/// SQLSTATEs are five characters, SQLite's extended result codes fewer digits: they do not meet.
fn cause_of(code: &str) -> Cause {
    match code {
        "55P03" => Cause::LockTimeout,
        "40P01" => Cause::Deadlock,
        "40001" => Cause::Serialization,
        "57014" => Cause::StatementTimeout,
        // admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction timeout.
        "57P01" | "57P02" | "57P03" | "25P03" => Cause::ConnectionLost,
        _ if code.len() == 5 && code.starts_with("08") => Cause::ConnectionLost,
        "9" => Cause::StatementTimeout,
        _ if code.len() == 5 => match refuses_a_row(code) {
            true => Cause::Constraint,
            false => Cause::Other,
        },
        _ => match code.parse::<u32>().map(|extended| extended & 0xff) {
            Ok(5 | 6) => Cause::LockTimeout,
            // SQLITE_CONSTRAINT and all that are kinds of it; RAISE() of a trigger is one.
            Ok(19) => Cause::Constraint,
            _ => Cause::Other,
        },
    }
}

/// SQLite follows triggers and foreign keys' rules a thousand rows deep at most. Which rows are so deep is a matter
/// of the rows, and the others go; the code says nothing but that there is an error.
fn goes_too_deep(code: &str, message: &str) -> bool {
    code == "1" && message.contains("too many levels of trigger recursion")
}

/// SQLite's word for another writer names neither it nor the way out.
fn told(code: &str, message: &str) -> String {
    match cause_of(code) {
        Cause::LockTimeout if code.len() < 5 => format!(
            "{message}: another program, or another job of besom, has been writing it for longer than `lock-timeout` of \
             [database]. Let it finish, or raise that"
        ),
        _ if code == READ_ONLY => format!(
            "{message}: this server is a standby, or the session's default_transaction_read_only is on. Name the primary in \
             the URL of [database], or set that off for besom's role"
        ),
        _ => message.to_owned(),
    }
}

/// Nothing is written in a read-only transaction.
const READ_ONLY: &str = "25006";

/// Whether an SQLSTATE says that a row may not become what a statement makes of it. What is left is about the
/// statement, the session or the server, and would be so for any row.
fn refuses_a_row(code: &str) -> bool {
    /// Data that does not fit, integrity, a change that a trigger contradicts, and what functions and triggers
    /// raise, by themselves or for want of a handler.
    const OF_ROWS: [&str; 11] = [
        "09", "20", "21", "22", "23", "27", "2F", "38", "39", "44", "P0",
    ];
    /// The other classes that PostgreSQL knows. A trigger may raise one that nobody does.
    const OTHERS: [&str; 33] = [
        "00", "01", "02", "03", "08", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "24", "25", "26",
        "28", "2B", "2D", "34", "3B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "72",
        "F0", "HV", "XX",
    ];
    let class = code.get(..2).unwrap_or_default();
    OF_ROWS.contains(&class) || !OTHERS.contains(&class)
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        let message = match error.within {
            Some(within) => format!("{} [{within}]", error.message),
            None => error.message,
        };
        let problem = Problem::new(error.code, message);
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

    #[test]
    fn what_constraints_and_triggers_say_of_a_row_is_told_from_what_is_wrong_with_a_statement() {
        for of_a_row in [
            "23503", "23001", "23502", "23505", "23514", "23P01", "23000", "22001", "22012",
            "27000", "P0001", "P0004", "38000", "LH001", "45000", "U0001", "787", "275", "1299",
            "1555", "2067", "1811", "3091", "19",
        ] {
            assert_eq!(cause_of(of_a_row), Cause::Constraint, "{of_a_row}");
        }
        for of_a_statement in [
            "42501", "42883", "42P01", "0A000", "25006", "53200", "54001", "55000", "XX000",
            "F0001", "HV000", "1", "7", "11",
        ] {
            assert_eq!(cause_of(of_a_statement), Cause::Other, "{of_a_statement}");
        }
    }
}
