//! Windows: the range of rows that one batch covers, and the order in which they follow.
//!
//! Edges come from the database and go back to it in its own form; the host never compares two of
//! them, because its order is not the collation's.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::writer::{Row, Writer};
use crate::catalog::{Dialect, Index, IndexColumn, Kind, Table};
use crate::database::{Bind, Statement};
use crate::request::{Comparison, Condition, Fault, Request, Value};
use crate::scope::{Authorized, find_column};

/// The values of one row's order columns.
pub type Edge = Vec<Bind>;

/// Where a sweep stands: every row up to here has been visited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cursor {
    /// The last row visited; `None`: nothing yet.
    pub after: Option<Edge>,
    /// Inside a large group of rows with this one value in the order column, by key.
    pub tie: Option<Bind>,
}

/// The rows of one batch: after one edge, up to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Rows after this edge; `None`: from the first.
    pub after: Option<Edge>,
    /// Rows up to this edge; `None`: to the last, whatever arrives meanwhile.
    pub upto: Option<Edge>,
    /// The upper edge's own row belongs to the window.
    pub inclusive: bool,
    /// Only rows with this value in the order column; the edges are then keys.
    pub tie: Option<Bind>,
    /// Rows in the window, where the edge told.
    pub examined: Option<u64>,
    /// Where the sweep stands after it; `None`: at the end.
    pub next: Option<Cursor>,
}

/// The order of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The order column, before the key; `None`: by key alone.
    pub along: Option<String>,
    /// An index has the order column and the key, so that a window may end between two rows with
    /// one value. Otherwise windows end between values, and go by key within a large group.
    pub composite: bool,
    /// Why the order that was asked for is not the order of the sweep.
    pub note: Option<String>,
    /// Conditions that an edge may use, because an index bounds them.
    filter: Vec<Condition>,
}

impl Axis {
    /// Finds the index that serves the request's order.
    pub(crate) fn choose(
        authorized: &Authorized<Request>,
        dialect: Dialect,
    ) -> Result<Self, Fault> {
        let request = authorized.request();
        let table = authorized.table();
        let conjuncts = request.matching.conjuncts();
        let mut by_key = Self {
            along: None,
            composite: true,
            note: None,
            filter: Vec::new(),
        };
        let leading = match dialect {
            Dialect::Sqlite if table.has_rowid => table.rowid_alias.clone(),
            _ => table.primary_key.first().cloned(),
        };
        if let Some(leading) = &leading {
            by_key.filter = bounds_on(leading, &conjuncts);
            let partial = table.indexes.iter().filter(|index| leads(index, leading));
            let terms = partial.filter_map(|index| implied(index, &conjuncts, table));
            if let Some(Some(term)) = terms.max_by_key(Option::is_some) {
                by_key.filter.push(term);
            }
        }
        let Some(along) = &request.order_by else {
            return Ok(by_key);
        };
        let column = find_column(table, along)?;
        if column.kind == Kind::Json {
            return Err(Fault::invalid(
                "no-order",
                format!(
                    "column `{along}` of `{}` is JSON and has no order",
                    table.id
                ),
            ));
        }
        if column.nullable
            && !conjuncts
                .iter()
                .any(|term| holds_only_where_set(term, along))
        {
            return Err(Fault::invalid(
                "order-by-null",
                format!(
                    "order-by `{along}` of `{}` would never visit rows where it is NULL: add \
                     is-not-null, or leave the order out",
                    table.id
                ),
            ));
        }
        let serving: Vec<_> = table
            .indexes
            .iter()
            .filter(|index| leads(index, along))
            .filter_map(|index| implied(index, &conjuncts, table).map(|term| (index, term)))
            .collect();
        let composite = serving
            .iter()
            .find(|(index, _)| reaches_key(index, table, dialect));
        let Some((_, term)) = composite.or(serving.first()) else {
            by_key.note = Some(format!(
                "no index serves order-by `{along}` of `{}`: swept by key instead",
                table.id
            ));
            return Ok(by_key);
        };
        let mut filter = bounds_on(along, &conjuncts);
        filter.push(Condition::IsNotNull {
            column: along.clone(),
        });
        filter.extend(term.clone());
        Ok(Self {
            along: Some(along.clone()),
            composite: composite.is_some(),
            note: None,
            filter,
        })
    }

