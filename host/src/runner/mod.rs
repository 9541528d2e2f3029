//! One run from claim to outcome.
//!
//! A [`Host`] is a configuration with its database connected and its plugins loaded. It runs a
//! job under the grant in force at that moment, keeps the run's lease alive, waits for every batch
//! before it records the outcome, and verifies what a drained run left.

mod absent;
mod bases;
mod by_itself;
mod candidate;
mod conduct;
mod error;
mod fits;
mod follow;
mod formerly;
mod grace;
mod grants;
mod install;
mod known;
mod needed;
mod never_eligible;
mod no_instant;
mod offered;
mod order;
mod outlook;
mod own_held;
mod prepare;
mod record;
mod refuse;
mod rehearsal;
mod report;
mod resume;
mod run;
mod settled;
mod shadow;
mod switch;
mod versions;
mod weigh;

pub use absent::NOTHING_IS_HERE;
pub use by_itself::{ByItself, Scheduled};
pub use error::RunnerError;
pub use formerly::{carry_over, names};
pub use install::{Install, Installed, Standing};
pub use known::{Known, known_plugins, plugins_on};
pub use needed::unused_grants;
pub use offered::{Stray, not_there, unknown_jobs};
pub use outlook::{Hindrance, Outlook};
pub use prepare::{Examined, Prepared};
pub use record::{RunDetailJson, RunRecord, RunRecordJson, detail, milliseconds};
pub use refuse::Answered;
pub use report::{Outcome, Remains, RunReport, Unread, Verification, thousands, verification};
pub use run::{JobOptions, Queued};
pub use versions::{PassedOver, Versions};
#[doc(hidden)] // preflight's own tests weigh requests that no plugin makes
pub use weigh::weigh;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Catalog, Dialect, Role, quote_ident};
use crate::config::Config;
use crate::database::{Database, DatabaseOptions};
use crate::plugin::{Engine, EngineOptions, Limits, Plugin};
use crate::request::JobName;
use versions::Choice;

/// A configuration at work.
pub struct Host {
    /// As it reads for the versions that run.
    config: Config,
    /// As the file has it.
    written: Config,
    database: Database,
    engine: Engine,
    versions: Versions,
}

impl Host {
    /// Connects to the database and loads every plugin that the file names, in the version that is in
    /// use.
    ///
    /// # Errors
    /// When the database does not answer, or what the binary embeds or the file names does not load.
    pub async fn open(config: Config) -> Result<Self, RunnerError> {
        let database = connect(&config).await?;
        let engine = engine(&config)?;
        Self::of(config, database, engine, &Versions::default()).await
    }

    /// The same database under another configuration. What runs on this host goes on as it began.
    ///
    /// # Errors
    /// When a plugin does not load or refuses a setting, or the file names another database: that needs
    /// a new start.
    pub async fn reloaded(&self, config: Config) -> Result<Self, RunnerError> {
        if config.database != self.config.database || config.host.name != self.config.host.name {
            return Err(RunnerError::NeedsRestart);
        }
        let database = self.database.clone();
        let host = if config.host.cache != self.config.host.cache {
            let engine = engine(&config)?;
            Self::of(config, database, engine, &Versions::default()).await?
        } else {
            Self::of(config, database, self.engine.clone(), &self.versions).await?
        };
        if let Some(fault) = host.settings_at_fault().into_iter().next() {
            return Err(fault);
        }
        // A slip in `like` would take a job away that ran until now.
        let own = |stray: &Stray| host.is_own(&stray.job);
        if let Some(stray) = host.unknown_jobs().into_iter().find(own) {
            return Err(stray.into_error());
        }
        Ok(host)
    }

