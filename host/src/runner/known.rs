//! The plugins of a file for who only wants to know what there is, and runs nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::versions::{Choice, Versions, choose};
use super::{RunnerError, absent, bases, connect, engine, fits, formerly};
use crate::config::Config;
use crate::database::{Database, DatabaseError};
use crate::plugin::{Engine, Plugin};
use crate::request::JobName;

/// A database that is there answers within this; one that is not should keep nobody waiting who can be
/// told most of it without.
const PATIENCE: Duration = Duration::from_secs(3);

/// Plugins by name, and why installed versions are not among them, if they are not.
#[derive(Debug)]
pub struct Known {
    /// The plugins.
    pub plugins: BTreeMap<String, Plugin>,
    /// The jobs that are absent in the database, and what is missing, as far as it could be asked.
    pub absent: BTreeMap<JobName, String>,
    /// Why the database could not be asked.
    pub unasked: Option<RunnerError>,
}

/// The plugins in the versions that a host would run. Where the database does not answer soon, those of
/// the binary and the file, and why.
///
/// # Errors
/// When a plugin of the binary or the file does not load.
pub async fn known_plugins(config: &Config) -> Result<Known, RunnerError> {
    let engine = engine(config)?;
    let asked = async {
        let database = connect_soon(config).await?;
        let plugins = chosen(config, &engine, &database).await;
        let absent = match &plugins {
            Ok(plugins) => absent_on(config, plugins, &database).await,
            Err(_) => Ok(BTreeMap::new()),
        };
        database.close().await;
        // Who only wants to know what there is can do without.
        let absent = absent.unwrap_or_else(|error| {
            tracing::warn!("which jobs are absent is not known: {error}");
            BTreeMap::new()
        });
        plugins.map(|plugins| (plugins, absent))
    };
    match asked.await {
        Ok((plugins, absent)) => Ok(Known {
            plugins,
            absent,
            unasked: None,
        }),
        Err(error) if error.passes() => Ok(Known {
            plugins: bases::bases(config, &engine, &Versions::default()).await?,
            absent: BTreeMap::new(),
            unasked: Some(error),
        }),
        Err(error) => Err(error),
    }
}

/// The plugins in the versions that a host on this database would run.
///
/// # Errors
/// When a plugin of the binary or the file does not load, or the database does not answer.
pub async fn plugins_on(
    config: &Config,
    database: &Database,
) -> Result<BTreeMap<String, Plugin>, RunnerError> {
    chosen(config, &engine(config)?, database).await
}

async fn chosen(
    config: &Config,
    engine: &Engine,
    database: &Database,
) -> Result<BTreeMap<String, Plugin>, RunnerError> {
    let choice = Choice {
        config,
        engine,
        database,
        known: &Versions::default(),
    };
    Ok(choose(&choice).await?.plugins)
}

async fn absent_on(
    config: &Config,
    plugins: &BTreeMap<String, Plugin>,
    database: &Database,
) -> Result<BTreeMap<JobName, String>, RunnerError> {
    let mut config = config.clone();
    formerly::carry_over(&mut config, plugins, false)?;
    let catalog = super::catalog(&config, database).await?;
    let jobs = plugins
        .values()
        .flat_map(|plugin| fits::jobs(&config, plugin.manifest()));
    let jobs: Vec<_> = jobs.collect();
    absent::among(&jobs, &[], &config, plugins, database, &catalog).await
}

async fn connect_soon(config: &Config) -> Result<Database, RunnerError> {
    let connected = tokio::time::timeout(PATIENCE, connect(config)).await;
    connected.unwrap_or_else(|_| {
        let within = humantime::format_duration(PATIENCE);
        Err(RunnerError::Unreachable {
            database: config.database.url.to_string(),
            source: DatabaseError::other("connection", format!("no answer within {within}")),
        })
    })
}