    /// Windows end between values, not between rows.
    pub fn cuts_between_values(&self) -> bool {
        self.along.is_some() && !self.composite
    }

    /// The columns that a window's edges are made of.
    fn columns(&self, row: &Row<'_>, tie: bool) -> Vec<String> {
        match &self.along {
            Some(along) if !tie && self.composite => std::iter::once(row.column(along))
                .chain(key_columns(row))
                .collect(),
            Some(along) if !tie => vec![row.column(along)],
            _ => key_columns(row),
        }
    }

    fn types(&self, table: &Table, tie: bool) -> Vec<String> {
        let type_of = |name: &String| {
            table
                .column(name)
                .map_or_else(String::new, |column| column.sql_type.clone())
        };
        let key = table.primary_key.iter().map(type_of);
        match &self.along {
            Some(along) if !tie && self.composite => {
                std::iter::once(type_of(along)).chain(key).collect()
            }
            Some(along) if !tie => vec![type_of(along)],
            _ => key.collect(),
        }
    }
}

/// The columns that tell one row of a table from another: SQLite's rowid where there is one.
pub(crate) fn key_columns(row: &Row<'_>) -> Vec<String> {
    if row.table.has_rowid {
        vec![row.system("rowid")]
    } else {
        row.table
            .primary_key
            .iter()
            .map(|name| row.column(name))
            .collect()
    }
}

impl Plan {
    /// The edge `size` rows after the cursor: no row where fewer are left. On a cutting axis the
    /// value of that row.
    pub(crate) fn edge(&self, cursor: &Cursor, size: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        self.write_edge(&mut w, cursor, size, selected)?;
        Ok(w.finish())
    }

    fn write_edge(
        &self,
        w: &mut Writer,
        cursor: &Cursor,
        size: u64,
        select: impl Fn(Dialect, &[String]) -> String,
    ) -> Result<(), Fault> {
        let row = w.row(self.table());
        let columns = self.axis.columns(&row, cursor.tie.is_some());
        w.push("SELECT ")
            .push(&select(self.dialect(), &columns))
            .push(" FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        let here = Window {
            after: cursor.after.clone(),
            upto: None,
            inclusive: true,
            tie: cursor.tie.clone(),
            examined: None,
            next: None,
        };
        self.within(w, &row, &here);
        for term in &self.axis.filter {
            w.push(" AND ");
            self.condition(w, &row, term, false)?;
        }
        w.push(&format!(
            " ORDER BY {} LIMIT 1 OFFSET {}",
            columns.join(", "),
            size.saturating_sub(1)
        ));
        Ok(())
    }

