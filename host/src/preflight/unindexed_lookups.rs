//! `unindexed-relation`: a condition, a dependent or an assignment looks for the rows of another
//! table, and no index leads to them.

use super::indexes::LARGE;
use super::mend::{create_index, listed};
use super::reach::{Lookup, Reach};
use super::unindexed_keys::{converted, near, without_index};
use super::weight::{Weights, rows};
use super::{Finding, Severity};
use crate::catalog::{Catalog, Column, is_converted};

/// Every such look on a large table, but those that `unindexed-foreign-key` tells of.
pub(super) fn unindexed(reach: &Reach, weights: &Weights, catalog: &Catalog) -> Vec<Finding> {
    let lookups = bare(reach, catalog);
    lookups
        .filter_map(|lookup| one(reach, lookup, weights, catalog))
        .collect()
}

/// The looks that no index serves.
pub(super) fn bare<'a>(reach: &'a Reach, catalog: &'a Catalog) -> impl Iterator<Item = &'a Lookup> {
    let told_elsewhere = |lookup: &Lookup| {
        reach.keys.iter().any(|key| {
            key.child == lookup.table.id
                && key.columns.len() == lookup.columns.len()
                && key.columns.iter().all(|c| lookup.columns.contains(c))
        })
    };
    // One of the columns is enough to come near, and a rowid's key is no index.
    let led = |lookup: &Lookup| {
        let (table, facts) = (&lookup.table, lookup.facts());
        lookup.columns.iter().any(|column| {
            of_two_types(reach, lookup, column, catalog).is_none()
                && (table.primary_key.first() == Some(column)
                    || without_index(table, std::slice::from_ref(column), &facts, catalog)
                        .is_empty())
        })
    };
    let lookups = reach.lookups.iter();
    lookups.filter(move |lookup| !told_elsewhere(lookup) && !led(lookup))
}

/// The join that looks for rows by this column, where no index on that serves.
fn of_two_types<'a>(
    reach: &'a Reach,
    lookup: &Lookup,
    column: &str,
    catalog: &Catalog,
) -> Option<(&'a Column, &'a Column)> {
    let mut ties = reach.ties.iter();
    ties.find_map(|tie| {
        let mut on = tie.on.iter();
        let join = on.find(|join| tie.child.id == lookup.table.id && join.foreign == *column)?;
        let parent = tie.parent.column(&join.local)?;
        let child = tie.child.column(&join.foreign)?;
        is_converted(catalog.dialect(), parent, child).then_some((parent, child))
    })
}

/// A warning: a database may read such a table once for a whole batch, and is fast enough then.
fn one(reach: &Reach, lookup: &Lookup, weights: &Weights, catalog: &Catalog) -> Option<Finding> {
    let (table, columns, facts) = (&lookup.table, &lookup.columns, lookup.facts());
    let size = weights.size(table);
    if size.rows <= LARGE {
        return None;
    }
    let mut each = columns.iter();
    let types = each.find_map(|column| of_two_types(reach, lookup, column, catalog));
    let bare = without_index(table, columns, &facts, catalog);
    let message = format!(
        "no index serves {} of `{}` ({}), where the job looks for the rows that belong to its \
         own: a batch may read the whole table{}",
        listed(columns),
        table.id,
        rows(size),
        match types {
            Some((parent, child)) => converted(parent, child),
            None => near(table, columns, &facts, catalog),
        },
    );
    let fix = bare
        .into_iter()
        .filter(|_| types.is_none())
        .map(|table| create_index(table, columns, None, catalog));
    Some(Finding::new("unindexed-relation", Severity::Warning, message).mended_by(fix))
}
