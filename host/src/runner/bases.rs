//! The plugins that need no ledger: what the binary embeds, and the files that the operator names.

use std::collections::BTreeMap;

use super::fits::read_for;
use super::versions::Versions;
use super::{RunnerError, formerly, order};
use crate::config::{Config, Origin};
use crate::plugin::{Digest, Engine, Plugin};
use crate::request::JobName;

/// What the binary embeds and the file names.
///
/// # Errors
/// When one does not load, or calls itself otherwise than the file does, and for jobs that wait for
/// one another, or that the file gives a name which is another's.
pub(super) async fn bases(
    config: &Config,
    engine: &Engine,
    known: &Versions,
) -> Result<BTreeMap<String, Plugin>, RunnerError> {
    let mut plugins = BTreeMap::new();
    for (name, plugin) in &config.plugins {
        let component = match &plugin.origin {
            Origin::Store => continue,
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
        let loaded = match known.loaded(&Digest::of(&component)) {
            Some(known) => known.clone(),
            None => engine
                .load(&component)
                .await
                .map_err(|source| RunnerError::Load {
                    plugin: name.clone(),
                    source: Box::new(source),
                })?,
        };
        if loaded.manifest().name != *name {
            return Err(RunnerError::OtherName {
                configured: name.clone(),
                described: loaded.manifest().name.clone(),
            });
        }
        let (_, plugin) = read_for(config, &loaded)?;
        plugins.insert(name.clone(), plugin);
    }
    check_order(&plugins)?;
    Ok(plugins)
}

/// Refuses jobs that wait for one another.
pub(super) fn check_order(plugins: &BTreeMap<String, Plugin>) -> Result<(), RunnerError> {
    let mut waiting = Vec::new();
    for (name, plugin) in plugins {
        for job in &plugin.manifest().jobs {
            let after = formerly::awaited(job, plugins);
            waiting.push((JobName::new(name, &job.name), after));
        }
    }
    order::in_order(waiting).map(drop)
}
