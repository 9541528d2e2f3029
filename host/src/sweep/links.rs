//! What of a table hangs together, put together window by window, and the order in which it may go.
//!
//! By a foreign key of its own table a row holds the row that it refers to. So a row may go once every
//! row that refers to it may, and goes after them or with them. Each row and each reference is looked
//! at once: a row is *free* when the last of those that refer to it is, and *held* when one of them is.
//! What is neither at the end of the table refers to each other in a circle, or waits for a row that
//! nobody has seen.

mod awaited;
mod room;

use std::collections::{HashMap, VecDeque};

use crate::sql::Referrer;
use awaited::Queue;
pub(super) use awaited::Waits;

/// What a window has told: a row, and one that refers to it.
pub(super) type Told = Vec<(Box<str>, Option<(Box<str>, Referrer)>)>;

/// Bytes that rows may take which are kept in mind at once: two million rows by a key of 20 bytes. Rows that are free are
/// forgotten as they go, so these wait for others that no window has come to, or are held.
pub(super) const MOST: usize = 400_000_000;

/// What a row takes beside its key, which is kept twice: its node, its place, and a reference.
const ROW: usize = 160;

/// A row in the order in which rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) key: Box<str>,
    /// CASCADE takes it with a row behind it, in the same batch.
    pub(super) rides: bool,
    /// It goes in one batch with the next one.
    pub(super) with_next: bool,
}

#[derive(Debug, Default)]
struct Node {
    key: Box<str>,
    /// Its own window has told it, or that of the row that it rides with, or a look for it by its key.
    told: bool,
    /// No window has come to it, though it was told.
    is_ahead: bool,
    /// It is, or was, among those that are looked for by their keys.
    is_sought: bool,
    rides: bool,
    fate: Fate,
    /// Rows that refer to it and are not known to be free.
    waits_for: u32,
    /// The rows that it refers to: as many as there are keys, most often one.
    refers_to: Vec<u32>,
    /// Rows that ride with it and refer to it.
    riders: Vec<u32>,
}

impl Node {
    /// Its window has told it, and it goes by itself if it goes.
    fn is_due(&self) -> bool {
        self.told && !self.rides && !self.is_ahead
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    #[default]
    Open,
    Free,
    Held,
    /// It is in the order of those that go.
    Taken,
}

/// The rows that hang together, as far as windows have told them.
#[derive(Debug, Default)]
pub(super) struct Links {
    places: HashMap<Box<str>, u32>,
    nodes: Vec<Node>,
    vacant: Vec<u32>,
    order: VecDeque<Link>,
    /// Rows that others wait for, where they are looked for by their keys.
    queue: Option<Queue>,
    /// Rows that have gone are not looked at again.
    forgets: bool,
    most: usize,
    /// Bytes that rows take.
    used: usize,
    /// Where the oldest rows are.
    oldest: usize,
    /// Rows that are held and were forgotten.
    forgotten: u64,
    /// Of all held rows, those that were taken for held to make room.
    given_up: u64,
    /// Due rows that there was no room for.
    unknown: u64,
    /// Dry run: rows that were taken, which a database without them would not tell of any more.
    gone: room::Gone,
}

impl Links {
    /// `forgets`: rows are gone once they were taken, so that no later window tells them. In a dry run
    /// they are not.
    pub(super) fn new(forgets: bool, most: usize) -> Self {
        Self {
            forgets,
            most,
            ..Self::default()
        }
    }

    /// Takes in what a window tells: rows, each with one that refers to it.
    pub(super) fn tell(&mut self, told: Told) {
        self.ripen();
        self.take_in(told, false);
    }

    /// `ahead`: no window has come to these rows.
    fn take_in(&mut self, told: Told, ahead: bool) {
        self.make_room_for(&told);
        let mut seen = Vec::new();
        for (key, referrer) in self.with_room(told) {
            let Some(row) = self.place(key) else { continue };
            self.at(row, |node| {
                node.is_ahead = ahead && (node.is_ahead || !node.told);
                node.told = true;
            });
            seen.push(row);
            match referrer {
                None => {}
                Some((_, Referrer::Stays)) => {
                    self.hold(row);
                }
                Some((child, how)) => match self.place(child) {
                    None => {
                        self.hold(row);
                    }
                    Some(child) => {
                        if how == Referrer::Rides {
                            self.at(child, |node| {
                                node.told = true;
                                node.rides = true;
                            });
                            seen.push(child);
                        }
                        self.seek(child, ahead);
                        self.tie(child, row);
                    }
                },
            }
        }
        for row in seen {
            self.settle(row);
        }
    }

    /// Rows in the order of those that go.
    pub(super) fn ready(&self) -> usize {
        self.order.len()
    }

    /// Rows of which it is not known, for want of room, whether they are held, since this was asked: where rows go
    /// those that count as held, in a dry run those that do not.
    pub(super) fn given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    /// Rows that are kept in mind.
    pub(super) fn waiting(&self) -> usize {
        self.places.len()
    }

    /// The next rows to go, `size` of them or as many more as the last one goes with.
    pub(super) fn take(&mut self, size: usize) -> Vec<Link> {
        let mut taken: Vec<Link> = Vec::new();
        while taken.len() < size || taken.last().is_some_and(|link| link.with_next) {
            let Some(link) = self.order.pop_front() else {
                break;
            };
            if let Some(place) = self.places.remove(&link.key) {
                self.vacate(place);
            }
            if !self.forgets {
                self.remember(&link.key);
            }
            taken.push(link);
        }
        taken
    }

