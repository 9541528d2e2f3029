//! What ON DELETE CASCADE would take goes only with a row that goes itself, as things are at that moment:
//! the sweep has put it together minutes before.

use std::sync::Arc;

use besom::request::{Batch, Step};
use besom::sweep::{RunContext, Sweep};
use besom_tests::lab::{Lab, both};

use super::{dead, labs, left, no, yes};

const CASCADE: &str = "ON DELETE CASCADE";

/// A sweep whose only window has told what hangs together, and whose batch is still to come.
async fn told(lab: &Lab) -> (Arc<RunContext>, Sweep) {
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, dead()).await.unwrap();
    let Step::Batch(window) = sweep.next().await.unwrap() else {
        panic!("no window");
    };
    assert_eq!(window.changed(), 0, "{window:?}");
    (context, sweep)
}

async fn rest(lab: &Lab, context: &Arc<RunContext>, sweep: &Sweep) -> Batch {
    let mut total = Batch::default();
    while let Step::Batch(batch) = sweep.next().await.unwrap() {
        total += batch;
    }
    lab.end(context).await;
    total
}

async fn a_dead_root_with_a_live_row_below(lab: &Lab) {
    let (no, yes) = (no(lab), yes(lab));
    lab.script(&format!(
        "INSERT INTO link VALUES (1, NULL, {no}), (2, 1, {yes}), (9, NULL, {yes})"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_revived_keeps_what_hangs_below_it() {
    for lab in labs(CASCADE).await {
        a_dead_root_with_a_live_row_below(&lab).await;
        let (context, sweep) = told(&lab).await;
        let yes = yes(&lab);
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 1"))
            .await;

        let batch = rest(&lab, &context, &sweep).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(left(&lab).await, [1, 2, 9], "{case}");
        assert_eq!((batch.affected, batch.cascaded), (0, 0), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_taken_from_its_root_stays_by_itself_or_below_a_live_row() {
    for now in ["NULL", "9"] {
        for lab in labs(CASCADE).await {
            a_dead_root_with_a_live_row_below(&lab).await;
            let yes = yes(&lab);
            lab.script(&format!("INSERT INTO link VALUES (3, 2, {yes})"))
                .await;
            let (context, sweep) = told(&lab).await;
            lab.script(&format!("UPDATE link SET next = {now} WHERE id = 2"))
                .await;

            let batch = rest(&lab, &context, &sweep).await;

            let case = format!("{now} {:?}", lab.dialect());
            assert_eq!(left(&lab).await, [2, 3, 9], "{case}");
            assert_eq!((batch.affected, batch.cascaded), (1, 0), "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_somebody_holds_keeps_what_hangs_below_it() {
    let lab = labs(CASCADE).await.remove(0);
    a_dead_root_with_a_live_row_below(&lab).await;
    let (context, sweep) = told(&lab).await;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT 1 FROM link WHERE id = 1 FOR UPDATE")
        .await
        .unwrap();

    let batch = rest(&lab, &context, &sweep).await;
    other.rollback().await.unwrap();

    assert_eq!(left(&lab).await, [1, 2, 9]);
    assert_eq!((batch.affected, batch.cascaded, batch.locked), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_of_which_somebody_holds_a_child_keeps_what_hangs_below_it() {
    let lab = labs(CASCADE).await.remove(0);
    lab.script(
        "CREATE TABLE note (id bigint PRIMARY KEY, link bigint REFERENCES link ON DELETE CASCADE);
         CREATE INDEX note_link ON note (link);",
    )
    .await;
    a_dead_root_with_a_live_row_below(&lab).await;
    lab.script("INSERT INTO note VALUES (1, 1)").await;
    let (context, sweep) = told(&lab).await;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT 1 FROM note WHERE id = 1 FOR UPDATE")
        .await
        .unwrap();

    let batch = rest(&lab, &context, &sweep).await;
    other.rollback().await.unwrap();

    assert_eq!(left(&lab).await, [1, 2, 9]);
    assert_eq!((batch.affected, batch.cascaded, batch.locked), (0, 0, 1));
}

/// It hangs below two roots by two keys.
#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_below_a_revived_root_and_one_that_goes_goes_with_that_and_is_counted() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link ON DELETE CASCADE,
                live {boolean} NOT NULL, other {integer} REFERENCES link ON DELETE CASCADE);
             CREATE INDEX link_next ON link (next); CREATE INDEX link_other ON link (other);"
        )
    };
    for lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
        let (no, yes) = (no(&lab), yes(&lab));
        lab.script(&format!(
            "INSERT INTO link VALUES (1, NULL, {no}, NULL), (2, NULL, {no}, NULL), (3, 1, {yes}, 2), (4, 3, {yes}, NULL)"
        ))
        .await;
        let (context, sweep) = told(&lab).await;
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 2"))
            .await;

        let batch = rest(&lab, &context, &sweep).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(left(&lab).await, [2], "{case}");
        assert_eq!((batch.affected, batch.cascaded), (1, 2), "{case}");
    }
}
