//! `[database]`: which database, and how long besom waits for it.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::document::{Node, Section};
use super::error::ConfigError;
use super::url::DatabaseUrl;
use crate::database::Pooler;
use crate::schedule::{Zone, zone};

/// How to reach the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: DatabaseUrl,
    /// No wait for a lock of the ledger's own rows (the fence) is longer than this.
    pub lock_timeout: Duration,
    /// No statement runs longer than this.
    pub statement_timeout: Duration,
    /// Connections held at most.
    pub max_connections: u32,
    /// What stands between besom and PostgreSQL.
    pub pooler: Pooler,
    /// In which zone the application's sessions write times without one; `None`: nobody has said.
    pub time_zone: Option<Zone>,
}

/// The variable that stands in for `database.url`, whatever the file says.
pub const URL_VARIABLE: &str = "BESOM_DATABASE_URL";

/// Half of PostgreSQL's `deadlock_timeout`: besom yields before the detector runs.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// Long enough for a batch on a busy server, short enough that a bad plan is noticed.
pub const DEFAULT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);

/// Of two runs a batch and a lease each, one for the scheduler, one to spare.
pub const DEFAULT_MAX_CONNECTIONS: u32 = 6;

/// Zero would mean "no timeout" to PostgreSQL; below 10 ms a fence fails for no reason, above 30 s
/// a host waits longer than its lease lasts.
const LOCK_TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(30);

/// A take-over waits for the statement in flight, so an hour would stall every other host.
const STATEMENT_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(10 * 60);

/// A lease must be renewed while a batch runs: two at least. PostgreSQL's own default limit is 100.
const CONNECTIONS: RangeInclusive<u64> = 2..=100;

/// The keys of `[database]`.
pub(super) const KEYS: [&str; 6] = [
    "url",
    "lock-timeout",
    "statement-timeout",
    "max-connections",
    "pooler",
    "time-zone",
];

impl DatabaseConfig {
    /// A database with every default.
    pub fn at(url: DatabaseUrl) -> Self {
        Self {
            url,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            statement_timeout: DEFAULT_STATEMENT_TIMEOUT,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            pooler: Pooler::None,
            time_zone: None,
        }
    }

    pub(super) fn read(root: &Section<'_>) -> Result<Self, ConfigError> {
        let section = root
            .get("database")
            .map(|node| node.section())
            .transpose()?;
        let get = |name| section.as_ref().and_then(|section| section.get(name));
        if let Some(section) = &section {
            section.only(&KEYS, &[])?;
        }
        let mut database = Self::at(url(section.as_ref().unwrap_or(root), get("url"))?);
        if let Some(node) = get("lock-timeout") {
            database.lock_timeout = node.duration(&LOCK_TIMEOUTS)?;
        }
        if let Some(node) = get("statement-timeout") {
            database.statement_timeout = node.duration(&STATEMENT_TIMEOUTS)?;
        }
        if let Some(node) = get("max-connections") {
            database.max_connections = node.count32(&CONNECTIONS, "connections")?;
        }
        if let Some(node) = get("pooler") {
            database.pooler = pooler(&node)?;
        }
        if let Some(node) = get("time-zone") {
            let name = node.text("UTC")?;
            database.time_zone = Some(zone(&name).map_err(|problem| node.error(problem))?);
        }
        if let Some(node) = get("lock-timeout").or_else(|| get("statement-timeout"))
            && database.lock_timeout >= database.statement_timeout
        {
            return Err(node.error(
                "database.lock-timeout must be shorter than database.statement-timeout, which \
                 would end the wait first",
            ));
        }
        Ok(database)
    }
}

fn pooler(node: &Node<'_>) -> Result<Pooler, ConfigError> {
    match node.text("transaction")?.as_str() {
        "none" => Ok(Pooler::None),
        "transaction" => Ok(Pooler::Transaction),
        other => Err(node.error(format!(
            "`{other}` is no kind of pooler: write \"transaction\" where PgBouncer or its like stands \
             before PostgreSQL, whatever its pool mode, and otherwise \"none\""
        ))),
    }
}

/// The environment's word first; then the file's is not even interpolated, so that a variable it
/// names need not be set.
fn url(section: &Section<'_>, node: Option<Node<'_>>) -> Result<DatabaseUrl, ConfigError> {
    if let Some(url) = section.source.environment.get(URL_VARIABLE) {
        return url
            .parse()
            .map_err(|error: super::UrlError| ConfigError::Environment {
                variable: URL_VARIABLE.to_owned(),
                problem: error.to_string(),
            });
    }
    let Some(node) = node else {
        return Err(section.error(format!(
            "database.url is missing: write url = \"sqlite://besom.db\" under [database], or set \
             {URL_VARIABLE}"
        )));
    };
    let text = node.text("postgres://user@host/database")?;
    text.parse()
        .map_err(|error: super::UrlError| node.error(error.to_string()))
}
