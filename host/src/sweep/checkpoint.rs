//! Where each sweep of a run stands, as the ledger keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fraction::Line;
use super::remains::PassedOver;
use crate::sql::Cursor;

/// The sweeps of a run by their ordinal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checkpoint {
    sweeps: Vec<Position>,
    /// Blocked rows so far, by the table that holds them.
    pub(super) blocked_by: BTreeMap<String, u64>,
    /// Rows passed over so far, by the sweep's ordinal.
    pub(super) passed_over: BTreeMap<usize, PassedOver>,
    /// How far the run may go in each table, and how far it has come.
    pub(super) lines: BTreeMap<String, Line>,
    /// Milliseconds that the run was held back so far, by reason.
    pub(super) throttled: BTreeMap<String, u64>,
}

/// One sweep's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The hash of the request: a plugin that asks for something else starts at the first row.
    request: String,
    /// Every eligible row has been visited.
    drained: bool,
    cursor: Cursor,
}

impl Checkpoint {
    /// Reads a stored checkpoint. One that does not read is as good as none: a sweep that starts
    /// over meets rows that are gone already.
    pub(super) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::warn!(%error, "the run's checkpoint does not read; its sweeps start over");
            Self::default()
        })
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// The place of the sweep with this ordinal and request; `None`: drained.
    pub(super) fn resume(&self, ordinal: usize, hash: &str) -> Option<Cursor> {
        match self.sweeps.get(ordinal) {
            Some(position) if position.request == hash => {
                (!position.drained).then(|| position.cursor.clone())
            }
            _ => Some(Cursor::default()),
        }
    }

    /// The sweep with this ordinal has not begun.
    pub(super) fn is_new_to(&self, ordinal: usize) -> bool {
        self.sweeps.len() <= ordinal
    }

    /// This checkpoint with a sweep moved on; `None`: to its end.
    pub(super) fn with(&self, ordinal: usize, hash: &str, cursor: Option<&Cursor>) -> Self {
        let mut next = self.clone();
        next.sweeps.truncate(ordinal + 1);
        let empty = || Position {
            request: String::new(),
            drained: false,
            cursor: Cursor::default(),
        };
        next.sweeps.resize_with(ordinal + 1, empty);
        if let Some(position) = next.sweeps.last_mut() {
            *position = Position {
                request: hash.to_owned(),
                drained: cursor.is_none(),
                cursor: cursor.cloned().unwrap_or_default(),
            };
        }
        next
    }
}

/// The identity of a request, and of the order in which it goes through its table: a cursor of
/// another order would be compared with other columns.
pub(super) fn hash(of: &impl std::fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{of:?}").as_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Bind;
    use crate::request::{Condition, Request};

    #[test]
    fn a_sweep_resumes_only_under_its_own_ordinal_and_request() {
        let cursor = Cursor {
            after: Some(vec![Bind::Integer(7)]),
            ..Cursor::default()
        };
        let saved = Checkpoint::default().with(1, "abc", Some(&cursor));
        let read = Checkpoint::parse(&saved.to_json());

        assert_eq!(read.resume(1, "abc"), Some(cursor));
        assert_eq!(read.resume(1, "other"), Some(Cursor::default()));
        assert_eq!(read.resume(0, "abc"), Some(Cursor::default()));
        assert_eq!(read.with(1, "abc", None).resume(1, "abc"), None, "drained");
    }

    #[test]
    fn requests_that_differ_in_a_value_have_other_hashes() {
        let is_null = |column: &str| {
            Request::delete(
                "t",
                Condition::IsNull {
                    column: column.into(),
                },
            )
        };
        assert_ne!(hash(&is_null("a")), hash(&is_null("b")));
    }
}
