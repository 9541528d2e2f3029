//! The probes on PostgreSQL.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::error::place;
use super::ids::{self, SAMPLE_AT_RANDOM, SAMPLE_EACH_END, SAMPLE_UNORDERED, Sample, Sampled};
use super::{IdForm, IdShape, Presence, ProbeError, TimeProbe, has_ends, instants};
use crate::catalog::read::Raw;
use crate::catalog::time_forms::fitting;
use crate::catalog::{
    Catalog, Column, Dialect, Kind, Table, TableId, TableKind, TimeForm, Times, quote_ident,
};
use crate::request::Timestamp;

impl Catalog {
    /// Looks at the smallest and largest ids of a column, or at a thousand rows where no index leads
    /// with it. `now` is the database's clock.
    ///
    /// # Errors
    ///
    /// The column holds no ids with a time inside; ids of several shapes; an id more than a day ahead of
    /// `now`, so that the ids are not made from the time.
    pub async fn id_form_postgres(
        connection: &mut PgConnection,
        table: &Table,
        column: &Column,
        named: &TableId,
        now: Timestamp,
    ) -> Result<IdForm, ProbeError> {
        let (expression, by_kind) = match column.kind {
            Kind::Uuid => ("c::text", IdShape::Uuid),
            Kind::Text => ("left(c::text, 80)", IdShape::Crockford { upper: true }),
            Kind::Bytes => ("encode(substring(c FROM 1 FOR 80), 'hex')", IdShape::Bytes),
            _ => {
                return Err(ids::unknown(
                    named,
                    column,
                    "its type holds none".to_owned(),
                ));
            }
        };
        let ends = has_ends(table, column, Dialect::Postgres);
        let sql = sample(table, column, expression, ends);
        let mut values: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(connection)
            .await
            .map_err(|source| ProbeError::Query {
                place: place(&table.id, column),
                source,
            })?;
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        let sampled = |text: String| match by_kind {
            IdShape::Uuid => Sampled::Uuid(text),
            IdShape::Bytes => Sampled::Bytes(from_hex(&text)),
            IdShape::UuidText | IdShape::Crockford { .. } => Sampled::Text(text),
        };
        let sample = Sample {
            values: values.into_iter().map(sampled).collect(),
            ends,
        };
        ids::form(named, column, &sample, by_kind, now)
    }
}

/// The column's values from a part of the table, which `drawn` says. They are called `c`, so that ORDER BY cannot
/// mean the column of the result.
fn values(table: &Table, column: &Column, drawn: &str) -> String {
    let only = only(table);
    let (name, from) = (quote_ident(&column.name), table.sql_name());
    format!("SELECT {name} AS c FROM {only}{from}{drawn} WHERE {name} IS NOT NULL")
}

/// A parent of tables that inherit is sampled without them, a partitioned one with its leaves.
fn only(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Partitioned => "",
        _ => "ONLY ",
    }
}

fn sample(table: &Table, column: &Column, expression: &str, ends: bool) -> String {
    let from = values(table, column, "");
    let share = percent(table.estimated_rows);
    let at_random = values(table, column, &format!(" TABLESAMPLE SYSTEM ({share})"));
    let ordered = match ends {
        true => both_ends(&from),
        false => format!("({from} LIMIT {SAMPLE_UNORDERED})"),
    };
    format!(
        "SELECT {expression} FROM ({ordered} UNION ALL (
             SELECT c FROM ({at_random} LIMIT {SAMPLE_OF}) AS drawn ORDER BY random() LIMIT {SAMPLE_AT_RANDOM}
         )) AS s"
    )
}

/// The least values `c` and the greatest.
fn both_ends(from: &str) -> String {
    format!(
        "(SELECT c FROM ({from}) AS least ORDER BY c LIMIT {SAMPLE_EACH_END})
         UNION ALL
         (SELECT c FROM ({from}) AS greatest ORDER BY c DESC LIMIT {SAMPLE_EACH_END})"
    )
}

/// Rows from which some are drawn at random: those of some hundred pages.
const SAMPLE_OF: u64 = 10_000;

/// So much of a table's pages as hold these rows by the estimate; of one that was never analyzed, all.
fn percent(estimated_rows: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // an estimate
    let share = 100.0 * SAMPLE_OF as f64 / estimated_rows.max(1) as f64;
    share.min(100.0)
}

