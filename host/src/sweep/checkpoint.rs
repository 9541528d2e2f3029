//! Where each sweep of a run stands, as the ledger keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::fraction::Line;
use super::reach::Looked;
use super::remains::PassedOver;
use crate::sql::Cursor;

/// The sweeps of a run by their ordinal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checkpoint {
    sweeps: Vec<Position>,
    /// Where the sweeps of the run before this one stood when it was suspended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<Position>,
    /// Blocked rows so far, by the table that holds them.
    pub(super) blocked_by: BTreeMap<String, u64>,
    /// Rows passed over so far, by the sweep's ordinal.
    pub(super) passed_over: BTreeMap<usize, PassedOver>,
    /// How far the run may go in each table, and how far it has come.
    pub(super) lines: BTreeMap<String, Line>,
    /// The last look ahead of each sweep that such looks serve.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    looks: BTreeMap<usize, Looked>,
    /// Milliseconds that the run was held back so far, by reason.
    pub(super) throttled: BTreeMap<String, u64>,
    /// Rows of a window that are done within the statement timeout where more were not, by the sweep's ordinal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spans: BTreeMap<usize, u64>,
}

/// One sweep's place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The hash of the request: a plugin that asks for something else starts at the first row.
    request: String,
    /// The same without its instants, which differ from run to run.
    #[serde(default)]
    lasting: String,
    /// Every eligible row has been visited.
    drained: bool,
    cursor: Cursor,
    /// The run began here in the middle: rows before its beginning are still to be visited.
    #[serde(default)]
    midway: bool,
    /// It has come round without being drained: those behind it may not have begun.
    #[serde(default, skip_serializing_if = "is_false")]
    had_a_round: bool,
    /// After that it left a part of a run to those behind it.
    #[serde(default, skip_serializing_if = "is_false")]
    gave_way: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
fn is_false(of: &bool) -> bool {
    !of
}

/// What a sweep asks for, and in which order it goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Identity {
    /// Of this run.
    pub(super) exact: String,
    /// Of every run under the same settings.
    lasting: String,
}

impl Identity {
    /// The identity of a request, and of the order in which it goes through its table: a cursor of
    /// another order would be compared with other columns.
    pub(super) fn of(asked: &impl std::fmt::Debug) -> Self {
        let words = format!("{asked:?}");
        Self {
            exact: digest(&words),
            lasting: digest(&without_instants(&words)),
        }
    }
}

