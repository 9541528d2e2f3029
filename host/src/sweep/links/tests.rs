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

    /// What the windows tell, with batches of what is ready in between.
    fn gone_through(&self) -> (Vec<Vec<usize>>, u64) {
        let mut links = Links::new(true, MOST);
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
            let mut told = Vec::new();
            for row in window.iter().filter(|row| !self.stays.contains(row)) {
                let from: Vec<_> = self
                    .referrers(*row)
                    .into_iter()
                    .filter(|from| !gone.contains(from))
                    .collect();
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
            links.tell(told);
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
        let (batches, held) = table.gone_through();
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
    }
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
    let mut links = Links::new(true, 2);
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
