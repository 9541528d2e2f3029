//! Whether values of two columns can be equal at all.

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Error};

use super::error::place;
use super::sqlite::{both_ends, source};
use super::{ProbeError, has_ends};
use crate::catalog::{Affinity, Catalog, Column, Dialect, Table, quote_ident};

/// Values looked at from either end of a table that has no index on the column: some ten milliseconds.
const WITHOUT_AN_INDEX: u32 = 20_000;

/// What SQLite holds in a column, beside NULL. Values of two classes are never equal, but for digits where
/// one of the columns makes numbers of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes {
    numbers: bool,
    texts: bool,
    bytes: bool,
}

impl Classes {
    /// A class that some value here has and one that some value there has, where the two are never equal:
    /// as `typeof` would say it.
    pub fn unlike(
        self,
        here: &Column,
        other: Self,
        there: &Column,
    ) -> Option<(&'static str, &'static str)> {
        let digits = makes_numbers(here) || makes_numbers(there);
        let unlike = [
            (self.bytes && other.texts, ("blob", "text")),
            (self.bytes && other.numbers, ("blob", "number")),
            (self.texts && other.bytes, ("text", "blob")),
            (self.numbers && other.bytes, ("number", "blob")),
            (self.texts && other.numbers && !digits, ("text", "number")),
            (self.numbers && other.texts && !digits, ("number", "text")),
        ];
        let found = unlike.into_iter().find(|(found, _)| *found);
        found.map(|(_, classes)| classes)
    }
}

/// The column's affinity makes a number of text that looks like one, also of what it is compared with.
fn makes_numbers(column: &Column) -> bool {
    column.affinity == Some(Affinity::Number)
}

impl Catalog {
    /// The classes of the column's values: all of them where an index leads with it, and otherwise those at
    /// both ends of the table.
    ///
    /// # Errors
    /// What the database says.
    pub async fn classes_sqlite(
        connection: &mut SqliteConnection,
        table: &Table,
        column: &Column,
    ) -> Result<Classes, ProbeError> {
        let name = quote_ident(&column.name);
        let leads = table.rowid_alias.as_ref() == Some(&column.name)
            || table.indexes.iter().any(|index| {
                let first = index.columns.first();
                index.predicate.is_none()
                    && first.and_then(|c| c.name.as_ref()) == Some(&column.name)
            });
        let sql = if leads || has_ends(table, column, Dialect::Sqlite) {
            // All numbers stand before all text, and all text before all bytes.
            let some = |range: &str| {
                let from = table.sql_name();
                format!("EXISTS (SELECT 1 FROM {from} WHERE {range})")
            };
            format!(
                "SELECT {}, {}, {}",
                some(&format!("{name} < ''")),
                some(&format!("{name} >= '' AND {name} < x''")),
                some(&format!("{name} >= x''"))
            )
        } else {
            let from = source(table, column);
            let from = match table.rowid_name() {
                Some(_) => both_ends(&from, "r", WITHOUT_AN_INDEX),
                None => format!("{from} LIMIT {WITHOUT_AN_INDEX}"),
            };
            format!(
                "SELECT count(*) FILTER (WHERE typeof(c) IN ('integer', 'real')) > 0, \
                 count(*) FILTER (WHERE typeof(c) = 'text') > 0, \
                 count(*) FILTER (WHERE typeof(c) = 'blob') > 0 FROM ({from})"
            )
        };
        let (numbers, texts, bytes): (bool, bool, bool) = sqlx::query_as(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_one(connection)
            .await
            .map_err(|source| ProbeError::Query {
                place: place(&table.id, column),
                source,
            })?;
        Ok(Classes {
            numbers,
            texts,
            bytes,
        })
    }

    /// Whether the server knows which values of the two columns are equal: it has an operator for them, and but one,
    /// which a statement finds. Of two types there may be one in a schema that is not on the search path, and the
    /// statement would mean another.
    ///
    /// # Errors
    /// What the database says otherwise.
    pub async fn have_equality_postgres(
        connection: &mut PgConnection,
        table: &Table,
        column: &Column,
        other: &Column,
    ) -> Result<bool, ProbeError> {
        if let (Some(own), true) = (&column.operators, column.sql_type == other.sql_type) {
            return Ok(own.equal.is_some());
        }
        let sql = format!(
            "SELECT (NULL::{0} = NULL::{1}) IS NULL AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_operator o
                 WHERE o.oprname = '=' AND o.oprleft = $1::regtype AND o.oprright = $2::regtype
                   AND NOT pg_operator_is_visible(o.oid))",
            column.sql_type, other.sql_type
        );
        let asked: Result<bool, Error> = sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .bind(&column.sql_type)
            .bind(&other.sql_type)
            .fetch_one(connection)
            .await;
        match asked {
            Ok(known) => Ok(known),
            Err(error) => match error.as_database_error().and_then(|error| error.code()) {
                // no such operator, or several that would do
                Some(code) if code == "42883" || code == "42725" => Ok(false),
                _ => Err(ProbeError::Query {
                    place: place(&table.id, column),
                    source: error,
                }),
            },
        }
    }
}
