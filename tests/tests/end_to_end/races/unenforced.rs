//! Relations that only the request knows of: what besom can hold without a foreign key, and what
//! it cannot. `docs/safety.md` tells users to give such tables one.

use std::collections::BTreeMap;

use super::cell::{Asks, Change, GATES, Gate, Role, Rule};
use super::one_row::{Fate, Race, races};

async fn fates(careful: bool) -> BTreeMap<String, Fate> {
    let done = races(
        Role::Outside,
        Rule::Unenforced,
        Asks::NoLiveLeaf,
        &GATES,
        careful,
    )
    .await;
    let named = |(cell, fate): Race| (name(cell.change, cell.gate), fate);
    done.into_iter().map(named).collect()
}

fn name(change: Change, gate: Gate) -> String {
    format!("{change:?} {gate:?}")
}

/// A child that is committed before besom's last look is seen by it, and so is one whose own row
/// the application holds.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_before_the_act_holds_its_parent_without_a_foreign_key() {
    let fates = fates(false).await;

    for change in [
        Change::Insert,
        Change::TurnLive,
        Change::Move,
        Change::Revive,
    ] {
        for gate in [Gate::Fence, Gate::Tied, Gate::Act] {
            assert_eq!(
                fates[&name(change, gate)],
                Fate::Kept,
                "{change:?} {gate:?}"
            );
        }
    }
    for change in [Change::TurnLive, Change::Revive] {
        assert_eq!(
            fates[&name(change, Gate::Throughout)],
            Fate::Kept,
            "{change:?}"
        );
    }
    // The item's own row is locked and asked again.
    for gate in [Gate::Deleting, Gate::Deleted] {
        assert_eq!(fates[&name(Change::Revive, gate)], Fate::Gone, "{gate:?}");
    }
    // Nothing in the database stands between these two. They are here so that the day this
    // changes, the documentation does too.
    for (change, gate) in [
        (Change::Insert, Gate::Throughout),
        (Change::Insert, Gate::Deleting),
        (Change::Insert, Gate::Deleted),
        (Change::Move, Gate::Throughout),
        (Change::Move, Gate::Deleting),
        (Change::Move, Gate::Deleted),
        (Change::TurnLive, Gate::Deleting),
        (Change::TurnLive, Gate::Deleted),
    ] {
        assert_eq!(
            fates[&name(change, gate)],
            Fate::Orphaned,
            "{change:?} {gate:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_locks_the_parent_needs_no_foreign_key() {
    for (race, fate) in fates(true).await {
        assert_ne!(fate, Fate::Orphaned, "{race}");
    }
}
