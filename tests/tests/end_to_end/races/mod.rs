//! An application changes rows while besom is between its look and its act.
//!
//! Nothing here sleeps in the hope of an order: the application holds a lock, the test waits until
//! the server says that somebody waits for it, and then lets go.

mod accounts;
mod cell;
mod conflicts;
mod course;
mod dependents;
mod one_row;
mod outside;
mod sqlite;
mod unenforced;
mod writers;

use std::time::{Duration, Instant};

use besom::catalog::Dialect;
use besom::database::{Database, DatabaseError, DatabaseOptions, Session, Statement};
use besom_tests::lab::Lab;

/// How long a test waits for a state of the server before it says that it never came.
const PATIENCE: Duration = Duration::from_secs(20);

/// A pause between two looks at the server.
const GLANCE: Duration = Duration::from_millis(2);

/// How the application's backends call themselves.
const APPLICATION: &str = "application";

/// How besom's backends call themselves.
const BESOM: &str = "besom";

/// The application's own connections, which wait for locks as long as it takes.
struct Application(Database);

impl Application {
    async fn of(lab: &Lab) -> Self {
        let options = DatabaseOptions {
            max_connections: 10,
            lock_timeout: PATIENCE,
            ..DatabaseOptions::default()
        };
        Self(Database::connect(&lab.home.url, options).await.unwrap())
    }

    async fn session(&self) -> Session {
        let mut session = self.0.session().await.unwrap();
        if session.dialect() == Dialect::Postgres {
            // Whose detector looks first is chance; here it is besom's.
            let settings =
                format!("SET application_name = '{APPLICATION}'; SET deadlock_timeout = '60s'");
            session.run_script(&settings).await.unwrap();
        }
        session
    }
}

/// Runs one statement that answers a row for each row it changed.
async fn change(session: &mut Session, sql: &str) -> Result<u64, DatabaseError> {
    let mut statement = Statement::new(session.dialect());
    statement.push(sql);
    Ok(session.fetch(&statement).await?.len() as u64)
}

/// Backends of that name which wait for a lock.
async fn waiting(lab: &Lab, name: &str) -> i64 {
    lab.count(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = '{name}' AND wait_event_type = 'Lock'"
    ))
    .await
}

/// Waits until a backend of that name waits for a lock, or there is nothing to wait for any more.
async fn held_or(lab: &Lab, name: &str, over: impl Fn() -> bool) {
    let began = Instant::now();
    while !over() && waiting(lab, name).await == 0 {
        assert!(began.elapsed() < PATIENCE, "{name} neither waits nor ends");
        tokio::time::sleep(GLANCE).await;
    }
}

/// The same lab, its batches waiting for a lock no longer than `lock_timeout`.
async fn impatient(mut lab: Lab, lock_timeout: Duration) -> Lab {
    let options = DatabaseOptions {
        lock_timeout,
        ..DatabaseOptions::default()
    };
    lab.database.close().await;
    lab.database = Database::connect(&lab.home.url, options).await.unwrap();
    lab
}
