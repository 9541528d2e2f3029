//! Rows that refer to rows of their own table: a chain goes whole or stays whole.

use besom::catalog::Dialect;
use besom::request::{Batch, Comparison, Condition, Join, Mode, Request, Step, Value};
use besom_tests::lab::{Lab, both};

const LONG: i64 = 100;

fn dead() -> Request {
    Request::delete(
        "link",
        Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(false),
        },
    )
}

/// A table that refers to itself, on both databases.
async fn labs(rule: &str) -> Vec<Lab> {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link ON DELETE {rule},
                live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);"
        )
    };
    both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await
}

/// A hundred dead rows, each referring to the next or to the one before, and nothing else.
async fn fill(lab: &Lab, upwards: bool) {
    lab.script("UPDATE link SET next = NULL; DELETE FROM link")
        .await;
    let no = literal(lab, false);
    let row = |n: i64| {
        let next = if upwards { n + 1 } else { n - 1 };
        match (1..=LONG).contains(&next) {
            true => format!("({n}, {next}, {no})"),
            false => format!("({n}, NULL, {no})"),
        }
    };
    let rows: Vec<String> = (1..=LONG).map(row).collect();
    lab.script(&format!("INSERT INTO link VALUES {}", rows.join(", ")))
        .await;
}

fn literal(lab: &Lab, truth: bool) -> &'static str {
    match (lab.dialect(), truth) {
        (Dialect::Postgres, true) => "true",
        (Dialect::Postgres, false) => "false",
        (Dialect::Sqlite, true) => "1",
        (Dialect::Sqlite, false) => "0",
    }
}

async fn left(lab: &Lab) -> Vec<i64> {
    lab.ids("SELECT id FROM link").await
}

/// The same run, first dry: its counts are the run's.
async fn foretold(lab: &mut Lab, request: Request) -> Batch {
    lab.options.mode = Mode::DryRun;
    let (batch, _) = lab.run(request).await.unwrap();
    lab.options.mode = Mode::Apply;
    batch
}

async fn goes_in_one_run(rule: &str) {
    for mut lab in labs(rule).await {
        for upwards in [true, false] {
            for size in [7, 1000] {
                fill(&lab, upwards).await;
                lab.options.batch_size = size;
                let case = format!("{rule} {upwards} {size} {:?}", lab.dialect());

                let dry = foretold(&mut lab, dead()).await;
                assert_eq!((dry.affected, dry.blocked), (100, 0), "{case}");
                assert_eq!(left(&lab).await.len(), 100, "{case}");
                let (batch, end) = lab.run(dead()).await.unwrap();

                assert_eq!((batch.affected, batch.blocked), (100, 0), "{case}");
                assert_eq!((batch.dependents, batch.cascaded), (0, 0), "{case}");
                assert_eq!(end, Step::Drained, "{case}");
                assert!(left(&lab).await.is_empty(), "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_a_hundred_no_action_rows_goes_in_one_run() {
    goes_in_one_run("NO ACTION").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_a_hundred_restrict_rows_goes_in_one_run() {
    goes_in_one_run("RESTRICT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_a_hundred_deferred_rows_goes_in_one_run() {
    goes_in_one_run("NO ACTION DEFERRABLE INITIALLY DEFERRED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_row_at_the_end_keeps_its_whole_chain() {
    for rule in ["NO ACTION", "RESTRICT"] {
        for mut lab in labs(rule).await {
            for upwards in [true, false] {
                for size in [7, 1000] {
                    fill(&lab, upwards).await;
                    lab.options.batch_size = size;
                    // The one that nobody refers to: everything else hangs on it.
                    let (end_of_chain, yes) = (if upwards { 1 } else { LONG }, literal(&lab, true));
                    lab.script(&format!(
                        "UPDATE link SET live = {yes} WHERE id = {end_of_chain}"
                    ))
                    .await;
                    let case = format!("{rule} {upwards} {size} {:?}", lab.dialect());

                    let dry = foretold(&mut lab, dead()).await;
                    let (batch, end) = lab.run(dead()).await.unwrap();

                    assert_eq!((batch.affected, batch.blocked), (0, 99), "{case}");
                    assert_eq!((dry.affected, dry.blocked), (0, 99), "{case}");
                    assert_eq!(end, Step::Drained, "{case}");
                    assert_eq!(left(&lab).await.len(), 100, "{case}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_row_in_the_middle_keeps_what_it_refers_to_and_nothing_else() {
    for mut lab in labs("NO ACTION").await {
        fill(&lab, true).await;
        lab.options.batch_size = 7;
        let yes = literal(&lab, true);
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 50"))
            .await;

        let (batch, _) = lab.run(dead()).await.unwrap();

        assert_eq!((batch.affected, batch.blocked), (49, 50));
        assert_eq!(left(&lab).await, (50..=100).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_refer_to_each_other_go_together() {
    for rule in ["NO ACTION", "RESTRICT"] {
        for mut lab in labs(rule).await {
            fill(&lab, true).await;
            lab.options.batch_size = 7;
            let no = literal(&lab, false);
            // A circle of a hundred, and one of two.
            lab.script("UPDATE link SET next = 1 WHERE id = 100").await;
            lab.script(&format!(
                "INSERT INTO link VALUES (101, 102, {no}), (102, 101, {no})"
            ))
            .await;

            let (batch, _) = lab.run(dead()).await.unwrap();

            let case = format!("{rule} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.blocked), (102, 0), "{case}");
            assert!(left(&lab).await.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_row_keeps_the_circle_that_it_is_part_of() {
    for mut lab in labs("NO ACTION").await {
        fill(&lab, true).await;
        lab.options.batch_size = 7;
        let yes = literal(&lab, true);
        lab.script(&format!(
            "UPDATE link SET next = 1 WHERE id = 2; UPDATE link SET live = {yes} WHERE id = 1"
        ))
        .await;

        let (batch, _) = lab.run(dead()).await.unwrap();

        assert_eq!((batch.affected, batch.blocked), (98, 1));
        assert_eq!(left(&lab).await, [1, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_unlinked_goes_row_by_row_and_a_live_row_lets_go() {
    for mut lab in labs("NO ACTION").await {
        fill(&lab, true).await;
        let yes = literal(&lab, true);
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 50"))
            .await;
        lab.options.batch_size = 7;
        let request = dead().unlink_first("link", vec![Join::new("next", "id")], None);

        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(
            (batch.affected, batch.blocked),
            (99, 0),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(left(&lab).await, [50]);
        assert_eq!(
            lab.count("SELECT count(*) FROM link WHERE next IS NULL")
                .await,
            1
        );
    }
}
