//! The order of a sweep, and the index that serves it.

use super::physical;
use super::plan::Forms;
use super::window::key_columns;
use super::writer::Row;
use crate::catalog::{Dialect, Index, IndexColumn, Kind, Table};
use crate::request::{Action, Comparison, Condition, Fault, Request, Value};
use crate::scope::{Authorized, find_column};

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
    /// By page: neither the order column nor the key.
    pub physical: bool,
    /// Conditions that an edge may use, because an index bounds them.
    pub(super) filter: Vec<Condition>,
}

impl Axis {
    /// Finds the index that serves the request's order.
    pub(crate) fn choose(
        authorized: &Authorized<Request>,
        dialect: Dialect,
        forms: &Forms,
    ) -> Result<Self, Fault> {
        let request = authorized.request();
        let table = authorized.table();
        let mut conjuncts = request.matching.conjuncts();
        conjuncts.retain(|term| !written_as_words(term, table, forms));
        let mut by_key = Self {
            along: None,
            composite: true,
            note: None,
            physical: false,
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
        let updates = matches!(request.action, Action::Update(_));
        let bounded = !by_key.filter.is_empty();
        by_key.physical = physical::serves(table, dialect, bounded, updates);
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
        let keyed = dialect == Dialect::Sqlite || !table.primary_key.is_empty();
        let served = composite.or(serving.first());
        let Some((_, term)) = served.filter(|_| keyed) else {
            let (why, how) = match (served, by_key.physical) {
                (Some(_), _) => ("there is no primary key beside it", "page by page"),
                (None, true) => ("no index serves it", "page by page"),
                (None, false) => ("no index serves it", "by key"),
            };
            by_key.note = Some(format!(
                "order-by `{along}` of `{}`: {why}, so the table is swept {how}",
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
            physical: false,
            filter,
        })
    }

    /// Windows end between values, not between rows.
    pub fn cuts_between_values(&self) -> bool {
        self.along.is_some() && !self.composite
    }

    /// The columns that a window's edges are made of.
    pub(super) fn columns(&self, row: &Row<'_>, tie: bool) -> Vec<String> {
        match &self.along {
            _ if self.physical => vec![format!("{}.ctid", row.alias)],
            Some(along) if !tie && self.composite => std::iter::once(row.column(along))
                .chain(key_columns(row))
                .collect(),
            Some(along) if !tie => vec![row.column(along)],
            _ => key_columns(row),
        }
    }

    pub(super) fn types(&self, table: &Table, tie: bool) -> Vec<String> {
        let type_of = |name: &String| {
            table
                .column(name)
                .map_or_else(String::new, |column| column.sql_type.clone())
        };
        let key = table.primary_key.iter().map(type_of);
        match &self.along {
            _ if self.physical => vec!["tid".to_owned()],
            Some(along) if !tie && self.composite => {
                std::iter::once(type_of(along)).chain(key).collect()
            }
            Some(along) if !tie => vec![type_of(along)],
            _ => key.collect(),
        }
    }
}

/// Whether an index has every eligible row in the order of `column`. `Some(Some(term))`: the term that a
/// statement must repeat for the database to see it.
pub(super) fn led_by(
    table: &Table,
    conjuncts: &[&Condition],
    column: &str,
) -> Option<Option<Condition>> {
    let indexes = table.indexes.iter().filter(|index| leads(index, column));
    indexes
        .filter_map(|index| implied(index, conjuncts, table))
        .next()
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

/// A truth value that some rows hold as a word: these are in no partial index `WHERE flag`.
fn written_as_words(term: &Condition, table: &Table, forms: &Forms) -> bool {
    matches!(term, Condition::Compare { column, .. } if forms.words(&table.id, column))
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
    if let Some(name) = unless_empty(predicate).and_then(column_named) {
        let term = Condition::Compare {
            column: name,
            operator: Comparison::NotEqual,
            to: Value::Text(String::new()),
        };
        return conjuncts
            .iter()
            .any(|have| **have == term)
            .then_some(Some(term));
    }
    if let Some(name) = predicate.strip_prefix("NOT ").and_then(column_named) {
        return flag(name, false);
    }
    column_named(predicate).and_then(|name| flag(name, true))
}

/// The column of a predicate `column <> ''`, as either database spells it.
fn unless_empty(predicate: &str) -> Option<&str> {
    let text = predicate.strip_suffix("::text").unwrap_or(predicate);
    let compared = text.strip_suffix("''")?.trim_end();
    let column = compared
        .strip_suffix("<>")
        .or_else(|| compared.strip_suffix("!="))?;
    // PostgreSQL casts a varchar: `(column)::text`.
    Some(column.trim_end().trim_end_matches(")::text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_that_is_not_empty_is_found_however_a_database_spells_it() {
        for (predicate, column) in [
            ("ip <> ''", Some("ip")),
            ("ip != ''", Some("ip")),
            ("ip <> ''::text", Some("ip")),
            ("ip)::text <> ''::text", Some("ip")),
            ("\"my ip\" <> ''", Some("\"my ip\"")),
            ("ip = ''", None),
            ("ip <> 'a'", None),
            ("ip <> '' AND up", None),
        ] {
            assert_eq!(unless_empty(predicate), column, "{predicate}");
        }
    }
}
