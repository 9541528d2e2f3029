//! Why a plugin could not be loaded, and why a call into it did not end well.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::describe::ManifestError;

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The WebAssembly engine refused its configuration: this machine is not supported.
    #[error("the WebAssembly engine does not start on this machine: {0}")]
    Engine(String),
    /// The thread that limits run-away guests could not be started.
    #[error("the thread that keeps the engine's clock could not be started: {0}")]
    Ticker(#[source] std::io::Error),
    /// The folder for compiled code cannot be made, or others may write to it.
    #[error(
        "the folder for compiled plugins, {}, cannot be used: {source}; \
         make it writable for this user alone, or configure another", folder.display()
    )]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        #[source]
        source: std::io::Error,
    },
}

/// A component is not a plugin that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is larger than [`super::Limits::component_bytes`].
    #[error("the component has {size} bytes, more than the {limit} that a plugin may have")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are no component at all.
    #[error(
        "not a WebAssembly component: {0}; \
         build the plugin for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    NotAComponent(String),
    /// The bytes begin as a component and do not go on as one.
    #[error("the component is damaged or uses what this host does not know: {0}")]
    Damaged(String),
    /// Built for another major version of the contract.
    #[error(
        "needs besom:cleanup {needs}, this host has {has}: \
         build the plugin against major version {}, or use a host that has {needs}", has.major
    )]
    WrongMajor {
        /// What the component asks for.
        needs: semver::Version,
        /// What the host offers.
        has: semver::Version,
    },
    /// Built for a later minor version, and uses what that one added.
    #[error(
        "needs besom:cleanup {needs}, this host has {has}: \
         upgrade the host, or build the plugin against {has} ({detail})"
    )]
    NewerMinor {
        /// What the component asks for.
        needs: semver::Version,
        /// What the host offers.
        has: semver::Version,
        /// What is missing.
        detail: String,
    },
    /// Imports of interfaces that no plugin gets.
    #[error(
        "imports {}, which a plugin does not get: it may import besom:cleanup and WASI 0.2 only",
        list(imports)
    )]
    Ungranted {
        /// The imports, by name.
        imports: Vec<String>,
    },
    /// Nothing in it is a plugin's.
    #[error("exports no besom:cleanup/jobs: implement the world `plugin` of besom:cleanup {has}")]
    MissingExport {
        /// What the host offers.
        has: semver::Version,
    },
    /// The names fit and the types do not.
    #[error("does not fit besom:cleanup {has}: {detail}")]
    Mismatch {
        /// What the host offers.
        has: semver::Version,
        /// Where it does not fit.
        detail: String,
    },
    /// `describe` did not end well.
    #[error("`describe` failed: {0}")]
    Describe(#[from] CallError),
    /// What `describe` answered is not a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The process that compiles it was stopped.
    #[error("compiling it was stopped ({0}): the component is too large or too odd for this host")]
    Compiler(String),
    /// The host itself failed.
    #[error("the component could not be compiled: {0}")]
    Host(String),
}

/// Where in a plugin something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The plugin's name; empty while it is being loaded and has not told it yet.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// The job; `None` in `describe`.
    pub job: Option<String>,
    /// The export that was called: `describe`, `access`, `preflight` or `run`.
    pub export: &'static str,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.plugin.is_empty() {
            write!(f, "plugin not yet named")?;
        } else {
            write!(f, "plugin {} {}", self.plugin, self.version)?;
        }
        if let Some(job) = &self.job {
            write!(f, ", job {job}")?;
        }
        write!(f, ", export {}", self.export)
    }
}

/// A call into a plugin did not end well: what happened first, then where.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} ({})", .0.cause, .0.site)]
pub struct CallError(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    cause: Cause,
    site: Site,
    backtrace: Option<String>,
}

impl CallError {
    pub(super) fn new(cause: Cause, site: Site, backtrace: Option<String>) -> Self {
        Self(Box::new(Details {
            cause,
            site,
            backtrace,
        }))
    }

    /// What happened.
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// Where it happened.
    pub fn site(&self) -> &Site {
        &self.0.site
    }

    /// The guest's frames, innermost first, one a line with names demangled, where it was running.
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }
}

/// What ended a call into a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The plugin itself said so.
    #[error("{0}")]
    Failed(String),
    /// The plugin crashed.
    #[error("trapped: {trap}{}", printed(said.as_deref()))]
    Trap {
        /// The kind of trap.
        trap: wasmtime::Trap,
        /// The last that it printed to stderr, such as the message of a panic.
        said: Option<String>,
    },
    /// It computed for too long without calling the host.
    #[error("computed for {} without calling the host: an endless loop?", humantime::format_duration(*budget))]
    Spin {
        /// The budget.
        budget: Duration,
    },
    /// The whole call took too long.
    #[error("did not end within {}", humantime::format_duration(*limit))]
    Wall {
        /// The limit.
        limit: Duration,
    },
    /// It asked for too much memory.
    #[error("asked for {asked} bytes of memory, more than the limit of {limit}")]
    Memory {
        /// Bytes asked for.
        asked: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It asked for too large a table.
    #[error("asked for a table of {asked} elements, more than the limit of {limit}")]
    Table {
        /// Elements asked for.
        asked: usize,
        /// The limit.
        limit: usize,
    },
    /// It holds too many conditions, sweeps and other handles.
    #[error("holds more than the limit of {limit} handles (conditions, sweeps, streams) at once")]
    Handles {
        /// The limit.
        limit: usize,
    },
    /// It called the host too often.
    #[error("called the host more often than the limit of {limit} times")]
    HostCalls {
        /// The limit.
        limit: u64,
    },
    /// It passed too much in one call.
    #[error("passed strings or lists of more than the limit of {limit} bytes in one call")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It called an import where that import does not work.
    #[error("called `{import}` in `{export}`, where no import of the contract may be called")]
    NotHere {
        /// The import.
        import: &'static str,
        /// The export that was running.
        export: &'static str,
    },
    /// It asked for a setting that its manifest does not declare.
    #[error(
        "asked for the setting `{name}`, which its manifest does not declare; it declares {}",
        list(declared)
    )]
    UndeclaredSetting {
        /// The setting.
        name: String,
        /// The ones that exist.
        declared: Vec<String>,
    },
    /// There is no such job.
    #[error("has no job `{name}`; it has {}", list(jobs))]
    UnknownJob {
        /// The job asked for.
        name: String,
        /// The ones that exist.
        jobs: Vec<String>,
    },
    /// It called `exit`.
    #[error("ended itself by `exit`{}", printed(said.as_deref()))]
    Exited {
        /// The last that it printed to stderr.
        said: Option<String>,
    },
    /// What it answered means nothing.
    #[error("answered what the contract does not know: {0}")]
    Answer(String),
    /// It broke the rules of calls between components, such as using a handle after its end.
    #[error("broke the rules of a call: {0}")]
    Broken(String),
}

impl Cause {
    /// Whether it is a crash or a limit of the guest's own, which says that this version of the
    /// plugin is bad; the plugin's own error and the host's wall clock do not.
    pub fn is_misbehaviour(&self) -> bool {
        !matches!(
            self,
            Self::Failed(_) | Self::Wall { .. } | Self::UnknownJob { .. }
        )
    }
}

fn printed(said: Option<&str>) -> String {
    said.map(|text| format!("; it said: {text}"))
        .unwrap_or_default()
}

pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
