//! Jobs that have nothing to do here: what they would touch is younger than the database, or older.
//!
//! A table that the plugin knows by default and that is not there is no mistake of anybody's: the schema is
//! of another version, or of another product. A name that the operator gives is meant to be there, and stays
//! the error that it is. Where he says of which profile the database is, so does whatever could be meant and is
//! not seen: a table of that name in a schema that the role's search path does not lead to, or that the role may
//! not use. Where he does not, such a table is somebody else's: many products have a `sessions`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Host, RunnerError, fits};
use crate::catalog::{Catalog, Table};
use crate::config::{Config, JobSettings, PluginConfig};
use crate::database::Database;
use crate::plugin::{Manifest, Plugin, Setting, SettingKind, TableAccess};
use crate::request::JobName;

/// What to look at where a database has nothing for any job.
pub const NOTHING_IS_HERE: &str = "no job has anything to do here: look whether this is the right database, and \
     whether the role's search path leads to its tables";

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// A table, as the plugin names it; `meant`: the operator says that the database has that schema.
    Table { table: String, meant: bool },
    /// A table that is there, in a schema that is not looked through, or in another case.
    OutOfSight(String),
    /// A column of a table that is there.
    Column { table: String, column: String },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { table, .. } => write!(f, "table `{table}` is not in this database"),
            Self::OutOfSight(table) => write!(
                f,
                "table `{table}` is in no schema of the role's search path under that name, only elsewhere in this \
                 database or in another case"
            ),
            Self::Column { table, column } => {
                write!(
                    f,
                    "column `{column}` of table `{table}` is not in this database"
                )
            }
        }
    }
}

/// A job's access list on this database.
#[derive(Debug)]
pub(super) struct Here {
    /// What the job asks for.
    pub(super) access: Vec<TableAccess>,
    /// Why the job is absent, where it is.
    pub(super) missing: Option<Missing>,
}

/// What a job asks for here, and whether it is absent for want of some of it.
pub(super) fn here(
    access: Vec<TableAccess>,
    catalog: &Catalog,
    manifest: &Manifest,
    configured: &PluginConfig,
    limits: &JobSettings,
    set: &[(String, String)],
) -> Here {
    let access = without_what_may_lack(access, catalog);
    let missing = missing(&access, catalog, manifest, configured, limits, set);
    Here { access, missing }
}

impl Here {
    /// What a grant has to cover. Of an absent job without what is not here: no line of the file could give
    /// that, and where it comes, each run is held against the grant anew.
    pub(super) fn grantable(self, catalog: &Catalog) -> Vec<TableAccess> {
        match self.missing {
            None => self.access,
            Some(_) => {
                let access = self.access.into_iter();
                access
                    .filter_map(|of| as_far_as_there(of, catalog))
                    .collect()
            }
        }
    }
}

/// The list without what may be missing and is: of an entry that is `if_there` the whole, where its table or
/// a column that it reads is not there (the foreign key that it speaks of is not there either), and each
/// updated column that is not.
pub(super) fn without_what_may_lack(
    access: Vec<TableAccess>,
    catalog: &Catalog,
) -> Vec<TableAccess> {
    let left = |of: TableAccess| {
        if !of.if_there {
            return Some(of);
        }
        let table = catalog.table(&of.table).ok()?;
        let reads_all = of.read.iter().all(|column| table.column(column).is_some());
        match reads_all {
            true => as_far_as_there(of, catalog),
            false => None,
        }
    };
    access.into_iter().filter_map(left).collect()
}

/// An entry without the columns that are not there; `None` where nothing is left of it.
fn as_far_as_there(mut of: TableAccess, catalog: &Catalog) -> Option<TableAccess> {
    let table = catalog.table(&of.table).ok()?;
    let known = |column: &String| table.column(column).is_some();
    of.read.retain(known);
    of.update.retain(known);
    of.expiry.retain(known);
    (of.delete || of.all_rows || !of.read.is_empty() || !of.update.is_empty()).then_some(of)
}

/// What of a job's access list the database lacks; `None` also where something that is missing is the
/// operator's to mend.
fn missing(
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
    let said = says_profile(manifest, limits, set);
    let mut first = None;
    for of in access {
        let table = match catalog.table(&of.table) {
            Ok(table) => table,
            Err(_) if named.contains(&of.table) => return None,
            Err(_) if catalog.may_mean(&of.table) => {
                if said {
                    return None;
                }
                first.get_or_insert_with(|| Missing::OutOfSight(of.table.clone()));
                continue;
            }
            Err(_) => {
                first.get_or_insert_with(|| Missing::Table {
                    table: of.table.clone(),
                    meant: said,
                });
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

/// The operator says that the database has the schema which the job is made for: by naming a profile, or
/// by naming a plugin that knows only one.
fn says_profile(manifest: &Manifest, limits: &JobSettings, set: &[(String, String)]) -> bool {
    if manifest.setting(Setting::PROFILE).is_none() {
        return true;
    }
    let of_command = set.iter().rev().find(|(name, _)| name == Setting::PROFILE);
    let of_file = [&limits.job_settings, &limits.plugin_settings];
    let mut of_file = of_file
        .into_iter()
        .filter_map(|of| of.get(Setting::PROFILE)?.as_str());
    let said = match of_command {
        Some((_, profile)) => Some(profile.as_str()),
        None => of_file.next(),
    };
    said.is_some_and(|profile| profile != Setting::EVERY_PROFILE)
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
        let floor = grant.min_age.as_ref().map(|floor| floor.column.as_str());
        let named = grant.read.contains(column)
            || grant.update.contains(column)
            || grant.filter.contains_key(column)
            || floor == Some(column);
        named
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
    let Some(Missing::Table { table, meant }) = &found else {
        return Ok(found);
    };
    let mut session = database.session().await?;
    session.hold().await?;
    let hidden = match session.as_postgres() {
        Some(connection) => Catalog::hides(connection, table).await?,
        None => false,
    };
    session.release().await?;
    Ok(match (hidden, meant) {
        (false, _) => found,
        (true, true) => None,
        (true, false) => Some(Missing::OutOfSight(table.clone())),
    })
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
        let here = here(access, catalog, manifest, configured, &limits, set);
        if let Some(missing) = confirmed(here.missing, database).await? {
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
