//! Runs that do not come to the end at once: what the first part has told is not known any more, and is told
//! again when the sweep comes round.

use std::sync::Arc;
use std::time::Duration;

use besom::request::{Batch, Step};
use besom::sweep::{RunContext, Sweep};
use besom_tests::lab::{Lab, both, drain};

use super::{chain, dead, labs, left, no, series, yes};

/// So many batches of a run that is not over by then.
async fn some(lab: &Lab, batches: usize) -> (Arc<RunContext>, Batch) {
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, dead()).await.unwrap();
    let mut total = Batch::default();
    for _ in 0..batches {
        match sweep.next().await.unwrap() {
            Step::Batch(batch) => total += batch,
            end => panic!("{end:?}"),
        }
    }
    (context, total)
}

async fn suspended_after(lab: &Lab, batches: usize) -> Batch {
    let (context, total) = some(lab, batches).await;
    lab.end_as(&context, "suspended").await;
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_leaves_nothing_behind_to_the_one_that_goes_on() {
    for mut lab in labs("").await {
        // Each of the first half is referred to by one of the second.
        chain(&lab, 2_000, -1_000).await;
        lab.options.batch_size = 100;
        lab.lease = Duration::from_millis(100);
        some(&lab, 13).await;
        tokio::time::sleep(Duration::from_millis(200)).await;

        let (context, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let (_, end) = drain(&context, dead()).await.unwrap();

        assert_eq!(end, Step::Drained, "{:?}", lab.dialect());
        assert_eq!(left(&lab).await.len(), 0, "{:?}", lab.dialect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_rows_in_front_of_free_ones_are_passed_once_and_not_in_every_run() {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);
             CREATE TABLE use (id {integer} PRIMARY KEY, link {integer} NOT NULL REFERENCES link);
             CREATE INDEX use_link ON use (link);"
        )
    };
    for mut lab in both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await {
        chain(&lab, 2_100, 10_000).await;
        let held = series(&lab, 2_000);
        lab.script(&format!("INSERT INTO use SELECT n, n FROM {held}"))
            .await;
        lab.options.batch_size = 100;

        let mut gone = 0;
        for _ in 0..3 {
            gone += suspended_after(&lab, 7).await.affected;
        }

        let case = format!("{:?}", lab.dialect());
        assert_eq!(gone, 100, "{case}");
        let (batch, end) = lab.run_as_it_ends(dead()).await;
        assert_eq!((batch.affected, end), (0, Step::Drained), "{case}");
    }
}

/// 500 rows to their predecessors, the newest alive, gone through from the 201st on.
async fn newest_alive_from_the_middle() -> Vec<Lab> {
    let mut labs = labs("").await;
    for lab in &mut labs {
        let yes = yes(lab);
        chain(lab, 500, -1).await;
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 500"))
            .await;
        lab.options.batch_size = 100;
        suspended_after(lab, 2).await;
    }
    labs
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_hold_each_other_are_counted_also_where_the_sweep_need_not_go_round() {
    for lab in newest_alive_from_the_middle().await {
        let (context, _) = lab.begin().await;
        let (batch, end) = drain(&context, dead()).await.unwrap();
        let told = context.settle().await;
        lab.end(&context).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(end, Step::Drained, "{case}");
        assert_eq!((batch.affected, batch.blocked), (0, 299), "{case}");
        assert_eq!(batch.examined, 300, "{case}");
        assert_eq!(told.hold_each_other.len(), 1, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_hold_each_other_are_counted_once_where_the_sweep_goes_round() {
    for lab in newest_alive_from_the_middle().await {
        let no = no(&lab);
        lab.script(&format!("INSERT INTO link VALUES (-5, NULL, {no})"))
            .await;

        let (batch, end) = lab.run_as_it_ends(dead()).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(end, Step::Drained, "{case}");
        assert_eq!((batch.affected, batch.blocked), (1, 499), "{case}");
        assert_eq!(left(&lab).await, (1..=500).collect::<Vec<_>>(), "{case}");
    }
}
