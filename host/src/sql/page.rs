//! A page of a read, in the order that was asked for.

use super::Plan;
use super::pick::fingerprint;
use super::window::{Edge, key_columns, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, TimeForm};
use crate::database::Statement;
use crate::request::{Action, Fault, Look};
use crate::scope::find_column;

/// Rows of a page at most; fewer where `batch-size` is smaller, because a page may be acted on whole.
pub const PAGE_ROWS: u64 = 1_000;

/// Bytes of values in a page at most: far below what may cross into a guest in one call.
pub const PAGE_BYTES: u64 = 1 << 20;

/// How a value of a column comes to the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Boolean,
    Integer,
    Float,
    Text,
    Blob,
    /// An integer of so many microseconds.
    Instant(i64),
    /// SQLite: what the values themselves say.
    Any,
}

impl Plan {
    /// The read of a plan that reads.
    pub(crate) fn look(&self) -> Option<&Look> {
        match &self.request().action {
            Action::Read(look) => Some(look),
            Action::Delete | Action::Update(_) => None,
        }
    }

    /// Rows are only looked at.
    pub(crate) fn only_reads(&self) -> bool {
        self.look().is_some()
    }

    /// The columns of the order and of the key, each once: what tells where a page ends.
    fn order(&self, row: &Row<'_>) -> Vec<String> {
        let along = self.request().order_by.as_ref();
        let mut columns: Vec<_> = along.map(|name| row.column(name)).into_iter().collect();
        columns.extend(key_columns(row));
        if let Some(first) = columns.first().cloned() {
            let mut rest = columns.split_off(1);
            rest.retain(|column| *column != first);
            columns.append(&mut rest);
        }
        columns
    }

    /// The next page after an edge: no more than `rows` rows, and no more than `bytes` bytes of
    /// values. Each row has its size, its edge, its key, what was seen, and the values in their order;
    /// a row that is larger than a page by itself has no values.
    pub(crate) fn page(
        &self,
        after: Option<&Edge>,
        rows: u64,
        bytes: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let default = Look::default();
        let look = self.look().unwrap_or(&default);
        let row = w.row(self.table());
        let (order, keys) = (self.order(&row), key_columns(&row));
        let columns = look
            .columns
            .iter()
            .map(|name| find_column(self.table(), name));
        let columns = columns.collect::<Result<Vec<_>, Fault>>()?;

        let named = |prefix: &str, count: usize| {
            let names = (0..count).map(|i| format!("{prefix}{i}"));
            names.collect::<Vec<_>>()
        };
        let (e, k, c) = (
            named("e", order.len()),
            named("k", keys.len()),
            named("c", columns.len()),
        );
        let values = c.iter().zip(&columns).map(|(name, column)| {
            let value = self.given(name, column);
            format!("CASE WHEN z <= {bytes} THEN {value} END")
        });
        let mut out = vec!["z".to_owned()];
        out.push(selected(self.dialect(), &e));
        out.push(selected(self.dialect(), &k));
        out.push(fingerprint(self.dialect(), &c));
        out.extend(values);
        let direction = if look.descending { " DESC" } else { "" };
        let by = |names: &[String]| {
            let by = names.iter().map(|name| format!("{name}{direction}"));
            by.collect::<Vec<_>>().join(", ")
        };
        let sizes = c.iter().zip(&columns).map(|(name, column)| {
            let size = size_of(self.dialect(), name, column);
            format!(" + {size}")
        });
        w.push(&format!(
            "SELECT {} FROM (SELECT sized.*, sum(z) OVER (ORDER BY {} ROWS UNBOUNDED PRECEDING) AS upto \
             FROM (SELECT shown.*, 16{} AS z FROM (SELECT ",
            out.join(", "),
            by(&e),
            sizes.collect::<String>()
        ));
        let named_as = |from: &[String], to: &[String]| {
            let pairs = from
                .iter()
                .zip(to)
                .map(|(from, to)| format!("{from} AS {to}"));
            pairs.collect::<Vec<_>>()
        };
        let own: Vec<_> = columns.iter().map(|c| row.column(&c.name)).collect();
        let inner = [
            named_as(&order, &e),
            named_as(&keys, &k),
            named_as(&own, &c),
        ];
        w.push(&inner.concat().join(", ")).push(" FROM ");
        self.source(&mut w, &row)?;
        w.push(" WHERE ");
        if let Some(after) = after {
            let sign = if look.descending { "<" } else { ">" };
            w.push(&format!("({}) {sign} (", order.join(", ")));
            let types = self.edge_types();
            for (index, value) in after.iter().enumerate() {
                w.push(if index > 0 { ", " } else { "" });
                match types.get(index) {
                    Some(sql_type) => w.bind_as(value.clone(), sql_type),
                    None => w.bind(value.clone()),
                };
            }
            w.push(") AND ");
        }
        self.condition(&mut w, &row, &self.request().matching, false)?;
        w.push(&format!(
            " ORDER BY {} LIMIT {rows}) AS shown) AS sized) AS page WHERE upto <= {bytes} OR upto = z \
             ORDER BY {}",
            by(&order),
            // Qualified: the bare names are those of the result's texts.
            by(&e.iter().map(|name| format!("page.{name}")).collect::<Vec<_>>())
        ));
        Ok(w.finish())
    }

