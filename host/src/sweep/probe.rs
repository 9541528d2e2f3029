//! Looks at the database that change nothing and may not take long.

use std::time::Duration;

use super::networks;
use super::transaction::Failed;
use crate::catalog::Dialect;
use crate::database::{Cells, Database, DatabaseError, Session, Statement};
use crate::request::Fault;
use crate::sql::Plan;

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

async fn begin_within(session: &mut Session, limit: Duration) -> Result<(), DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            // Zero would be no limit.
            let timeout = limit.as_millis().max(1);
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
        Err(Failed::Fenced) => return Ok(Vec::new()),
    };
    session.fetch(&statement.map_err(told)?).await
}