/// Where a sweep begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// `None`: it is drained.
    pub(super) cursor: Option<Cursor>,
    /// Rows before that are still to be visited in this run.
    pub(super) midway: bool,
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

    /// An empty one that goes on where those of a suspended run stood.
    pub(super) fn after(suspended: Self) -> Self {
        let mut before = suspended.before;
        for (ordinal, position) in suspended.sweeps.into_iter().enumerate() {
            match before.get_mut(ordinal) {
                Some(known) => *known = position,
                None => before.push(position),
            }
        }
        Self {
            before,
            spans: suspended.spans,
            looks: suspended.looks,
            ..Self::default()
        }
    }

    /// What a window of the sweep with this ordinal is bounded to by the time that its rows take.
    pub(super) fn span_of(&self, ordinal: usize) -> Option<u64> {
        self.spans.get(&ordinal).copied()
    }

    pub(super) fn keep_span(&mut self, ordinal: usize, rows: Option<u64>) {
        match rows {
            Some(rows) => self.spans.insert(ordinal, rows),
            None => self.spans.remove(&ordinal),
        };
    }

    /// The last look ahead of the sweep with this ordinal, in this run or the one before.
    pub(super) fn last_look(&self, ordinal: usize) -> Option<Looked> {
        self.looks.get(&ordinal).copied()
    }

    /// Notes it, for the next batch to keep.
    pub(super) fn looked(&mut self, ordinal: usize, last: Option<Looked>) {
        match last {
            Some(look) => self.looks.insert(ordinal, look),
            None => self.looks.remove(&ordinal),
        };
    }

    /// The place of the sweep with this ordinal and request.
    pub(super) fn resume(&self, ordinal: usize, asks: &Identity) -> Place {
        if let Some(position) = self.sweeps.get(ordinal) {
            let same = position.request == asks.exact;
            return Place {
                cursor: match same {
                    true => (!position.drained).then(|| position.cursor.clone()),
                    false => Some(Cursor::default()),
                },
                midway: same && position.midway,
            };
        }
        let cursor = self.left_off(ordinal, asks);
        let cursor = cursor.map_or_else(Cursor::default, |position| position.cursor.clone());
        Place {
            midway: cursor != Cursor::default(),
            cursor: Some(cursor),
        }
    }

    /// Where the run before left the sweep off; `None`: nowhere, or it was drained.
    fn left_off(&self, ordinal: usize, asks: &Identity) -> Option<&Position> {
        let before = self.before.get(ordinal)?;
        (before.lasting == asks.lasting && !before.drained).then_some(before)
    }

    fn behind(&self, ordinal: usize) -> &[Position] {
        self.before.get(ordinal + 1..).unwrap_or_default()
    }

    /// Whether the sweep is to leave a part of this run to those behind it: it has had a round, and one of them was
    /// not drained since. Where it gave way and none came, there is none.
    pub(super) fn is_to_give_way(&self, ordinal: usize, asks: &Identity) -> bool {
        let before = self.left_off(ordinal, asks);
        before.is_some_and(|position| {
            let waits = || self.behind(ordinal).iter().any(|behind| !behind.drained);
            position.had_a_round && (!position.gave_way || waits())
        })
    }

    /// The sweep gives way once its next batch has kept that; `false`: it has had none in this run.
    pub(super) fn gives_way(&mut self, ordinal: usize) -> bool {
        let position = self.sweeps.get_mut(ordinal);
        position.is_some_and(|position| {
            position.gave_way = true;
            true
        })
    }

    /// What is known of a sweep's turns when it has moved on to a place.
    fn turns(&self, ordinal: usize, asks: &Identity, place: &Place) -> (bool, bool) {
        if place.cursor.is_none() {
            return (false, false);
        }
        let here = self.sweeps.get(ordinal);
        let here = here.filter(|position| position.request == asks.exact);
        let (had_a_round, gave_way, midway) = match (here, self.left_off(ordinal, asks)) {
            (Some(at), _) => (at.had_a_round, at.gave_way, at.midway),
            (None, Some(at)) => {
                let behind = self.behind(ordinal);
                let served = !behind.is_empty() && behind.iter().all(|behind| behind.drained);
                let again = at.gave_way && served;
                let midway = at.cursor != Cursor::default();
                (at.had_a_round && !again, at.gave_way && !again, midway)
            }
            (None, None) => (false, false, false),
        };
        (had_a_round || midway && !place.midway, gave_way)
    }

    /// The sweep with this ordinal has not begun.
    pub(super) fn is_new_to(&self, ordinal: usize) -> bool {
        self.sweeps.len() <= ordinal
    }

    /// This checkpoint with a sweep moved on; no cursor: to its end.
    pub(super) fn with(&self, ordinal: usize, asks: &Identity, place: Place) -> Self {
        let mut next = self.clone();
        let (had_a_round, gave_way) = self.turns(ordinal, asks, &place);
        next.sweeps.truncate(ordinal + 1);
        let empty = || Position {
            request: String::new(),
            lasting: String::new(),
            drained: false,
            cursor: Cursor::default(),
            midway: false,
            had_a_round: false,
            gave_way: false,
        };
        next.sweeps.resize_with(ordinal + 1, empty);
        if let Some(position) = next.sweeps.last_mut() {
            *position = Position {
                request: asks.exact.clone(),
                lasting: asks.lasting.clone(),
                drained: place.cursor.is_none(),
                cursor: place.cursor.unwrap_or_default(),
                midway: place.midway,
                had_a_round,
                gave_way,
            };
        }
        next
    }
}

/// A hash of what is printed of something.
pub(super) fn hash(of: &impl std::fmt::Debug) -> String {
    digest(&format!("{of:?}"))
}

fn digest(words: &str) -> String {
    let digest = Sha256::digest(words.as_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What is printed of a request, with every instant replaced by a word. A text that looks like one loses
/// it as well, which costs nothing: a sweep that goes on in the wrong place comes round.
fn without_instants(words: &str) -> String {
    const INSTANT: &str = "Timestamp(";
    let mut parts = words.split(INSTANT);
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        left.push_str(INSTANT);
        left.push_str(part.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit()));
    }
    left
}

#[cfg(test)]
mod tests;
