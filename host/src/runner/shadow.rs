//! A new version counted beside the one in use.

use super::{Host, formerly};
use crate::config::Origin;

impl Host {
    /// This host with the shadow of a plugin in the place of the version in use, under the same grants;
    /// `None` where it has none. For dry runs: what is in use stays so.
    pub fn with_shadow(&self, plugin: &str) -> Option<Self> {
        let shadow = self.versions.shadows.get(plugin)?.clone();
        let mut versions = self.versions.clone();
        let bundled = self.config.plugins.get(plugin)?.origin == Origin::Bundled;
        if let (true, Some(active)) = (bundled, self.plugins().get(plugin)) {
            let embedded = versions.embedded.entry(plugin.to_owned());
            embedded.or_insert_with(|| active.clone());
        }
        versions.plugins.insert(plugin.to_owned(), shadow);
        let mut config = self.written.clone();
        formerly::carry_over(&mut config, &versions.plugins, false).ok()?;
        Some(Self {
            config,
            written: self.written.clone(),
            database: self.database.clone(),
            engine: self.engine.clone(),
            versions,
        })
    }
}
