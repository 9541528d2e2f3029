use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn key(row: usize) -> Box<str> {
    row.to_string().into()
}

/// Rows that refer to others; those below `due` in number may go.
#[derive(Debug, Clone)]
struct Table {
    stays: BTreeSet<usize>,
    refers_to: Vec<BTreeSet<usize>>,
    window: usize,
}

fn tables() -> impl Strategy<Value = Table> {
    let row = (
        prop::bool::weighted(0.1),
        prop::collection::btree_set(0_usize..30, 0..3),
    );
    (prop::collection::vec(row, 1..30), 1_usize..8).prop_map(|(rows, window)| {
        let count = rows.len();
        let stays = rows.iter().enumerate().filter(|(_, row)| row.0);
        Table {
            stays: stays.map(|(at, _)| at).collect(),
            refers_to: rows
                .iter()
                .enumerate()
                .map(|(at, (_, to))| {
                    to.iter()
                        .copied()
                        .filter(|to| *to < count && *to != at)
                        .collect()
                })
                .collect(),
            window,
        }
    })
}

impl Table {
    fn referrers(&self, of: usize) -> Vec<usize> {
        (0..self.refers_to.len())
            .filter(|row| self.refers_to[*row].contains(&of))
            .collect()
    }

    fn free(&self) -> BTreeSet<usize> {
        let all = 0..self.refers_to.len();
        let mut free: BTreeSet<usize> = all.filter(|row| !self.stays.contains(row)).collect();
        loop {
            let before = free.clone();
            free.retain(|row| {
                self.referrers(*row)
                    .iter()
                    .all(|from| before.contains(from))
            });
            if free == before {
                return free;
            }
        }
    }

    /// What is told of rows, those that have gone not being there.
    fn tells(&self, rows: &[usize], gone: &BTreeSet<usize>) -> Told {
        let mut told = Vec::new();
        let there = rows
            .iter()
            .filter(|row| !self.stays.contains(row) && !gone.contains(row));
        for row in there {
            let from = self.referrers(*row).into_iter();
            let from: Vec<_> = from.filter(|from| !gone.contains(from)).collect();
            if from.is_empty() {
                told.push((key(*row), None));
            }
            for from in from {
                let how = match self.stays.contains(&from) {
                    true => Referrer::Stays,
                    false => Referrer::Due,
                };
                told.push((key(*row), Some((key(from), how))));
            }
        }
        told
    }

    /// The batches of a run that begins with this row, and looks for others by their keys; and how many rows it has
    /// seen that are held.
    fn gone_through_from(&self, begin: usize) -> (Vec<Vec<usize>>, u64) {
        let mut links = Links::new(true, MOST);
        links.seeks();
        let (mut batches, mut gone) = (Vec::new(), BTreeSet::new());
        let rows: Vec<usize> = (begin..self.refers_to.len()).collect();
        for window in rows.chunks(self.window).chain([&[][..]]) {
            links.tell(self.tells(window, &gone));
            loop {
                let keys = links.sought(3);
                if keys.is_empty() {
                    break;
                }
                let rows: Vec<usize> = keys.iter().map(|key| key.parse().unwrap()).collect();
                links.tell_of(&keys, self.tells(&rows, &gone));
            }
            links.close_circles();
            while links.ready() > 0 {
                let taken = links.take(4);
                let batch: Vec<usize> =
                    taken.iter().map(|link| link.key.parse().unwrap()).collect();
                gone.extend(&batch);
                batches.push(batch);
            }
        }
        (batches, links.finish())
    }

    /// What the windows tell, with batches of what is ready in between; `stays`: a dry run, after which the table tells
    /// of the same rows.
    fn gone_through(&self, stays: bool, most: usize) -> (Vec<Vec<usize>>, u64) {
        let mut links = Links::new(!stays, most);
        let mut batches = Vec::new();
        let mut gone = BTreeSet::new();
        let mut take = |links: &mut Links, gone: &mut BTreeSet<usize>| {
            let batch: Vec<usize> = links
                .take(4)
                .iter()
                .map(|link| link.key.parse().unwrap())
                .collect();
            gone.extend(&batch);
            batches.push(batch);
        };
        let rows: Vec<usize> = (0..self.refers_to.len()).collect();
        for window in rows.chunks(self.window) {
            let none = BTreeSet::new();
            links.tell(self.tells(window, if stays { &none } else { &gone }));
            assert!(links.used <= most);
            while links.ready() >= 4 {
                take(&mut links, &mut gone);
            }
        }
        let held = links.finish();
        while links.ready() > 0 {
            take(&mut links, &mut gone);
        }
        (batches, held)
    }
}

