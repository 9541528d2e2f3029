//! The runs of one job, whatever it was called when they ran.

use std::collections::BTreeMap;

use anyhow::Result;

use super::super::exit::Refusal;
use crate::config::{self, Config};
use crate::database::Database;
use crate::ledger;
use crate::plugin::Plugin;
use crate::request::JobName;
use crate::runner;

/// The newest runs of a job. The ledger is read without its plugin as well, which may be gone.
///
/// # Errors
/// When the database does not answer, and for a job that neither a plugin nor the ledger knows.
pub(super) async fn list(
    database: &Database,
    job: JobName,
    limit: u32,
    config: &Config,
) -> Result<Vec<ledger::RunRecord>> {
    let plugins = match runner::plugins_on(config, database).await {
        Ok(plugins) => plugins,
        Err(error) => {
            tracing::warn!(%error, "former names of `{job}` are not known: its plugin does not load");
            return Ok(ledger::list_of(database, &job, &[], limit).await?);
        }
    };
    let (today, formerly) = runner::names(job, &plugins);
    let records = ledger::list_of(database, &today, &formerly, limit).await?;
    match records.is_empty() {
        true => known(&today, &plugins, config).map(|()| records),
        false => Ok(records),
    }
}

/// Refuses a name that nobody has, where it could be anybody's.
fn known(job: &JobName, plugins: &BTreeMap<String, Plugin>, config: &Config) -> Result<()> {
    let plugin = plugins.get(&job.plugin);
    let configured = config.plugins.contains_key(&job.plugin);
    if plugin.is_some_and(|plugin| plugin.manifest().job(&job.job).is_some())
        // No version of it runs here, and what jobs it has is not known.
        || (plugin.is_none() && configured)
    {
        return Ok(());
    }
    let names: Vec<String> = plugins
        .iter()
        .filter(|(name, _)| plugin.is_none() || **name == job.plugin)
        .flat_map(|(name, plugin)| {
            let jobs = plugin.manifest().jobs.iter();
            jobs.map(move |job| JobName::new(name, &job.name).to_string())
        })
        .collect();
    let meant = config::nearest(&job.to_string(), names.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let there_are = match names.is_empty() {
        true => "besom.toml names no plugin".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    Err(Refusal(format!(
        "there is no job `{job}`, and the ledger has no run of one{meant} ({there_are})"
    ))
    .into())
}
