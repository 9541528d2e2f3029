//! What keeps a wrong setting from emptying a table.

mod fraction;
mod future;

use besom::request::{Comparison, Condition, Request, Value};

/// Ten thousand rows would be slow to write out: `n` numbers from 1 on both kinds of database.
fn numbers(dialect: besom::catalog::Dialect, n: u32) -> String {
    match dialect {
        besom::catalog::Dialect::Postgres => format!("SELECT i FROM generate_series(1, {n}) AS i"),
        besom::catalog::Dialect::Sqlite => format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n}) SELECT i FROM n"
        ),
    }
}

fn up_to(id: i64) -> Condition {
    Condition::Compare {
        column: "id".into(),
        operator: Comparison::LessOrEqual,
        to: Value::Integer(id),
    }
}

fn delete_up_to(id: i64) -> Request {
    Request::delete("row", up_to(id))
}
