//! Jobs that have nothing to do here: what they would touch is younger than the database, or older.
//!
//! A table that the plugin knows by default and that is not there is no mistake of anybody's: the schema is
//! of another version, or of another product. A name that the operator gives is meant to be there, and stays
//! the error that it is. So does whatever could be meant and is not seen: a table of that name in a schema
//! that the role's search path does not lead to, or that the role may not use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::there::there;
use super::{Host, RunnerError, fits};
use crate::catalog::{Catalog, Table};
use crate::config::{Config, JobSettings, PluginConfig};
use crate::database::Database;
use crate::plugin::{Manifest, Plugin, SettingKind, TableAccess};
use crate::request::JobName;

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// A table, as the plugin names it.
    Table(String),
    /// A column of a table that is there.
    Column { table: String, column: String },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table `{table}` is not in this database"),
            Self::Column { table, column } => {
                write!(
                    f,
                    "column `{column}` of table `{table}` is not in this database"
                )
            }
        }
    }
}

/// What of a job's access list the database lacks; `None` also where something that is missing is the
/// operator's to mend.
pub(super) fn missing(
    access: &[TableAccess],
    catalog: &Catalog,
    manifest: &Manifest,
    configured: &PluginConfig,
    limits: &JobSettings,
    set: &[(String, String)],
) -> Option<Missing> {
    let granted = &configured.grants.tables;
    if granted.keys().any(|table| catalog.table(table).is_err()) {
        return None; // told of the grant
    }
    let named = named(manifest, limits, set);
    let mut first = None;
    for of in access {
        let table = match catalog.table(&of.table) {
            Ok(table) => table,
            Err(_) if named.contains(&of.table) || catalog.may_mean(&of.table) => return None,
            Err(_) => {
                first.get_or_insert_with(|| Missing::Table(of.table.clone()));
                continue;
            }
        };
        let columns = of.read.iter().chain(&of.update).chain(&of.expiry);
        for column in columns.filter(|column| table.column(column).is_none()) {
            if named.contains(column)
                || in_another_case(table, column)
                || in_a_grant(configured, catalog, table, column)
            {
                return None;
            }
            first.get_or_insert_with(|| Missing::Column {
                table: of.table.clone(),
                column: column.clone(),
            });
        }
    }
    first
}

/// The tables and columns that the operator names by settings.
fn named(manifest: &Manifest, limits: &JobSettings, set: &[(String, String)]) -> BTreeSet<String> {
    let of_file = [&limits.plugin_settings, &limits.job_settings];
    let of_file = of_file.into_iter().flatten();
    let of_file = of_file.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let of_command = set
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let is_name = |setting: &str| {
        let kind = manifest.setting(setting).map(|setting| &setting.kind);
        matches!(kind, Some(SettingKind::Table | SettingKind::Column))
    };
    of_file
        .chain(of_command)
        .filter(|(setting, _)| is_name(setting))
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn in_another_case(table: &Table, column: &str) -> bool {
    let mut columns = table.columns.iter();
    columns.any(|known| known.name.eq_ignore_ascii_case(column))
}

fn in_a_grant(configured: &PluginConfig, catalog: &Catalog, table: &Table, column: &str) -> bool {
    configured.grants.tables.iter().any(|(name, grant)| {
        (grant.read.contains(column) || grant.update.contains(column))
            && catalog
                .table(name)
                .is_ok_and(|granted| granted.id == table.id)
    })
}

/// The same, sure of it: a schema that the role may not use shows nothing of what it holds.
pub(super) async fn confirmed(
    found: Option<Missing>,
    database: &Database,
) -> Result<Option<Missing>, RunnerError> {
    let Some(Missing::Table(table)) = &found else {
        return Ok(found);
    };
    let mut session = database.session().await?;
    session.hold().await?;
    let hidden = match session.as_postgres() {
        Some(connection) => Catalog::hides(connection, table).await?,
        None => false,
    };
    session.release().await?;
    Ok(found.filter(|_| !hidden))
}

/// Those of the jobs that are absent here, and what is missing. A job whose settings are at fault, or whose
/// plugin does not say what it touches, is not among them.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn among(
    jobs: &[JobName],
    set: &[(String, String)],
    config: &Config,
    plugins: &BTreeMap<String, Plugin>,
    database: &Database,
    catalog: &Catalog,
) -> Result<BTreeMap<JobName, String>, RunnerError> {
    let mut all = BTreeMap::new();
    for job in jobs {
        let (Some(plugin), Some(configured), Some(limits)) = (
            plugins.get(&job.plugin),
            config.plugins.get(&job.plugin),
            config.job(job),
        ) else {
            continue;
        };
        let manifest = plugin.manifest();
        let Ok(settings) = fits::settings(manifest, job, &limits, set) else {
            continue;
        };
        let Ok(access) = plugin.access(&job.job, &settings).await else {
            continue;
        };
        let access = there(access, catalog);
        let found = missing(&access, catalog, manifest, configured, &limits, set);
        if let Some(missing) = confirmed(found, database).await? {
            all.insert(job.clone(), missing.to_string());
        }
    }
    Ok(all)
}

impl Host {
    /// Those of the jobs that are absent here under these settings, and what is missing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn absent(
        &self,
        jobs: &[JobName],
        set: &[(String, String)],
        catalog: &Catalog,
    ) -> Result<BTreeMap<JobName, String>, RunnerError> {
        among(
            jobs,
            set,
            &self.config,
            self.plugins(),
            &self.database,
            catalog,
        )
        .await
    }
}
