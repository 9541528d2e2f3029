//! `[host]`: who this process is to other hosts, and where it keeps compiled code.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Section;
use super::environment::Environment;
use super::error::ConfigError;

/// This process among the hosts that share a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The name under which it holds leases; by default the machine's name and the process id.
    pub name: String,
    /// How long a lease lasts without a heartbeat. A host that stops for longer loses its runs.
    pub lease: Duration,
    /// The folder for compiled components; `None`: compile at every start.
    pub cache: Option<PathBuf>,
    /// Runs that a service has under way at once.
    pub concurrency: usize,
}

/// The keys of `[host]`.
pub(super) const KEYS: [&str; 4] = ["name", "lease", "cache", "concurrency"];

/// Long enough for a pause of the machine, short enough that a dead host's run is soon resumed.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(15);

/// Below two seconds a busy database makes heartbeats late; above ten minutes a killed host's
/// work lies still for too long.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(10 * 60);

/// A second job goes on where one has a long batch; more would be felt by whoever else uses the database.
pub const DEFAULT_CONCURRENCY: usize = 2;

/// For leases and for the scheduler, beside one for each run.
const SPARE_CONNECTIONS: u64 = 2;

/// Each run needs a connection.
const CONCURRENCIES: RangeInclusive<u64> = 1..=64;

/// As long as a ledger column and a log line bear.
const LONGEST_NAME: usize = 200;

impl HostConfig {
    /// Every default, in an environment.
    pub fn in_environment(environment: &Environment) -> Self {
        Self {
            name: format!("{}-{}", machine(environment), std::process::id()),
            lease: DEFAULT_LEASE,
            cache: cache(environment),
            concurrency: DEFAULT_CONCURRENCY,
        }
    }

    pub(super) fn read(root: &Section<'_>, connections: u32) -> Result<Self, ConfigError> {
        let mut host = Self::in_environment(root.source.environment);
        let Some(node) = root.get("host") else {
            return Ok(host);
        };
        let section = node.section()?;
        section.only(&KEYS, &[])?;
        if let Some(node) = section.get("name") {
            host.name = node.text("cleaner-1")?;
            if host.name.trim().is_empty() || host.name.len() > LONGEST_NAME {
                return Err(node.error(format!(
                    "must be a name of 1 to {LONGEST_NAME} bytes; leave the key out for the \
                     machine's own name"
                )));
            }
        }
        if let Some(node) = section.get("lease") {
            host.lease = node.duration(&LEASES)?;
        }
        if let Some(node) = section.get("concurrency") {
            let runs = node.count(&CONCURRENCIES, "runs")?.get();
            host.concurrency = usize::try_from(runs).unwrap_or(DEFAULT_CONCURRENCY);
            let needed = runs + SPARE_CONNECTIONS;
            if u64::from(connections) < needed {
                return Err(node.error(format!(
                    "{runs} runs at once need {needed} connections: write `max-connections = {needed}` under \
                     [database], or fewer runs"
                )));
            }
        }
        if let Some(node) = section.get("cache") {
            let folder = node.text("/var/cache/besom")?;
            if folder.is_empty() {
                return Err(node.error("must be a folder; leave the key out for the default"));
            }
            host.cache = Some(beside(root.source.file, &folder));
        }
        Ok(host)
    }
}

/// A path of the file: relative paths count from the file's own folder.
pub(super) fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

/// The machine's name.
pub(crate) fn machine(environment: &Environment) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    kernel
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| environment.get("HOSTNAME"))
        .or_else(|| environment.get("COMPUTERNAME"))
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The user's cache folder, as the XDG base directory specification has it.
fn cache(environment: &Environment) -> Option<PathBuf> {
    let base = environment.get("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.filter(|path| path.is_absolute()); // the specification: ignore others
    let base = base.or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".cache")));
    base.map(|base| base.join("besom"))
}
