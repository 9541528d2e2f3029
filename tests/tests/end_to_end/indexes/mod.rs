//! Indexes as they are: what a sweep examines, what the database says that it reads, and what preflight
//! and `explain` make of it.

mod descending;
mod explained;
mod one_time;
mod partial;
mod said;
mod tenant;
mod time_order;

use std::sync::Arc;

use besom::catalog::Dialect;
use besom::request::{Comparison, Condition, Request, Timestamp, Value};
use besom::scope::Subject;
use besom::sql::Plan;
use besom::sweep::{RunContext, Sweep, indexes_used};
use besom_tests::lab::{Lab, all_granted, job};

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600_000_000;

/// Rows old enough are due.
fn due() -> Condition {
    Condition::OlderThan {
        column: "t".into(),
        cutoff: Timestamp(NOW),
        offset: 0,
    }
}

fn is(column: &str, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator: Comparison::Equal,
        to,
    }
}

fn set(column: &str) -> Condition {
    Condition::IsNotNull {
        column: column.into(),
    }
}

fn all(of: &[Condition]) -> Condition {
    Condition::All(of.to_vec())
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// A table with a time `t`, and with what else a test puts there: `columns` in the table, `values` for
/// row `n`. Every row lies one second after the one before, and the last 1 440 before NOW are the last
/// that are old.
fn filled(dialect: Dialect, rows: u32, columns: &str, values: &str) -> String {
    let offset = rows + 1;
    match dialect {
        Dialect::Postgres => format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, t timestamptz, {columns});
             INSERT INTO item SELECT n, timestamptz '2026-01-01Z' + make_interval(secs => n - {offset}), {values}
             FROM generate_series(1, {rows}) AS n;"
        ),
        Dialect::Sqlite => format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, t INTEGER, {columns});
             INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows})
             SELECT n, {NOW} + (n - {offset}) * 1000000, {values} FROM s;"
        ),
    }
}

/// The table on both databases, with these indexes.
async fn both(rows: u32, columns: &str, values: &str, indexes: &str) -> [Lab; 2] {
    let schema = |dialect| {
        format!(
            "{} {indexes}; ANALYZE;",
            filled(dialect, rows, columns, values)
        )
    };
    [
        Lab::postgres(&schema(Dialect::Postgres)).await,
        Lab::sqlite(&schema(Dialect::Sqlite)).await,
    ]
}

/// The plan of a request.
async fn plan(lab: &Lab, request: Request) -> Arc<Plan> {
    let catalog = lab.catalog().await;
    let mut granted = all_granted(&catalog);
    if let Some(grants) = &lab.grants {
        granted.whole = grants.clone();
        granted.file = grants.clone();
    }
    let subject = Subject {
        job: job(),
        bundled: false,
    };
    let context = RunContext::rehearsal(
        lab.database.clone(),
        catalog,
        Arc::new(granted),
        subject,
        lab.database.now().await.unwrap(),
        lab.options.clone(),
    );
    let sweep = Sweep::open(&context, request).await.unwrap();
    sweep.next().await.unwrap();
    context.settle().await.drained.remove(0)
}

/// The indexes by which the database finds the windows' ends and the rows that go, and how it says so
/// of the first.
async fn used(lab: &Lab, request: Request) -> (Vec<String>, String) {
    let plan = plan(lab, request).await;
    assert_eq!(plan.axis().note, None);
    let used = indexes_used(&lab.database, &plan, lab.options.batch_size, false)
        .await
        .unwrap();
    let (_, edge) = plan.sample(lab.options.batch_size).unwrap().remove(0);
    let told = lab.session().await.explain(&edge, false).await.unwrap();
    let lines = told.iter().map(|row| {
        row.0
            .last()
            .unwrap()
            .as_text()
            .unwrap_or_default()
            .to_owned()
    });
    let lines: Vec<_> = lines.collect();
    let indexes = used.into_iter().flat_map(|used| used.indexes);
    (indexes.collect(), lines.join("\n"))
}

/// The sweep goes along that index alone, sorts nothing, and reads no table as a whole.
async fn goes_by(lab: &Lab, index: &str, request: Request) {
    let (used, told) = used(lab, request).await;
    let dialect = lab.dialect();
    assert!(
        !used.is_empty() && used.iter().all(|name| name == index),
        "{dialect:?} {used:?}\n{told}"
    );
    assert!(
        !told.contains("Sort")
            && !told.contains("Seq Scan")
            && !told.contains("SCAN r1\n")
            && !told.contains("TEMP B-TREE"),
        "{dialect:?}\n{told}"
    );
}

/// Everything that is due goes, and little else is looked at.
async fn goes(lab: &Lab, request: Request, due: u64) {
    let (total, end) = lab.run(request).await.unwrap();
    assert_eq!(total.affected, due, "{:?}", lab.dialect());
    assert_eq!(end, besom::request::Step::Drained);
    assert!(
        total.examined <= due + lab.options.batch_size,
        "{:?}: {} examined for {due}",
        lab.dialect(),
        total.examined
    );
}
