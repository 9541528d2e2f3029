//! Real products' schemas, as facts: what their own migrations make, read from the catalog of a PostgreSQL
//! 15 and kept in `tests/fixtures/schemas`, one fact a line.
//!
//! | name | product |
//! |---|---|
//! | `mas` | Matrix Authentication Service, August 2026 |
//! | `mas-2025-04` | the same, April 2025: fewer tables, other rules, half of the indexes |
//! | `server-sessions` | certctl's sessions, their signing keys and the tenants |
//!
//! Tables that no job comes near are left out, and so are GIN indexes and triggers.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use sqlx::{AssertSqlSafe, Connection, PgConnection};
//!
//! let database = besom_tests::postgres().await;
//! let mut connection = PgConnection::connect(&database.url).await?;
//! let script = AssertSqlSafe(besom_tests::schemas::ddl("mas"));
//! sqlx::raw_sql(script).execute(&mut connection).await?;
//! # Ok(())
//! # }
//! ```

mod catalog;
mod differences;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use catalog::read;
pub use differences::differences;

/// The names of the schemas that there are facts of.
pub const NAMES: [&str; 3] = ["mas", "mas-2025-04", "server-sessions"];

/// Tables and types of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Whose they are.
    pub product: String,
    /// When, or which of them.
    pub of: String,
    /// The values of each enumeration, in order.
    pub enums: BTreeMap<String, Vec<String>>,
    /// By name.
    pub tables: BTreeMap<String, Table>,
}

/// One table; each line begins with a name and goes on with what PostgreSQL prints of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `created_at timestamp with time zone NOT NULL DEFAULT now()`, in the table's order.
    pub columns: Vec<String>,
    /// `users_pkey PRIMARY KEY (user_id)`; unique, check and foreign keys, too.
    pub keys: Vec<String>,
    /// `users_lower_idx UNIQUE btree (lower(username)) WHERE …`, without those of keys.
    pub indexes: Vec<String>,
}

/// The facts of this name.
///
/// # Panics
///
/// When there are none, or the file holds something else.
pub fn load(name: &str) -> Schema {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/schemas")
        .join(format!("{name}.json"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A script that builds the schema of this name in an empty PostgreSQL database.
///
/// # Panics
///
/// As [`load`].
pub fn ddl(name: &str) -> String {
    let schema = load(name);
    let mut script: Vec<String> = Vec::new();
    for (name, values) in &schema.enums {
        script.push(format!(
            "CREATE TYPE {name} AS ENUM ('{}')",
            values.join("', '")
        ));
    }
    let tables = || schema.tables.iter();
    for (table, Table { columns, .. }) in tables() {
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        script.push(format!("CREATE TABLE {table} ({})", columns.join(", ")));
    }
    let keys = |foreign: bool| {
        tables().flat_map(move |(table, Table { keys, .. })| {
            let of_the_kind = keys
                .iter()
                .filter(move |key| key.contains(" FOREIGN KEY ") == foreign);
            of_the_kind
                .map(move |key| format!("ALTER TABLE {table} ADD CONSTRAINT {}", quoted(key)))
        })
    };
    script.extend(keys(false));
    for (table, Table { indexes, .. }) in tables() {
        for index in indexes {
            let (name, what) = split(index);
            let (unique, method) = match what.strip_prefix("UNIQUE ") {
                Some(method) => ("UNIQUE ", method),
                None => ("", what),
            };
            script.push(format!(
                "CREATE {unique}INDEX \"{name}\" ON {table} USING {method}"
            ));
        }
    }
    // Last: a key may refer to a table that comes later, and to a unique index.
    script.extend(keys(true));
    script.join(";\n")
}

/// A line's name, and the rest of it.
fn split(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

fn quoted(line: &str) -> String {
    let (name, what) = split(line);
    format!("\"{name}\" {what}")
}
