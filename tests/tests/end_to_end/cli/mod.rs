//! The binary as an operator uses it.

pub mod absent;
mod commands;
mod configuration;
mod demo;
mod due;
pub mod killed;
mod like;
mod misspelt;
mod profiles;
pub mod refused;
mod renamed;
mod runs;
mod same_tables;
mod schedule;
mod third_party;

use std::path::Path;
use std::process::{Command, Output};

use besom::cli::demo::{data, schema};
use besom::database::{Database, DatabaseOptions};
use besom_tests::TestDatabase;
use tempfile::TempDir;

/// The binary.
pub fn besom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_besom-under-test"));
    command
        .env_remove("BESOM_DATABASE_URL")
        .env_remove("BESOM_CONFIG")
        .env_remove("BESOM_LOG")
        .env_remove("BESOM_ENV");
    command
}

/// An operator's folder with a `besom.toml`, and the database that it names.
pub struct Desk {
    pub database: TestDatabase,
    pub folder: TempDir,
}

impl Desk {
    /// The reference schema with the demo's rows, and a file that says `more` beside the database.
    pub async fn filled(database: TestDatabase, rows: u64, more: &str) -> Self {
        Self::with_rows(database, Some(rows), more).await
    }

    /// The reference schema without rows, and the same.
    pub async fn with_schema(database: TestDatabase, more: &str) -> Self {
        Self::with_rows(database, None, more).await
    }

    async fn with_rows(database: TestDatabase, rows: Option<u64>, more: &str) -> Self {
        let pool = connect(&database).await;
        let now = pool.now().await.unwrap().0;
        let mut session = pool.session().await.unwrap();
        if let Some(connection) = session.as_postgres() {
            schema::apply_postgres(connection).await.unwrap();
            if let Some(rows) = rows {
                data::fill_postgres(connection, rows, now).await.unwrap();
            }
        } else if let Some(connection) = session.as_sqlite() {
            schema::apply_sqlite(connection).await.unwrap();
            if let Some(rows) = rows {
                data::fill_sqlite(connection, rows, now).await.unwrap();
            }
        }
        drop(session);
        pool.close().await;
        let desk = Self::with_file(database, more);
        desk.says(&["migrate"]);
        desk
    }

    /// A folder with a file that names the database and says `more`.
    pub fn with_file(database: TestDatabase, more: &str) -> Self {
        let folder = TempDir::with_prefix("besom-desk-").unwrap();
        let url = &database.url;
        let pooler = match database.pooler() {
            "none" => String::new(),
            kind => format!("pooler = \"{kind}\"\n"),
        };
        let cache = besom_tests::fixtures::code_cache();
        let text = format!(
            "[database]\nurl = \"{url}\"\n{pooler}[host]\nlease = \"2s\"\ncache = \"{}\"\n{more}",
            cache.display()
        );
        std::fs::write(folder.path().join("besom.toml"), text).unwrap();
        Self { database, folder }
    }

    /// The command in this folder, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = besom();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed and answers what it printed.
    pub fn says(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(
            said.code,
            0,
            "besom {}\n{}\n{}",
            arguments.join(" "),
            said.stdout,
            said.stderr
        );
        said.stdout
    }

    /// The same, as JSON.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.says(arguments)).unwrap()
    }

    /// A number from the database.
    pub async fn count(&self, sql: &str) -> i64 {
        let pool = connect(&self.database).await;
        let mut statement = besom::database::Statement::new(pool.dialect());
        statement.push(sql);
        let mut session = pool.session().await.unwrap();
        let row = session
            .fetch_one(&statement)
            .await
            .unwrap_or_else(|e| panic!("{e} in {sql}"));
        let number = row.get(0).as_integer().unwrap();
        drop(session);
        pool.close().await;
        number
    }

    /// Runs statements.
    pub async fn script(&self, sql: &str) {
        let pool = connect(&self.database).await;
        let mut session = pool.session().await.unwrap();
        session
            .run_script(sql)
            .await
            .unwrap_or_else(|e| panic!("{e} in {sql}"));
        drop(session);
        pool.close().await;
    }
}

/// A test's own way to the database, past any pooler.
pub async fn connect(database: &TestDatabase) -> Database {
    let options = DatabaseOptions {
        create: true,
        ..DatabaseOptions::default()
    };
    Database::connect(&database.direct(), options)
        .await
        .unwrap()
}

/// What a command answered.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Both kinds of database.
pub async fn both() -> [TestDatabase; 2] {
    [besom_tests::postgres().await, besom_tests::sqlite()]
}

/// A component in the operator's folder.
pub fn place(folder: &Path, name: &str, component: &[u8]) {
    std::fs::write(folder.join(name), component).unwrap();
}
