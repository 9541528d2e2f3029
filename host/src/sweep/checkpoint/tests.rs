use super::*;
use crate::database::Bind;
use crate::request::{Condition, Request, Timestamp};

fn at(row: i64) -> Cursor {
    Cursor {
        after: Some(vec![Bind::Integer(row)]),
        ..Cursor::default()
    }
}

fn asks(exact: &str, lasting: &str) -> Identity {
    Identity {
        exact: exact.to_owned(),
        lasting: lasting.to_owned(),
    }
}

fn place(cursor: Option<Cursor>, midway: bool) -> Place {
    Place { cursor, midway }
}

#[test]
fn a_sweep_resumes_only_under_its_own_ordinal_and_request() {
    let abc = asks("abc", "a");
    let saved = Checkpoint::default().with(1, &abc, place(Some(at(7)), false));
    let read = Checkpoint::parse(&saved.to_json());
    let first = place(Some(Cursor::default()), false);

    assert_eq!(read.resume(1, &abc), place(Some(at(7)), false));
    assert_eq!(read.resume(1, &asks("other", "a")), first);
    assert_eq!(read.resume(0, &abc), first);
    let drained = read.with(1, &abc, place(None, false));
    assert_eq!(drained.resume(1, &abc), place(None, false));
}

#[test]
fn the_next_run_goes_on_where_a_suspended_one_stood_also_if_it_did_not_come_so_far() {
    let (now, later) = (asks("now", "a"), asks("later", "a"));
    let suspended = Checkpoint::default()
        .with(0, &now, place(None, false))
        .with(1, &now, place(Some(at(7)), false));
    let next = Checkpoint::parse(&Checkpoint::after(suspended).to_json());
    let first = place(Some(Cursor::default()), false);

    assert_eq!(
        next.resume(0, &later),
        first,
        "what was drained begins anew"
    );
    assert_eq!(next.resume(1, &later), place(Some(at(7)), true));
    assert_eq!(next.resume(1, &asks("later", "b")), first);
    assert_eq!(next.resume(2, &later), first);
    let one_on = next.with(0, &later, place(Some(at(3)), true));
    let after = Checkpoint::after(one_on);
    assert_eq!(after.resume(0, &now), place(Some(at(3)), true));
    assert_eq!(after.resume(1, &now), place(Some(at(7)), true));
}

/// A run of the first sweep that begins midway and is suspended again.
fn goes_on(before: &Checkpoint, comes_round: bool) -> Checkpoint {
    let now = asks("now", "a");
    let place = place(Some(at(9)), !comes_round);
    Checkpoint::after(before.with(0, &now, place))
}

#[test]
fn a_sweep_gives_way_once_it_has_come_round_until_those_behind_it_are_drained() {
    let now = asks("now", "a");
    let begun = Checkpoint::default().with(0, &now, place(Some(at(5)), false));
    let begun = goes_on(&Checkpoint::after(begun), false);
    assert!(!begun.is_to_give_way(0, &now));
    let mut round = goes_on(&begun, true);
    assert!(round.is_to_give_way(0, &now));
    assert!(!round.gives_way(0), "a batch has to keep that");

    let mut gave = round.with(0, &now, place(Some(at(6)), true));
    assert!(gave.gives_way(0));
    let gave = gave.with(0, &now, place(Some(at(7)), true));
    let alone = Checkpoint::after(gave.clone());
    assert!(!alone.is_to_give_way(0, &now), "none came");
    assert!(!goes_on(&alone, true).is_to_give_way(0, &now));

    let came = Checkpoint::after(gave.with(1, &now, place(Some(at(2)), false)));
    assert!(came.is_to_give_way(0, &now), "it is not done");
    let drained = Checkpoint::after(gave.with(1, &now, place(None, false)));
    assert!(!drained.is_to_give_way(0, &now));
    let anew = goes_on(&drained, false);
    assert!(!anew.is_to_give_way(0, &now));
    assert!(goes_on(&anew, true).is_to_give_way(0, &now));
    let ended = Checkpoint::after(round.with(0, &now, place(None, false)));
    assert!(!ended.is_to_give_way(0, &now));
}

#[test]
fn a_checkpoint_of_a_version_before_is_read() {
    let written = r#"{"sweeps":[{"request":"now","lasting":"a","drained":false,
        "cursor":{"after":[{"integer":7}],"tie":null},"midway":true}],
        "blocked_by":{},"passed_over":{},"lines":{},"throttled":{}}"#;
    let now = asks("now", "a");
    let read = Checkpoint::parse(written);
    assert_eq!(read.resume(0, &now), place(Some(at(7)), true));
    assert!(!Checkpoint::after(read).is_to_give_way(0, &now));
}

#[test]
fn what_lasts_of_a_request_is_all_but_its_instants() {
    let older = |column: &str, cutoff: i64| {
        Identity::of(&Request::delete(
            "t",
            Condition::OlderThan {
                column: column.into(),
                cutoff: Timestamp(cutoff),
                offset: 0,
            },
        ))
    };
    let (one, two) = (older("a", -5), older("a", 1_700_000_000_000_000));
    assert_ne!(one.exact, two.exact);
    assert_eq!(one.lasting, two.lasting);
    assert_ne!(one.lasting, older("b", -5).lasting);
}
