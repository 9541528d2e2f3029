//! A new version counted beside the one in use.

use super::Host;

impl Host {
    /// This host with the shadow of a plugin in the place of the version in use, under the same grants;
    /// `None` where it has none. For dry runs: what is in use stays so.
    pub fn with_shadow(&self, plugin: &str) -> Option<Self> {
        self.with_version(self.versions.shadows.get(plugin)?.clone())
    }
}
