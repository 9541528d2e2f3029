//! What the job decides, on a fake host that holds the versions.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_policy_data::PolicyData;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);
const TABLE: &str = "policy_data";

/// Versions with these keys, in no order.
fn host(keys: impl IntoIterator<Item = i64>) -> FakeHost {
    let rows = keys.into_iter().map(|key| vec![key]);
    FakeHost::at(NOW).rows(TABLE, ["policy_data_id"], rows)
}

fn left(ran: &Ran) -> Vec<i64> {
    assert_eq!(ran.result, Ok(()));
    keys(&ran.rows[TABLE])
}

fn keys(rows: &[Vec<Value>]) -> Vec<i64> {
    let mut keys: Vec<_> = rows
        .iter()
        .map(|row| match row[0] {
            Value::Integer(key) => key,
            ref other => panic!("{other:?}"),
        })
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_newest_ten_stay_and_the_others_go() {
    let ran = host([5, 3, 12, 1, 7, 2, 11, 4, 10, 9, 6, 8]).run::<PolicyData>("superseded");

    assert_eq!(left(&ran), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn ten_and_fewer_all_stay() {
    for count in [0, 1, 9, 10] {
        let ran = host(1..=count).run::<PolicyData>("superseded");

        assert_eq!(left(&ran).len(), count as usize);
        assert!(ran.acted.is_empty());
    }
}

#[test]
fn what_is_kept_may_end_in_the_middle_of_a_page() {
    for page in [1, 3, 4, 10, 100] {
        let ran = host(1..=20)
            .page_rows(page)
            .set("keep", 4)
            .run::<PolicyData>("superseded");

        assert_eq!(left(&ran), [17, 18, 19, 20], "pages of {page}");
    }
}

#[test]
fn a_suspended_run_begins_at_the_newest_again_also_when_others_have_come() {
    let first = host(1..=40)
        .page_rows(8)
        .max_rows(12)
        .run::<PolicyData>("superseded");
    let some = left(&first);
    assert!(some.len() < 40 && some.len() > 10, "{some:?}");
    assert!(some.ends_with(&[31, 32, 33, 34, 35, 36, 37, 38, 39, 40]));

    let grown = some.iter().copied().chain(41..=45);
    let second = host(grown).page_rows(8).run::<PolicyData>("superseded");

    assert_eq!(left(&second), [36, 37, 38, 39, 40, 41, 42, 43, 44, 45]);
}

#[test]
fn nothing_is_ever_wholly_deleted() {
    let ran = host(1..=3).set("keep", 0).run::<PolicyData>("superseded");
    assert!(
        ran.result
            .is_err_and(|error| error.to_string().contains("at least 1"))
    );
    assert_eq!(keys(&ran.rows[TABLE]), [1, 2, 3]);

    let ran = host(1..=3).set("keep", -1).run::<PolicyData>("superseded");
    assert!(ran.result.is_err());

    let ran = host(1..=3).set("keep", 1).run::<PolicyData>("superseded");
    assert_eq!(left(&ran), [3]);
}

#[test]
fn it_asks_for_the_key_and_for_no_other_column() {
    let host = FakeHost::at(NOW)
        .set("table", "versions")
        .set("key-column", "n");

    let access = host.access::<PolicyData>("superseded");

    assert_eq!(
        access,
        Ok(vec![table("versions").reads(["n"]).deletes().all_rows()])
    );
}

#[test]
fn another_job_is_unknown() {
    assert!(host([]).access::<PolicyData>("other").is_err());
}
