//! Due rows that hold each other over a longer way than one run comes.

use besom::preflight::{self, Severity};
use besom::request::{Step, Suspension};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, drain};

use super::{chain, dead, labs, left, yes};

/// Runs of so many batches each, until one is drained: how many there were, of `most`.
async fn until_drained(lab: &Lab, batches: usize, most: usize) -> Option<usize> {
    for runs in 1..=most {
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, dead()).await.unwrap();
        let mut end = None;
        for _ in 0..batches {
            match sweep.next().await.unwrap() {
                Step::Batch(_) => {}
                step => {
                    end = Some(step);
                    break;
                }
            }
        }
        match end {
            Some(Step::Drained) => {
                lab.end(&context).await;
                return Some(runs);
            }
            _ => lab.end_as(&context, "suspended").await,
        }
    }
    None
}

/// Each row refers to one far away, a permutation of all: circles of some length.
async fn scattered(lab: &Lab, prime: i64, factor: i64) {
    chain(lab, prime - 1, prime).await;
    lab.script(&format!("UPDATE link SET next = (id * {factor}) % {prime}"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_circles_go_though_no_run_comes_to_both_ends_of_one() {
    // Pairs that are neighbours, and pairs that are half a table apart.
    for next in [
        "CASE WHEN id % 2 = 1 THEN id + 1 ELSE id - 1 END",
        "CASE WHEN id <= 500 THEN id + 500 ELSE id - 500 END",
    ] {
        for mut lab in labs("").await {
            chain(&lab, 1_000, 10_000).await;
            lab.script(&format!("UPDATE link SET next = {next}")).await;
            lab.options.batch_size = 50;

            let runs = until_drained(&lab, 8, 60).await;

            let case = format!("{next} {:?}", lab.dialect());
            assert_eq!(left(&lab).await.len(), 0, "{case}");
            assert!(runs.is_some(), "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scattered_circles_and_chains_go_in_a_few_rounds() {
    // By 2 one circle of all rows, by 4 two of them; and the one cut open.
    for (factor, cut) in [(2, false), (4, false), (2, true)] {
        for mut lab in labs("").await {
            scattered(&lab, 1_019, factor).await;
            if cut {
                lab.script("UPDATE link SET next = NULL WHERE id = 700")
                    .await;
            }
            lab.options.batch_size = 50;

            let runs = until_drained(&lab, 12, 60).await;

            let case = format!("{factor} {cut} {:?}", lab.dialect());
            assert_eq!(left(&lab).await.len(), 0, "{case}");
            assert!(runs.is_some(), "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_that_stays_refers_to_stays_however_far_away_it_is() {
    for mut lab in labs("").await {
        chain(&lab, 1_000, 10_000).await;
        let yes = yes(&lab);
        // Circles of two; to 10 and 510 a living row refers.
        lab.script(&format!(
            "UPDATE link SET next = CASE WHEN id <= 500 THEN id + 500 ELSE id - 500 END;
             INSERT INTO link VALUES (3000, 510, {yes})"
        ))
        .await;
        lab.options.batch_size = 50;

        let runs = until_drained(&lab, 8, 60).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(left(&lab).await, [10, 510, 3_000], "{case}");
        assert!(runs.is_some(), "{case}");
        let (batch, end) = lab.run_as_it_ends(dead()).await;
        assert_eq!((batch.blocked, end), (2, Step::Drained), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_go_also_while_free_rows_come_that_use_the_budget_up() {
    for mut lab in labs("").await {
        chain(&lab, 1_000, 10_000).await;
        lab.script(
            "DELETE FROM link WHERE id % 10 = 0;
             UPDATE link SET next = CASE WHEN id < 500 THEN id + 500 ELSE id - 500 END",
        )
        .await;
        let (no, ids) = (super::no(&lab), super::series(&lab, 100));
        lab.options.batch_size = 50;
        lab.options.max_rows = 50;
        let circles = "SELECT count(*) FROM link WHERE id % 10 > 0";

        // Between any two rows of a circle are as many free ones.
        for _ in 0..50 {
            lab.script(&format!(
                "INSERT INTO link SELECT n * 10, NULL, {no} FROM {ids} WHERE n * 10 NOT IN (SELECT id FROM link)"
            ))
            .await;
            let (context, _) = lab.begin().await;
            drain(&context, dead()).await.unwrap();
            let suspended = context.settle().await.suspended;
            assert_eq!(suspended, Some(Suspension::RowBudget));
            lab.end_as(&context, "suspended").await;
            if lab.count(circles).await < 450 {
                break;
            }
        }

        let half = lab.count(circles).await;
        assert!(half < 450, "{half} {:?}", lab.dialect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_before_it_has_looked_for_all_says_which_rows_wait_for_which() {
    for mut lab in labs("").await {
        // Three circles; a window is over long before as many statements as there are links in one.
        scattered(&lab, 20_011, 2).await;
        lab.options.batch_size = 5;
        assert_eq!(until_drained(&lab, 3, 1).await, None);

        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, dead()).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        }
        lab.options.stop.cancel();
        let end = sweep.next().await.unwrap();
        let told = context.settle().await.further_on;
        lab.end_as(&context, "suspended").await;

        let case = format!("{:?}", lab.dialect());
        assert!(matches!(end, Step::Suspended(_)), "{case}: {end:?}");
        let [told] = told.as_slice() else {
            panic!("{case}: {told:?}")
        };
        let (row, for_row) = (told.row.parse::<i64>(), told.for_row.parse::<i64>());
        assert_eq!(for_row.unwrap() * 2 % 20_011, row.unwrap(), "{case}");
        assert!(told.rows > 0, "{case}");
        let found = preflight::waits_further_on(told, &*lab.catalog().await);
        assert_eq!(found.severity, Severity::Warning);
        for word in [
            "of `link`",
            "`next`",
            &format!("`{}` for `{}`", told.row, told.for_row),
            "`deadline`",
            "unlink-first",
        ] {
            assert!(found.message.contains(word), "{word}: {}", found.message);
        }
    }
}
