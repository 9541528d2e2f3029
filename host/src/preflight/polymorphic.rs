//! `polymorphic-dependent`: rows that go with others by an id that may be another table's.
//!
//! A table whose rows belong to rows of several others holds two columns: which table, and which row of
//! it. Where ids of two tables may be alike, a join by the id alone takes rows of both.

use super::reach::{Reach, Tie};
use super::relations::enforced;
use super::{Finding, Severity};
use crate::catalog::Table;

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

/// Dependents without a foreign key and without a condition, on a table with such a pair of columns.
pub(super) fn unnamed_kinds(reach: &Reach) -> Vec<Finding> {
    let dependents = reach.ties.iter().filter(|tie| tie.dependent);
    let unnamed = dependents.filter(|tie| tie.matching.is_none() && !enforced(tie));
    unnamed
        .filter_map(|tie| {
            let (id, kind) = kind_beside(tie)?;
            let message = format!(
                "rows of `{}` go with those of `{}` by `{id}` alone, and no foreign key ties them. `{kind}` \
                 beside it seems to say which table's row it is: where another table has the same ids, its \
                 rows go, too. Give the join a condition on `{kind}`; or narrow the grant on `{}` to one \
                 (filter = {{ {kind} = \"…\" }}), and rows of another kind hold what they may belong to",
                tie.child.id, tie.parent.id, tie.child.id,
            );
            Some(Finding::new(
                "polymorphic-dependent",
                Severity::Warning,
                message,
            ))
        })
        .collect()
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
