//! Rows that a child holds, in front of a thousand free ones.

use std::time::Instant;

use besom::request::{Comparison, Condition, Request, Value};

use super::{database, numbers, rate, run};

const FREE: u64 = 1_000;

pub async fn measure(sqlite: bool, sizes: &[u64]) {
    println!(
        "| held rows | one index scan, s | run, s | × the scan | rows/s | batches | next run, s |"
    );
    println!("|---|---|---|---|---|---|---|");
    for held in sizes {
        let schema = format!(
            "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, at BIGINT NOT NULL, note TEXT);
             CREATE TABLE child (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id), note TEXT);
             INSERT INTO item SELECT n, TRUE, n, 'a note of middling length' FROM {};
             INSERT INTO child SELECT n, n, 'a note of middling length' FROM {};
             CREATE INDEX item_at ON item (at, id);
             CREATE INDEX child_item ON child (item);",
            numbers(held + FREE),
            numbers(*held)
        );
        let lab = database(sqlite, &schema).await;
        // What a run must look at in any case: each row by the index, and whether it is one.
        let scan =
            format!("SELECT count(*) FROM item WHERE at > 0 AND at <= {held} + {FREE} AND dead");
        lab.count(&scan).await;
        let began = Instant::now();
        lab.count(&scan).await;
        let scanned = began.elapsed();

        let dead = Condition::Compare {
            column: "dead".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(true),
        };
        let request = Request::delete("item", dead).order_by("at");
        let (batch, batches, took) = run(&lab, request.clone()).await;
        assert_eq!((batch.affected, batch.blocked), (FREE, *held));
        let (next, _, again) = run(&lab, request).await;
        assert_eq!(next.affected, 0);
        println!(
            "| {held} | {:.2} | {:.2} | {:.1} | {:.0} | {batches} | {:.2} |",
            scanned.as_secs_f64(),
            took.as_secs_f64(),
            took.as_secs_f64() / scanned.as_secs_f64(),
            rate(batch.examined, took),
            again.as_secs_f64(),
        );
    }
}
