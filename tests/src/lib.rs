//! Real databases for tests: a fresh, empty one for each test, gone when the test ends.
//!
//! ```no_run
//! # async fn example() {
//! let database = besom_tests::postgres().await;
//! let connection = sqlx::PgPool::connect(&database.url).await;
//! # }
//! ```
//!
//! PostgreSQL runs as a throw-away cluster that all tests of one process share ([`Cluster`]), or
//! on the server that `BESOM_TEST_POSTGRES` names. Nothing here knows the host.

mod cluster;
pub mod fixtures;
pub mod lab;
pub mod pgbouncer;
mod place;
mod programs;
pub mod schemas;
pub mod wire;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

pub use cluster::{Cluster, ClusterError};
use pgbouncer::{PgBouncer, PgBouncerOptions, Program};
pub use place::on_disk;
pub use programs::{Account, Programs};

/// The environment variable that names a PostgreSQL server to use instead of starting one. Its
/// role must be allowed to create databases.
pub const SERVER_VARIABLE: &str = "BESOM_TEST_POSTGRES";

/// Where this variable is set, every PostgreSQL database of a test stands behind a PgBouncer of its own in
/// transaction mode.
pub const POOLER_VARIABLE: &str = "BESOM_TEST_POOLER";

/// A database of one test's own; dropping it removes the database.
#[derive(Debug)]
pub struct TestDatabase {
    /// What to connect to, for besom, sqlx and psql alike; for besom with [`TestDatabase::pooler`].
    pub url: String,
    origin: Origin,
    bouncer: Option<PgBouncer>,
}

#[derive(Debug)]
enum Origin {
    /// The server's maintenance database, and the name of this one on it.
    Postgres { server: String, name: String },
    /// The folder that holds the file.
    Sqlite { _folder: TempDir },
}

/// A fresh, empty PostgreSQL database.
///
/// # Panics
///
/// With the way out, when there is no server and none can be started.
pub async fn postgres() -> TestDatabase {
    let database = direct_postgres().await;
    if std::env::var_os(POOLER_VARIABLE).is_none() {
        return database;
    }
    let behind =
        tokio::task::spawn_blocking(|| database.behind_pgbouncer(&PgBouncerOptions::default()));
    behind
        .await
        .unwrap_or_else(|error| panic!("starting PgBouncer for the test: {error}"))
        .unwrap_or_else(|| panic!("{POOLER_VARIABLE} is set, and there is no PgBouncer"))
}

/// The same, past any pooler.
async fn direct_postgres() -> TestDatabase {
    let server = match std::env::var(SERVER_VARIABLE) {
        Ok(url) => url,
        Err(_) => tokio::task::spawn_blocking(shared_server)
            .await
            .unwrap_or_else(|error| panic!("starting PostgreSQL for the tests: {error}")),
    };
    TestDatabase::on_postgres(&server).await
}

/// A fresh, empty PostgreSQL database behind a PgBouncer of its own in transaction mode; `None` where
/// there is no PgBouncer, which [`Program::find`] has said.
///
/// # Panics
///
/// With the way out, when there is no server and none can be started.
pub async fn behind_pgbouncer(options: PgBouncerOptions) -> Option<TestDatabase> {
    let database = direct_postgres().await;
    let behind = tokio::task::spawn_blocking(move || database.behind_pgbouncer(&options));
    behind
        .await
        .unwrap_or_else(|error| panic!("starting PgBouncer for the test: {error}"))
}

/// A fresh, empty SQLite database: a file in a temporary folder of its own.
///
/// # Panics
///
/// When the temporary folder cannot be made.
pub fn sqlite() -> TestDatabase {
    let folder = TempDir::with_prefix_in("besom-test-", place::for_files())
        .unwrap_or_else(|error| panic!("making a temporary folder for SQLite: {error}"));
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("test.db").display()
    );
    TestDatabase {
        url,
        origin: Origin::Sqlite { _folder: folder },
        bouncer: None,
    }
}

/// The cluster of this process. It is never dropped: its supervisor sees this process end.
fn shared_server() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let start = || Cluster::start().unwrap_or_else(|error| panic!("{error}"));
    CLUSTER.get_or_init(start).url("postgres")
}

impl TestDatabase {
    /// A fresh, empty database on the server that `server` (a URL) leads to.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached or refuses to create a database.
    pub async fn on_postgres(server: &str) -> Self {
        let name = unique_name();
        // template0 has no connections, so that many tests may copy it at once.
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        administer(server, create)
            .await
            .unwrap_or_else(|error| panic!("creating the test database {name}: {error}"));
        Self {
            url: with_database(server, &name),
            origin: Origin::Postgres {
                server: server.to_owned(),
                name,
            },
            bouncer: None,
        }
    }

    fn behind_pgbouncer(mut self, options: &PgBouncerOptions) -> Option<Self> {
        let program = Program::find()?;
        let bouncer = PgBouncer::start(&program, &self.url, options);
        bouncer.url().clone_into(&mut self.url);
        self.bouncer = Some(bouncer);
        Some(self)
    }

    /// What besom is to be told in `[database] pooler`.
    pub fn pooler(&self) -> &'static str {
        match self.bouncer {
            Some(_) => "transaction",
            None => "none",
        }
    }

    /// The URL of the database itself, whatever stands before it.
    pub fn direct(&self) -> String {
        match &self.origin {
            Origin::Postgres { server, name } => with_database(server, name),
            Origin::Sqlite { .. } => self.url.clone(),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Origin::Postgres { server, name } = &self.origin else {
            return;
        };
        let server = server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        // A thread with a runtime of its own: this may run inside the test's, which cannot block.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map(|runtime| runtime.block_on(administer(&server, statement)))
        })
        .join();
        if !matches!(dropped, Ok(Ok(Ok(())))) {
            eprintln!("the test database {name} could not be dropped");
        }
    }
}

async fn administer(server: &str, statement: String) -> Result<(), sqlx::Error> {
    let options: PgConnectOptions = server.parse()?;
    let mut connection = options.connect().await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Unique among the tests of this process, of others, and of other machines on the same server.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("besom_test_{}_{number}_{nanos:x}", std::process::id())
}

/// `server` with its database replaced: what stands between the authority and the query.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = match server.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (server, String::new()),
    };
    let authority_from = address.find("://").map_or(0, |at| at + 3);
    let (scheme, authority_and_path) = address.split_at(authority_from);
    let authority = authority_and_path.split('/').next().unwrap_or_default();
    format!("{scheme}{authority}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        for (server, expected) in [
            (
                "postgres://me@h:5433/old?sslmode=require",
                "postgres://me@h:5433/new?sslmode=require",
            ),
            ("postgres://me@h", "postgres://me@h/new"),
            (
                "postgres://me@h?host=/tmp/x",
                "postgres://me@h/new?host=/tmp/x",
            ),
            ("postgresql://me:p%2Fw@h/", "postgresql://me:p%2Fw@h/new"),
        ] {
            assert_eq!(with_database(server, "new"), expected);
        }
    }
}
