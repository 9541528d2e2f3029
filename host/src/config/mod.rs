//! `besom.toml` as validated types.
//!
//! ```
//! use std::path::Path;
//! use besom::config::{Config, Environment, Rules};
//! use besom::request::JobName;
//!
//! let text = r#"
//! [database]
//! url = "${DATABASE_URL:-sqlite://besom.db}"
//!
//! [defaults]
//! deadline = "10m"
//!
//! [plugins.tokens.jobs.expired-access]
//! batch-size = 500
//! settings = { retention = "14d" }
//! "#;
//! let rules = Rules { environment: Environment::of([]), bundled: &["tokens"] };
//! let config = Config::parse(text, Path::new("besom.toml"), &rules)?;
//!
//! let job = config.job(&JobName::new("tokens", "expired-access")).ok_or("not configured")?;
//! assert_eq!(job.batch_size, 500);
//! assert_eq!(job.deadline.as_secs(), 600);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a plugin may touch is the operator's to say, so nothing here comes from the database. The
//! host's keys and a plugin's own settings are kept apart: the host's are typed here, a plugin's
//! stay as written until its manifest types them. A key that nobody knows is an error, since a
//! misspelt `min-age` that is silently ignored deletes rows.

mod database;
mod document;
mod environment;
mod error;
mod grant;
mod host;
mod http;
mod ledger;
mod limits;
mod log;
mod overlay;
mod plugins;
mod schedule;
mod store;
mod times;
mod timing;
mod units;
mod url;

#[cfg(test)]
mod tests;

pub use database::{
    DEFAULT_LOCK_TIMEOUT, DEFAULT_MAX_CONNECTIONS, DEFAULT_STATEMENT_TIMEOUT, DatabaseConfig,
    URL_VARIABLE,
};
pub use environment::Environment;
pub use error::{ConfigError, Place, nearest};
pub(crate) use host::machine;
pub use host::{DEFAULT_CONCURRENCY, DEFAULT_LEASE, HostConfig};
pub use http::{HttpConfig, Token};
pub use ledger::LedgerConfig;
pub use limits::{
    DEADLINES, DEFAULT_BATCH_SIZE, DEFAULT_DEADLINE, DEFAULT_MAX_ROWS, Fraction, JobLimits,
    JobSettings, OnUpgrade, ROW_BUDGETS, tolerable,
};
pub use log::{Collector, LogConfig, LogFormat};
pub use plugins::{JobConfig, Like, Origin, PluginConfig, RawSettings};
pub use schedule::{DEFAULT_LOOK_EVERY, ENVIRONMENT_VARIABLE, ScheduleConfig};
pub use store::{InstallPolicy, StoreConfig};
pub use times::ColumnTime;
pub use timing::{DEFAULT_RETRIES, DEFAULT_RETRY_AFTER, Timing, TimingSettings};
pub use units::duration;
pub use url::{DatabaseUrl, UrlError};

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::request::JobName;
use document::{Section, Source};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "besom.toml";

/// Everything that the operator decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Which database.
    pub database: DatabaseConfig,
    /// Who this process is.
    pub host: HostConfig,
    /// Where a service answers over HTTP.
    pub http: HttpConfig,
    /// How long besom remembers.
    pub ledger: LedgerConfig,
    /// How log lines look.
    pub log: LogConfig,
    /// The host's keys for every job.
    pub defaults: JobLimits,
    /// The plugins that run, by name.
    pub plugins: BTreeMap<String, PluginConfig>,
    /// Where jobs do not run, and how often a service looks whether they could.
    pub schedule: ScheduleConfig,
    /// Which versions of plugins that are in the ledger run.
    pub store: StoreConfig,
    /// How columns that are not of a time type hold an instant.
    pub times: Vec<ColumnTime>,
}

/// What a file is read against.
#[derive(Debug)]
pub struct Rules<'a> {
    /// Where `${NAME}` and [`URL_VARIABLE`] come from.
    pub environment: Environment,
    /// The plugins embedded in this binary.
    pub bundled: &'a [&'a str],
}

/// The sections of the file.
pub const SECTIONS: [&str; 10] = [
    "database",
    "defaults",
    "host",
    "http",
    "ledger",
    "log",
    "plugins",
    "schedule",
    "store",
    "time-forms",
];

