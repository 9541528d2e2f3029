//! The transaction of a batch: its fence, its commit, and why it did not come to that.

use std::fmt;

use crate::database::{Cause, DatabaseError, Session, Statement};
use crate::ledger::{self, Fence};
use crate::request::Fault;

/// Why an attempt at a batch did not commit.
pub(super) enum Failed {
    /// The fence's UPDATE found no row.
    Fenced {
        /// Where it also asks for the plan's schema: that is another.
        by_schema: bool,
    },
    /// The schema is another than the plan's.
    Schema,
    /// The database refused or was not there.
    Database(DatabaseError),
    /// A constraint or trigger refuses statements whatever rows they take.
    EveryStatement(DatabaseError),
    /// So much goes along with the window's rows that the batch is not begun.
    TooHeavy,
    /// Nothing hangs on the row that could go before it.
    NothingApart,
    /// The request cannot be carried out.
    Request(Fault),
}

impl Failed {
    /// Nobody has answered: it may have committed all the same.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Database(error) if error.cause == Cause::ConnectionLost)
    }

    /// Something refuses what would become of some of the rows.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Database(error) if error.cause == Cause::Constraint)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fenced { .. } => f.write_str("the run was taken over"),
            Self::Schema => f.write_str("the schema has changed"),
            Self::Database(error) => error.fmt(f),
            Self::EveryStatement(error) => write!(f, "whatever the rows: {error}"),
            Self::TooHeavy => f.write_str("too much goes along"),
            Self::NothingApart => f.write_str("nothing hangs on it that could go before it"),
            Self::Request(fault) => fault.fmt(f),
        }
    }
}

impl From<DatabaseError> for Failed {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Request(fault)
    }
}

pub(super) async fn raise_fence(
    session: &mut Session,
    fence: &Fence,
    checkpoint: &str,
) -> Result<(), Failed> {
    let mut w = Statement::new(session.dialect());
    ledger::write_fence(&mut w, fence, checkpoint);
    match session.fetch(&w).await?.is_empty() {
        true => Err(Failed::Fenced { by_schema: false }),
        false => Ok(()),
    }
}

/// Commits what went well; a failed COMMIT is a failed batch.
pub(super) async fn finish<T>(session: &mut Session, done: Result<T, Failed>) -> Result<T, Failed> {
    match done {
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(failed) => {
            if !failed.is_lost() {
                // If this fails too, the session takes its connection with it.
                let _ = session.rollback().await;
            }
            Err(failed)
        }
    }
}