proptest! {
    #[test]
    fn the_largest_set_goes_and_nothing_ahead_of_what_refers_to_it(table in tables()) {
        let free = table.free();
        let (batches, held) = table.gone_through(false, MOST);
        let mut gone = BTreeSet::new();
        for batch in &batches {
            gone.extend(batch);
            for row in batch {
                prop_assert!(table.referrers(*row).iter().all(|from| gone.contains(from)), "{row} in {batches:?}");
            }
        }
        prop_assert_eq!(&gone, &free);
        let due = table.refers_to.len() - table.stays.len();
        prop_assert_eq!(held as usize, due - free.len());
        prop_assert_eq!(table.gone_through(true, MOST), (batches, held));
    }

    #[test]
    fn whoever_begins_in_the_middle_takes_all_that_it_sees_with_what_it_waits_for(
        table in tables(),
        begin in 0_usize..30,
    ) {
        let begin = begin.min(table.refers_to.len() - 1);
        let free = table.free();
        let (batches, held) = table.gone_through_from(begin);
        let mut gone = BTreeSet::new();
        for batch in &batches {
            gone.extend(batch);
            for row in batch {
                prop_assert!(table.referrers(*row).iter().all(|from| gone.contains(from)), "{row} in {batches:?}");
            }
        }
        prop_assert!(gone.is_subset(&free), "{gone:?} of {free:?}");
        let seen = |rows: &BTreeSet<usize>| rows.iter().filter(|row| **row >= begin).count();
        prop_assert_eq!(seen(&gone), seen(&free));
        let due = table.refers_to.len() - begin - seen(&table.stays);
        prop_assert_eq!(held as usize, due - seen(&free));
    }

    #[test]
    fn with_too_little_room_fewer_go_and_still_nothing_ahead_of_what_refers_to_it(
        table in tables(),
        rows in 4_usize..20,
    ) {
        let free = table.free();
        let (batches, held) = table.gone_through(false, rows * weight("10"));
        let mut gone = BTreeSet::new();
        for batch in &batches {
            gone.extend(batch);
            for row in batch {
                prop_assert!(table.referrers(*row).iter().all(|from| gone.contains(from)), "{row} in {batches:?}");
            }
        }
        prop_assert!(gone.is_subset(&free), "{gone:?} of {free:?}");
        let due = table.refers_to.len() - table.stays.len();
        prop_assert!(held as usize >= due - gone.len());
    }
}

/// A window that tells of rows which each refer to the one before, or behind, and of the last that stays.
fn chain(rows: std::ops::Range<usize>, to_the_next: bool, stays: bool) -> Vec<Told> {
    let windows: Vec<usize> = rows.clone().collect();
    let one = |row: usize| {
        let from = match to_the_next {
            true => row.checked_sub(1).filter(|from| rows.contains(from)),
            false => Some(row + 1).filter(|from| rows.contains(from)),
        };
        match from {
            Some(from) => (key(row), Some((key(from), Referrer::Due))),
            None if stays => (key(row), Some((key(0), Referrer::Stays))),
            None => (key(row), None),
        }
    };
    let windows = windows.chunks(10);
    windows
        .map(|window| window.iter().map(|row| one(*row)).collect())
        .collect()
}

#[test]
fn free_rows_behind_more_held_ones_than_there_is_room_for_go_as_their_windows_come() {
    for to_the_next in [true, false] {
        let mut links = Links::new(true, 100 * weight("1000"));
        for told in chain(1_000..2_000, to_the_next, true) {
            links.tell(told);
            assert!(links.used <= links.most && links.nodes.len() <= 110);
        }
        for told in chain(5_000..5_050, to_the_next, false) {
            links.tell(told);
        }

        assert_eq!(links.take(usize::MAX).len(), 50, "{to_the_next}");
        assert_eq!(links.finish(), 1_000, "{to_the_next}");
        // Each was known to be held when its window came, or waited for the last of a thousand.
        let given_up = links.given_up();
        assert_eq!(given_up == 0, to_the_next, "{given_up}");
    }
}

