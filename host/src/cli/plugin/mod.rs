//! `besom plugin`: what plugins there are, in which versions, and what is in a component file.

pub mod installed;
pub mod jobs;
pub mod keys;
mod look;
mod text;
pub mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::Terminal;
use super::exit::{Exit, Refusal};
use crate::config::{Config, Environment, HostConfig, Origin};
use crate::plugin::{Digest, Engine, EngineOptions, Limits};
pub use look::describe_bundled;
use look::look_into;

/// Show the plugins, look into a component file, and say which versions the hosts run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  besom plugin list
  besom plugin jobs
  besom plugin inspect plugins/acme-audit.wasm --json
  besom plugin install tokens.wasm")]
pub struct PluginArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PluginCommand,
}

/// What to do with plugins.
#[derive(Debug, clap::Subcommand)]
pub enum PluginCommand {
    /// The bundled plugins, those that the configuration names, and the installed versions
    #[command(after_help = "\
Without a configuration, or where its database does not answer, the installed versions are left out.

Example:\n  besom plugin list --json")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Every job of the bundled plugins: tables, rule, retention, schedule, indexes
    #[command(after_help = "\
What the jobs do under the default settings. No configuration and no database is needed.

Examples:
  besom plugin jobs
  besom plugin jobs --markdown > jobs.md")]
    Jobs {
        /// Print a table a plugin, in Markdown
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Name, version, contract, imports, jobs, settings, access and digest of a component file
    #[command(after_help = "\
The component is loaded under the limits of any plugin, and asked to describe itself. No
configuration and no database is needed.

Example:
  besom plugin inspect plugins/acme-audit.wasm")]
    Inspect {
        /// The component file
        file: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    #[allow(missing_docs)] // these are documented at their arguments, where --help takes it from
    Install(versions::InstallArgs),
    #[allow(missing_docs)]
    Rollback(versions::RollbackArgs),
    #[allow(missing_docs)]
    Pin(versions::PinArgs),
    #[allow(missing_docs)]
    Promote(versions::PromoteArgs),
    #[allow(missing_docs)]
    Remove(versions::RemoveArgs),
    #[allow(missing_docs)]
    Keygen(keys::KeygenArgs),
    #[allow(missing_docs)]
    Sign(keys::SignArgs),
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginEntry {
    /// Its name.
    pub name: String,
    /// Its version; `None` where it does not load.
    pub version: Option<String>,
    /// `bundled`, the path of its component, `installed` for a version of the ledger, or `store` where
    /// only such a version may run.
    pub source: String,
    /// The configuration names it, so its jobs run.
    pub configured: bool,
    /// The names of its jobs.
    pub jobs: Vec<String>,
    /// The SHA-256 of its component; `None` where the file cannot be read.
    pub digest: Option<String>,
    /// Why it does not load.
    pub problem: Option<String>,
    /// Its installed versions, where there are some or were to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<installed::InstalledEntry>,
}

/// Everything about one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub about: String,
    /// The contract it was built against, such as `besom:cleanup@1.0.0`.
    pub contract: String,
    /// The SHA-256 of the file.
    pub digest: String,
    /// The size of the file in bytes.
    pub size: u64,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// Its jobs.
    pub jobs: Vec<JobLine>,
    /// Its settings.
    pub settings: Vec<SettingLine>,
}

/// One job of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobLine {
    /// Its name within the plugin.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The schedule that the plugin proposes.
    pub schedule: Option<String>,
    /// The environment variable that a fresh configuration takes the schedule from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_variable: Option<String>,
    /// Settings with another default in this job.
    pub defaults: BTreeMap<String, String>,
    /// It runs only where it is named.
    pub opt_in: bool,
    /// What it touches under the default settings.
    pub access: Vec<AccessLine>,
    /// Why the plugin does not say what it touches: a setting without a default.
    pub access_problem: Option<String>,
}

/// What a job needs from one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessLine {
    /// The table.
    pub table: String,
    /// Columns it looks at.
    pub read: Vec<String>,
    /// Columns it assigns.
    pub update: Vec<String>,
    /// It deletes rows.
    pub delete: bool,
    /// Indexes it goes by, as `column[, column][ where predicate]`. A primary key or a unique
    /// constraint that begins with the columns serves as well.
    pub indexes: Vec<String>,
    /// It does so only where the database has the table and the columns.
    pub if_there: bool,
}

