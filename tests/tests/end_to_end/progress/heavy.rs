//! Parents with which more goes along than one batch bears.

use std::time::Duration;

use besom::database::{Database, DatabaseOptions};
use besom::request::{Join, Request, Step, Suspension};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain};

use super::{dead, numbers};

/// More than a batch takes along, and no multiple of a piece.
pub const MANY: u64 = 25_001;

/// `heavy` items with many parts each in front of `plain` ones with one.
pub fn schema(heavy: u64, plain: u64, rule: &str) -> String {
    format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) {rule},
                            tenant BIGINT NOT NULL DEFAULT 1);
         CREATE INDEX part_item ON part (item);
         INSERT INTO item SELECT n, TRUE FROM {};
         INSERT INTO part SELECT n, (n - 1) / {MANY} + 1, 1 FROM {};
         INSERT INTO part SELECT n + 10000000, n + {heavy}, 1 FROM {};",
        numbers(heavy + plain),
        numbers(heavy * MANY),
        numbers(plain)
    )
}

/// With a statement timeout.
pub async fn impatient(lab: &mut Lab, limit: Duration) {
    let options = DatabaseOptions {
        statement_timeout: limit,
        ..DatabaseOptions::default()
    };
    lab.database = Database::connect(&lab.home.url, options).await.unwrap();
}

/// What the ledger says has gone or changed.
pub async fn recorded(lab: &Lab) -> i64 {
    lab.count(
        "SELECT CAST(coalesce(sum(affected + dependents + cascaded), 0) AS bigint) FROM besom_batch",
    )
    .await
}

fn with_parts() -> Request {
    Request::delete("item", dead()).delete_first("part", vec![Join::new("item", "id")], None)
}

#[tokio::test]
async fn seven_heavy_parents_in_front_of_plain_ones_go_piece_by_piece_and_end_no_run() {
    let all = schema(7, 1_000, "");
    for mut lab in both(&all, &all).await {
        impatient(&mut lab, Duration::from_secs(1)).await;
        let (context, _) = lab.begin().await;

        let (batch, step) = drain(&context, with_parts()).await.unwrap();

        assert_eq!(step, Step::Drained);
        let counts = (
            batch.affected,
            batch.dependents,
            batch.cascaded,
            batch.blocked,
        );
        assert_eq!(counts, (1_007, 7 * MANY + 1_000, 0, 0));
        assert_eq!(lab.count("SELECT count(*) FROM part").await, 0);
        assert_eq!(recorded(&lab).await as u64, 1_007 + 7 * MANY + 1_000);
        let most = "SELECT max(affected + dependents) FROM besom_batch";
        assert!(lab.count(most).await <= 20_001, "each batch is bounded");
        assert!(context.settle().await.blocked_by.is_empty());
    }
}

/// Each row takes its time, so that a quarter of the parts does not go within the timeout.
#[tokio::test]
async fn a_piece_keeps_the_size_that_went_in_time() {
    let schema = "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         CREATE INDEX part_item ON part (item);
         INSERT INTO item VALUES (1, TRUE), (2, TRUE); INSERT INTO part SELECT n, 1 FROM generate_series(1, 4000) AS n;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.0005); RETURN OLD; END';
         CREATE TRIGGER slow BEFORE DELETE ON part FOR EACH ROW EXECUTE FUNCTION slow();";
    let limit = Duration::from_millis(800);
    let mut lab = Lab::postgres(schema).await;
    impatient(&mut lab, limit).await;
    let (context, _) = lab.begin().await;
    let began = std::time::Instant::now();

    let (batch, step) = drain(&context, with_parts()).await.unwrap();

    assert_eq!(step, Step::Drained);
    assert_eq!((batch.affected, batch.dependents), (2, 4_000));
    let pieces = lab.count("SELECT count(*) FROM besom_batch").await;
    let work = Duration::from_secs(4);
    let timeouts = began.elapsed().saturating_sub(work).as_millis() / limit.as_millis();
    let pieces = u128::try_from(pieces).unwrap();
    assert!(
        timeouts < pieces / 2,
        "{timeouts} timeouts of {pieces} pieces"
    );
}

#[tokio::test]
async fn a_budget_that_ends_inside_a_heavy_parent_lets_the_next_run_go_on_there() {
    let all = schema(2, 10, "");
    for mut lab in both(&all, &all).await {
        let mut gone = 0;
        let mut runs = 0;
        lab.options.max_rows = 12_000;
        loop {
            let (batch, step) = lab.run_as_it_ends(with_parts()).await;
            gone += batch.changed();
            runs += 1;
            // What goes along with the last rows is known only after their batch.
            assert!(batch.changed() <= 12_000 + 20_001, "{batch:?}");
            assert_eq!(recorded(&lab).await as u64, gone);
            if step == Step::Drained {
                break;
            }
            assert_eq!(step, Step::Suspended(Suspension::RowBudget));
            assert!(batch.changed() >= 10, "{batch:?}");
        }
        assert!(runs > 2, "{runs}");
        assert_eq!(gone, 2 * MANY + 12 + 10);
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
    }
}

#[tokio::test]
async fn a_parent_that_is_revived_between_two_pieces_keeps_the_rest() {
    let all = schema(1, 10, "");
    for lab in both(&all, &all).await {
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, with_parts()).await.unwrap();
        let Step::Batch(piece) = sweep.next().await.unwrap() else {
            panic!("no batch");
        };
        assert_eq!((piece.affected, piece.dependents), (0, 10_000), "{piece:?}");
        lab.script("UPDATE item SET dead = FALSE WHERE id = 1")
            .await;

        while let Step::Batch(_) = sweep.next().await.unwrap() {}

        assert_eq!(lab.ids("SELECT id FROM item").await, [1]);
        let kept = lab.count("SELECT count(*) FROM part").await as u64;
        assert_eq!(kept, MANY - 10_000);
        assert_eq!(recorded(&lab).await, 10_000 + 20);
    }
}

#[tokio::test]
async fn a_child_that_must_stay_keeps_all_of_its_parents_others_also_one_that_comes_in_between() {
    let all = schema(2, 10, "");
    for mut lab in both(&all, &all).await {
        let catalog = lab.catalog().await;
        let mut grants = besom_tests::lab::everything(&catalog);
        let part = grants.tables.get_mut("part").unwrap();
        part.filter
            .insert("tenant".into(), besom::request::Value::Integer(1));
        lab.grants = Some(grants);
        // The last of the first parent's.
        lab.script(&format!("UPDATE part SET tenant = 2 WHERE id = {MANY}"))
            .await;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, with_parts()).await.unwrap();
        let of = |item: u64| format!("SELECT count(*) FROM part WHERE item = {item}");
        // Until the second parent is being taken apart.
        while lab.count(&of(2)).await as u64 == MANY {
            assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        }
        let before = lab.count(&of(2)).await;
        assert!(before > 0, "in the middle of it");
        lab.script("INSERT INTO part VALUES (99000000, 2, 2)").await;

        while let Step::Batch(_) = sweep.next().await.unwrap() {}

        assert_eq!(lab.ids("SELECT id FROM item").await, [1, 2]);
        assert_eq!(lab.count(&of(1)).await as u64, MANY);
        assert_eq!(lab.count(&of(2)).await, before + 1);
        let progress = context.settle().await;
        assert_eq!(progress.totals.blocked, 2);
        let gone = 12 + 2 * MANY + 10 + 1
            - lab
                .count("SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM part)")
                .await as u64;
        assert_eq!(recorded(&lab).await as u64, gone);
    }
}
