//! Dry run: rows that would be gone, which the table tells of all the same.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use super::super::Links;

/// Bytes that a hash takes in a table that grows by doubling.
const HASH: usize = 24;

/// The rows by hashes of their keys, which take a tenth of what a row takes that waits. That two of ten million are
/// equal has odds of one in hundreds of thousands, and a dry run changes nothing.
#[derive(Debug, Default)]
pub(in super::super) struct Gone {
    rows: HashSet<u64>,
    by: RandomState,
    /// There were more: who refers to a row that waits may be one of them.
    pub(in super::super) is_full: bool,
}

impl Gone {
    pub(in super::super) fn has(&self, key: &str) -> bool {
        !self.rows.is_empty() && self.rows.contains(&self.by.hash_one(key))
    }

    /// Bytes that they take.
    pub(in super::super) fn takes(&self) -> usize {
        self.rows.len() * HASH
    }
}

impl Links {
    /// The row would be gone. Half of the room is for such.
    pub(in super::super) fn remember(&mut self, key: &str) {
        if self.gone.takes() + HASH > self.most / 2 {
            self.gone.is_full = true;
            return;
        }
        let hash = self.gone.by.hash_one(key);
        if self.gone.rows.insert(hash) {
            self.used += HASH;
        }
    }
}
