//! Rows that others wait for and to which no window has come, looked for by their keys.
//!
//! What refers to a row may lie so far from it that no run comes to both: a run that goes on in the middle of the table
//! would never know the two together. Rows of a chain that lie one behind the other are told by the next window, and
//! are not looked for.

use std::collections::VecDeque;

use super::{Fate, Links, Told};

/// Rows that are to be looked for.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The next window may tell them.
    fresh: Vec<u32>,
    ripe: VecDeque<u32>,
}

/// A due row that waits for one that was not found yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sweep) struct Waits {
    pub(in crate::sweep) row: Box<str>,
    pub(in crate::sweep) for_row: Box<str>,
    /// Rows that wait, this one among them.
    pub(in crate::sweep) rows: u64,
}

impl Links {
    /// From now on rows that others wait for are to be looked for.
    pub(in crate::sweep) fn seeks(&mut self) {
        self.queue.get_or_insert_default();
    }

    /// The next `most` rows that are to be looked for.
    pub(in crate::sweep) fn sought(&mut self, most: usize) -> Vec<Box<str>> {
        let mut keys = Vec::new();
        while keys.len() < most {
            let next = self.queue.as_mut().and_then(|queue| queue.ripe.pop_front());
            let Some(place) = next else { break };
            if let (true, Some(node)) = (self.is_untold(place), self.node(place)) {
                keys.push(node.key.clone());
            }
        }
        keys
    }

    /// They were not found out about, and are to be looked for again.
    pub(in crate::sweep) fn seek_again(&mut self, keys: &[Box<str>]) {
        let places: Vec<_> = keys.iter().filter_map(|key| self.places.get(key)).collect();
        if let Some(queue) = &mut self.queue {
            places
                .into_iter()
                .rev()
                .for_each(|place| queue.ripe.push_front(*place));
        }
    }

    /// Takes in what a look for these rows tells. One that it does not tell is due no longer, and stays.
    pub(in crate::sweep) fn tell_of(&mut self, keys: &[Box<str>], told: Told) {
        self.take_in(told, true);
        for key in keys {
            if let Some(place) = self.places.get(key).copied()
                && self.is_untold(place)
            {
                self.hold(place);
            }
        }
    }

    /// Puts circles into the order of those that go, which wait for nothing outside of them.
    pub(in crate::sweep) fn close_circles(&mut self) {
        let waits = self.waiting_for_untold();
        let all = |place: usize| match waits.get(place) {
            Some(false) => self.open_above(place),
            _ => None,
        };
        let circles = super::super::circles::circles(self.nodes.len(), all);
        for circle in circles {
            let above: Vec<_> = circle
                .iter()
                .filter_map(|row| self.node(*row))
                .flat_map(|node| node.refers_to.clone())
                .collect();
            self.go_together(&circle);
            for row in above {
                self.at(row, |node| {
                    node.waits_for = node.waits_for.saturating_sub(1)
                });
            }
        }
    }

    /// A row that waits for one that is still to be looked for; `None`: there is none.
    pub(in crate::sweep) fn waits(&self) -> Option<Waits> {
        let ripe = &self.queue.as_ref()?.ripe;
        let untold = *ripe.iter().find(|place| self.is_untold(**place))?;
        let for_row = self.node(untold)?;
        let row = for_row
            .refers_to
            .iter()
            .find_map(|place| self.node(*place))?;
        let waits = self.waiting_for_untold();
        let waiting = self.nodes.iter().zip(waits);
        Some(Waits {
            row: row.key.clone(),
            for_row: for_row.key.clone(),
            rows: waiting
                .filter(|(node, waits)| *waits && node.is_due())
                .count() as u64,
        })
    }

    /// A row refers to another: it is to be looked for, unless it is known.
    pub(super) fn seek(&mut self, row: u32, at_once: bool) {
        let Some(queue) = &mut self.queue else { return };
        let node = usize::try_from(row)
            .ok()
            .and_then(|row| self.nodes.get_mut(row));
        let Some(node) = node.filter(|node| !node.told && !node.is_sought) else {
            return;
        };
        node.is_sought = true;
        match at_once {
            true => queue.ripe.push_back(row),
            false => queue.fresh.push(row),
        }
    }

    /// What the last window has named and not told is not told by the next one.
    pub(in crate::sweep) fn ripen(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.ripe.extend(queue.fresh.drain(..));
        }
    }

    pub(super) fn forget_the_queue(&mut self) {
        if let Some(queue) = &mut self.queue {
            *queue = Queue::default();
        }
    }

    fn is_untold(&self, place: u32) -> bool {
        let node = self.node(place);
        node.is_some_and(|node| node.fate == Fate::Open && !node.told && !node.key.is_empty())
    }

    /// By place: open rows that wait for one of which nothing is known, over however many others.
    fn waiting_for_untold(&self) -> Vec<bool> {
        let mut waits = vec![false; self.nodes.len()];
        let mut next: Vec<u32> = (0u32..)
            .take(self.nodes.len())
            .filter(|place| self.is_untold(*place))
            .collect();
        while let Some(place) = next.pop() {
            let at = usize::try_from(place).unwrap_or(usize::MAX);
            let (Some(node), Some(mark)) = (self.nodes.get(at), waits.get_mut(at)) else {
                continue;
            };
            if !*mark && node.fate == Fate::Open {
                *mark = true;
                next.extend(&node.refers_to);
            }
        }
        waits
    }
}
