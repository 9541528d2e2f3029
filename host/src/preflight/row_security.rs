//! `row-security`: row-level security that applies to the role. PostgreSQL only.
//!
//! Every connection of besom's says `row_security = off`, so that PostgreSQL refuses a statement
//! rather than hide a live child from it and let the parent go. Such a job can only fail.

use super::mend::{name, role};
use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect};

/// The tables whose rows some policy would hide from the role.
pub(super) fn applies(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let tables = reach.tables.values().map(|touched| &touched.table);
    tables
        .filter(|table| table.row_security)
        .map(|table| {
            let message = format!(
                "row-level security of `{}` applies to role `{}`, and rows that it hides would make \
                 others look free to go. Let the role see every row of every table (ALTER ROLE {} \
                 BYPASSRLS), connect as the table's owner, or, where that is the role, stop forcing \
                 it on the owner (ALTER TABLE {} NO FORCE ROW LEVEL SECURITY)",
                table.id,
                catalog.role().unwrap_or("?"),
                role(catalog),
                name(&table.id, Dialect::Postgres),
            );
            // No statement to be piped into psql: what else the role then sees is a decision.
            Finding::new("row-security", Severity::Error, message).inevitable()
        })
        .collect()
}
