//! A page of a read, in the order that was asked for.

use super::Plan;
use super::batch::same_key;
use super::pick::{fingerprint, in_groups};
use super::signs::beside;
use super::window::{Edge, bind_edge, key_columns, selected};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, TimeForm, Times};
use crate::database::Statement;
use crate::request::{Action, Comparison, Fault, Look};
use crate::scope::find_column;

/// Rows of a page at most; fewer where `batch-size` is smaller, because a page may be acted on whole.
pub const PAGE_ROWS: u64 = 1_000;

/// Bytes of values in a page at most: far below what may cross into a guest in one call.
pub const PAGE_BYTES: u64 = 1 << 20;

/// Which of the rows behind an edge.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    /// Those with its value in the order column.
    Tied,
    /// Those with a value behind its own.
    Further,
}

/// How a value of a column comes to the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Boolean,
    Integer,
    Float,
    Text,
    Blob,
    /// Microseconds, or NULL for "never": PostgreSQL's own types of times.
    Instant,
    /// What the column's forms make of a number or a text.
    Time(Times),
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

    /// The columns that tell whether a row is still the one that was shown: those of the read first. A
    /// rowid that is no column becomes another row's where SQLite vacuums, or gives it away again, so
    /// there the declared key says which row it is, or the whole row.
    pub(crate) fn seen(&self) -> Vec<String> {
        let table = self.table();
        let unsteady = table.rowid_name().is_some() && table.rowid_alias.is_none();
        let all = table.columns.iter().map(|column| &column.name);
        let identity: Vec<_> = match (unsteady, table.primary_key.is_empty()) {
            (true, true) => all.collect(),
            (true, false) => table.primary_key.iter().collect(),
            (false, _) => Vec::new(),
        };
        let mut seen = self
            .look()
            .map(|look| look.columns.clone())
            .unwrap_or_default();
        for name in self.request().order_by.iter().chain(identity) {
            if !seen.contains(name) {
                seen.push(name.clone());
            }
        }
        seen
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
    /// values, edges and keys. Each row has its size, its edge, its key, what was seen, and the values in
    /// their order; a row that is larger than a page by itself has its size alone.
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
        let seen = self.seen();
        let columns = seen.iter().map(|name| find_column(self.table(), name));
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
        // SQLite would hold the values of every row that it sorts in the host's own memory, so there a
        // second look fetches those of the page's rows.
        let twice = self.dialect() == Dialect::Sqlite;
        let second = w.row(self.table());
        let values: Vec<_> = match twice {
            true => columns.iter().map(|c| second.column(&c.name)).collect(),
            false => c.iter().map(|name| format!("page.{name}")).collect(),
        };
        let order_and_key = e.iter().chain(&k).map(|name| [format!("page.{name}")]);
        let mut out: Vec<_> = order_and_key
            .map(|name| selected(self.dialect(), &name))
            .collect();
        out.push(fingerprint(self.dialect(), &values));
        let given = values.iter().zip(&columns).take(look.columns.len());
        let given = given.map(|(name, column)| self.given(name, column));
        out.extend(given.collect::<Result<Vec<_>, Fault>>()?);
        let fits = |value: &String| format!("CASE WHEN page.z <= {bytes} THEN {value} END");
        let out: Vec<_> = out.iter().map(fits).collect();
        let direction = if look.descending { " DESC" } else { "" };
        // The first column's NULLs are left out, and the index may have them at the other end.
        let nulls = match (self.axis.reads_nulls_first(), look.descending) {
            (false, _) => "",
            (true, false) => " NULLS FIRST",
            (true, true) => " NULLS LAST",
        };
        let by = |names: &[String]| {
            let by = names.iter().enumerate().map(|(place, name)| {
                let nulls = if place == 0 { nulls } else { "" };
                format!("{name}{direction}{nulls}")
            });
            by.collect::<Vec<_>>().join(", ")
        };
        let named_as = |from: &[String], to: &[String]| {
            let pairs = from
                .iter()
                .zip(to)
                .map(|(from, to)| format!("{from} AS {to}"));
            pairs.collect::<Vec<_>>()
        };
        let own: Vec<_> = columns.iter().map(|c| row.column(&c.name)).collect();
        let sized = |names: &[String]| {
            let sizes = names.iter().zip(&columns);
            let sizes = sizes.map(|(name, column)| size_of(self.dialect(), name, Some(column)));
            in_groups(
                &["16".to_owned()]
                    .into_iter()
                    .chain(sizes)
                    .collect::<Vec<_>>(),
                " + ",
            )
        };
        let (carried, of_values) = match twice {
            true => (vec![format!("{} AS s", sized(&own))], "s".to_owned()),
            false => (named_as(&own, &c), sized(&c)),
        };
        let of_order = e
            .iter()
            .chain(&k)
            .map(|name| size_of(self.dialect(), name, None));
        let sizes: Vec<_> = of_order.chain([of_values]).collect();
        w.push(&format!(
            "SELECT page.z, {} FROM (SELECT sized.*, sum(z) OVER (ORDER BY {} ROWS UNBOUNDED PRECEDING) AS upto \
             FROM (SELECT shown.*, {} AS z FROM (",
            out.join(", "),
            by(&e),
            sizes.join(" + ")
        ));
        let inner = [named_as(&order, &e), named_as(&keys, &k), carried];
        let inner = inner.concat().join(", ");
        let parts: &[Part] = match after {
            // SQLite does not take the rowid for part of a range of rows: each page would read
            // all rows of one value anew.
            Some(_) if self.table().has_rowid && order.len() == 2 => &[Part::Tied, Part::Further],
            _ => &[Part::Whole],
        };
        let several = parts.len() > 1;
        if several {
            w.push("SELECT * FROM (");
        }
        w.separated(parts, " UNION ALL ", |w, part| {
            let open = if several { "SELECT * FROM (" } else { "" };
            w.push(open).push("SELECT ").push(&inner).push(" FROM ");
            self.source(w, &row)?;
            w.push(" WHERE ");
            if let Some(after) = after {
                self.behind(w, after, &order, look.descending, *part);
                w.push(" AND ");
            }
            self.condition(w, &row, &self.request().matching, false)?;
            self.can_be_shown(w, &row)?;
            self.repeated(w, &row, &self.axis.terms);
            w.push(&format!(" ORDER BY {} LIMIT {rows}", by(&order)));
            w.push(if several { ")" } else { "" });
            Ok::<_, Fault>(())
        })?;
        if several {
            w.push(&format!(") ORDER BY {} LIMIT {rows}", by(&e)));
        }
        w.push(") AS shown) AS sized) AS page");
        if twice {
            // What stands on the left of CROSS JOIN is gone through first.
            w.push(" CROSS JOIN ");
            self.source(&mut w, &second)?;
        }
        w.push(&format!(
            " WHERE (page.upto <= {bytes} OR page.upto = page.z)"
        ));
        if twice {
            w.push(" AND ").push(&same_key(&second, "page"));
        }
        // Qualified: the bare names are those of the result's texts.
        let names: Vec<_> = e.iter().map(|name| format!("page.{name}")).collect();
        w.push(" ORDER BY ").push(&by(&names));
        Ok(w.finish())
    }

    /// The bounds of a part of the rows behind an edge.
    fn behind(&self, w: &mut Writer, after: &Edge, order: &[String], descending: bool, part: Part) {
        let further = match descending {
            true => Comparison::Less,
            false => Comparison::Greater,
        };
        let fields = self.edge_fields();
        let types = fields.iter().flatten().map(|c| c.sql_type.clone());
        let types: Vec<_> = types.collect();
        let (first, rest) = order.split_at(order.len().min(1));
        let (columns, from) = match part {
            Part::Whole => (order, 0),
            Part::Further => (first, 0),
            Part::Tied => {
                w.push(&first.concat()).push(" = ");
                bind_edge(w, after, &types, 0);
                w.push(" AND ");
                (rest, 1)
            }
        };
        beside(w, columns, &fields, further, &|w, place| {
            bind_edge(w, after, &types, from + place);
        });
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

    /// An edge's columns; none on SQLite.
    fn edge_fields(&self) -> Vec<Option<&Column>> {
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
        let columns = names.iter().filter_map(|name| table.column(name));
        columns.map(Some).collect()
    }

    /// How the values of a column that is read come to the plugin.
    pub(crate) fn shape(&self, column: &Column) -> Shape {
        let stamps = matches!(column.kind, Kind::Timestamp | Kind::LocalTimestamp);
        if let Ok(times) = self.forms.time(&self.table().id, column) {
            return match times.forms() {
                [TimeForm::Native] if stamps => Shape::Instant,
                _ => Shape::Time(times),
            };
        }
        if let Some(times) = column
            .time_form
            .as_ref()
            .filter(|times| times.is_declared())
        {
            return Shape::Time(times.clone());
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
    pub(super) fn given(&self, name: &str, column: &Column) -> Result<String, Fault> {
        Ok(match (self.dialect(), &column.kind) {
            (Dialect::Sqlite, _) | (_, Kind::Boolean | Kind::Bytes) => name.to_owned(),
            (_, Kind::Integer(_)) => format!("{name}::bigint"),
            (_, Kind::Float) => format!("{name}::float8"),
            (_, Kind::Timestamp | Kind::LocalTimestamp) if self.shape(column) == Shape::Instant => {
                self.micros_of(name, column)?
            }
            // Its cast to text would say /32 where its own text form says nothing.
            (_, Kind::Inet) => format!("CASE WHEN {name} IS NOT NULL THEN concat({name}) END"),
            _ => format!("{name}::text"),
        })
    }
}

/// Bytes that a value takes, about; without a column those of its text, as edges and keys are held.
fn size_of(dialect: Dialect, name: &str, column: Option<&Column>) -> String {
    let measured = match (dialect, column.map(|column| &column.kind)) {
        (
            Dialect::Postgres,
            Some(
                Kind::Boolean
                | Kind::Integer(_)
                | Kind::Float
                | Kind::Timestamp
                | Kind::LocalTimestamp,
            ),
        ) => None,
        (Dialect::Postgres, Some(Kind::Bytes)) => Some(format!("octet_length({name})")),
        (Dialect::Postgres, _) => Some(format!("octet_length({name}::text)")),
        // Told without reading the value.
        (Dialect::Sqlite, _) => Some(format!("octet_length({name})")),
    };
    measured.map_or_else(
        || "16".to_owned(),
        |length| format!("16 + coalesce({length}, 0)"),
    )
}
