//! A schema that changes where a run is in the middle of something: a heavy row, or rows that it has found.

use besom::request::{Join, Request, Step, Suspension};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both};

use super::heavy::{recorded, schema};
use super::{dead, numbers};

const CHANGED: Step = Step::Suspended(Suspension::SchemaChanged);

/// By another connection: an order for each row that is still there, which its foreign key would take along.
async fn orders_come(lab: &Lab, parent: &str) -> i64 {
    lab.script(&format!(
        "CREATE TABLE orders (id BIGINT PRIMARY KEY, of BIGINT REFERENCES {parent} (id) ON DELETE CASCADE);
         INSERT INTO orders SELECT id, id FROM {parent}; CREATE INDEX orders_of ON orders (of);"
    ))
    .await;
    lab.count("SELECT count(*) FROM orders").await
}

/// Goes on until some of `table` have gone; then the orders come, and neither they nor anything else goes any more.
async fn is_suspended(lab: &Lab, request: Request, table: &str, parent: &str) {
    let all = |table: &str| format!("SELECT count(*) FROM {table}");
    let both = "SELECT (SELECT count(*) FROM item) + (SELECT count(*) FROM part)";
    let (before, begun) = (lab.count(&all(table)).await, lab.count(both).await);
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request.clone()).await.unwrap();
    while lab.count(&all(table)).await == before {
        assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
    }
    let orders = orders_come(lab, parent).await;
    let there = lab.count(both).await;

    assert_eq!(sweep.next().await, Ok(CHANGED));
    assert_eq!(sweep.next().await, Ok(CHANGED));

    let case = format!("{:?} {request:?}", lab.dialect());
    assert_eq!(lab.count(&all("orders")).await, orders, "{case}");
    assert_eq!(lab.count(both).await, there, "{case}");
    assert!(there > 0 && there < begun, "{case}: in the middle of it");
    assert_eq!(recorded(lab).await, begun - there, "{case}");
    let progress = context.settle().await;
    assert_eq!(progress.suspended, Some(Suspension::SchemaChanged));
    lab.end_as(&context, "suspended").await;
}

#[tokio::test]
async fn a_key_that_comes_between_the_pieces_of_a_heavy_row_takes_nothing_along() {
    let asked =
        Request::delete("item", dead()).delete_first("part", vec![Join::new("item", "id")], None);
    let by_rule = Request::delete("item", dead());
    for (rule, request) in [("", asked), ("ON DELETE CASCADE", by_rule)] {
        for parent in ["part", "item"] {
            let all = schema(2, 10, rule);
            for lab in both(&all, &all).await {
                is_suspended(&lab, request.clone(), "part", parent).await;
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_comes_while_rows_go_that_were_found_takes_nothing_along() {
    const HELD: u64 = 20_000;
    let all = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         CREATE INDEX part_item ON part (item);
         INSERT INTO item SELECT n, TRUE FROM {};
         INSERT INTO part SELECT n, n FROM {};",
        numbers(HELD + 100),
        numbers(HELD)
    );
    for mut lab in both(&all, &all).await {
        lab.options.batch_size = 10;
        is_suspended(&lab, Request::delete("item", dead()), "item", "item").await;
    }
}
