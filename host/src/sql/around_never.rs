//! Where an index leads to values that stand for no instant.

use chrono::{DateTime, Datelike};

use super::instant::Held;
use super::measure::Measured;
use super::scale::Scale;
use super::writer::Writer;
use crate::catalog::{Column, Dialect, Kind, Times};
use crate::request::{Fault, Timestamp};

impl Held<'_> {
    /// What holds of each value that stands for no instant and of few others, in the column's own order. False, and
    /// nothing is written, where that order is not the one of time.
    pub(super) fn around_never(&self, w: &mut Writer) -> Result<bool, Fault> {
        let sqlite = w.dialect() == Dialect::Sqlite;
        let texts = |measured: &Measured| matches!(measured.scale, Scale::Text { .. });
        let plain = |measured: &Measured| match &measured.scale {
            Scale::Units { name, .. } => *name == self.name && self.column.kind != Kind::Text,
            Scale::Stamps { .. } | Scale::Days { .. } => true,
            Scale::Text { .. } => false,
        };
        if self.measured.is_empty() {
            return Ok(false);
        }
        if self.measured.iter().all(plain) {
            w.push("(");
            w.separated(&self.measured, " OR ", |w, measured| {
                self.unreal(w, &measured.scale)
            })?;
            if sqlite {
                // Behind all numbers stand the texts, which some of its words are.
                w.push(&format!(" OR {} >= ''", self.name));
            }
            w.push(")");
            return Ok(true);
        }
        if sqlite && self.measured.iter().all(texts) && sorts_by_bytes(self.column) {
            let name = &self.name;
            let (first, end) = (day_of(self.times.first(), 2), day_of(Times::END, -2));
            if let (Some(first), Some(end)) = (first, end) {
                w.push(&format!("({name} < '{first}' OR {name} >= '{end}')"));
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// SQLite's own collations have digits in one order.
fn sorts_by_bytes(column: &Column) -> bool {
    let own = |name: &str| {
        let name = name.trim_matches('"');
        ["binary", "nocase", "rtrim"].contains(&name.to_ascii_lowercase().as_str())
    };
    let collation = column.collation.as_ref();
    collation.is_none_or(|collation| own(&collation.sql_name))
}

/// The day of an instant, so many days on, as text; `None`: of a year that has not four digits.
fn day_of(at: Timestamp, on: i64) -> Option<String> {
    const DAY: i64 = 86_400_000_000;
    let at = DateTime::from_timestamp_micros(at.0.checked_add(on * DAY)?)?;
    (1..=9999)
        .contains(&at.year())
        .then(|| at.format("%Y-%m-%d").to_string())
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

    use super::*;
    use crate::catalog::{Catalog, TimeForm};
    use crate::sql::writer::Row;

    #[tokio::test]
    async fn an_index_leads_to_values_that_stand_for_none() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let schema = "CREATE TABLE t (i INTEGER, f REAL, d DATETIME, s TEXT COLLATE NOCASE, u);
            CREATE INDEX t_i ON t (i); CREATE INDEX t_f ON t (f); CREATE INDEX t_d ON t (d);
            CREATE INDEX t_s ON t (s); CREATE INDEX t_u ON t (u);
            INSERT INTO t VALUES (0, 0, '1970-01-01', 'infinity', '-1'), (-1, 9e999, '9999-12-31', '0', 0),
                (9223372036854775807, -1, 0, '0000-00-00', -1), (1790000000, 1790000000.5, '2026-09-01', '2026-09-01', '2026-09-01')";
        sqlx::raw_sql(schema)
            .execute(&mut connection)
            .await
            .unwrap();
        let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();
        let table = catalog.table("t").unwrap();
        for (column, forms) in [
            ("i", vec![TimeForm::UnixS]),
            ("i", vec![TimeForm::UnixS, TimeForm::UnixMs]),
            ("f", vec![TimeForm::UnixS]),
            ("d", vec![TimeForm::SqlText]),
            ("s", vec![TimeForm::Rfc3339]),
            ("s", vec![TimeForm::SqlText, TimeForm::Rfc3339]),
            ("u", vec![TimeForm::SqlText]),
        ] {
            let case = format!("{column} {forms:?}");
            let row = Row {
                alias: "t".to_owned(),
                table,
            };
            let times = Times::declared(forms);
            let held = Held::new(Dialect::Sqlite, &row, table.column(column).unwrap(), &times);
            let mut around = Writer::new(Dialect::Sqlite);
            around.push("SELECT count(*) FROM t WHERE ");
            assert!(held.around_never(&mut around).unwrap(), "{case}");
            let mut both = Writer::new(Dialect::Sqlite);
            both.push("SELECT count(*) FROM t WHERE ");
            held.around_never(&mut both).unwrap();
            both.push(" AND ");
            held.never(&mut both).unwrap();

            let around = around.finish().text().to_owned();
            let both = both.finish().text().to_owned();
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {both}")))
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
            assert!(
                !plan
                    .iter()
                    .any(|row| row.3 == "SCAN t" || row.3.starts_with("SCAN t ")),
                "{case}: {plan:?}"
            );
            for sql in [around, both] {
                let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
                assert_eq!(found, 3, "{case}");
            }
        }
    }
}
