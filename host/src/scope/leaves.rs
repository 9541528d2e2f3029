//! A request on a partitioned table, as one on each of its leaves.

use std::sync::Arc;

use super::check::{authorize, authorize_leaf};
use super::{Authorized, Granted, Subject};
use crate::catalog::{Catalog, TableKind};
use crate::request::{Fault, Request, Timestamp};

/// What [`authorize`] answers for every table that holds rows of the requested one: that table
/// alone, or the leaves of a partitioned one by schema and name. Each leaf is granted and narrowed
/// as the partitioned table is, and has foreign keys of its own.
///
/// # Errors
/// As [`authorize`], and `invalid` for a partition that cannot be swept.
pub fn authorize_leaves(
    request: Request,
    granted: &Granted,
    subject: &Subject,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Vec<Authorized<Request>>, Fault> {
    // What is missing is said of the table that was asked for, under its own name.
    let asked = authorize(request, granted, subject, catalog, now)?;
    let root = Arc::clone(asked.table());
    if root.kind != TableKind::Partitioned {
        return Ok(vec![asked]);
    }
    let leaves = catalog.leaves(&root);
    if leaves.is_empty() {
        return Ok(vec![asked]);
    }
    let leaves = leaves.into_iter().map(|leaf| {
        let leaf = leaf.map_err(|id| {
            Fault::invalid(
                "unknown-table",
                format!(
                    "`{id}` is a partition of `{}`, and this role cannot see it: GRANT USAGE on \
                     its schema",
                    root.id
                ),
            )
        })?;
        let request = asked.request().clone();
        authorize_leaf(request, &leaf, &root, granted, subject, catalog, now)
    });
    leaves.collect()
}
