//! What must hold after every race, whoever came first.

use std::collections::BTreeSet;
use std::time::Duration;

use besom::request::Batch;
use besom_tests::lab::Lab;

use super::accounts::{Tables, changed, orphans, owed, recorded, tables, taken};
use super::cell::{Asks, CHANGES, Cell, Change, GATES, Gate, LIVE_ITEM, RACED, Role, Rule};
use super::course::{self, Ended};
use super::{Application, impatient};

/// Longer than a wait that the test ends by itself, shorter than a test can bear in hundreds.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// What became of the raced item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is there, and so is what the application did.
    Kept,
    /// It is gone; the application was told, or did something that holds no item.
    Gone,
    /// It is gone, and what the application tied to it is left behind.
    Orphaned,
}

/// A race and what became of it.
pub type Race = (Cell, Fate);

/// Every possible race for one row under one rule.
pub async fn races(role: Role, rule: Rule, asks: Asks, gates: &[Gate], careful: bool) -> Vec<Race> {
    let lab = impatient(Lab::postgres("").await, LOCK_TIMEOUT).await;
    let application = Application::of(&lab).await;
    let mut done = Vec::new();
    for gate in gates.iter().copied() {
        for change in CHANGES {
            let cell = Cell {
                role,
                rule,
                asks,
                change,
                gate,
                careful,
            };
            if cell.is_possible() {
                done.push((cell, race(&lab, &application, &cell).await));
            }
        }
    }
    done
}

/// The races from every gate under several rules at once. Each side must come first in some of
/// them, or the gates do not hold what they should.
pub async fn both_came_first(role: Role, asks: Asks, rules: &[Rule]) {
    let of = |rule: &Rule| races(role, *rule, asks, &GATES, false);
    for done in futures::future::join_all(rules.iter().map(of)).await {
        let fates: BTreeSet<_> = done.iter().map(|(_, fate)| *fate).collect();
        let both = BTreeSet::from([Fate::Kept, Fate::Gone]);
        assert_eq!(fates, both, "{role:?} {asks:?}: {done:#?}");
    }
}

/// One race, and the run after it.
async fn race(lab: &Lab, application: &Application, cell: &Cell) -> Fate {
    lab.script(&cell.schema()).await;
    let start = tables(lab).await;

    let finish = course::run(lab, application, cell).await;
    let expected = match &finish.application {
        Ended::Committed { rows: 1, .. } => changed(start, cell),
        _ => start,
    };
    agrees(lab, cell, &expected, &finish.application).await;
    let told = Batch {
        affected: finish.besom.affected,
        dependents: finish.besom.dependents,
        cascaded: finish.besom.cascaded,
        ..Batch::default()
    };
    assert_eq!(recorded(lab).await, told, "{cell:?}");

    // Whatever was passed over goes by the next run, and nothing else.
    lab.run(cell.request()).await.unwrap();
    let fate = agrees(lab, cell, &expected, &finish.application).await;
    let left = tables(lab).await["item"]
        .keys()
        .copied()
        .collect::<Vec<_>>();
    let expected: &[i64] = match fate {
        Fate::Kept => &[RACED, LIVE_ITEM],
        _ => &[LIVE_ITEM],
    };
    assert_eq!(left, expected, "{cell:?} {finish:?}");
    fate
}

/// Nothing live is lost, nothing orphaned that a foreign key holds, and the ledger is exact.
pub async fn agrees(lab: &Lab, cell: &Cell, expected: &Tables, application: &Ended) -> Fate {
    let after = tables(lab).await;
    let told = format!("{cell:?} {application:?}\n{after:?}");
    let taken = taken(expected, &after).unwrap_or_else(|what| panic!("{what}: {told}"));
    assert_eq!(recorded(lab).await, owed(cell, &taken), "{told}");
    let enforced = cell.rule != Rule::Unenforced;
    if enforced {
        assert_eq!(orphans(&after), [], "{told}");
    }
    let kept = after["item"].contains_key(&RACED);
    match application {
        Ended::Committed { rows: 1, .. } => {
            // The application was told that its change is in force.
            let revived = cell.change == Change::Revive;
            let holds = revived || cell.asks != Asks::Nothing;
            if holds {
                let mut live = expected.iter().flat_map(|(table, rows)| {
                    rows.iter()
                        .filter(|(_, row)| row.1)
                        .map(move |at| (table, at))
                });
                let lost = live.find(|(table, (id, row))| after[*table].get(id) != Some(row));
                assert_eq!(lost, None, "a live row was lost: {told}");
            }
            assert!(
                kept || !holds || (!enforced && !revived),
                "a live row lost its item: {told}"
            );
            match (kept, holds) {
                (true, _) => Fate::Kept,
                (false, true) => Fate::Orphaned,
                (false, false) => Fate::Gone,
            }
        }
        Ended::Committed { rows, .. } => {
            assert_eq!(*rows, 0, "{told}");
            assert!(
                !kept,
                "the application found no row of an item that is there: {told}"
            );
            Fate::Gone
        }
        Ended::Refused(code) => {
            // A foreign key's word, and never a deadlock or a timeout of besom's making.
            assert!(["23503", "23001"].contains(&code.as_str()), "{told}");
            assert!(!kept, "{told}");
            Fate::Gone
        }
    }
}
