//! Values that are NULL, or that cannot be read: nothing goes on a doubt, and who is left for one is
//! counted and named.

mod ages_along;
mod booleans;
mod booleans_in_numbers;
mod counted;
mod dependents;
mod endless;
mod ids;
mod negated;
mod numbers;
mod odd_texts;
mod presence;
mod presence_told;
mod presence_unsaid;
mod shared_time;
mod storage_classes;
mod told;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Join, Timestamp, Value};
use besom::sweep::{RunContext, Verification, verify};
use besom_tests::lab::Lab;

/// 2026-01-01 00:00 UTC, in seconds.
const NEW_YEAR: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn older(column: &str, seconds: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: at(seconds),
        offset: 0,
    }
}

fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to,
    }
}

fn is(column: &str, value: bool) -> Condition {
    compare(column, Comparison::Equal, Value::Boolean(value))
}

fn not(of: Condition) -> Condition {
    Condition::Not(Box::new(of))
}

/// No row of the table is joined and matches.
fn without(table: &str, foreign: &str, local: &str, matching: Condition) -> Condition {
    Condition::NotExists {
        table: table.into(),
        on: vec![Join::new(foreign, local)],
        matching: Some(Box::new(matching)),
    }
}

/// What the probe after the run says.
async fn verified(lab: &Lab, context: &RunContext) -> Verification {
    let ended = context.settle().await.ended;
    Verification::of(&verify(&lab.database, &ended).await)
}

/// A time as each database's own schema holds it.
fn literal(dialect: Dialect, seconds: i64) -> String {
    match dialect {
        Dialect::Postgres => format!("to_timestamp({seconds})"),
        Dialect::Sqlite => seconds.to_string(),
    }
}
