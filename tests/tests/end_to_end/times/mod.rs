//! Times in every form that applications write them: nothing that is misread goes, and what is old does.

mod as_commands;
mod collated;
mod columns;
mod contradicted;
mod early_numbers;
mod forms;
mod keys;
pub mod kinds;
mod never;
mod newest;
mod odd_ages;
mod odd_values;
mod plain;
mod property;
mod units;
mod writers;
mod zones;

use besom::request::{Batch, Comparison, Condition, Fault, Request, Timestamp, Value};
use besom_tests::lab::Lab;

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600_000_000;
const HOUR: i64 = 3_600_000_000;

fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
        offset: 0,
    }
}

fn compare(column: &str, operator: Comparison, at: i64) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to: Value::Timestamp(Timestamp(at)),
    }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

/// The rows of `item` that such a condition takes.
async fn gone(lab: &Lab, condition: Condition) -> Result<Vec<i64>, Fault> {
    let before = lab.ids("SELECT id FROM item").await;
    let (batch, _): (Batch, _) = lab.run(Request::delete("item", condition)).await?;
    let left = lab.ids("SELECT id FROM item").await;
    let gone: Vec<_> = before.into_iter().filter(|id| !left.contains(id)).collect();
    assert_eq!(batch.affected, gone.len() as u64);
    Ok(gone)
}

/// The rows that a condition takes or its negation does.
async fn told(lab: &Lab, column: &str) -> Vec<i64> {
    let old = gone(lab, older(column, NOW)).await.unwrap();
    let young = gone(lab, not(older(column, NOW))).await.unwrap();
    let mut told = [old, young].concat();
    told.sort_unstable();
    told
}

/// A table `item (id, at)` with these values of `at`, numbered from 1.
fn items(declared: &str, values: &[&str]) -> String {
    let rows: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!("({}, {value})", n + 1))
        .collect();
    format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, at {declared}); INSERT INTO item VALUES {};",
        rows.join(", ")
    )
}
