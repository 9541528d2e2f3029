//! One run from claim to outcome.
//!
//! A [`Host`] is a configuration with its database connected and its plugins loaded. It runs a
//! job under the grant in force at that moment, keeps the run's lease alive, waits for every batch
//! before it records the outcome, and verifies what a drained run left.

mod error;
mod formerly;
mod grants;
mod never_eligible;
mod order;
mod prepare;
mod record;
mod report;
mod run;

pub use error::RunnerError;
pub use formerly::{carry_over, names};
pub use prepare::{Examined, Prepared};
pub use record::{RunDetailJson, RunRecord, RunRecordJson, detail, milliseconds};
pub use report::{Outcome, Remains, RunReport, Verification, thousands, verification};
pub use run::{JobOptions, Parking, Queued};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::{Catalog, Dialect, Role, quote_ident};
use crate::config::{Config, Origin};
use crate::database::{Database, DatabaseOptions};
use crate::plugin::{Engine, EngineOptions, Job, Limits, Plugin};
use crate::request::JobName;

/// A configuration at work.
pub struct Host {
    config: Config,
    database: Database,
    plugins: BTreeMap<String, Plugin>,
}

impl Host {
    /// Connects to the database and loads every plugin that the file names.
    ///
    /// # Errors
    /// When the database does not answer or a plugin does not load.
    pub async fn open(mut config: Config) -> Result<Self, RunnerError> {
        let database = connect(&config).await?;
        let plugins = load_plugins(&config).await?;
        formerly::carry_over(&mut config, &plugins)?;
        Ok(Self {
            config,
            database,
            plugins,
        })
    }

    /// The same database under another configuration. What runs on this host goes on as it began.
    ///
    /// # Errors
    /// When a plugin does not load, or the file names another database: that needs a new start.
    pub async fn reloaded(&self, mut config: Config) -> Result<Self, RunnerError> {
        if config.database != self.config.database || config.host.name != self.config.host.name {
            return Err(RunnerError::NeedsRestart);
        }
        let plugins = load_plugins(&config).await?;
        formerly::carry_over(&mut config, &plugins)?;
        Ok(Self {
            config,
            database: self.database.clone(),
            plugins,
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
        &self.plugins
    }

    /// The catalog as it is now, with the operator's word on times.
    ///
    /// # Errors
    /// When the system tables cannot be read, or a time form names nothing.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, RunnerError> {
        let mut session = self.database.session().await?;
        session.hold().await?;
        let catalog = if let Some(connection) = session.as_postgres() {
            Catalog::load_postgres(connection).await?
        } else if let Some(connection) = session.as_sqlite() {
            Catalog::load_sqlite(connection).await?
        } else {
            Catalog::from_tables(Dialect::Sqlite, Vec::new(), Vec::new())
        };
        session.release().await?;
        let forms = self
            .config
            .times
            .iter()
            .map(|time| {
                let table = match &time.schema {
                    Some(schema) => format!("{}.{}", quote_ident(schema), quote_ident(&time.table)),
                    None => quote_ident(&time.table),
                };
                ((table, time.column.clone()), time.form)
            })
            .collect();
        Ok(Arc::new(catalog.with_time_forms(&forms)?))
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
            let job = manifest.job(&name.job).ok_or_else(|| {
                let known: Vec<_> = manifest.jobs.iter().map(|job| job.name.as_str()).collect();
                RunnerError::UnknownJob {
                    job: name.clone(),
                    known: known.join(", "),
                }
            })?;
            Ok((name, awaited(job, &self.plugins)))
        });
        order::in_order(waiting.collect::<Result<_, RunnerError>>()?)
    }

    fn plugin(&self, name: &str) -> Result<&Plugin, RunnerError> {
        self.plugins.get(name).ok_or_else(|| {
            let known: Vec<_> = self.plugins.keys().map(String::as_str).collect();
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

/// Loads every plugin that the file names.
///
/// # Errors
/// When one does not load, or calls itself otherwise than the file does, and for jobs that wait for
/// one another.
pub async fn load_plugins(config: &Config) -> Result<BTreeMap<String, Plugin>, RunnerError> {
    let engine = Engine::new(EngineOptions {
        limits: Limits::default(),
        cache: config.host.cache.clone(),
    })?;
    let mut plugins = BTreeMap::new();
    for (name, plugin) in &config.plugins {
        let component = match &plugin.origin {
            Origin::Bundled => besom_bundle::PLUGINS
                .iter()
                .find(|bundled| bundled.name == name)
                .map(|bundled| bundled.component.to_vec())
                .unwrap_or_default(),
            Origin::File(path) => {
                std::fs::read(path).map_err(|source| RunnerError::Unreadable {
                    plugin: name.clone(),
                    path: path.clone(),
                    source,
                })?
            }
        };
        let loaded = engine
            .load(&component)
            .await
            .map_err(|source| RunnerError::Load {
                plugin: name.clone(),
                source: Box::new(source),
            })?;
        if loaded.manifest().name != *name {
            return Err(RunnerError::OtherName {
                configured: name.clone(),
                described: loaded.manifest().name.clone(),
            });
        }
        plugins.insert(name.clone(), loaded);
    }
    let mut waiting = Vec::new();
    for (name, plugin) in &plugins {
        for job in &plugin.manifest().jobs {
            waiting.push((JobName::new(name, &job.name), awaited(job, &plugins)));
        }
    }
    order::in_order(waiting)?;
    Ok(plugins)
}

/// The jobs that a job waits for, by their names of today.
fn awaited(job: &Job, plugins: &BTreeMap<String, Plugin>) -> Vec<JobName> {
    let after = job.after.iter().cloned();
    after.map(|name| formerly::present(name, plugins)).collect()
}
