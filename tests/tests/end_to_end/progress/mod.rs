//! Runs get on, whatever stands in front: suspended runs, held rows, heavy parents.

mod attempts;
mod beside_writers;
mod changed;
mod going_on;
mod heavy;
mod heavy_hosts;
mod heavy_kinds;
mod heavy_leaning;
mod heavy_triggers;
mod held;
mod lost;
mod refused;
mod scouted;
mod standstill;
mod turns;

use besom::request::{Comparison, Condition, Value};

/// Rows that are to go.
fn dead() -> Condition {
    Condition::Compare {
        column: "dead".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(true),
    }
}

/// `n` from one to `count`, as either database knows it.
fn numbers(count: u64) -> String {
    format!(
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) AS s"
    )
}
