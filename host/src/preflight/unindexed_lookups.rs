//! `unindexed-relation`: a condition, a dependent or an assignment looks for the rows of another
//! table, and no index leads to them.

use super::indexes::LARGE;
use super::mend::{create_index, listed};
use super::reach::{Lookup, Reach};
use super::unindexed_keys::without_index;
use super::{Finding, Severity};
use crate::catalog::Catalog;

/// Every such look on a large table, but those that `unindexed-foreign-key` tells of.
pub(super) fn unindexed(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let told_elsewhere = |lookup: &Lookup| {
        reach.keys.iter().any(|key| {
            key.child == lookup.table.id
                && key.columns.len() == lookup.columns.len()
                && key.columns.iter().all(|c| lookup.columns.contains(c))
        })
    };
    let lookups = reach.lookups.iter().filter(|l| !told_elsewhere(l));
    lookups.filter_map(|lookup| one(lookup, catalog)).collect()
}

/// A warning: a database may read such a table once for a whole batch, and is fast enough then.
fn one(lookup: &Lookup, catalog: &Catalog) -> Option<Finding> {
    let Lookup { table, columns } = lookup;
    let mut each = columns.iter();
    // One of the columns is enough to come near, and a rowid's key is no index.
    let led = each.any(|column| {
        table.primary_key.first() == Some(column)
            || without_index(table, std::slice::from_ref(column), catalog).is_empty()
    });
    if led || table.estimated_rows <= LARGE {
        return None;
    }
    let bare = without_index(table, columns, catalog);
    let message = format!(
        "no index on {} of `{}` (about {} rows), where the job looks for the rows that belong to its \
         own: a batch may read the whole table",
        listed(columns),
        table.id,
        table.estimated_rows,
    );
    let fix = bare
        .into_iter()
        .map(|table| create_index(table, columns, None, catalog));
    Some(Finding::new("unindexed-relation", Severity::Warning, message).mended_by(fix))
}