    async fn of(
        written: Config,
        database: Database,
        engine: Engine,
        known: &Versions,
    ) -> Result<Self, RunnerError> {
        let choice = Choice {
            config: &written,
            engine: &engine,
            database: &database,
            known,
        };
        let versions = versions::choose(&choice).await?;
        let mut config = written.clone();
        formerly::carry_over(&mut config, &versions.plugins, true)?;
        Ok(Self {
            config,
            written,
            database,
            engine,
            versions,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The loaded plugins by name.
    pub fn plugins(&self) -> &BTreeMap<String, Plugin> {
        &self.versions.plugins
    }

    /// Which version of each plugin this is, and why not another.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The catalog as it is now, with the operator's word on times.
    ///
    /// # Errors
    /// When the system tables cannot be read, or a time form names nothing.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, RunnerError> {
        catalog(&self.config, &self.database).await
    }

    /// A role of the database's, the connected one where none is named; `None` where there is no such
    /// role, and on SQLite.
    ///
    /// # Errors
    /// When the system tables cannot be read.
    pub async fn role(&self, name: Option<&str>) -> Result<Option<Role>, RunnerError> {
        let mut session = self.database.session().await?;
        session.hold().await?;
        let role = match session.as_postgres() {
            Some(connection) => Role::load(connection, name).await?,
            None => None,
        };
        session.release().await?;
        Ok(role)
    }

    /// The same jobs, each behind those among them that it waits for (`after`).
    ///
    /// # Errors
    /// For jobs that are not there, and for jobs that wait for one another.
    pub fn in_order(&self, jobs: Vec<JobName>) -> Result<Vec<JobName>, RunnerError> {
        let waiting = jobs.into_iter().map(|name| {
            let manifest = self.plugin(&name.plugin)?.manifest();
            self.refuse_not_there(&name)?;
            let job = manifest.job(&name.job).ok_or_else(|| {
                let known: Vec<_> = manifest.jobs.iter().map(|job| job.name.as_str()).collect();
                RunnerError::UnknownJob {
                    job: name.clone(),
                    known: known.join(", "),
                }
            })?;
            Ok((name, formerly::awaited(job, self.plugins())))
        });
        order::in_order(waiting.collect::<Result<_, RunnerError>>()?)
    }

    fn plugin(&self, name: &str) -> Result<&Plugin, RunnerError> {
        if let Some(why) = self.versions.unavailable.get(name) {
            return Err(RunnerError::Unavailable {
                plugin: name.to_owned(),
                why: why.clone(),
            });
        }
        self.plugins().get(name).ok_or_else(|| {
            let known: Vec<_> = self.plugins().keys().map(String::as_str).collect();
            RunnerError::UnknownPlugin {
                name: name.to_owned(),
                known: if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                },
            }
        })
    }
}

/// Connects as the configuration says.
///
/// # Errors
/// When the database does not answer.
pub async fn connect(config: &Config) -> Result<Database, RunnerError> {
    let options = DatabaseOptions {
        statement_timeout: config.database.statement_timeout,
        lock_timeout: config.database.lock_timeout,
        max_connections: config.database.max_connections,
        create: false,
        pooler: config.database.pooler,
    };
    let url = &config.database.url;
    Database::connect(url.expose(), options)
        .await
        .map_err(|source| RunnerError::Unreachable {
            database: url.to_string(),
            source,
        })
}

/// The engine that the configuration asks for.
///
/// # Errors
/// When it does not start on this machine, or its cache cannot be used.
pub fn engine(config: &Config) -> Result<Engine, RunnerError> {
    Ok(Engine::new(EngineOptions {
        limits: Limits::default(),
        cache: config.host.cache.clone(),
    })?)
}

/// The catalog as it is now, with the operator's word on times.
async fn catalog(config: &Config, database: &Database) -> Result<Arc<Catalog>, RunnerError> {
    /// Reading the system tables takes its time on a busy server, whatever a batch may take.
    const AT_LEAST: Duration = Duration::from_secs(15);
    let mut session = database.session().await?;
    if session.dialect() == Dialect::Postgres {
        let limit = database.options().statement_timeout.max(AT_LEAST);
        let limit = limit.as_millis();
        let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}");
        session.begin(&begin).await?;
    }
    let catalog = if let Some(connection) = session.as_postgres() {
        Catalog::load_postgres(connection).await?
    } else if let Some(connection) = session.as_sqlite() {
        Catalog::load_sqlite(connection).await?
    } else {
        Catalog::from_tables(Dialect::Sqlite, Vec::new(), Vec::new())
    };
    if session.dialect() == Dialect::Postgres {
        session.commit().await?;
    }
    let forms = config
        .times
        .iter()
        .map(|time| {
            let table = match &time.schema {
                Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(&time.table)),
                None => quote_ident(&time.table),
            };
            ((table, time.column.clone()), time.times.clone())
        })
        .collect();
    let catalog = catalog.with_time_forms(&forms)?;
    Ok(Arc::new(match config.database.time_zone {
        Some(zone) => catalog.written_in(zone),
        None => catalog,
    }))
}