    /// How many rows match, counted no further than `most`.
    pub(crate) fn count(&self, most: u64) -> Result<Statement, Fault> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut w = Writer::new(self.dialect());
        w.plan_each_time();
        let row = w.row(self.table());
        w.push("SELECT count(*) FROM (SELECT 1 FROM ");
        self.source(&mut w, &row)?;
        w.push(" WHERE ");
        self.condition(&mut w, &row, &self.request().matching, false)?;
        w.push(&format!(" LIMIT {most}) AS matching"));
        Ok(w.finish())
    }

    /// How many columns an edge has.
    pub(crate) fn edge_width(&self) -> usize {
        let row = Row {
            alias: String::new(),
            table: self.table(),
        };
        self.order(&row).len()
    }

    /// The types of an edge's columns; none on SQLite.
    fn edge_types(&self) -> Vec<String> {
        if self.dialect() == Dialect::Sqlite {
            return Vec::new();
        }
        let table = self.table();
        let along = self.request().order_by.iter();
        let mut names: Vec<&String> = along.chain(&table.primary_key).collect();
        if let Some(first) = names.first().copied() {
            let mut rest = names.split_off(1);
            rest.retain(|name| *name != first);
            names.append(&mut rest);
        }
        let types = names.iter().filter_map(|name| table.column(name));
        types.map(|column| column.sql_type.clone()).collect()
    }

    /// How the values of a column that is read come to the plugin.
    pub(crate) fn shape(&self, column: &Column) -> Shape {
        let probed = || self.forms.time(&self.table().id, column).ok();
        match column.time_form.or_else(probed) {
            Some(TimeForm::Native | TimeForm::UnixUs) => return Shape::Instant(1),
            Some(TimeForm::UnixMs) => return Shape::Instant(1_000),
            Some(TimeForm::UnixS) => return Shape::Instant(1_000_000),
            Some(TimeForm::Rfc3339 | TimeForm::SqlText) => return Shape::Text,
            None => {}
        }
        match column.kind {
            Kind::Boolean => Shape::Boolean,
            Kind::Integer(_) => Shape::Integer,
            Kind::Float => Shape::Float,
            Kind::Bytes => Shape::Blob,
            Kind::Any => Shape::Any,
            _ => Shape::Text,
        }
    }

    /// The value of a column as the host reads it.
    fn given(&self, name: &str, column: &Column) -> String {
        match (self.dialect(), &column.kind) {
            (Dialect::Sqlite, _) | (_, Kind::Boolean | Kind::Bytes) => name.to_owned(),
            (_, Kind::Integer(_)) => format!("{name}::bigint"),
            (_, Kind::Float) => format!("{name}::float8"),
            (_, Kind::Timestamp | Kind::LocalTimestamp) => format!(
                "CASE WHEN isfinite({name}) THEN (extract(epoch FROM {name}) * 1000000)::bigint \
                 WHEN {name} > '2000-01-01' THEN {} ELSE {} END",
                i64::MAX,
                i64::MIN + 1
            ),
            // Its cast to text would say /32 where its own text form says nothing.
            (_, Kind::Inet) => format!("CASE WHEN {name} IS NOT NULL THEN concat({name}) END"),
            _ => format!("{name}::text"),
        }
    }
}

/// Bytes that a value takes, about.
fn size_of(dialect: Dialect, name: &str, column: &Column) -> String {
    let measured = match (dialect, &column.kind) {
        (
            Dialect::Postgres,
            Kind::Boolean | Kind::Integer(_) | Kind::Float | Kind::Timestamp | Kind::LocalTimestamp,
        ) => None,
        (Dialect::Postgres, Kind::Bytes) => Some(format!("octet_length({name})")),
        (Dialect::Postgres, _) => Some(format!("octet_length({name}::text)")),
        (Dialect::Sqlite, _) => Some(format!("length(CAST({name} AS BLOB))")),
    };
    measured.map_or_else(
        || "16".to_owned(),
        |length| format!("16 + coalesce({length}, 0)"),
    )
}