    /// Every window has told what it has: what is left open is in a circle that nothing outside holds,
    /// or held. Answers how many due rows are held; a second call, none.
    pub(super) fn finish(&mut self) -> u64 {
        let untold: Vec<u32> = (0u32..)
            .zip(&self.nodes)
            .filter(|(_, node)| !node.told && !node.key.is_empty())
            .map(|(place, _)| place)
            .collect();
        for place in untold {
            let held = self.hold(place);
            self.given_up += if self.gone.is_full { held } else { 0 };
        }
        for circle in super::circles::circles(self.nodes.len(), |place| self.open_above(place)) {
            self.go_together(&circle);
        }
        let held = |node: &&Node| node.fate == Fate::Held && node.is_due();
        let count = self.nodes.iter().filter(held).count() as u64;
        let count = count + self.unknown + self.forgotten;
        self.given_up += self.unknown;
        (self.unknown, self.forgotten) = (0, 0);
        let count = self.known(count);
        (self.used, self.oldest) = (self.gone.takes(), 0);
        self.places.clear();
        self.nodes.clear();
        self.vacant.clear();
        self.forget_the_queue();
        count
    }

    /// The place of a row; `None`: there is no room.
    fn place(&mut self, key: Box<str>) -> Option<u32> {
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        let takes = weight(&key);
        if self.used + takes > self.most {
            return None;
        }
        self.used += takes;
        let node = Node {
            key: key.clone(),
            ..Node::default()
        };
        let place = match self.vacant.pop() {
            Some(place) => {
                self.at(place, |old| *old = node);
                place
            }
            None => {
                self.nodes.push(node);
                u32::try_from(self.nodes.len() - 1).ok()?
            }
        };
        self.places.insert(key, place);
        Some(place)
    }

    /// Forgets the row of a place.
    fn vacate(&mut self, place: u32) {
        let mut takes = 0;
        self.at(place, |node| {
            takes = weight(&node.key);
            *node = Node::default();
        });
        self.used = self.used.saturating_sub(takes);
        self.vacant.push(place);
    }

    fn node(&self, place: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(place).ok()?)
    }

    fn at(&mut self, place: u32, change: impl FnOnce(&mut Node)) {
        let node = usize::try_from(place)
            .ok()
            .and_then(|place| self.nodes.get_mut(place));
        if let Some(node) = node {
            change(node);
        }
    }

    /// `child` refers to `row`.
    fn tie(&mut self, child: u32, row: u32) {
        let taken = self.node(row).is_none_or(|row| row.fate == Fate::Taken);
        let Some(node) = self.node(child) else { return };
        // What is on its way is not waited for by name: its place is soon another row's.
        if taken || node.refers_to.contains(&row) {
            return;
        }
        let (fate, rides) = (node.fate, node.rides);
        self.at(child, |node| node.refers_to.push(row));
        if rides {
            self.at(row, |node| node.riders.push(child));
        }
        match fate {
            Fate::Open => self.at(row, |node| node.waits_for += 1),
            Fate::Held => {
                self.hold(row);
            }
            Fate::Free | Fate::Taken => {}
        }
    }

    /// The row stays, and with it all that it refers to. Answers how many due rows that are.
    fn hold(&mut self, row: u32) -> u64 {
        let (mut next, mut held) = (vec![row], 0);
        while let Some(row) = next.pop() {
            self.at(row, |node| {
                if node.fate == Fate::Open {
                    node.fate = Fate::Held;
                    held += u64::from(node.is_due());
                    next.extend(&node.refers_to);
                }
            });
        }
        held
    }

    /// The row is free where nothing is left that it waits for, and so may be what it refers to.
    fn settle(&mut self, row: u32) {
        let mut next = vec![row];
        while let Some(row) = next.pop() {
            let Some(node) = self.node(row) else { continue };
            if node.fate != Fate::Open || !node.told || node.waits_for > 0 {
                continue;
            }
            let (rides, above) = (node.rides, node.refers_to.clone());
            self.at(row, |node| node.fate = Fate::Free);
            for above in above {
                self.at(above, |node| {
                    node.waits_for = node.waits_for.saturating_sub(1)
                });
                next.push(above);
            }
            if !rides {
                self.go_together(&[row]);
            }
        }
    }

    /// Puts rows into the order that go in one batch, with those that ride with them.
    fn go_together(&mut self, rows: &[u32]) {
        let due = |row: &u32| self.node(*row).is_some_and(|node| !node.rides);
        if !rows.iter().any(due) {
            // They ride with a row that comes later, or with none.
            rows.iter()
                .for_each(|row| self.at(*row, |node| node.fate = Fate::Free));
            return;
        }
        let mut group = Vec::new();
        let mut next: Vec<u32> = rows.to_vec();
        while let Some(row) = next.pop() {
            let Some(node) = self.node(row) else { continue };
            if node.fate == Fate::Taken {
                continue;
            }
            group.push(Link {
                key: node.key.clone(),
                rides: node.rides,
                with_next: true,
            });
            // One that has gone with another root may have left its place to a row of another kind.
            let below = node.riders.iter().filter(|rider| {
                let rider = self.node(**rider);
                rider.is_some_and(|rider| rider.rides && rider.refers_to.contains(&row))
            });
            next.extend(below);
            self.at(row, |node| node.fate = Fate::Taken);
        }
        // Those that refer go ahead of what they refer to.
        group.reverse();
        if let Some(last) = group.last_mut() {
            last.with_next = false;
        }
        self.order.extend(group);
    }

    /// What an open row refers to that is open as well; `None`: it is not open.
    fn open_above(&self, place: usize) -> Option<&[u32]> {
        let node = self.nodes.get(place)?;
        let open = node.fate == Fate::Open && !node.key.is_empty();
        open.then_some(node.refers_to.as_slice())
    }
}

/// Bytes that a row takes.
fn weight(key: &str) -> usize {
    ROW + 2 * key.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