#[test]
fn a_dry_run_over_more_free_rows_than_there_is_room_for_calls_none_of_them_held() {
    for to_the_next in [true, false] {
        // Ten wait at once at most, behind a thousand that would be gone.
        let mut links = Links::new(false, 300 * weight("1000"));
        let mut taken = 0;
        for first in (1_000..2_000).step_by(10) {
            for told in chain(first..first + 10, to_the_next, false) {
                links.tell(told);
            }
            // A row that has gone is told again, as one that a later one refers to.
            let again = first - 10;
            links.tell(vec![(key(first), Some((key(again), Referrer::Due)))]);
            taken += links.take(usize::MAX).len();
        }

        assert_eq!(taken, 1_000, "{to_the_next}");
        assert_eq!((links.finish(), links.given_up()), (0, 0), "{to_the_next}");
    }
}

#[test]
fn a_dry_run_says_nothing_of_rows_that_there_was_no_room_for() {
    // Each waits for the one behind it, and the last is free.
    let mut links = Links::new(false, 100 * weight("1000"));
    for told in chain(1_000..2_000, false, false) {
        links.tell(told);
    }

    assert_eq!(links.finish(), 0);
    assert!(links.given_up() >= 900);
}

#[test]
fn a_row_without_room_counts_once_however_many_refer_to_it_and_one_that_is_not_due_does_not() {
    let mut links = Links::new(true, 3 * weight("1"));
    let due = |row: usize, from: usize| (key(row), Some((key(from), Referrer::Due)));
    // They are free, and no batch has taken them.
    links.tell((1..4).map(|row| (key(row), None)).collect());
    links.tell(vec![due(4, 5), due(4, 6), due(4, 7)]);
    let rides = (key(8), Some((key(9), Referrer::Rides)));
    links.tell(vec![rides, (key(9), Some((key(7), Referrer::Stays)))]);

    assert_eq!((links.finish(), links.given_up()), (2, 2));
}

#[test]
fn what_rides_goes_ahead_of_its_root_and_with_it() {
    let mut links = Links::new(true, MOST);
    let rides = |of: usize, row: usize| (key(of), Some((key(row), Referrer::Rides)));
    links.tell(vec![rides(1, 2), rides(1, 3), rides(2, 4), (key(9), None)]);
    let order = links.take(1);
    let told: BTreeMap<_, _> = order
        .iter()
        .map(|link| (&*link.key, (link.rides, link.with_next)))
        .collect();
    assert_eq!(told.len(), 4, "{order:?}");
    assert_eq!(told["1"], (false, false));
    assert_eq!(told["4"], (true, true));
    let place = |key: &str| order.iter().position(|link| &*link.key == key);
    assert!(place("4") < place("2") && place("2") < place("1") && place("3") < place("1"));
    assert_eq!(links.take(9).len(), 1);
}

#[test]
fn rows_without_room_are_taken_for_held() {
    let mut links = Links::new(true, 2 * weight("1"));
    let waits = |row: usize| (key(row), Some((key(row + 1), Referrer::Due)));
    links.tell(vec![waits(1), waits(2), waits(3)]);
    assert!(links.finish() > 0);
    assert_eq!(links.ready(), 0);
}

/// Its place is another row's by the time that the second root goes.
#[test]
fn a_row_that_went_with_one_root_is_not_taken_for_another_below_the_second() {
    let mut links = Links::new(true, MOST);
    let rides = |of: usize, row: usize| (key(of), Some((key(row), Referrer::Rides)));
    links.tell(vec![rides(1, 3)]);
    // The second waits for a row that no window has told, and has the first one's rider, too.
    let waits = (key(2), Some((key(9), Referrer::Due)));
    links.tell(vec![rides(2, 3), waits]);
    let first: Vec<_> = links.take(1).into_iter().map(|link| link.key).collect();
    assert_eq!(first, [key(3), key(1)]);

    // Two rows take the places that are vacant; each waits for one of its own.
    let due = |of: usize, row: usize| (key(of), Some((key(row), Referrer::Due)));
    links.tell(vec![due(20, 21), due(22, 23)]);
    links.tell(vec![(key(9), None)]);
    let mut second: Vec<_> = links.take(9).into_iter().map(|link| link.key).collect();
    second.sort();

    assert_eq!(second, [key(2), key(9)]);
}
