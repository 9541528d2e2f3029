//! Looks at the database that change nothing and may not take long.

use std::time::{Duration, Instant};

use super::networks;
use super::transaction::Failed;
use crate::catalog::Dialect;
use crate::database::{Cause, Cells, Database, DatabaseError, Session, Statement};
use crate::request::Fault;
use crate::sql::Plan;

/// A table of more rows by the estimate is not read without an index on the column: that would take up the
/// little time that a look before a run has, and end without an answer.
pub(super) const MOST_READ: u64 = 1_000_000;

/// A look at a SQLite file with a rollback journal at most: until it ends no writer commits, not even the host's own
/// heartbeat.
pub(super) const AT_A_STRETCH: Duration = Duration::from_millis(100);

/// What a look fails by that was ended after [`AT_A_STRETCH`].
pub(super) const ROLLBACK_JOURNAL: &str = "rollback-journal";

/// PostgreSQL: plans that read whole tables, which no batch may.
const BY_SETS: &str = "SET LOCAL enable_seqscan = on; SET LOCAL enable_mergejoin = on";

/// The rows of a statement on a plan's table as a whole, with the networks that it assigns.
pub(super) async fn probe(
    database: &Database,
    plan: &Plan,
    limit: Duration,
    write: impl Fn(&Plan) -> Result<Statement, Fault>,
) -> Result<Vec<Cells>, DatabaseError> {
    let mut session = database.session().await?;
    let look = begin_within(&mut session, limit).await?;
    let rows = ask(&mut session, plan, write).await;
    look.end(&mut session, rows).await
}

/// The rows of a statement that only reads, and may not take longer than the limit.
pub(super) async fn fetch_within(
    database: &Database,
    statement: &Statement,
    limit: Duration,
) -> Result<Vec<Cells>, DatabaseError> {
    let mut session = database.session().await?;
    let look = begin_within(&mut session, limit).await?;
    let rows = session.fetch(statement).await;
    look.end(&mut session, rows).await
}

/// The same of a statement whose answer cannot be done without: on SQLite, whoever may have to wait.
pub(super) async fn fetch_in_any_case(
    database: &Database,
    statement: &Statement,
    limit: Duration,
) -> Result<Vec<Cells>, DatabaseError> {
    let mut session = database.session().await?;
    let look = match session.dialect() {
        Dialect::Postgres => begin_within(&mut session, limit).await?,
        Dialect::Sqlite => Look::begin(&mut session, limit, false).await?,
    };
    let rows = session.fetch(statement).await;
    look.end(&mut session, rows).await
}

/// How long a look of so much time may take.
pub(super) async fn at_most(
    database: &Database,
    limit: Duration,
) -> Result<Duration, DatabaseError> {
    let shuts_out = match database.dialect() {
        Dialect::Postgres => false,
        Dialect::Sqlite => database.session().await?.shuts_out_writers().await?,
    };
    Ok(if shuts_out {
        limit.min(AT_A_STRETCH)
    } else {
        limit
    })
}

/// A look that has begun.
#[must_use]
pub(super) struct Look {
    /// It may take less time than it was given, for the sake of writers.
    is_cut_short: bool,
}

impl Look {
    /// SQLite.
    async fn begin(
        session: &mut Session,
        limit: Duration,
        is_cut_short: bool,
    ) -> Result<Self, DatabaseError> {
        let limit = if is_cut_short { AT_A_STRETCH } else { limit };
        session.limit_sqlite_statements(Some(limit)).await?;
        Ok(Self { is_cut_short })
    }

    pub(super) async fn end<T>(
        self,
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
                done.map_err(|error| match error.cause {
                    Cause::StatementTimeout if self.is_cut_short => cut_short(),
                    _ => error,
                })
            }
        }
    }
}

pub(super) fn cut_short() -> DatabaseError {
    let message = format!(
        "the file has a rollback journal, and nobody commits while it is read, so that a look is ended after {} ms. \
         It may take its time after PRAGMA journal_mode=WAL",
        AT_A_STRETCH.as_millis()
    );
    DatabaseError {
        cause: Cause::StatementTimeout,
        ..DatabaseError::other(ROLLBACK_JOURNAL, message)
    }
}

pub(super) async fn begin_within(
    session: &mut Session,
    limit: Duration,
) -> Result<Look, DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            let begin = format!("{}; {BY_SETS}", reading(limit));
            session.begin(&begin).await?;
            Ok(Look {
                is_cut_short: false,
            })
        }
        Dialect::Sqlite => begin_reading(session, limit).await,
    }
}

/// A transaction that only reads, for a first statement of at most so long. Further ones are told how long
/// by [`until`]; on SQLite the limit is one for all.
pub(super) async fn begin_reading(
    session: &mut Session,
    limit: Duration,
) -> Result<Look, DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            session.begin(&reading(limit)).await?;
            Ok(Look {
                is_cut_short: false,
            })
        }
        Dialect::Sqlite => {
            let is_cut_short = limit > AT_A_STRETCH && session.shuts_out_writers().await?;
            Look::begin(session, limit, is_cut_short).await
        }
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
