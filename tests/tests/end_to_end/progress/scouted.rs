//! Stretches of a table in which few rows are free.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use besom::catalog::Dialect;
use besom::request::{Mode, Request, Step};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain};

use super::{dead, numbers};

const HELD: u64 = 20_000;

/// All but the last hundred are held by a child.
fn schema(item: &str) -> String {
    format!(
        "CREATE TABLE item ({item});
         CREATE TABLE child (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         CREATE INDEX child_item ON child (item);
         CREATE INDEX item_at ON item (at);
         INSERT INTO item SELECT n, TRUE, n / 7 FROM {};
         INSERT INTO child SELECT n, n FROM {};",
        numbers(HELD + 100),
        numbers(HELD)
    )
}

const KEYED: &str = "id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, at BIGINT NOT NULL";
const UNKEYED: &str = "id BIGINT UNIQUE, dead BOOLEAN NOT NULL, at BIGINT NOT NULL";

#[tokio::test]
async fn held_rows_in_front_of_free_ones_are_passed_in_a_few_batches_and_counted() {
    let by_key = Request::delete("item", dead());
    for request in [by_key.clone(), by_key.order_by("at")] {
        let mut labs = both(&schema(KEYED), &schema(KEYED)).await;
        labs.push(Lab::postgres(&schema(UNKEYED)).await);
        for lab in labs {
            let (context, _) = lab.begin().await;
            let (batch, step) = drain(&context, request.clone()).await.unwrap();
            let progress = context.settle().await;

            assert_eq!(step, Step::Drained);
            assert_eq!(lab.ids("SELECT count(*) FROM item").await, [HELD as i64]);
            assert_eq!((batch.affected, batch.blocked), (100, HELD), "{batch:?}");
            assert_eq!(batch.examined, HELD + 100);
            let by = BTreeMap::from([("child".to_owned(), HELD)]);
            assert_eq!(progress.blocked_by, by);
            assert!(progress.batches <= 8, "{} batches", progress.batches);
            lab.end(&context).await;
            let recorded = "SELECT CAST(sum(affected) AS bigint) FROM besom_batch";
            assert_eq!(lab.count(recorded).await, 100);
            let examined = "SELECT CAST(sum(examined) AS bigint) FROM besom_batch";
            assert_eq!(lab.count(examined).await, (HELD + 100) as i64);
        }
    }
}

#[tokio::test]
async fn a_row_that_is_held_or_revived_after_it_was_found_stays() {
    for mut lab in both(&schema(KEYED), &schema(KEYED)).await {
        lab.options.batch_size = 10;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", dead()))
            .await
            .unwrap();
        // Until the first of those that were found have gone.
        while lab.count("SELECT count(*) FROM item").await == (HELD + 100) as i64 {
            assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        }
        let last = HELD + 100;
        lab.script(&format!(
            "INSERT INTO child VALUES ({last}, {last}); UPDATE item SET dead = FALSE WHERE id = {last} - 1"
        ))
        .await;

        while let Step::Batch(_) = sweep.next().await.unwrap() {}

        let there = lab
            .ids(&format!("SELECT id FROM item WHERE id > {HELD}"))
            .await;
        assert_eq!(there, [last as i64 - 1, last as i64]);
        let orphans = "SELECT count(*) FROM child WHERE item NOT IN (SELECT id FROM item)";
        assert_eq!(lab.count(orphans).await, 0);
    }
}

#[tokio::test]
async fn a_budget_ends_in_the_middle_of_what_was_found_and_the_next_run_takes_the_rest() {
    for mut lab in both(&schema(KEYED), &schema(KEYED)).await {
        lab.options.max_rows = 60;
        let request = Request::delete("item", dead());
        let (first, step) = lab.run_as_it_ends(request.clone()).await;
        assert!(matches!(step, Step::Suspended(_)));
        assert_eq!(first.affected, 60);
        lab.options.max_rows = 1_000;

        let (second, step) = lab.run_as_it_ends(request).await;

        assert_eq!((second.affected, step), (40, Step::Drained));
    }
}

/// Windows would have to find out once more that few rows are free.
#[tokio::test]
async fn a_run_that_goes_on_where_looks_served_begins_with_one() {
    for mut lab in both(&schema(KEYED), &schema(KEYED)).await {
        lab.options.max_rows = 60;
        let request = Request::delete("item", dead());
        lab.run_as_it_ends(request.clone()).await;
        lab.options.max_rows = 1_000;
        let batches = "SELECT count(*) FROM besom_batch";
        let before = lab.count(batches).await;

        let (batch, step) = lab.run_as_it_ends(request).await;

        assert_eq!((batch.affected, step), (40, Step::Drained));
        let after = lab.count(batches).await - before;
        assert!(after < 4, "{:?}: {after}", lab.dialect());
    }
}

#[tokio::test]
async fn a_condition_on_other_rows_is_looked_through_as_well_and_a_dry_run_counts_the_same() {
    for mut lab in both(&schema(KEYED), &schema(KEYED)).await {
        let request = Request::delete(
            "item",
            besom::request::Condition::All(vec![
                dead(),
                besom::request::Condition::NotExists {
                    table: "child".into(),
                    on: vec![besom::request::Join::new("item", "id")],
                    matching: None,
                },
            ]),
        );
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(request.clone()).await.unwrap();
        lab.options.mode = Mode::Apply;

        let (context, _) = lab.begin().await;
        let (batch, step) = drain(&context, request).await.unwrap();

        assert_eq!(step, Step::Drained);
        assert_eq!((batch.affected, batch.blocked), (100, 0));
        assert_eq!((dry.affected, dry.examined), (100, batch.examined));
        assert!(context.settle().await.batches <= 8);
    }
}

/// What the stretch is counted with is told by that very batch.
#[tokio::test]
async fn a_row_among_them_that_the_database_refuses_is_counted_beside_those_that_are_held() {
    for lab in both(&schema(KEYED), &schema(KEYED)).await {
        let refused = HELD + 1;
        lab.script(&format!(
            "CREATE TABLE mark (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) ON DELETE SET NULL,
                                CHECK (item IS NOT NULL OR id < 0));
             CREATE INDEX mark_item ON mark (item);
             INSERT INTO mark VALUES (1, {refused})"
        ))
        .await;
        let (context, _) = lab.begin().await;

        let (batch, step) = drain(&context, Request::delete("item", dead()))
            .await
            .unwrap();

        let case = format!("{:?}", lab.dialect());
        assert_eq!(step, Step::Drained, "{case}");
        assert_eq!((batch.affected, batch.blocked), (99, HELD + 1), "{case}");
        let mut by = context.settle().await.blocked_by;
        assert_eq!(by.remove("child"), Some(HELD), "{case}");
        assert_eq!(by.values().sum::<u64>(), 1, "{case} {by:?}");
    }
}

