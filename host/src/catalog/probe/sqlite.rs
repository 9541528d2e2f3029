//! The probes on SQLite, where a column may hold values of any type whatever it was declared.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::error::place;
use super::ids::{self, SAMPLE_UNORDERED, Sample, Sampled};
use super::instants;
use super::{IdForm, IdShape, Presence, ProbeError, TimeProbe, has_ends};
use crate::catalog::read::Raw;
use crate::catalog::time_forms::fitting;
use crate::catalog::{Catalog, Column, Dialect, Kind, Table, TableId, quote_ident};
use crate::request::Timestamp;

/// Bytes of a value that a message may show; an id has at most 36.
const SHOWN: u32 = 80;

impl Catalog {
    /// Looks at the smallest and largest ids of a column, or at a thousand rows where no index leads
    /// with it. `now` is the run's clock.
    ///
    /// # Errors
    ///
    /// The column holds no ids with a time inside; ids of several shapes; an id more than a day ahead of
    /// `now`, so that the ids are not made from the time.
    pub async fn id_form_sqlite(
        connection: &mut SqliteConnection,
        table: &Table,
        column: &Column,
        named: &TableId,
        now: Timestamp,
    ) -> Result<IdForm, ProbeError> {
        let by_kind = match column.kind {
            Kind::Text | Kind::Any => IdShape::Crockford { upper: true },
            Kind::Bytes => IdShape::Bytes,
            _ => {
                return Err(ids::unknown(
                    named,
                    column,
                    "its type holds none".to_owned(),
                ));
            }
        };
        let ends = has_ends(table, column, Dialect::Sqlite);
        let from = source(table, column);
        let from = if ends {
            both_ends(&from, "c", ids::SAMPLE_EACH_END)
        } else {
            format!("SELECT c, r FROM ({from} LIMIT {SAMPLE_UNORDERED})")
        };
        let from = match between(table, column, ids::SAMPLE_AT_RANDOM) {
            Some(more) => format!("{from} UNION ALL {more}"),
            None => from,
        };
        let values = sample(connection, table, column, &from).await?;
        let values = each_row_once(values)
            .map(|(kind, bytes)| match kind.as_str() {
                "blob" => Sampled::Bytes(bytes),
                "text" => Sampled::Text(String::from_utf8_lossy(&bytes).into_owned()),
                kind => Sampled::Other(format!("`{}` ({kind})", String::from_utf8_lossy(&bytes))),
            })
            .collect();
        ids::form(named, column, &Sample { values, ends }, by_kind, now)
    }
}

impl Catalog {
    /// What form the column holds instants in: the operator's word, held against the values that are there,
    /// or what those look like. Looks at 250 of them at most, from both ends of the column's index or of the
    /// table and from anywhere between. Without an index and with few values, that reads the table once or
    /// twice.
    ///
    /// # Errors
    ///
    /// Values that are against the operator's word; values of several forms or of none that is known, and a
    /// type that holds no instants; the message shows the configuration that settles it.
    pub async fn time_form_sqlite(
        connection: &mut SqliteConnection,
        table: &Table,
        column: &Column,
        named: &TableId,
    ) -> Result<TimeProbe, ProbeError> {
        if fitting(Dialect::Sqlite, column).is_empty() {
            let found = "its type holds none".to_owned();
            return Err(instants::unknown(
                Dialect::Sqlite,
                named,
                column,
                found,
                &[],
            ));
        }
        // An index also brings the extremes, and values of another type beyond them.
        let by_rowid = !has_ends(table, column, Dialect::Sqlite) && table.rowid_name().is_some();
        let order = if by_rowid { "r" } else { "c" };
        let from = both_ends(&source(table, column), order, instants::SAMPLE_EACH_END);
        let values = with_some_between(connection, table, column, &from).await?;
        instants::form(Dialect::Sqlite, named, column, &values)
    }

    /// What a value of the column says, where a condition asks the column for NULL. Looks at values as
    /// [`Self::time_form_sqlite`] does; without an index on the column, where most rows may hold NULL, among
    /// some thousands of rows at either end of the table.
    ///
    /// # Errors
    /// What the database says.
    pub async fn presence_sqlite(
        connection: &mut SqliteConnection,
        table: &Table,
        column: &Column,
    ) -> Result<Presence, ProbeError> {
        if let Some(presence) = Presence::by_type(Dialect::Sqlite, table, column) {
            return Ok(presence);
        }
        let from = match has_ends(table, column, Dialect::Sqlite) {
            true => both_ends(&source(table, column), "c", instants::SAMPLE_EACH_END),
            false => among_the_first(table, column),
        };
        let values = with_some_between(connection, table, column, &from).await?;
        Ok(Presence::of(Dialect::Sqlite, column, &values))
    }
}

/// The values of a sample, and some of rows drawn by lot.
async fn with_some_between(
    connection: &mut SqliteConnection,
    table: &Table,
    column: &Column,
    from: &str,
) -> Result<Vec<Raw>, ProbeError> {
    let mut values = sample(connection, table, column, from).await?;
    if let Some(from) = between(table, column, instants::SAMPLE_BETWEEN) {
        values.extend(sample(connection, table, column, &from).await?);
    }
    Ok(raw(each_row_once(values)))
}

/// Type and bytes of a value, and what its row is known by.
type Value = (String, Vec<u8>, String);