    /// The edge of a cutting axis, and how many rows have its value, counted no further than
    /// `most`.
    pub(crate) fn edge_with_ties(
        &self,
        cursor: &Cursor,
        size: u64,
        most: u64,
    ) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        let Some(along) = &self.axis.along else {
            return self.edge(cursor, size);
        };
        let row = w.row(self.table());
        w.push("SELECT ")
            .push(&selected(self.dialect(), &["edge.at".to_owned()]));
        w.push(", (SELECT count(*) FROM (SELECT 1 FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ")
            .push(&row.column(along))
            .push(&format!(" = edge.at LIMIT {most}) AS tied) FROM ("));
        self.write_edge(&mut w, cursor, size, |_, columns| {
            format!("{} AS at", columns.join(", "))
        })?;
        w.push(") AS edge");
        Ok(w.finish())
    }

    /// How many rows a window holds.
    pub(crate) fn examine(&self, window: &Window) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        w.push("SELECT ");
        self.count_examined(&mut w, window)?;
        Ok(w.finish())
    }

    /// A scalar subquery: the rows of the window that an edge would have counted.
    pub(crate) fn count_examined(&self, w: &mut Writer, window: &Window) -> Result<(), Fault> {
        let row = w.row(self.table());
        w.push("(SELECT count(*) FROM ");
        self.swept(w, &row)?;
        w.push(" WHERE ");
        self.within(w, &row, window);
        for term in &self.axis.filter {
            w.push(" AND ");
            self.condition(w, &row, term, false)?;
        }
        w.push(")");
        Ok(())
    }

    /// The edge of the `n`-th eligible row of a window: where a row budget ends.
    pub(crate) fn nth_eligible(&self, window: &Window, n: u64) -> Result<Statement, Fault> {
        let mut w = Writer::new(self.catalog.dialect());
        let row = w.row(self.table());
        let columns = self.axis.columns(&row, window.tie.is_some());
        w.push("SELECT ")
            .push(&selected(self.dialect(), &columns))
            .push(" FROM ");
        self.swept(&mut w, &row)?;
        w.push(" WHERE ");
        self.within(&mut w, &row, window);
        w.push(" AND ");
        self.eligible(&mut w, &row)?;
        w.push(&format!(
            " ORDER BY {} LIMIT 1 OFFSET {}",
            columns.join(", "),
            n.saturating_sub(1)
        ));
        Ok(w.finish())
    }

    /// The window's bounds on a row.
    pub(crate) fn within(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        let tie = window.tie.is_some();
        let columns = self.axis.columns(row, tie).join(", ");
        let types = self.axis.types(row.table, tie);
        let mut any = false;
        if let Some(at) = &window.tie {
            self.tied(w, row, at);
            any = true;
        }
        let upper = if window.inclusive { "<=" } else { "<" };
        for (edge, sign) in [(&window.after, ">"), (&window.upto, upper)] {
            let Some(edge) = edge else { continue };
            w.push(if any { " AND (" } else { "(" })
                .push(&columns)
                .push(") ")
                .push(sign)
                .push(" (");
            bind_edge(w, edge, &types);
            w.push(")");
            any = true;
        }
        if !any {
            w.truth(true);
        }
    }

    /// The row is in the window or before it.
    pub(crate) fn up_to(&self, w: &mut Writer, row: &Row<'_>, window: &Window) {
        let Some(edge) = &window.upto else {
            // The last window of a tie group: all before the group, and the group.
            match (&window.tie, &self.axis.along) {
                (Some(at), Some(along)) => {
                    let sql_type = self.along_type();
                    w.push(&row.column(along))
                        .push(" <= ")
                        .bind_as(at.clone(), &sql_type);
                }
                _ => w.truth(true),
            }
            return;
        };
        let tie = window.tie.is_some();
        let columns = self.axis.columns(row, tie).join(", ");
        let types = self.axis.types(row.table, tie);
        let sign = if window.inclusive { "<=" } else { "<" };
        if let (Some(at), Some(along)) = (&window.tie, &self.axis.along) {
            let sql_type = self.along_type();
            w.push("(")
                .push(&row.column(along))
                .push(" < ")
                .bind_as(at.clone(), &sql_type)
                .push(" OR ");
            self.tied(w, row, at);
            w.push(" AND (")
                .push(&columns)
                .push(") ")
                .push(sign)
                .push(" (");
            bind_edge(w, edge, &types);
            w.push("))");
        } else {
            w.push("(").push(&columns).push(") ").push(sign).push(" (");
            bind_edge(w, edge, &types);
            w.push(")");
        }
    }

    fn tied(&self, w: &mut Writer, row: &Row<'_>, at: &Bind) {
        if let Some(along) = &self.axis.along {
            let sql_type = self.along_type();
            w.push(&row.column(along))
                .push(" = ")
                .bind_as(at.clone(), &sql_type);
        }
    }

    fn along_type(&self) -> String {
        let column = self
            .axis
            .along
            .as_ref()
            .and_then(|along| self.table().column(along));
        column.map_or_else(String::new, |column| column.sql_type.clone())
    }
}

