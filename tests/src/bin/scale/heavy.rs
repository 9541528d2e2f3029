//! One row on which so many others hang, and which goes with them.

use besom::request::{Comparison, Condition, Join, Request, Value};

use super::{database, numbers, rate, run};

pub async fn measure(sqlite: bool, sizes: &[u64]) {
    println!("| rows that hang on it | how | run, s | rows/s | batches |");
    println!("|---|---|---|---|---|");
    for parts in sizes {
        for (how, rule) in [
            ("delete-first", ""),
            ("ON DELETE CASCADE", "ON DELETE CASCADE"),
            ("ON DELETE SET NULL", "ON DELETE SET NULL"),
        ] {
            let schema = format!(
                "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
                 CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) {rule}, note TEXT);
                 INSERT INTO item VALUES (1, TRUE);
                 INSERT INTO part SELECT n, 1, 'a note of middling length' FROM {};
                 CREATE INDEX part_item ON part (item);",
                numbers(*parts)
            );
            let lab = database(sqlite, &schema).await;
            let dead = Condition::Compare {
                column: "dead".into(),
                operator: Comparison::Equal,
                to: Value::Boolean(true),
            };
            let mut request = Request::delete("item", dead);
            if rule.is_empty() {
                request = request.delete_first("part", vec![Join::new("item", "id")], None);
            }
            let (batch, batches, took) = run(&lab, request).await;
            assert_eq!(
                (batch.affected, batch.dependents + batch.cascaded),
                (1, *parts)
            );
            println!(
                "| {parts} | {how} | {:.2} | {:.0} | {batches} |",
                took.as_secs_f64(),
                rate(*parts, took)
            );
        }
    }
}