/// A row that is at both ends of a small table, or drawn by lot as well, says once what it is.
fn each_row_once(values: Vec<Value>) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut seen = BTreeSet::new();
    let new = values
        .into_iter()
        .filter(move |(_, _, row)| seen.insert(row.clone()));
    new.map(|(kind, bytes, _)| (kind, bytes))
}

/// Values that are there, as they came from the database.
fn raw(values: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<Raw> {
    let values = values.filter(|(kind, _)| kind != "null");
    let values = values.map(|(kind, bytes)| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match kind.as_str() {
            "integer" => text.parse().map_or(Raw::Other(kind), Raw::Integer),
            "real" => text.parse().map_or(Raw::Other(kind), Raw::Real),
            "text" => Raw::Text(text),
            _ => Raw::Other(kind),
        }
    });
    values.collect()
}

/// Values in the rows at either end of the table, however few hold one.
fn among_the_first(table: &Table, column: &Column) -> String {
    /// Rows to look at from either end: read in some milliseconds.
    const ROWS: u32 = 5_000;
    let (name, from) = (quote_ident(&column.name), table.sql_name());
    let each = instants::SAMPLE_EACH_END;
    let row = known_by(table);
    let end = |order: &str| {
        format!(
            "SELECT c, r FROM (SELECT {name} AS c, {row} AS r FROM {from} {order} LIMIT {ROWS}) WHERE c IS NOT NULL LIMIT {each}"
        )
    };
    match table.rowid_name().map(quote_ident) {
        Some(rowid) => format!(
            "SELECT c, r FROM ({}) UNION ALL SELECT c, r FROM ({})",
            end(&format!("ORDER BY {rowid}")),
            end(&format!("ORDER BY {rowid} DESC"))
        ),
        None => end(""),
    }
}

/// Values at rowids drawn by lot, each the next one that there is. `None`: the table has no rowids.
fn between(table: &Table, column: &Column, values: u32) -> Option<String> {
    let (rowid, name) = (quote_ident(table.rowid_name()?), quote_ident(&column.name));
    let from = table.sql_name();
    // Half the distance, twice: the whole of it may be beyond 64 bits, and so may what `random` says be. Asked for both in
    // one SELECT, SQLite reads every row.
    let drawn = format!(
        "WITH RECURSIVE ends(low, high) AS (SELECT (SELECT min({rowid}) FROM {from}), (SELECT max({rowid}) FROM {from})),
         lots(n, r) AS (SELECT 1, NULL UNION ALL SELECT n + 1,
                 low + 2 * (abs(random() / 2) % (high / 2 - low / 2 + 1)) + abs(random() / 2) % 2
             FROM lots, ends WHERE n <= {values})"
    );
    // A row behind a gap is met again and again, and says no more than once what it is.
    Some(format!(
        "SELECT {name} AS c, {rowid} AS r FROM {from} WHERE {name} IS NOT NULL AND {rowid} IN ({drawn}
             SELECT (SELECT {rowid} FROM {from} WHERE {rowid} >= lots.r ORDER BY {rowid} LIMIT 1)
             FROM lots WHERE lots.r IS NOT NULL)"
    ))
}

/// The column's values as `c`, with the rowid, or what the row is known by without one, as `r`.
pub(super) fn source(table: &Table, column: &Column) -> String {
    let row = known_by(table);
    let name = quote_ident(&column.name);
    format!(
        "SELECT {name} AS c, {row} AS r FROM {} WHERE {name} IS NOT NULL",
        table.sql_name()
    )
}

fn known_by(table: &Table) -> String {
    match table.rowid_name() {
        Some(rowid) => quote_ident(rowid),
        None => {
            let key = table.primary_key.iter();
            let key = key.map(|column| format!("quote({})", quote_ident(column)));
            key.collect::<Vec<_>>().join(" || ',' || ")
        }
    }
}

pub(super) fn both_ends(from: &str, order: &str, each: u32) -> String {
    format!(
        "SELECT c, r FROM (SELECT c, r FROM ({from}) ORDER BY {order} LIMIT {each})
         UNION ALL SELECT c, r FROM (SELECT c, r FROM ({from}) ORDER BY {order} DESC LIMIT {each})"
    )
}

/// The values. Text comes as bytes because SQLite does not check that it is UTF-8.
async fn sample(
    connection: &mut SqliteConnection,
    table: &Table,
    column: &Column,
    from: &str,
) -> Result<Vec<Value>, ProbeError> {
    let sql =
        format!("SELECT typeof(c), substr(CAST(c AS BLOB), 1, {SHOWN}), quote(r) FROM ({from})");
    sqlx::query_as(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(|source| ProbeError::Query {
            place: place(&table.id, column),
            source,
        })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

    use super::{both_ends, has_ends, source};
    use crate::catalog::{Catalog, Dialect};

    #[tokio::test]
    async fn a_sample_from_an_index_reads_its_ends_without_sorting() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT UNIQUE, r INTEGER);
                      CREATE INDEX of_values ON t (r) WHERE r IS NOT NULL";
        sqlx::raw_sql(schema)
            .execute(&mut connection)
            .await
            .unwrap();
        let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();
        let table = catalog.table("t").unwrap();

        for column in &table.columns {
            assert!(has_ends(table, column, Dialect::Sqlite), "{}", column.name);
            let sql = both_ends(&source(table, column), "c", 16);
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
            assert!(
                !plan.iter().any(|row| row.3.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }
}