impl Config {
    /// Reads the file that `-c` names, or [`DEFAULT_FILE`] of the working folder.
    ///
    /// # Errors
    /// When there is no such file, or it says something that besom does not understand.
    pub fn load(named: Option<&Path>, rules: &Rules<'_>) -> Result<Self, ConfigError> {
        let file = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_owned);
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text, &file, rules),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(ConfigError::Absent { file }),
            Err(source) => Err(ConfigError::Unreadable { file, source }),
        }
    }

    /// Reads the text of a file. `file` is for messages, and for the paths that the text names.
    ///
    /// # Errors
    /// Names the file, the line, the key and the way out; never shows a password.
    pub fn parse(text: &str, file: &Path, rules: &Rules<'_>) -> Result<Self, ConfigError> {
        let mut source = Source {
            file,
            text,
            environment: &rules.environment,
            variables: &[],
        };
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            place: source.place("", error.span().map_or(0, |span| span.start)),
            // Only the message: the error's own display quotes the line.
            problem: error.message().to_owned(),
        })?;
        let mut table = table.into_inner();
        let variables = overlay::apply(&mut table, text.len(), &rules.environment)?;
        source.variables = &variables;
        let root = Section::root(source, &table);
        root.only(&SECTIONS, &[])?;
        let section = |name| root.get(name).map(|node| node.section()).transpose();
        let database = DatabaseConfig::read(&root)?;
        Ok(Self {
            store: StoreConfig::read(&root, &database.url)?,
            host: HostConfig::read(&root, database.max_connections)?,
            database,
            http: HttpConfig::read(&root)?,
            ledger: LedgerConfig::read(&root)?,
            log: LogConfig::read(&root)?,
            defaults: section("defaults")?.map_or(Ok(JobLimits::default()), |s| defaults(&s))?,
            plugins: section("plugins")?
                .map_or(Ok(BTreeMap::new()), |s| plugins::read(&s, rules.bundled))?,
            schedule: ScheduleConfig::read(&root)?,
            times: section("time-forms")?.map_or(Ok(Vec::new()), |s| times::read(&s))?,
        })
    }

    /// Every default, with the bundled plugins that are named: what a demo runs under.
    pub fn bundled(url: DatabaseUrl, rules: &Rules<'_>) -> Self {
        let plugins = rules.bundled.iter();
        Self {
            store: StoreConfig::at(&url),
            database: DatabaseConfig::at(url),
            host: HostConfig::in_environment(&rules.environment),
            http: HttpConfig::default(),
            ledger: LedgerConfig::default(),
            log: LogConfig::default(),
            defaults: JobLimits::default(),
            plugins: plugins
                .map(|name| ((*name).to_owned(), PluginConfig::bundled()))
                .collect(),
            schedule: ScheduleConfig::in_environment(&rules.environment),
            times: Vec::new(),
        }
    }

    /// What is in force for a job; `None` where the file does not name its plugin. Whether the
    /// plugin has such a job, only its manifest knows.
    pub fn job(&self, name: &JobName) -> Option<JobSettings> {
        let plugin = self.plugins.get(&name.plugin)?;
        let job = plugin.jobs.get(&name.job);
        let limits = job.map(|job| job.limits.clone()).unwrap_or_default();
        Some(JobSettings::of(
            limits
                .within(plugin.limits.clone())
                .within(self.defaults.clone()),
            job.and_then(|job| job.schedule.clone()),
            plugin.settings.values.clone(),
            job.map(|job| job.settings.values.clone())
                .unwrap_or_default(),
        ))
    }

    /// Whether a job runs without being named: the file does not switch it off, and where its plugin
    /// calls it opt-in, the file names it.
    pub fn runs_by_itself(&self, name: &JobName, opt_in: bool) -> bool {
        let enabled = self.job(name).is_some_and(|job| job.enabled);
        let plugin = self.plugins.get(&name.plugin);
        enabled && (!opt_in || plugin.is_some_and(|plugin| plugin.jobs.contains_key(&name.job)))
    }

    /// Where a setting that is in force for a job is written; `None` where it is not.
    pub fn setting_place(&self, name: &JobName, setting: &str) -> Option<&Place> {
        let plugin = self.plugins.get(&name.plugin)?;
        let job = plugin.jobs.get(&name.job);
        job.and_then(|job| job.settings.places.get(setting))
            .or_else(|| plugin.settings.places.get(setting))
    }
}

fn defaults(section: &Section<'_>) -> Result<JobLimits, ConfigError> {
    if let Some(node) = section.get("settings") {
        return Err(node.error(
            "settings belong to a plugin: write them under [plugins.NAME], or under \
             [plugins.NAME.jobs.JOB]",
        ));
    }
    schedule::of_jobs_only(section)?;
    section.only(&limits::KEYS, &limits::LATER)?;
    JobLimits::read(section)
}
