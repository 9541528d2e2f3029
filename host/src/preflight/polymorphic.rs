//! `polymorphic-dependent`: rows that go with others by an id that may be another table's.
//!
//! A table whose rows belong to rows of several others holds two columns: which table, and which row of
//! it. Where ids of two tables may be alike, a join by the id alone takes rows of both.

use super::reach::{Reach, Tie};
use super::relations::enforced;
use super::{Finding, Given, Severity};
use crate::catalog::{Catalog, Kind, Table};
use crate::request::{Comparison, Condition, Value};
use crate::scope::narrowed;

/// How columns end that hold the id of a row.
const IDS: [&str; 7] = ["_id", "_uuid", "_ulid", "_key", "_ref", "Id", "id"];

/// How columns end that say which table it is a row of.
const KINDS: [&str; 12] = [
    "_type", "_kind", "_class", "_model", "_table", "_entity", "_type_id", "_kind_id", "Type",
    "Kind", "type", "kind",
];

/// Columns that hold the id of a row of any table, without how they end.
const OF_ANY: [&str; 13] = [
    "ref",
    "reference",
    "object",
    "entity",
    "target",
    "owner",
    "subject",
    "item",
    "record",
    "resource",
    "related",
    "source",
    "external",
];

/// Columns that say beside such a one which table it is.
const ITS_TABLE: [&str; 10] = [
    "type",
    "kind",
    "class",
    "model",
    "table",
    "table_name",
    "model_name",
    "entity",
    "source",
    "scope",
];

/// Django's pair goes by other names: `content_type_id` beside `object_id`.
const DJANGO: (&str, [&str; 2]) = ("object_id", ["content_type_id", "content_type"]);

/// Dependents without a foreign key and without a condition, on a table with such a pair of columns, where the grant
/// does not narrow them to one kind.
pub(super) fn unnamed_kinds(reach: &Reach, given: &Given, catalog: &Catalog) -> Vec<Finding> {
    let dependents = reach.ties.iter().filter(|tie| tie.dependent);
    let unnamed = dependents.filter(|tie| tie.matching.is_none() && !enforced(tie));
    unnamed
        .filter_map(|tie| {
            let (id, kind) = kind_beside(tie)?;
            if tie.narrowing.iter().any(|term| is_one_value(term, kind)) {
                return None;
            }
            let message = format!(
                "rows of `{child}` go with those of `{parent}` by `{id}` alone, and no foreign key ties them. `{kind}` \
                 beside it seems to say which table's row it is: where another table has the same ids, its \
                 rows go, too. In a plugin of your own, give the join a condition on `{kind}`. Or narrow the grant to one \
                 kind: rows of that kind alone go then, and a row of `{parent}` whose id a row of another kind has \
                 stays with all that hangs on it, and counts as blocked\n\n{lines}",
                child = tie.child.id,
                parent = tie.parent.id,
                lines = lines(tie, kind, given, catalog),
            );
            Some(Finding::new(
                "polymorphic-dependent",
                Severity::Warning,
                message,
            ))
        })
        .collect()
}

/// Whether a row must hold one value of the column.
fn is_one_value(term: &Condition, column: &str) -> bool {
    term.conjuncts().into_iter().any(|term| match term {
        Condition::Compare {
            column: of,
            operator: Comparison::Equal,
            ..
        } => of == column,
        _ => false,
    })
}

/// The lines of the file that narrow the dependent's table to a kind which is still to be named.
fn lines(tie: &Tie, kind: &str, given: &Given, catalog: &Catalog) -> String {
    let is_child = |name: &String| {
        let table = catalog.table(name);
        table.is_ok_and(|table| table.id == tie.child.id)
    };
    let mut stands = given.grants.tables.iter();
    let stands = stands.find(|(name, _)| is_child(name));
    let name = match stands {
        Some((name, _)) => name.clone(),
        None => catalog.spelling(&tie.child.id),
    };
    let value = match tie.child.column(kind).map(|column| &column.kind) {
        Some(Kind::Integer(_)) => Value::Integer(0),
        _ => Value::Other("…".to_owned()),
    };
    narrowed(
        &given.plugin,
        &name,
        stands.map(|(_, grant)| grant),
        (kind, value),
    )
}

/// A joined column, and the one beside it that seems to say which table it refers to.
pub(super) fn kind_beside(tie: &Tie) -> Option<(&str, &str)> {
    let joined = |name: &str| tie.on.iter().any(|join| join.foreign == name);
    tie.on.iter().find_map(|join| {
        let id = join.foreign.as_str();
        let stem = IDS
            .iter()
            .find_map(|end| id.strip_suffix(end))
            .unwrap_or(id);
        let kind = column_of(&tie.child, |name| {
            let ends = name
                .strip_prefix(stem)
                .is_some_and(|end| KINDS.contains(&end));
            let django = id == DJANGO.0 && DJANGO.1.contains(&name);
            // `model` beside `model_id`, and `kind` beside `ref`.
            let bare = name == stem || OF_ANY.contains(&stem) && ITS_TABLE.contains(&name);
            !stem.is_empty() && !joined(name) && (ends || django || bare)
        })?;
        Some((id, kind))
    })
}

fn column_of(table: &Table, is_meant: impl Fn(&str) -> bool) -> Option<&str> {
    let mut names = table.columns.iter().map(|column| column.name.as_str());
    names.find(|name| is_meant(name))
}
