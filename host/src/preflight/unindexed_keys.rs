//! `unindexed-foreign-key`: the database would read a whole child table for each row that goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mend::{create_index, listed, sentence};
use super::reach::Reach;
use super::weight::{Weights, grouped, pages, rows, time, told};
use super::{Finding, Severity};
use crate::catalog::{
    Catalog, Column, ForeignKey, OnDelete, Table, TableId, TableKind, is_converted,
};
use crate::request::{Condition, Request};

/// Every foreign key that the deletes make the database look up without an index, each once for all of
/// them.
pub(super) fn unindexed(
    reaches: &[(&Request, Reach)],
    weights: &Weights,
    catalog: &Catalog,
) -> Vec<Finding> {
    let mut found: BTreeMap<(TableId, String), (&ForeignKey, Going)> = BTreeMap::new();
    for (request, reach) in reaches {
        for key in bare_keys(reach, catalog) {
            let more = going(request, reach, key, weights, catalog);
            let name = (key.child.clone(), key.name.clone());
            let (_, all) = found.entry(name).or_insert((key, Going::default()));
            all.rows = all.rows.saturating_add(more.rows);
            all.at_most |= more.at_most;
        }
    }
    let found = found.into_values();
    found
        .filter_map(|(key, going)| one(key, going, weights, catalog))
        .collect()
}

/// The keys of a request that no index serves.
pub(super) fn bare_keys<'a>(
    reach: &'a Reach,
    catalog: &'a Catalog,
) -> impl Iterator<Item = &'a ForeignKey> {
    let bare = |key: &&ForeignKey| {
        let child = catalog.by_id(&key.child);
        let unserved =
            |child: &Arc<Table>| !without_index(child, &key.columns, &[], catalog).is_empty();
        child.is_some_and(|child| unserved(child) || of_two_types(key, catalog).is_some())
    };
    reach.keys.iter().filter(bare)
}

/// The first columns of a key, the parent's and the child's, whose types no index reconciles.
fn of_two_types<'a>(key: &ForeignKey, catalog: &'a Catalog) -> Option<(&'a Column, &'a Column)> {
    let (parent, child) = (catalog.by_id(&key.parent)?, catalog.by_id(&key.child)?);
    let mut pairs = key.parent_columns.iter().zip(&key.columns);
    pairs.find_map(|(from, to)| {
        let (from, to) = (parent.column(from)?, child.column(to)?);
        is_converted(catalog.dialect(), from, to).then_some((from, to))
    })
}

/// `. The types …`: why an index that is there does not serve.
pub(super) fn converted(parent: &Column, child: &Column) -> String {
    let told = |column: &Column| match column.sql_type.as_str() {
        "" => "none".to_owned(),
        declared => declared.to_owned(),
    };
    format!(
        ". An index does not help: the types of `{}` ({}) and `{}` ({}) differ, and the database converts each row's \
         value. Give both columns one type",
        parent.name,
        told(parent),
        child.name,
        told(child)
    )
}

/// Rows of a key's parent that go.
#[derive(Debug, Clone, Copy, Default)]
struct Going {
    rows: u64,
    at_most: bool,
}

/// Of the swept table as many as were counted. Of a table that hangs on it the same part of its rows: how
/// many hang on those that go is not looked for.
fn going(
    request: &Request,
    reach: &Reach,
    key: &ForeignKey,
    weights: &Weights,
    catalog: &Catalog,
) -> Going {
    let swept = weights.size(&reach.swept);
    let counted = weights.to_go(request);
    if key.parent == reach.swept.id {
        return Going {
            rows: counted.unwrap_or(swept.rows),
            at_most: counted.is_none(),
        };
    }
    let parent = catalog.by_id(&key.parent);
    let rows = parent.map_or(0, |parent| weights.size(parent).rows);
    let part = counted.filter(|counted| *counted < swept.rows);
    Going {
        rows: part.map_or(rows, |counted| {
            let part = u128::from(rows) * u128::from(counted) / u128::from(swept.rows.max(1));
            u64::try_from(part).unwrap_or(rows)
        }),
        at_most: counted.is_none(),
    }
}

fn one(key: &ForeignKey, going: Going, weights: &Weights, catalog: &Catalog) -> Option<Finding> {
    let child = catalog.by_id(&key.child)?;
    let dialect = catalog.dialect();
    let does = match key.rule() {
        OnDelete::NoAction | OnDelete::Restrict => "looks for rows that still refer to it",
        OnDelete::Cascade => "looks for the rows to delete with it",
        OnDelete::SetNull | OnDelete::SetDefault => "looks for the rows to change with it",
    };
    let types = of_two_types(key, catalog);
    let size = weights.size(child);
    let reads = going.rows.saturating_mul(size.pages);
    let gains = weights.gains_by_index(child);
    let message = format!(
        "foreign key `{}`: no index serves {} of `{}` ({} on {}). For each row that goes from `{}` the \
         database {does}, and reads the whole table for it: {} {} to go x {} = {} page reads, {}{}{}",
        key.name,
        listed(&key.columns),
        key.child,
        rows(size),
        pages(size.pages),
        key.parent,
        if going.at_most { "up to" } else { "about" },
        match going.rows {
            1 => "1 row".to_owned(),
            rows => format!("{} rows", grouped(rows)),
        },
        pages(size.pages),
        grouped(reads),
        told(time(reads, dialect)),
        match gains {
            true => "",
            false => ". So small a table is read as fast as an index would be",
        },
        match types {
            Some((parent, child)) => converted(parent, child),
            None => near(child, &key.columns, &[], catalog),
        },
    );
    let fix = without_index(child, &key.columns, &[], catalog)
        .into_iter()
        .filter(|_| gains && types.is_none())
        .map(|table| create_index(table, &key.columns, None, catalog));
    let told = |severity| Finding::new("unindexed-foreign-key", severity, message).mended_by(fix);
    Some(match weights.too_much(going.rows, size.pages, dialect) {
        true => told(Severity::Error),
        false => told(Severity::Warning).borne(),
    })
}

/// The tables that need the index: none where there is one, or where a failed build of one needs
/// mending first (`invalid-index`). A partitioned table without is looked at leaf by leaf, because
/// CREATE INDEX CONCURRENTLY does not work on the whole. `facts` hold of every row that is looked for.
pub(super) fn without_index<'a>(
    table: &'a Table,
    columns: &[String],
    facts: &[&Condition],
    catalog: &'a Catalog,
) -> Vec<&'a Table> {
    let fitting = table.searched_by(columns, facts, catalog.dialect());
    let ordinary = table.kind != TableKind::Partitioned;
    if fitting.is_some_and(|index| index.valid || ordinary) {
        return Vec::new();
    }
    if ordinary {
        return vec![table];
    }
    let leaves = table.partitions.iter().filter_map(|id| catalog.by_id(id));
    leaves
        .flat_map(|leaf| without_index(leaf, columns, facts, catalog))
        .collect()
}

/// `. Index … is on lower(c)`: an index that one might take for the missing one.
pub(super) fn near(
    table: &Table,
    columns: &[String],
    facts: &[&Condition],
    catalog: &Catalog,
) -> String {
    let mut each = columns.iter();
    let near = each.find_map(|column| table.why_not(column, facts, catalog.dialect()));
    near.map_or_else(String::new, |near| format!(". {}", sentence(&near)))
}
