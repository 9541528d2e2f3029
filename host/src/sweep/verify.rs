//! Verification: after a drained run, is there really nothing left?

use std::sync::Arc;
use std::time::Duration;

use super::act::Failed;
use super::networks;
use crate::catalog::Dialect;
use crate::database::{Cause, Cells, Database, DatabaseError, Session, Statement};
use crate::request::Fault;
use crate::sql::Plan;

/// The probe's own limit: a table that no index serves may take long to say "nothing left", and
/// the run is over whatever it says.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Rows that are left are counted no further than this.
const MOST: u64 = 10_000;

/// The SQLSTATE for a table that is not there.
const UNDEFINED: &str = "42P01";

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// No row is left that the sweeps would delete.
    Verified,
    /// So many are left (10 000 or more are not counted further).
    Left(u64),
    /// The probe did not finish, and why.
    Unverified(String),
    /// A dry run, or one that did not drain.
    NotDone,
}

impl Verification {
    /// As the ledger keeps it.
    pub fn to_ledger(&self) -> Option<String> {
        match self {
            Self::Verified => Some("verified".to_owned()),
            Self::Left(rows) => Some(format!("left: {rows}")),
            Self::Unverified(why) => Some(format!("unverified: {why}")),
            Self::NotDone => None,
        }
    }

    /// As the ledger has it; what it does not know reads as not verified.
    pub fn from_ledger(text: Option<&str>) -> Self {
        match text {
            None => Self::NotDone,
            Some("verified") => Self::Verified,
            Some(text) => match text
                .strip_prefix("left: ")
                .and_then(|rows| rows.parse().ok())
            {
                Some(rows) => Self::Left(rows),
                None => {
                    Self::Unverified(text.strip_prefix("unverified: ").unwrap_or(text).to_owned())
                }
            },
        }
    }
}

/// Asks for every drained sweep whether a row is left, by the run's own cut-offs.
pub async fn verify(database: &Database, drained: &[Arc<Plan>]) -> Verification {
    let mut left = 0;
    for plan in drained {
        match remaining(database, plan, MOST).await {
            Ok(rows) => left += rows,
            // A partition that has been dropped since has no rows to leave.
            Err(error) if error.code == UNDEFINED && plan.authorized.root().is_some() => {}
            Err(error) if error.cause == Cause::StatementTimeout => {
                return Verification::Unverified(format!(
                    "the probe of `{}` took longer than {} s",
                    plan.table().id,
                    TIMEOUT.as_secs()
                ));
            }
            Err(error) => return Verification::Unverified(error.to_string()),
        }
    }
    if left == 0 {
        Verification::Verified
    } else {
        Verification::Left(left)
    }
}

/// Rows that the sweep would still delete, counted no further than `most`.
pub(super) async fn remaining(
    database: &Database,
    plan: &Plan,
    most: u64,
) -> Result<u64, DatabaseError> {
    remaining_within(database, plan, most, TIMEOUT).await
}

/// The same with a limit of its own.
pub(super) async fn remaining_within(
    database: &Database,
    plan: &Plan,
    most: u64,
    limit: Duration,
) -> Result<u64, DatabaseError> {
    let mut session = database.session().await?;
    begin_within(&mut session, limit).await?;
    let rows = probe(&mut session, plan, most).await;
    end_within(&mut session, rows).await
}

/// The rows of a statement that only reads, and may not take longer than the limit.
pub(super) async fn fetch_within(
    database: &Database,
    statement: &Statement,
    limit: Duration,
) -> Result<Vec<Cells>, DatabaseError> {
    let mut session = database.session().await?;
    begin_within(&mut session, limit).await?;
    let rows = session.fetch(statement).await;
    end_within(&mut session, rows).await
}

async fn begin_within(session: &mut Session, limit: Duration) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            let timeout = limit.as_millis();
            session
                .begin(&format!(
                    "BEGIN READ ONLY; SET LOCAL statement_timeout = {timeout}; \
                     SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on"
                ))
                .await
        }
        Dialect::Sqlite => session.limit_sqlite_statements(Some(limit)).await,
    }
}

async fn end_within<T>(
    session: &mut Session,
    done: Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    match session.dialect() {
        // After an error the session takes its connection with it.
        Dialect::Postgres => {
            let done = done?;
            session.rollback().await?;
            Ok(done)
        }
        Dialect::Sqlite => {
            session.limit_sqlite_statements(None).await?;
            done
        }
    }
}

async fn probe(session: &mut Session, plan: &Plan, most: u64) -> Result<u64, DatabaseError> {
    let told = |fault: Fault| DatabaseError::other(&fault.problem().code, fault.to_string());
    let statement = match networks::read(session, plan, None).await {
        Ok(None) => plan.remaining(most),
        Ok(Some(known)) => plan.with_networks(known).remaining(most),
        Err(Failed::Database(error)) => return Err(error),
        Err(Failed::Request(fault)) => return Err(told(fault)),
        Err(Failed::Fenced | Failed::TooMany) => return Ok(0),
    };
    let row = session.fetch_one(&statement.map_err(told)?).await?;
    Ok(row.get(0).as_count())
}
