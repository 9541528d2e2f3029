//! `[store]`: who may put versions of plugins into the ledger for the hosts to run.

use super::document::{Node, Section};
use super::error::ConfigError;
use super::url::DatabaseUrl;
use crate::catalog::Dialect;
use crate::plugin::PublicKey;

/// Which versions that others have put into the ledger run here. Only the file says so: who can write
/// the database could otherwise let himself in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The rule.
    pub install: InstallPolicy,
    /// Whose signature counts, for every plugin that does not name keys of its own.
    pub trusted_keys: Vec<PublicKey>,
}

/// Which installed versions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallPolicy {
    /// None: what the binary embeds and what `component` names.
    Off,
    /// Those whose digest the file names.
    Pinned,
    /// Those that a trusted key has signed.
    Signed,
    /// Whatever the ledger has.
    Any,
}

impl InstallPolicy {
    /// The policy as the file spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pinned => "pinned",
            Self::Signed => "signed",
            Self::Any => "any",
        }
    }
}

/// The keys of `[store]`.
pub(super) const KEYS: [&str; 2] = ["install", "trusted-keys"];

impl StoreConfig {
    /// The default: who can write an SQLite file is on this machine already.
    pub fn at(url: &DatabaseUrl) -> Self {
        Self {
            install: match url.dialect() {
                Dialect::Sqlite => InstallPolicy::Any,
                Dialect::Postgres => InstallPolicy::Signed,
            },
            trusted_keys: Vec::new(),
        }
    }

    pub(super) fn read(root: &Section<'_>, url: &DatabaseUrl) -> Result<Self, ConfigError> {
        let mut store = Self::at(url);
        let Some(node) = root.get("store") else {
            return Ok(store);
        };
        let section = node.section()?;
        section.only(&KEYS, &[])?;
        if let Some(node) = section.get("install") {
            store.install = policy(&node)?;
        }
        if let Some(node) = section.get("trusted-keys") {
            store.trusted_keys = keys(&node)?;
        }
        Ok(store)
    }
}

fn policy(node: &Node<'_>) -> Result<InstallPolicy, ConfigError> {
    let all = [
        InstallPolicy::Off,
        InstallPolicy::Pinned,
        InstallPolicy::Signed,
        InstallPolicy::Any,
    ];
    let text = node.text("signed")?;
    let found = all.into_iter().find(|policy| policy.as_str() == text);
    found.ok_or_else(|| node.error("must be \"off\", \"pinned\", \"signed\" or \"any\""))
}

/// A list of public keys.
pub(super) fn keys(node: &Node<'_>) -> Result<Vec<PublicKey>, ConfigError> {
    let names = node.names("[\"ed25519:…\"]")?;
    names
        .iter()
        .map(|text| text.parse().map_err(|error| node.error(format!("{error}"))))
        .collect()
}
