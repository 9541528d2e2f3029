//! Room for more rows than are kept in mind at once.
//!
//! What is known to be held need not be known any longer: a row that it refers to is held as well, or waits for a row
//! that nobody tells any more, which comes to the same. Where too few are held the oldest of those that wait are
//! taken for held, and a later run sees to them: so free rows behind any number of others go as their windows come.

mod gone;

use std::collections::HashSet;

use super::{Fate, Links, Told, weight};
use crate::sql::Referrer;
pub(super) use gone::Gone;

/// Room is made for more than it is asked for, because it takes a look at all rows.
const AT_ONCE: usize = 4;

impl Links {
    /// Makes room for what a window tells, as far as that is possible.
    pub(super) fn make_room_for(&mut self, told: &Told) {
        let takes = |(row, from): &(Box<str>, Option<(Box<str>, _)>)| {
            weight(row) + from.as_ref().map_or(0, |(from, _)| weight(from))
        };
        let needed: usize = told.iter().map(takes).sum();
        let room = self.most.saturating_sub(self.used);
        if room < needed {
            self.forget((needed - room).max(self.most / AT_ONCE));
        }
    }

    /// What a window tells, of rows that have a place and of such as would be there.
    pub(super) fn with_room(&mut self, told: Told) -> Told {
        let told = self.without_those_gone(told);
        let mut roomless = HashSet::new();
        for (key, _) in &told {
            let is_known = self.places.contains_key(key) || roomless.contains(key);
            if !is_known && self.place(key.clone()).is_none() {
                roomless.insert(key.clone());
            }
        }
        if roomless.is_empty() {
            return told;
        }
        let mut without = roomless.clone();
        for (_, from) in &told {
            if let Some((rider, Referrer::Rides)) = from {
                without.remove(rider);
            }
        }
        self.unknown += without.len() as u64;
        let has_room = |(key, _): &(Box<str>, _)| !roomless.contains(key);
        told.into_iter().filter(has_room).collect()
    }

    fn without_those_gone(&self, told: Told) -> Told {
        if self.forgets {
            return told;
        }
        let told = told.into_iter().filter(|(key, _)| !self.gone.has(key));
        let of = |(key, from): (Box<str>, Option<(Box<str>, _)>)| {
            let from = from.filter(|(from, _)| !self.gone.has(from));
            (key, from)
        };
        told.map(of).collect()
    }

    /// So many rows are left that are held, as far as that is known. A dry run says nothing of rows that it had no
    /// room for, nor of those that hang on them; where rows go a later run sees to them.
    pub(super) fn known(&mut self, held: u64) -> u64 {
        if self.forgets || self.given_up == 0 {
            return held;
        }
        self.given_up = held;
        0
    }

    /// Forgets the oldest rows that take so many bytes together, those first that are held.
    fn forget(&mut self, bytes: usize) {
        let count = self.nodes.len();
        let mut leaves = vec![false; count];
        let (mut freed, mut last) = (0, self.oldest);
        for fate in [Fate::Held, Fate::Open] {
            let places = (self.oldest..count).chain(0..self.oldest.min(count));
            for at in places {
                if freed >= bytes {
                    break;
                }
                let Some(node) = self.nodes.get(at) else {
                    continue;
                };
                // What is held because an open row was given up is old as well.
                let held = node.fate == Fate::Held;
                if node.key.is_empty() || !held && node.fate != fate {
                    continue;
                }
                let Some(leaves) = leaves.get_mut(at).filter(|leaves| !**leaves) else {
                    continue;
                };
                *leaves = true;
                freed += weight(&node.key);
                last = at + 1;
                if let (false, Ok(place)) = (held, u32::try_from(at)) {
                    self.given_up += self.hold(place);
                }
            }
        }
        self.oldest = last;
        self.leave_out(&leaves);
    }

    /// Forgets these rows, and that others refer to them.
    fn leave_out(&mut self, leaves: &[bool]) {
        let stays = |place: &u32| {
            let at = usize::try_from(*place).unwrap_or(usize::MAX);
            !leaves.get(at).copied().unwrap_or_default()
        };
        for node in &mut self.nodes {
            node.refers_to.retain(stays);
            node.riders.retain(stays);
        }
        for (place, _) in (0_u32..).zip(leaves).filter(|(_, leaves)| **leaves) {
            let Some(node) = self.node(place) else {
                continue;
            };
            let (due, key) = (node.is_due(), node.key.clone());
            self.forgotten += u64::from(due);
            self.places.remove(&key);
            self.vacate(place);
        }
    }
}