/// On SQLite the deadline is what the database itself takes to ask each row once whether it is held: less than a
/// look at the whole table, on any machine. Windows alone would take some fifty runs.
#[tokio::test]
async fn free_rows_behind_more_than_one_run_can_look_at_go_within_a_few_runs() {
    const MANY: u64 = 250_000;
    let schema = format!(
        "CREATE TABLE item ({KEYED});
         CREATE TABLE child (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         INSERT INTO item SELECT n, TRUE, n FROM {};
         INSERT INTO child SELECT n, n FROM {};
         CREATE INDEX child_item ON child (item);
         CREATE INDEX item_at ON item (at);",
        numbers(MANY + 100),
        numbers(MANY)
    );
    for mut lab in both(&schema, &schema).await {
        let least = match lab.dialect() {
            Dialect::Postgres => {
                lab.script("ANALYZE").await;
                Duration::from_secs(1)
            }
            Dialect::Sqlite => Duration::from_millis(250),
        };
        let free = "SELECT count(*) FROM item WHERE dead
                    AND NOT EXISTS (SELECT 1 FROM child WHERE child.item = item.id)";
        lab.count(free).await;
        let began = Instant::now();
        assert_eq!(lab.count(free).await, 100);
        lab.options.deadline = began.elapsed().max(least);
        let request = Request::delete("item", dead()).order_by("at");

        let (mut runs, mut examined) = (0, Vec::new());
        while lab.count(free).await > 0 {
            assert!(runs < 8, "{:?}: {examined:?}", lab.dialect());
            let (batch, _) = lab.run_as_it_ends(request.clone()).await;
            examined.push(batch.examined);
            runs += 1;
        }

        let left = lab.count("SELECT count(*) FROM item").await;
        assert_eq!(left, MANY as i64, "{:?}", lab.dialect());
    }
}
