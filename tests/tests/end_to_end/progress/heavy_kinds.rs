//! Everything that may hang on a heavy parent, and what cannot be taken apart.

use std::time::Duration;

use besom::request::{Batch, Join, Request, Step};
use besom_tests::lab::{Lab, both, drain};

use super::heavy::{MANY, impatient, recorded, schema};
use super::{dead, numbers};

async fn drained(lab: &Lab, request: Request) -> Batch {
    let (context, _) = lab.begin().await;
    let (batch, step) = drain(&context, request).await.unwrap();
    lab.end(&context).await;
    assert_eq!(step, Step::Drained);
    batch
}

#[tokio::test]
async fn what_a_rule_takes_goes_in_pieces_and_counts_as_cascaded() {
    let all = schema(2, 10, "ON DELETE CASCADE");
    for lab in both(&all, &all).await {
        let batch = drained(&lab, Request::delete("item", dead())).await;

        let counts = (batch.affected, batch.dependents, batch.cascaded);
        assert_eq!(counts, (12, 0, 2 * MANY + 10));
        assert_eq!(lab.count("SELECT count(*) FROM part").await, 0);
        assert_eq!(recorded(&lab).await as u64, 12 + 2 * MANY + 10);
        let most = "SELECT max(cascaded) FROM besom_batch";
        assert!(lab.count(most).await <= 20_001);
    }
}

#[tokio::test]
async fn what_is_let_go_stays_by_a_rule_or_by_request() {
    let unlinked =
        Request::delete("item", dead()).unlink_first("part", vec![Join::new("item", "id")], None);
    for (rule, request, asked) in [
        ("ON DELETE SET NULL", Request::delete("item", dead()), false),
        ("", unlinked, true),
    ] {
        let all = schema(2, 10, rule);
        for lab in both(&all, &all).await {
            let batch = drained(&lab, request.clone()).await;

            let along = 2 * MANY + 10;
            let (dependents, cascaded) = if asked { (along, 0) } else { (0, along) };
            let counts = (batch.affected, batch.dependents, batch.cascaded);
            assert_eq!(counts, (12, dependents, cascaded));
            let there = "SELECT count(*) FROM part WHERE item IS NULL";
            assert_eq!(lab.count(there).await as u64, along);
            let most = "SELECT max(dependents + cascaded) FROM besom_batch";
            assert!(lab.count(most).await <= 20_001);
        }
    }
}

/// One item; parts and bits below it.
fn deep(parts: u64, bits_each: u64, rule: &str) -> String {
    format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) {rule});
         CREATE INDEX part_item ON part (item);
         CREATE TABLE bit (id BIGINT PRIMARY KEY, part BIGINT REFERENCES part (id) {rule});
         CREATE INDEX bit_part ON bit (part);
         INSERT INTO item VALUES (1, TRUE), (2, FALSE);
         INSERT INTO part SELECT n, 1 FROM {};
         INSERT INTO bit SELECT n, (n - 1) / {bits_each} + 1 FROM {};
         INSERT INTO part VALUES (9000000, 2); INSERT INTO bit VALUES (9000000, 9000000);",
        numbers(parts),
        numbers(parts * bits_each)
    )
}

#[tokio::test]
async fn grandchildren_go_before_children_whether_the_children_are_many_or_heavy_themselves() {
    let asked = Request::delete("item", dead())
        .delete_first("part", vec![Join::new("item", "id")], None)
        .delete_first("bit", vec![Join::new("part", "id")], Some(0));
    let by_rule = Request::delete("item", dead());
    for (parts, bits_each) in [(25_001, 1), (2, 25_001)] {
        for (request, rule) in [(&asked, ""), (&by_rule, "ON DELETE CASCADE")] {
            let all = deep(parts, bits_each, rule);
            for lab in both(&all, &all).await {
                let batch = drained(&lab, request.clone()).await;

                let along = parts + parts * bits_each;
                assert_eq!(batch.affected, 1);
                assert_eq!(batch.dependents + batch.cascaded, along, "{batch:?}");
                assert_eq!(recorded(&lab).await as u64, along + 1);
                assert_eq!(lab.ids("SELECT id FROM item").await, [2]);
                assert_eq!(lab.ids("SELECT id FROM bit").await, [9_000_000]);
                assert_eq!(lab.ids("SELECT id FROM part").await, [9_000_000]);
            }
        }
    }
}

