//! Situations that once deleted, counted or recorded something wrongly.

mod accounts;
mod affinities;
mod collations;
mod constraints;
mod encodings;
mod equalities;
mod errors;
mod limits;
mod random;
mod rows;
mod unlike;
mod updates;
mod wider;

use besom::request::{Comparison, Condition, Timestamp, Value};
use besom::scope::Grants;
use besom_tests::lab::{Lab, everything};
use std::collections::BTreeMap;

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600_000_000;

fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
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

async fn granted(lab: &Lab, change: impl FnOnce(&mut Grants)) -> Grants {
    let catalog = lab.catalog().await;
    let mut grants = everything(&catalog);
    change(&mut grants);
    grants
}

fn is(value: i64) -> BTreeMap<String, Value> {
    BTreeMap::from([("tenant".to_owned(), Value::Integer(value))])
}
