//! Why the store did not do what was asked.

use crate::database::DatabaseError;
use crate::ledger::LedgerError;
use crate::plugin::{Digest, LoadError};

use super::Untrusted;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The ledger refuses.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no such component.
    #[error("the ledger has no component {0}: `besom plugin install FILE` puts one there")]
    Unknown(Digest),
    /// The bytes are not those of the digest under which they lie.
    #[error(
        "the bytes under digest {digest} have the digest {found}: somebody has changed the ledger; \
         install the version again, and find out who"
    )]
    OtherBytes {
        /// The digest of the row.
        digest: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// Larger than any plugin may be.
    #[error(
        "the component {digest} has {size} bytes, more than the {limit} that a plugin may have"
    )]
    TooLarge {
        /// The component.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The limit.
        limit: usize,
    },
    /// It calls itself otherwise.
    #[error(
        "the component {digest} calls itself `{described}`, and lies in the ledger as `{stored}`"
    )]
    OtherName {
        /// The component.
        digest: Digest,
        /// Name and version in its manifest.
        described: String,
        /// Name and version in the ledger, or in the file.
        stored: String,
    },
    /// The file's policy does not let it in.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Somebody else changed the deployment at the same time.
    #[error("somebody else has just changed which version of `{0}` runs: look, and try again")]
    Raced(String),
}

impl StoreError {
    pub(super) fn of(error: DatabaseError) -> Self {
        Self::Ledger(LedgerError::of(error))
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::of(error)
    }
}
