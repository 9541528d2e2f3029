//! Rows that go in an order, and another key of the same table that lets go: the dry run counts what the run does.

use besom::catalog::Dialect;
use besom::request::Join;
use besom_tests::lab::{Lab, both};

use super::{dead, foretold_and_done, left, no, series, yes};

/// `link (id, next, parent, live)`, `parent` by `rule`.
async fn labs(rule: &str) -> Vec<Lab> {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link,
                parent {integer} REFERENCES link {rule}, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next); CREATE INDEX link_parent ON link (parent);"
        )
    };
    both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await
}

/// 1 refers to nothing and 2 is let go by it; 3, 4 and 5 are a chain, of which 5 goes first.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_has_gone_by_then_is_not_counted_and_one_that_goes_later_is() {
    for size in [1, 1000] {
        for mut lab in labs("ON DELETE SET NULL").await {
            let no = no(&lab);
            lab.script(&format!(
                "INSERT INTO link VALUES (1, NULL, NULL, {no}), (2, NULL, NULL, {no}), (3, NULL, NULL, {no}),
                    (4, 3, NULL, {no}), (5, 4, NULL, {no});
                 UPDATE link SET parent = 5 WHERE id IN (1, 4); UPDATE link SET parent = 3 WHERE id IN (2, 5);
                 UPDATE link SET parent = 2 WHERE id = 3"
            ))
            .await;
            lab.options.batch_size = size;

            let batch = foretold_and_done(&mut lab, dead()).await;

            // 2 lets go of 3 before that goes. 1 and 2 have gone by the time of 3 and 5, and so has 5 by that of 3;
            // 4 goes with 5 or after it.
            let let_go = if size == 1 { 2 } else { 1 };
            let case = format!("{size} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.cascaded), (5, let_go), "{case}");
            assert!(left(&lab).await.is_empty(), "{case}");
        }
    }
}

/// Chains of five, each row to the one before it, the rest loose; parents anywhere.
async fn mixed(lab: &Lab) {
    let (no, yes) = (no(lab), yes(lab));
    let from = series(lab, 120);
    lab.script(&format!(
        "INSERT INTO link SELECT n, NULL, NULL, {no} FROM {from};
         UPDATE link SET next = id - 1 WHERE id % 12 BETWEEN 2 AND 5;
         UPDATE link SET parent = 1 + (id * 37) % 120 WHERE id % 5 <> 0;
         UPDATE link SET live = {yes} WHERE id % 29 = 0"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_lets_go_is_foretold_whatever_the_size_of_the_windows() {
    for size in [1, 3, 7, 24, 1000] {
        for mut lab in labs("ON DELETE SET NULL").await {
            mixed(&lab).await;
            lab.options.batch_size = size;
            let batch = foretold_and_done(&mut lab, dead()).await;
            assert!(
                batch.cascaded > 0 && batch.affected > 90,
                "{size} {batch:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unlinked_is_foretold_whatever_the_size_of_the_windows() {
    for size in [1, 3, 7, 24, 1000] {
        for rule in ["", "ON DELETE RESTRICT"] {
            for mut lab in labs(rule).await {
                // SQLite looks at RESTRICT at once, where the rows of one statement refer to each other.
                if lab.dialect() == Dialect::Sqlite && !rule.is_empty() {
                    continue;
                }
                mixed(&lab).await;
                lab.options.batch_size = size;
                let request = dead().unlink_first("link", vec![Join::new("parent", "id")], None);
                let batch = foretold_and_done(&mut lab, request).await;
                assert!(
                    batch.dependents > 0 && batch.affected > 90,
                    "{size} {batch:?}"
                );
            }
        }
    }
}

/// Without a chain: rows are let go in the order of the windows.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_chains_is_foretold_as_well() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, parent {integer} REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_parent ON link (parent);"
        )
    };
    for size in [1, 7, 1000] {
        for mut lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
            let (no, yes) = (no(&lab), yes(&lab));
            let from = series(&lab, 60);
            lab.script(&format!(
                "INSERT INTO link SELECT n, NULL, {no} FROM {from};
                 UPDATE link SET parent = 1 + (id * 37) % 60; UPDATE link SET live = {yes} WHERE id % 9 = 0"
            ))
            .await;
            lab.options.batch_size = size;
            let request = dead().unlink_first("link", vec![Join::new("parent", "id")], None);
            let batch = foretold_and_done(&mut lab, request).await;
            assert_eq!((batch.affected, batch.blocked), (54, 0));
        }
    }
}
