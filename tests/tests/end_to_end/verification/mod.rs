//! What the record of a run says of the rows that it left, and why.

mod as_recorded;
mod backlog;
mod kept;

use std::sync::Arc;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Join, Request, Step, Value};
use besom::sweep::{MOST_COUNTED, Remains, RunContext, Sweep, Verification, verify};
use besom_tests::lab::{Lab, both, drain};

const ITEMS: &str = "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, dead INTEGER NOT NULL);
    INSERT INTO item VALUES (1, 1), (2, 1), (3, 0), (4, 1), (5, 1), (6, 1);";

fn dead() -> Condition {
    Condition::Compare {
        column: "dead".into(),
        operator: Comparison::Equal,
        to: Value::Integer(1),
    }
}

/// What the sweeps of a run left.
async fn left(lab: &Lab, context: &Arc<RunContext>) -> Vec<Remains> {
    let progress = context.settle().await;
    verify(&lab.database, &progress.ended).await
}

/// The one sweep's.
async fn of_the_one(lab: &Lab, context: &Arc<RunContext>) -> Remains {
    let mut all = left(lab, context).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn item() -> Remains {
    Remains {
        table: "item".to_owned(),
        ..Remains::default()
    }
}

#[tokio::test]
async fn a_sweep_that_left_nothing_is_verified() {
    for lab in both(ITEMS, ITEMS).await {
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", dead()))
            .await
            .unwrap();

        let found = left(&lab, &context).await;

        assert_eq!(found, [item()]);
        assert_eq!(Verification::of(&found), Verification::Verified);
    }
}

#[tokio::test]
async fn a_row_held_for_the_whole_run_is_left_as_locked() {
    // On SQLite one writer at a time holds the whole file, and none a row.
    let lab = Lab::postgres(ITEMS).await;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT * FROM item WHERE id = 2 FOR UPDATE")
        .await
        .unwrap();
    let (context, _) = lab.begin().await;
    let (total, _) = drain(&context, Request::delete("item", dead()))
        .await
        .unwrap();

    let found = of_the_one(&lab, &context).await;

    assert_eq!((total.affected, total.locked), (4, 1));
    let expected = Remains {
        left: 1,
        locked: 1,
        ..item()
    };
    assert_eq!(found, expected);
    // Its holder lets go: nobody holds it now, and why it was left is the same.
    other.rollback().await.unwrap();
    assert_eq!(of_the_one(&lab, &context).await, expected);
}

#[tokio::test]
async fn a_row_that_commits_behind_the_cursor_has_arrived_since() {
    for mut lab in both(ITEMS, ITEMS).await {
        lab.options.batch_size = 3;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", dead()))
            .await
            .unwrap();
        assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        lab.script("INSERT INTO item VALUES (-7, 1), (0, 1)").await;
        while sweep.next().await.unwrap() != Step::Drained {}

        let found = of_the_one(&lab, &context).await;

        let expected = Remains {
            left: 2,
            arrived: 2,
            ..item()
        };
        assert_eq!(found, expected, "{:?}", lab.dialect());
        assert_eq!(Verification::of(&[found]), Verification::Left(2));
    }
}

#[tokio::test]
async fn a_locked_and_an_arrived_row_are_told_apart() {
    let mut lab = Lab::postgres(ITEMS).await;
    lab.options.batch_size = 3;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("UPDATE item SET dead = 1 WHERE id = 1")
        .await
        .unwrap();
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("item", dead()))
        .await
        .unwrap();
    sweep.next().await.unwrap();
    lab.script("INSERT INTO item VALUES (0, 1)").await;
    while sweep.next().await.unwrap() != Step::Drained {}

    let found = of_the_one(&lab, &context).await;

    other.rollback().await.unwrap();
    let expected = Remains {
        left: 2,
        locked: 1,
        arrived: 1,
        ..item()
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_a_host_that_is_gone_passed_over_is_known_to_the_one_that_goes_on() {
    let mut lab = Lab::postgres(ITEMS).await;
    lab.options.batch_size = 2;
    lab.lease = std::time::Duration::ZERO;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT * FROM item WHERE id = 1 FOR UPDATE")
        .await
        .unwrap();
    let request = || Request::delete("item", dead());
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request()).await.unwrap();
    sweep.next().await.unwrap();
    sweep.next().await.unwrap();
    drop((sweep, context));

    let (context, claimed) = lab.begin().await;
    drain(&context, request()).await.unwrap();
    let found = of_the_one(&lab, &context).await;

    other.rollback().await.unwrap();
    assert!(claimed.resumed);
    let expected = Remains {
        left: 1,
        locked: 1,
        ..item()
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_blocked_parent_is_told_with_the_table_that_holds_it_and_is_no_failure() {
    let children = format!(
        "{ITEMS} CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, item_id INTEGER REFERENCES item (id));
         CREATE TABLE other (id BIGINT NOT NULL PRIMARY KEY, item_id INTEGER REFERENCES item (id));
         INSERT INTO child VALUES (1, 1), (2, 4), (3, 3);
         INSERT INTO other VALUES (1, 1);"
    );
    for lab in both(&children, &children).await {
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", dead()))
            .await
            .unwrap();

        let found = of_the_one(&lab, &context).await;

        let expected = Remains {
            blocked: 2,
            blocked_by: [("child".to_owned(), 2), ("other".to_owned(), 1)].into(),
            ..item()
        };
        assert_eq!(found, expected, "{:?}", lab.dialect());
        assert_eq!(Verification::of(&[found]), Verification::Verified);
    }
}

#[tokio::test]
async fn a_row_that_a_constraint_refuses_is_left_and_told_as_refused() {
    // The key hangs on a partition alone, so besom does not see it.
    let lab = Lab::postgres(&format!(
        "{ITEMS}
         CREATE TABLE note (id bigint PRIMARY KEY, item_id integer REFERENCES item ON DELETE CASCADE) PARTITION BY RANGE (id);
         CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (100);
         CREATE TABLE holder (id bigint PRIMARY KEY, note_id bigint REFERENCES note_1 (id));
         INSERT INTO note VALUES (1, 4); INSERT INTO holder VALUES (1, 1);"
    ))
    .await;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", dead()))
        .await
        .unwrap();

    let found = of_the_one(&lab, &context).await;

    let expected = Remains {
        left: 1,
        refused: 1,
        ..item()
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn rows_that_are_left_are_counted_no_further_than_the_documented_line() {
    for lab in both(ITEMS, ITEMS).await {
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", dead()))
            .await
            .unwrap();
        let numbers = match lab.dialect() {
            Dialect::Postgres => "SELECT n + 10, 1 FROM generate_series(1, 10001) AS n",
            Dialect::Sqlite => {
                "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10001)
                 SELECT n + 10, 1 FROM s"
            }
        };
        lab.script(&format!("INSERT INTO item {numbers}")).await;

        let found = of_the_one(&lab, &context).await;

        assert_eq!((found.left, found.more), (MOST_COUNTED, true));
        assert_eq!(MOST_COUNTED, 10_000, "docs/ledger.md says so");
    }
}

#[tokio::test]
async fn a_probe_that_takes_too_long_is_unverified_and_says_so() {
    // Values that can be compared, and neither hashed nor sorted: each is looked up by itself.
    let tables = |kind: &str| {
        format!(
            "CREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY, place {kind});
             CREATE TABLE mark (id BIGINT NOT NULL PRIMARY KEY, place {kind});"
        )
    };
    for lab in both(&tables("BOX"), &tables("BIGINT")).await {
        let unmarked = Condition::NotExists {
            table: "mark".into(),
            on: vec![Join {
                foreign: "place".into(),
                local: "place".into(),
            }],
            matching: None,
        };
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", unmarked))
            .await
            .unwrap();
        for table in ["item", "mark"] {
            let rows = match lab.dialect() {
                Dialect::Postgres => {
                    "SELECT n, box(point(0, 0), point(n, 1)) FROM generate_series(1, 60000) AS n"
                }
                Dialect::Sqlite => {
                    "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 60000)
                     SELECT n, n FROM s"
                }
            };
            lab.script(&format!("INSERT INTO {table} {rows}")).await;
        }

        let found = left(&lab, &context).await;

        let Verification::Unverified(why) = Verification::of(&found) else {
            panic!("{found:?}");
        };
        assert!(
            why.contains("item") && why.contains("took longer than 2 s"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_probe_that_is_refused_says_why() {
    for lab in both(ITEMS, ITEMS).await {
        let (context, _) = lab.begin().await;
        drain(&context, Request::delete("item", dead()))
            .await
            .unwrap();
        lab.script("DROP TABLE item").await;

        let found = left(&lab, &context).await;

        let Verification::Unverified(why) = Verification::of(&found) else {
            panic!("{found:?}");
        };
        assert!(why.starts_with("the probe of `"), "{why}");
    }
}
