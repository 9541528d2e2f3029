//! Foreign keys of a table to itself: long chains, trees that CASCADE takes, and random ones against a
//! model.

mod below;
mod chains;
mod changed;
mod far_apart;
mod going_on;
mod held;
mod let_go;
mod over_tables;
mod random;
mod riders;
mod told;
mod trees;

use besom::catalog::Dialect;
use besom::request::{Batch, Comparison, Condition, Mode, Request, Step, Value};
use besom_tests::lab::{Lab, both};

/// Rows that are due.
fn dead() -> Request {
    Request::delete(
        "link",
        Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(false),
        },
    )
}

/// `link (id, next, live)` with `next` by `rule`, on both databases.
async fn labs(rule: &str) -> Vec<Lab> {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link {rule},
                live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);"
        )
    };
    both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await
}

/// Rows `1..=count` that each refer to the one so many further on, as far as that is one of them.
async fn chain(lab: &Lab, count: i64, step: i64) {
    let from = series(lab, count);
    let no = no(lab);
    lab.script(&format!(
        "INSERT INTO link SELECT n, NULL, {no} FROM {from};
         UPDATE link SET next = id + ({step}) WHERE id + ({step}) BETWEEN 1 AND {count}"
    ))
    .await;
}

fn series(lab: &Lab, count: i64) -> String {
    match lab.dialect() {
        Dialect::Postgres => format!("generate_series(1, {count}) AS n"),
        Dialect::Sqlite => format!(
            "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
        ),
    }
}

fn no(lab: &Lab) -> &'static str {
    match lab.dialect() {
        Dialect::Postgres => "false",
        Dialect::Sqlite => "0",
    }
}

fn yes(lab: &Lab) -> &'static str {
    match lab.dialect() {
        Dialect::Postgres => "true",
        Dialect::Sqlite => "1",
    }
}

async fn left(lab: &Lab) -> Vec<i64> {
    lab.ids("SELECT id FROM link").await
}

/// The run, first dry: that changes nothing, and its counts are the run's.
async fn foretold_and_done(lab: &mut Lab, request: Request) -> Batch {
    let before = lab.count("SELECT count(*) FROM link").await;
    lab.options.mode = Mode::DryRun;
    let (dry, _) = lab.run(request.clone()).await.unwrap();
    lab.options.mode = Mode::Apply;
    assert_eq!(lab.count("SELECT count(*) FROM link").await, before);
    let (batch, end) = lab.run(request).await.unwrap();
    let dialect = lab.dialect();
    assert_eq!(end, Step::Drained, "{dialect:?}");
    let counts = |batch: Batch| {
        [
            batch.affected,
            batch.dependents,
            batch.cascaded,
            batch.blocked,
        ]
    };
    assert_eq!(counts(dry), counts(batch), "dry run on {dialect:?}");
    batch
}
