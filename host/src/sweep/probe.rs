//! Looks at the database that change nothing and may not take long.

use std::time::{Duration, Instant};

use super::networks;
use super::transaction::Failed;
use crate::catalog::Dialect;
use crate::database::{Cells, Database, DatabaseError, Session, Statement};
use crate::request::Fault;
use crate::sql::Plan;

/// A table of more rows by the estimate is not read without an index on the column: that would take up the
/// little time that a look before a run has, and end without an answer.
pub(super) const MOST_READ: u64 = 1_000_000;

/// PostgreSQL: plans that read whole tables, which no batch may.
const BY_SETS: &str = "SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on";

/// Rows that the sweep would still take, counted no further than `most`.
pub(super) async fn remaining_within(
    database: &Database,
    plan: &Plan,
    most: u64,
    limit: Duration,
) -> Result<u64, DatabaseError> {
    let rows = probe(database, plan, limit, |plan| plan.remaining(most)).await?;
    Ok(rows.first().map_or(0, |row| row.get(0).as_count()))
}

/// The rows of a statement on a plan's table as a whole, with the networks that it assigns.
pub(super) async fn probe(
    database: &Database,
    plan: &Plan,
    limit: Duration,
    write: impl Fn(&Plan) -> Result<Statement, Fault>,
) -> Result<Vec<Cells>, DatabaseError> {
    let mut session = database.session().await?;
    begin_within(&mut session, limit).await?;
    let rows = ask(&mut session, plan, write).await;
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

pub(super) async fn begin_within(
    session: &mut Session,
    limit: Duration,
) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            let begin = format!("{}; {BY_SETS}", reading(limit));
            session.begin(&begin).await
        }
        Dialect::Sqlite => session.limit_sqlite_statements(Some(limit)).await,
    }
}

/// A transaction that only reads, for a first statement of at most so long. Further ones are told how long
/// by [`until`]; on SQLite the limit is one for all.
pub(super) async fn begin_reading(
    session: &mut Session,
    limit: Duration,
) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => session.begin(&reading(limit)).await,
        Dialect::Sqlite => session.limit_sqlite_statements(Some(limit)).await,
    }
}

/// PostgreSQL: statements from here on may read whole tables.
pub(super) async fn by_sets(session: &mut Session) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => session.run_script(BY_SETS).await,
        Dialect::Sqlite => Ok(()),
    }
}

/// The next statement ends by then, too.
pub(super) async fn until(session: &mut Session, ends: Instant) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            let timeout = milliseconds(ends.saturating_duration_since(Instant::now()));
            let script = format!("SET LOCAL statement_timeout = {timeout}");
            session.run_script(&script).await
        }
        Dialect::Sqlite => Ok(()),
    }
}

/// The same, where there is such a time.
pub(super) async fn until_then(
    session: &mut Session,
    ends: Option<Instant>,
) -> Result<(), DatabaseError> {
    match ends {
        Some(ends) => until(session, ends).await,
        None => Ok(()),
    }
}

fn reading(limit: Duration) -> String {
    let timeout = milliseconds(limit);
    format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {timeout}")
}

/// As PostgreSQL takes it, where zero would be no limit.
fn milliseconds(limit: Duration) -> u128 {
    limit.as_millis().max(1)
}

/// Ends what [`begin_within`] or [`begin_reading`] began, whatever came of it.
pub(super) async fn end_within<T, E: From<DatabaseError>>(
    session: &mut Session,
    done: Result<T, E>,
) -> Result<T, E> {
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

async fn ask(
    session: &mut Session,
    plan: &Plan,
    write: impl Fn(&Plan) -> Result<Statement, Fault>,
) -> Result<Vec<Cells>, DatabaseError> {
    let told = |fault: Fault| DatabaseError::other(&fault.problem().code, fault.to_string());
    let statement = match networks::read(session, plan, None).await {
        Ok(None) => write(plan),
        Ok(Some(known)) => write(&plan.with_networks(known)),
        Err(Failed::Database(error)) => return Err(error),
        Err(Failed::Request(fault)) => return Err(told(fault)),
        Err(_) => return Ok(Vec::new()),
    };
    session.fetch(&statement.map_err(told)?).await
}
