//! What one sweep left, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::unread::{Found, Unread};

/// Rows that a sweep met and did not take, as its batches counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassedOver {
    /// Another transaction held them.
    pub locked: u64,
    /// The database refused them, or too much goes along.
    pub refused: u64,
    /// Rows that stay refer to them.
    pub blocked: u64,
    /// Rows that went besides, counted nowhere: a trigger may have taken them.
    pub beside: u64,
    /// They were to go and did not, where a trigger may keep rows. Some may have been due no longer.
    pub kept: u64,
}

impl std::ops::AddAssign for PassedOver {
    fn add_assign(&mut self, other: Self) {
        self.locked += other.locked;
        self.refused += other.refused;
        self.blocked += other.blocked;
        self.beside += other.beside;
        self.kept += other.kept;
    }
}

/// What the probe after a run found of one sweep. Counts are rows, each counted no further than
/// [`MOST`](super::MOST_COUNTED).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remains {
    /// The swept table.
    pub table: String,
    /// Rows that nothing keeps from going.
    pub left: u64,
    /// Of these: held by another transaction when the sweep came by.
    pub locked: u64,
    /// Of these: refused by the database, or too much goes along with them.
    pub refused: u64,
    /// Of these: kept by a trigger without a word.
    pub kept: u64,
    /// The triggers of which one has kept them.
    pub kept_by: BTreeSet<String>,
    /// Of these: not there, or not eligible, when the sweep came by.
    pub arrived: u64,
    /// `left` is not counted further: there may be more.
    pub more: bool,
    /// Rows beside these that meet the condition, and that a row which stays refers to.
    pub blocked: u64,
    /// Those by the table whose rows hold them; a row that several hold counts for each.
    pub blocked_by: BTreeMap<String, u64>,
    /// Rows of any table that are passed over, because of a value that cannot be read.
    pub unread: u64,
    /// Those by `table.column`; a row of which two values cannot be read counts for each.
    pub unread_of: BTreeMap<String, Unread>,
    /// Of which columns it is not known whether every value can be read, and why.
    pub not_looked_at: Option<String>,
    /// Why the probe has no answer.
    pub unverified: Option<String>,
}

impl Remains {
    /// Rows that are left, told apart by what the sweep met. A row that was locked or refused then
    /// is still there now, unless its holder took it away; what was not met has come since.
    pub(super) fn told_apart(table: String, left: u64, most: u64, passed: PassedOver) -> Self {
        let refused = left.min(passed.refused);
        let locked = (left - refused).min(passed.locked);
        let kept = (left - refused - locked).min(passed.kept);
        Self {
            table,
            left,
            locked,
            refused,
            kept,
            arrived: left - refused - locked - kept,
            more: left >= most,
            ..Self::default()
        }
    }

    /// The same, where rows may have been kept by one of these triggers.
    pub(super) fn with_keepers<'t>(mut self, triggers: impl Iterator<Item = &'t str>) -> Self {
        if self.kept > 0 {
            self.kept_by = triggers.map(str::to_owned).collect();
        }
        self
    }

    /// The same, with what was found of values that cannot be read.
    pub(super) fn with_unread(mut self, found: Found) -> Self {
        self.unread = found.columns.values().map(|of| of.rows).sum();
        self.unread_of = found.columns;
        self.not_looked_at = found.unknown;
        self
    }

    /// The same, of a sweep with which so many rows went that no batch counted.
    pub(super) fn with_beside(mut self, rows: u64) -> Self {
        if rows > 0 && self.unverified.is_none() {
            self.unverified = Some(format!(
                "with rows of `{}` {rows} went that are not in the counts: a trigger may have taken them",
                self.table
            ));
        }
        self
    }

    /// As the ledger keeps them.
    pub fn to_ledger(remains: &[Self]) -> String {
        serde_json::to_string(remains).unwrap_or_else(|_| "[]".to_owned())
    }

    /// As the ledger has them; what this version cannot read is left out.
    pub fn from_ledger(text: &str) -> Vec<Self> {
        serde_json::from_str(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sweep_did_not_meet_has_arrived_since() {
        let of = |left, locked, refused| {
            let passed = PassedOver {
                locked,
                refused,
                ..PassedOver::default()
            };
            let found = Remains::told_apart("t".to_owned(), left, 100, passed);
            (found.locked, found.refused, found.arrived, found.more)
        };
        assert_eq!(of(0, 3, 1), (0, 0, 0, false), "they went since");
        assert_eq!(of(1, 1, 0), (1, 0, 0, false));
        assert_eq!(of(5, 2, 1), (2, 1, 2, false));
        assert_eq!(of(100, 0, 0), (0, 0, 100, true));
        let kept = PassedOver {
            locked: 1,
            kept: 4,
            ..PassedOver::default()
        };
        let found = Remains::told_apart("t".to_owned(), 3, 100, kept);
        assert_eq!((found.locked, found.kept, found.arrived), (1, 2, 0));
    }

    #[test]
    fn remains_come_back_from_the_ledger_as_they_went() {
        let mut remains = Remains::told_apart("t".to_owned(), 3, 10, PassedOver::default());
        remains.blocked_by.insert("child".to_owned(), 2);
        let kept = Remains::to_ledger(std::slice::from_ref(&remains));
        assert_eq!(Remains::from_ledger(&kept), [remains]);
        assert_eq!(Remains::from_ledger("of a later version"), []);
    }
}
