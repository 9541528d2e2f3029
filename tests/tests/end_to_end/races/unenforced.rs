//! Relations that only the request knows of: what besom can hold without a foreign key, and what
//! it cannot. `docs/safety.md` tells users to give such tables one.

use std::collections::BTreeMap;

use super::cell::{Asks, CHANGES, Change, GATES, Gate, Role, Rule};
use super::one_row::{Fate, Race, races};

async fn fates(role: Role, careful: bool) -> BTreeMap<String, Fate> {
    let (rule, asks) = (Rule::Unenforced, Asks::NoLiveLeaf);
    let done = races(role, rule, asks, &GATES, careful).await;
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
    let fates = fates(Role::Outside, false).await;

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
    for (race, fate) in fates(Role::Outside, true).await {
        assert_ne!(fate, Fate::Orphaned, "{race}");
    }
}

/// A live row that belongs to what goes may be left alone by a race; it is never deleted and never
/// unlinked, which the races themselves look after.
#[tokio::test(flavor = "multi_thread")]
async fn dependents_without_a_foreign_key_never_go_while_they_are_live() {
    const ROLES: [Role; 4] = [
        Role::DeleteFirst,
        Role::UnlinkFirst,
        Role::Grandchild,
        Role::BelowDependent,
    ];
    let done = futures::future::join_all(ROLES.map(|role| fates(role, false))).await;
    for (role, fates) in ROLES.into_iter().zip(done) {
        for change in CHANGES {
            for gate in [Gate::Fence, Gate::Tied, Gate::Act] {
                let race = name(change, gate);
                assert_eq!(fates[&race], Fate::Kept, "{role:?} {race}");
            }
        }
        let held = name(Change::TurnLive, Gate::Throughout);
        assert_eq!(fates[&held], Fate::Kept, "{role:?}");
    }
}
