//! Where a demo happens: a database that nobody else uses, gone afterwards unless it is kept.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::super::exit::Refusal;
use super::{data, kept, schema};
use crate::catalog::Dialect;
use crate::config::DatabaseUrl;
use crate::database::{Database, DatabaseOptions, Statement};
use crate::ledger;

/// The schema that holds everything of a demo on PostgreSQL, ledger included.
const SCHEMA: &str = "besom_demo";

/// A demo's database.
pub struct Place {
    url: DatabaseUrl,
    /// What the report calls it.
    pub shown: String,
    database: Database,
    keep: bool,
    /// The folder of a file that nobody asked for by name.
    _folder: Option<TempDir>,
    file: Option<PathBuf>,
}

impl Place {
    /// Makes a database: a SQLite file in a temporary folder, the file that is named, or a schema
    /// of its own on PostgreSQL.
    ///
    /// # Errors
    /// When something is there already and `keep` does not say to go on with it.
    pub async fn make(named: Option<DatabaseUrl>, keep: bool) -> Result<Self> {
        let options = DatabaseOptions {
            create: true,
            ..DatabaseOptions::default()
        };
        let Some(url) = named else {
            let folder = TempDir::with_prefix("besom-demo-").context("no temporary folder")?;
            let file = folder.path().join("demo.db");
            let url: DatabaseUrl = format!("sqlite://{}", file.display()).parse()?;
            let database = Database::connect(url.expose(), options).await?;
            let folder = if keep {
                // Left behind by request; the report names it.
                let _ = folder.keep();
                None
            } else {
                Some(folder)
            };
            return Ok(Self {
                shown: url.to_string(),
                url,
                database,
                keep,
                _folder: folder,
                file: None,
            });
        };
        match url.dialect() {
            Dialect::Sqlite => {
                let path = url
                    .expose()
                    .trim_start_matches("sqlite:")
                    .trim_start_matches("//");
                let file = PathBuf::from(path.split('?').next().unwrap_or(path));
                if file.exists() && !keep {
                    return Err(in_the_way(&file.display().to_string()).into());
                }
                let database = Database::connect(url.expose(), options).await?;
                Ok(Self {
                    shown: url.to_string(),
                    url,
                    database,
                    keep,
                    _folder: None,
                    file: Some(file),
                })
            }
            Dialect::Postgres => {
                let there = Database::connect(url.expose(), options.clone()).await?;
                let made = make_schema(&there, keep).await;
                there.close().await;
                made?;
                let separator = if url.expose().contains('?') { '&' } else { '?' };
                let inside = format!("{}{separator}options[search_path]={SCHEMA}", url.expose());
                let database = Database::connect(&inside, options).await?;
                Ok(Self {
                    url: inside.parse()?,
                    shown: format!("{url}, schema {SCHEMA}"),
                    database,
                    keep,
                    _folder: None,
                    file: None,
                })
            }
        }
    }

    /// Where it is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Makes the tables and fills them, unless an earlier demo did; answers the moment that ages
    /// count from, in microseconds.
    pub async fn fill(&self, rows: u64) -> Result<i64> {
        let now = self.database.now().await?.0;
        let mut session = self.database.session().await?;
        if let Some(connection) = session.as_postgres() {
            schema::apply_postgres(connection).await?;
            // Generating rows is one long statement, which is no sign of a bad plan.
            sqlx::raw_sql("SET statement_timeout = 0")
                .execute(&mut *connection)
                .await?;
            data::fill_postgres(connection, rows, now).await?;
            let timeout = self.database.options().statement_timeout.as_millis();
            let back = sqlx::AssertSqlSafe(format!("ANALYZE; SET statement_timeout = {timeout}"));
            sqlx::raw_sql(back).execute(connection).await?;
        } else if let Some(connection) = session.as_sqlite() {
            schema::apply_sqlite(connection).await?;
            data::fill_sqlite(connection, rows, now).await?;
        }
        drop(session);
        ledger::migrate(&self.database).await?;
        Ok(now)
    }

    /// How many rows of each group that must stay are there.
    pub async fn kept(&self, now: i64) -> Result<Vec<(&'static kept::Kept, u64)>> {
        let mut session = self.database.session().await?;
        let mut counts = Vec::new();
        for group in &kept::KEPT {
            let count = if let Some(connection) = session.as_postgres() {
                kept::count_postgres(connection, group, now).await?
            } else if let Some(connection) = session.as_sqlite() {
                kept::count_sqlite(connection, group, now).await?
            } else {
                0
            };
            counts.push((group, u64::try_from(count).unwrap_or(0)));
        }
        Ok(counts)
    }

    /// How many rows each table that was filled holds.
    pub async fn rows(&self) -> Result<Vec<(&'static str, u64)>> {
        let mut session = self.database.session().await?;
        let mut counts = Vec::new();
        for table in data::FILLED_TABLES {
            let mut statement = Statement::new(self.database.dialect());
            statement.push(&format!("SELECT count(*) FROM {table}"));
            let row = session.fetch_one(&statement).await?;
            let count = row.get(0).as_integer().unwrap_or(0);
            counts.push((table, u64::try_from(count).unwrap_or(0)));
        }
        Ok(counts)
    }

    /// Takes away what was made, unless it is to be kept.
    pub async fn leave(self) -> Result<()> {
        if self.keep {
            self.database.close().await;
            return Ok(());
        }
        if self.database.dialect() == Dialect::Postgres {
            let mut session = self.database.session().await?;
            session
                .run_script(&format!("DROP SCHEMA {SCHEMA} CASCADE"))
                .await?;
        }
        self.database.close().await;
        if let Some(file) = self.file {
            for suffix in ["", "-wal", "-shm"] {
                let mut path = file.clone().into_os_string();
                path.push(suffix);
                // The side files are there only sometimes.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }
}

async fn make_schema(database: &Database, keep: bool) -> Result<()> {
    let mut session = database.session().await?;
    let create = match keep {
        true => format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}"),
        false => format!("CREATE SCHEMA {SCHEMA}"),
    };
    match session.run_script(&create).await {
        Err(error) if error.code == "42P06" => Err(in_the_way(&format!("schema {SCHEMA}")).into()),
        made => Ok(made?),
    }
}

fn in_the_way(what: &str) -> Refusal {
    Refusal(format!(
        "{what} is there already: --keep goes on with what an earlier demo left, or name another database"
    ))
}