#[tokio::test]
async fn children_that_hold_each_other_go_with_their_parent_all_at_once() {
    let schema = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id),
                            next BIGINT REFERENCES part (id));
         CREATE INDEX part_item ON part (item);
         CREATE INDEX part_next ON part (next);
         INSERT INTO item VALUES (1, TRUE);
         INSERT INTO part SELECT n, 1, NULL FROM {};
         UPDATE part SET next = id + 1 WHERE id < {MANY};",
        numbers(MANY)
    );
    for lab in both(&schema, &schema).await {
        let request = Request::delete("item", dead()).delete_first(
            "part",
            vec![Join::new("item", "id")],
            None,
        );
        let batch = drained(&lab, request).await;

        assert_eq!((batch.affected, batch.dependents), (1, MANY));
        assert_eq!(lab.count("SELECT count(*) FROM part").await, 0);
    }
}

#[tokio::test]
async fn a_child_that_somebody_holds_keeps_its_parent_and_not_its_siblings() {
    let lab = Lab::postgres(&schema(1, 10, "")).await;
    let mut other = lab.session().await;
    other
        .begin(&format!(
            "BEGIN; UPDATE part SET tenant = 5 WHERE id = {MANY}"
        ))
        .await
        .unwrap();
    let request =
        Request::delete("item", dead()).delete_first("part", vec![Join::new("item", "id")], None);
    let batch = drained(&lab, request.clone()).await;
    assert_eq!((batch.affected, batch.locked), (10, 1), "{batch:?}");
    assert_eq!(lab.ids("SELECT id FROM item").await, [1]);
    other.rollback().await.unwrap();

    let again = drained(&lab, request).await;
    assert_eq!(again.affected, 1);
    assert_eq!(lab.count("SELECT count(*) FROM part").await, 0);
}

#[tokio::test]
async fn rows_that_cannot_be_taken_apart_are_passed_over_however_many_there_are() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         CREATE FUNCTION heavy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.item % 5 = 0 THEN PERFORM pg_sleep(5); END IF; RETURN OLD; END $$;
         CREATE TRIGGER heavy BEFORE DELETE ON part FOR EACH ROW EXECUTE FUNCTION heavy();
         INSERT INTO item SELECT n, TRUE FROM generate_series(1, 40) n;
         INSERT INTO part SELECT n, n FROM generate_series(1, 40) n;",
    )
    .await;
    impatient(&mut lab, Duration::from_millis(150)).await;
    let request =
        Request::delete("item", dead()).delete_first("part", vec![Join::new("item", "id")], None);

    let batch = drained(&lab, request).await;

    assert_eq!((batch.affected, batch.blocked), (32, 8), "{batch:?}");
    let left = lab.ids("SELECT id FROM item").await;
    assert_eq!(left, [5, 10, 15, 20, 25, 30, 35, 40]);
}

#[tokio::test]
async fn a_heavy_row_on_legal_hold_keeps_what_hangs_on_it() {
    let tables = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) ON DELETE CASCADE);
         INSERT INTO item VALUES (1, TRUE), (2, TRUE);
         INSERT INTO part SELECT n, 1 FROM {};
         INSERT INTO part VALUES (0, 2);
         CREATE INDEX part_item ON part (item);",
        super::numbers(25_000)
    );
    let postgres = format!(
        "{tables}
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.id = 1 THEN RAISE EXCEPTION 'held'; END IF; RETURN OLD; END $$;
         CREATE TRIGGER hold AFTER DELETE ON item FOR EACH ROW EXECUTE FUNCTION hold();"
    );
    let sqlite = format!(
        "{tables}
         CREATE TRIGGER hold AFTER DELETE ON item WHEN OLD.id = 1 BEGIN SELECT RAISE(ABORT, 'held'); END;"
    );
    for lab in both(&postgres, &sqlite).await {
        let batch = drained(&lab, Request::delete("item", dead())).await;

        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (1, 1, 1),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(lab.count("SELECT count(*) FROM part").await, 25_000);
    }
}
