//! `part-of-table`: relations that look at one partition, or heir, of the table that is meant.

use std::collections::BTreeMap;

use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Catalog, TableId};

/// Related tables of which each is a part of another one, whose other parts nobody looks at.
pub(super) fn looked_at(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let mut parts: BTreeMap<&TableId, &TableId> = BTreeMap::new();
    for table in catalog.tables() {
        for part in &table.partitions {
            parts.insert(part, &table.id);
        }
    }
    let ties = reach.ties.iter().map(|tie| &tie.child.id);
    let mut found: BTreeMap<&TableId, &TableId> = BTreeMap::new();
    for child in ties {
        if let Some(whole) = parts.get(child) {
            found.insert(child, whole);
        }
    }
    found
        .into_iter()
        .map(|(part, whole)| {
            let message = format!(
                "the job looks for related rows in `{part}`, which is one part of `{whole}`: rows of its other parts are \
                 not seen, and protect nothing. Name `{whole}`: its parts are then looked at together",
            );
            Finding::new("part-of-table", Severity::Warning, message)
        })
        .collect()
}