/// One setting of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingLine {
    /// Its name.
    pub name: String,
    /// Its kind, as the contract spells it.
    pub kind: String,
    /// In the file's notation; `None`: the operator must give it.
    pub default: Option<String>,
    /// What it is for.
    pub about: String,
}

/// Prints the list; a plugin that does not load is a failure.
///
/// # Errors
/// When stdout cannot be written.
pub fn present_list(plugins: &[PluginEntry], json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(&plugins)?;
    } else {
        terminal
            .output
            .print(&text::list(plugins, terminal.output.color()))?;
    }
    let broken = plugins.iter().any(|plugin| plugin.problem.is_some());
    Ok(if broken { Exit::Failed } else { Exit::Done })
}

/// Prints one component.
///
/// # Errors
/// When stdout cannot be written.
pub fn present_inspection(plugin: &Inspection, json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(plugin)?;
    } else {
        terminal
            .output
            .print(&text::inspection(plugin, terminal.output.color()))?;
    }
    Ok(Exit::Done)
}

/// Lists the plugins of the binary and of the configuration.
///
/// # Errors
/// When the engine cannot start; a plugin that does not load is in the list.
pub async fn list(json: bool, config: Option<Config>, terminal: &Terminal) -> Result<Exit> {
    let engine = engine(config.as_ref())?;
    let mut entries = Vec::new();
    let configured = config.as_ref().map(|config| config.plugins.clone());
    let configured = configured.unwrap_or_default();
    for bundled in besom_bundle::PLUGINS {
        let known = configured.contains_key(bundled.name);
        entries.push(
            entry(
                &engine,
                bundled.name,
                "bundled",
                known,
                Ok(bundled.component.to_vec()),
            )
            .await,
        );
    }
    for (name, plugin) in &configured {
        if let Origin::File(path) = &plugin.origin {
            let source = path.display().to_string();
            entries.push(entry(&engine, name, &source, true, std::fs::read(path)).await);
        }
    }
    if let Some(config) = config
        && let Err(error) = installed::complete(&mut entries, config).await
    {
        tracing::warn!("the installed versions are not known: {error:#}");
    }
    present_list(&entries, json, terminal)
}

fn engine(config: Option<&Config>) -> Result<Engine> {
    let cache = match config {
        Some(config) => config.host.cache.clone(),
        None => HostConfig::in_environment(&Environment::of_process()).cache,
    };
    Ok(Engine::new(EngineOptions {
        limits: Limits::default(),
        cache,
    })?)
}

async fn entry(
    engine: &Engine,
    name: &str,
    source: &str,
    configured: bool,
    bytes: std::io::Result<Vec<u8>>,
) -> PluginEntry {
    let mut entry = PluginEntry {
        name: name.to_owned(),
        version: None,
        source: source.to_owned(),
        configured,
        jobs: Vec::new(),
        digest: None,
        problem: None,
        installed: None,
    };
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            entry.problem = Some(format!("{source} cannot be read: {error}"));
            return entry;
        }
    };
    entry.digest = Some(Digest::of(&bytes).to_string());
    match engine.load(&bytes).await {
        Ok(plugin) => {
            let manifest = plugin.manifest();
            entry.version = Some(manifest.version.to_string());
            entry.jobs = manifest.jobs.iter().map(|job| job.name.clone()).collect();
        }
        Err(error) => entry.problem = Some(error.to_string()),
    }
    entry
}

/// Looks into a component file.
///
/// # Errors
/// When the file cannot be read, or is not a plugin for this host.
pub async fn inspect(file: PathBuf, json: bool, terminal: &Terminal) -> Result<Exit> {
    let bytes = std::fs::read(&file)
        .map_err(|error| Refusal(format!("{} cannot be read: {error}", file.display())))?;
    let engine = engine(None)?;
    let inspection = look_into(&engine, &bytes)
        .await
        .with_context(|| file.display().to_string())?;
    present_inspection(&inspection, json, terminal)
}
