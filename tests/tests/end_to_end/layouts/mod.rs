//! Tables that do not look like a table with a key and an index: no primary key, no index that
//! serves, partitions. PostgreSQL alone has them.

mod heap;
mod heap_family;
mod partitions;
mod partitions_family;
mod partitions_moving;
mod unindexed;

use std::sync::Arc;

use besom::request::{Batch, Comparison, Condition, Step, Value};
use besom::sweep::Sweep;

/// `column < value`.
fn below(column: &str, value: i64) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator: Comparison::Less,
        to: Value::Integer(value),
    }
}

/// Further batches, to the end or to a suspension.
async fn rest(sweep: &Sweep) -> (Batch, Step) {
    let mut total = Batch::default();
    loop {
        match sweep.next().await.unwrap() {
            Step::Batch(batch) => total += batch,
            end => return (total, end),
        }
    }
}

/// One batch.
async fn one(sweep: &Sweep) -> Batch {
    match sweep.next().await.unwrap() {
        Step::Batch(batch) => batch,
        end => panic!("{end:?} instead of a batch"),
    }
}

/// What the drained sweeps of a run leave.
async fn verified(
    lab: &besom_tests::lab::Lab,
    context: &Arc<besom::sweep::RunContext>,
) -> besom::sweep::Verification {
    let progress = context.settle().await;
    let remains = besom::sweep::verify(&lab.database, &progress.ended).await;
    besom::sweep::Verification::of(&remains)
}
