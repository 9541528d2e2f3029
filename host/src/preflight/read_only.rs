//! `read-only-database`: sessions in which nothing can be changed. PostgreSQL only.

use super::mend::role;
use super::{Finding, Severity};
use crate::catalog::{Catalog, ReadOnly, quote_ident};

/// An error, where every run could only fail.
pub(super) fn told(catalog: &Catalog) -> Option<Finding> {
    let message = match catalog.read_only()? {
        ReadOnly::Standby => {
            "this server is a standby, which follows another and changes nothing by itself: name the primary in the URL of \
             [database]"
                .to_owned()
        }
        ReadOnly::ByDefault { database } => format!(
            "sessions of role `{}` begin read-only (default_transaction_read_only is on), and every batch would be refused: \
             ALTER ROLE {} IN DATABASE {} SET default_transaction_read_only = off, or take it out of the URL's options",
            catalog.role().unwrap_or("?"),
            role(catalog),
            quote_ident(database)
        ),
    };
    let finding = Finding::new("read-only-database", Severity::Error, message);
    Some(finding.inevitable())
}