/// PostgreSQL answers edges as text, its own exact form of any type.
pub(crate) fn selected(dialect: Dialect, columns: &[String]) -> String {
    let text = |column: &String| match dialect {
        Dialect::Postgres => format!("{column}::text"),
        Dialect::Sqlite => column.clone(),
    };
    columns.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn bind_edge(w: &mut Writer, edge: &Edge, types: &[String]) {
    for (index, value) in edge.iter().enumerate() {
        if index > 0 {
            w.push(", ");
        }
        match types.get(index) {
            Some(sql_type) => w.bind_as(value.clone(), sql_type),
            None => w.bind(value.clone()),
        };
    }
}

fn leads(index: &Index, column: &str) -> bool {
    let first = index.columns.first();
    let serves = |c: &IndexColumn| c.name.as_deref() == Some(column) && c.ordered && !c.descending;
    index.valid && index.btree && first.is_some_and(serves)
}

/// The index orders rows with one value by key. SQLite's indexes end with the rowid, or with the
/// primary key where there is none, without saying so.
fn reaches_key(index: &Index, table: &Table, dialect: Dialect) -> bool {
    if index
        .columns
        .iter()
        .any(|column| column.descending || !column.ordered)
    {
        return false;
    }
    let rest: Vec<_> = index
        .columns
        .iter()
        .skip(1)
        .map(|column| column.name.as_deref())
        .collect();
    match dialect {
        Dialect::Sqlite => rest.is_empty(),
        Dialect::Postgres => {
            rest.len() >= table.primary_key.len()
                && rest
                    .iter()
                    .zip(&table.primary_key)
                    .all(|(have, want)| *have == Some(want))
        }
    }
}

/// Conditions that bound the column from one side or both, whatever else the request asks.
fn bounds_on(column: &str, conjuncts: &[&Condition]) -> Vec<Condition> {
    let bounds = |term: &&&Condition| match term {
        Condition::OlderThan { column: on, .. } | Condition::IdOlderThan { column: on, .. } => {
            on == column
        }
        Condition::Compare {
            column: on,
            operator,
            ..
        } => on == column && *operator != Comparison::NotEqual,
        _ => false,
    };
    conjuncts
        .iter()
        .filter(bounds)
        .map(|term| (*term).clone())
        .collect()
}

/// The condition does not hold where the column is NULL.
fn holds_only_where_set(condition: &Condition, name: &str) -> bool {
    match condition {
        Condition::Compare { column, .. }
        | Condition::OlderThan { column, .. }
        | Condition::IdOlderThan { column, .. }
        | Condition::IsNotNull { column }
        | Condition::OneOf { column, .. }
        | Condition::StartsWith { column, .. } => column == name,
        Condition::CompareColumns { column, to, .. } => column == name || to == name,
        _ => false,
    }
}

/// Whether every eligible row is in the index: always for a whole one; for a partial one where its
/// predicate is one of the request's own terms. `Some(Some(term))`: the term that an edge must
/// repeat for the database to see it.
fn implied(index: &Index, conjuncts: &[&Condition], table: &Table) -> Option<Option<Condition>> {
    let Some(predicate) = &index.predicate else {
        return Some(None);
    };
    let predicate = predicate
        .trim()
        .trim_start_matches('(')
        .trim_end_matches(')')
        .trim();
    let column_named = |text: &str| {
        let name = text.trim().trim_matches('"').replace("\"\"", "\"");
        table.column(&name).map(|column| column.name.clone())
    };
    let flag = |name: String, value: bool| {
        let term = Condition::Compare {
            column: name,
            operator: Comparison::Equal,
            to: Value::Boolean(value),
        };
        conjuncts
            .iter()
            .any(|have| **have == term)
            .then_some(Some(term))
    };
    let upper = predicate.to_ascii_uppercase();
    let before = |suffix: &str| {
        upper
            .ends_with(suffix)
            .then(|| predicate.len() - suffix.len())
            .and_then(|at| predicate.get(..at))
    };
    if let Some(name) = before(" IS NOT NULL").and_then(column_named) {
        let set = conjuncts
            .iter()
            .any(|term| holds_only_where_set(term, &name));
        return set.then_some(Some(Condition::IsNotNull { column: name }));
    }
    if let Some(name) = before(" IS NULL").and_then(column_named) {
        let term = Condition::IsNull { column: name };
        return conjuncts
            .iter()
            .any(|have| **have == term)
            .then_some(Some(term));
    }
    for (suffix, value) in [
        (" = TRUE", true),
        (" = 1", true),
        (" = FALSE", false),
        (" = 0", false),
    ] {
        if let Some(name) = before(suffix).and_then(column_named) {
            return flag(name, value);
        }
    }
    if let Some(name) = predicate.strip_prefix("NOT ").and_then(column_named) {
        return flag(name, false);
    }
    column_named(predicate).and_then(|name| flag(name, true))
}