/// Bytes from the hex digits that `encode` wrote.
fn from_hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .fold(0u8, |byte, digit| byte << 4 | *digit as u8)
        })
        .collect()
}

impl Catalog {
    /// What form the column holds instants in: its own type, else the operator's word, held against the
    /// values that are there. PostgreSQL has types for times, so a number or a text is never guessed at.
    ///
    /// # Errors
    ///
    /// Neither says, and the message shows the configuration that would; values are against the operator's
    /// word.
    pub async fn time_form_postgres(
        connection: &mut PgConnection,
        table: &Table,
        column: &Column,
        named: &TableId,
    ) -> Result<TimeProbe, ProbeError> {
        if column.is_native_time() {
            let times = match &column.time_form {
                Some(times) if times.is_declared() => times.clone(),
                word => {
                    let oldest = word.as_ref().and_then(Times::oldest);
                    Times::found(TimeForm::Native).since(oldest)
                }
            };
            return Ok(TimeProbe {
                times,
                assumed: false,
            });
        }
        if fitting(Dialect::Postgres, column).is_empty() {
            let found = "its type holds none".to_owned();
            return Err(instants::unknown(
                Dialect::Postgres,
                named,
                column,
                found,
                &[],
            ));
        }
        let values = some_values(connection, table, column).await?;
        instants::form(Dialect::Postgres, named, column, &values)
    }

    /// What a value of the column says, where a condition asks the column for NULL. Looks at the values as
    /// [`Self::time_form_postgres`] does.
    ///
    /// # Errors
    /// What the database says.
    pub async fn presence_postgres(
        connection: &mut PgConnection,
        table: &Table,
        column: &Column,
    ) -> Result<Presence, ProbeError> {
        if let Some(presence) = Presence::by_type(Dialect::Postgres, table, column) {
            return Ok(presence);
        }
        let values = some_values(connection, table, column).await?;
        Ok(Presence::of(Dialect::Postgres, column, &values))
    }
}

/// Some values that are not NULL: from both ends of the column's index, and anywhere between.
async fn some_values(
    connection: &mut PgConnection,
    table: &Table,
    column: &Column,
) -> Result<Vec<Raw>, ProbeError> {
    let failed = |source| ProbeError::Query {
        place: place(&table.id, column),
        source,
    };
    let some: Vec<(String, bool)> = sqlx::query_as(AssertSqlSafe(between(table, column)))
        .persistent(false)
        .bind(table.sql_name())
        .bind(i64::from(instants::SAMPLE_BETWEEN))
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let are_all =
        some.len() < instants::SAMPLE_BETWEEN as usize && some.iter().all(|(_, all)| *all);
    let mut values: Vec<String> = some.into_iter().map(|(value, _)| value).collect();
    // Of a small table they would be the same rows once more.
    if has_ends(table, column, Dialect::Postgres) && (values.is_empty() || !are_all) {
        let ends = both_ends(&self::values(table, column, ""));
        let sql = format!("SELECT left(c::text, 80) FROM ({ends}) AS ends");
        let ends: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(connection)
            .await
            .map_err(failed)?;
        values.extend(ends);
    }
    let raw = |text: String| match column.kind {
        Kind::Text => Raw::Text(text),
        _ => Raw::number(&text),
    };
    Ok(values.into_iter().map(raw).collect())
}

/// Values of some pages drawn by lot, and whether these are all pages, as they are of a small table.
fn between(table: &Table, column: &Column) -> String {
    /// Pages to draw, about.
    const PAGES: u32 = 64;
    let (name, from) = (quote_ident(&column.name), table.sql_name());
    let only = only(table);
    let share = format!(
        "{PAGES} * 100.0 / greatest(1, (
             SELECT sum(pg_relation_size(t)) / current_setting('block_size')::bigint FROM (
                 SELECT to_regclass($1) AS t
                 UNION SELECT relid FROM pg_partition_tree(to_regclass($1))) AS leaves))"
    );
    format!(
        "SELECT left(c::text, 80), {share} >= 100 FROM (
             SELECT {name} AS c FROM {only}{from} TABLESAMPLE SYSTEM (least(100, {share}))
             WHERE {name} IS NOT NULL ORDER BY random() LIMIT $2) AS drawn"
    )
}
