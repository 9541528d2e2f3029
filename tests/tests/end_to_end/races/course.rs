//! How one race is run: besom is brought to a gate, the application acts, both come to their end.

use std::sync::Arc;

use besom::database::{DatabaseError, Session};
use besom::request::{Batch, Step};
use besom::sweep::RunContext;
use besom_tests::lab::{Lab, drain};
use tokio::task::JoinHandle;

use super::cell::{Cell, Gate};
use super::{APPLICATION, Application, BESOM, change, held_or};

/// How the application's transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It changed this many rows, before besom's batch could end or else after.
    Committed { rows: u64, first: bool },
    /// The database refused it, with this code.
    Refused(String),
}

/// How both ended.
#[derive(Debug)]
pub struct Finish {
    pub application: Ended,
    pub besom: Batch,
}

/// Runs the race on the tables of [`Cell::schema`].
pub async fn run(lab: &Lab, application: &Application, cell: &Cell) -> Finish {
    let (context, _) = lab.begin().await;
    let sweep = || sweep(&context, cell);
    let mut session = application.session().await;
    let leaf = cell.leaf();
    let (application, besom) = match cell.gate {
        Gate::Throughout => {
            session.begin("BEGIN").await.unwrap();
            let rows = change(&mut session, &cell.statement()).await;
            let besom = sweep().await.unwrap();
            (commit(session, rows, true).await, besom)
        }
        Gate::Fence => {
            let mut gate = hold(application, "SELECT FROM besom_run FOR UPDATE").await;
            let besom = sweep();
            held_or(lab, BESOM, || besom.is_finished()).await;
            session.begin("BEGIN").await.unwrap();
            let rows = change(&mut session, &cell.statement()).await;
            let application = commit(session, rows, !besom.is_finished()).await;
            gate.rollback().await.unwrap();
            (application, besom.await.unwrap())
        }
        Gate::Tied => {
            behind(
                lab,
                session,
                cell,
                &format!("LOCK TABLE {leaf} IN EXCLUSIVE MODE"),
                sweep,
            )
            .await
        }
        Gate::Act => behind(lab, session, cell, "LOCK TABLE item IN SHARE MODE", sweep).await,
        Gate::Deleting | Gate::Deleted => {
            let mut gate = hold(application, "SELECT pg_advisory_xact_lock(1)").await;
            let besom = sweep();
            held_or(lab, BESOM, || besom.is_finished()).await;
            let held = !besom.is_finished();
            let statement = cell.statement();
            let acting = tokio::spawn(async move {
                session.begin("BEGIN").await.unwrap();
                let rows = change(&mut session, &statement).await;
                commit(session, rows, false).await
            });
            held_or(lab, APPLICATION, || acting.is_finished()).await;
            let first = held && acting.is_finished();
            gate.rollback().await.unwrap();
            let application = match acting.await.unwrap() {
                Ended::Committed { rows, .. } => Ended::Committed { rows, first },
                refused => refused,
            };
            (application, besom.await.unwrap())
        }
    };
    lab.end(&context).await;
    Finish { application, besom }
}

/// The change is made by whoever holds the gate, and opens it by its commit.
async fn behind(
    lab: &Lab,
    mut session: Session,
    cell: &Cell,
    gate: &str,
    sweep: impl Fn() -> JoinHandle<Batch>,
) -> (Ended, Batch) {
    session.begin(&format!("BEGIN; {gate}")).await.unwrap();
    let besom = sweep();
    held_or(lab, BESOM, || besom.is_finished()).await;
    let first = !besom.is_finished();
    let rows = change(&mut session, &cell.statement()).await;
    (commit(session, rows, first).await, besom.await.unwrap())
}

/// A transaction that does nothing but stand in the way.
async fn hold(application: &Application, lock: &str) -> Session {
    let mut session = application.session().await;
    session.begin(&format!("BEGIN; {lock}")).await.unwrap();
    session
}

async fn commit(mut session: Session, rows: Result<u64, DatabaseError>, first: bool) -> Ended {
    let done = match rows {
        Ok(rows) => session.commit().await.map(|()| rows),
        Err(error) => Err(error),
    };
    match done {
        Ok(rows) => Ended::Committed { rows, first },
        Err(error) => Ended::Refused(error.code),
    }
}

fn sweep(context: &Arc<RunContext>, cell: &Cell) -> JoinHandle<Batch> {
    let (context, cell) = (Arc::clone(context), *cell);
    tokio::spawn(async move {
        let (batch, end) = drain(&context, cell.request())
            .await
            .unwrap_or_else(|fault| panic!("{cell:?}: {fault}"));
        assert_eq!(end, Step::Drained, "{cell:?}");
        batch
    })
}
