//! The one door: grants, and the only code that turns a request into something that may be run.
//!
//! [`authorize`] answers an [`Authorized<Request>`] or a refusal. The constructor of
//! [`Authorized`] is private to this room and `sql` compiles nothing else, so a statement that was
//! not authorised does not compile. What the check is, on one screen, is in `check.rs`.

mod assignments;
mod behind;
mod cascade;
mod check;
mod cutoffs;
mod family;
mod grant;
mod instants;
mod leaves;
mod path;
mod refusal;
mod tables;
mod wider;
mod zoned;

pub(crate) use behind::is_behind;
pub use check::{Subject, authorize};
pub use family::Family;
pub use grant::{Granted, Grants, MinAge, TableGrant};
pub use leaves::authorize_leaves;
pub use path::{Consequence, Link, Path, Restriction, Tied, by_rule};
pub(crate) use refusal::narrowed;
pub use refusal::{Refusal, TO_ALLOW_IT, lines};
pub(crate) use tables::find_column;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{Event, ForeignKey, Table, TableId};
use crate::request::{Condition, Request};

/// A request that passed the check, with everything that the check decided.
#[derive(Debug, Clone)]
pub struct Authorized<T> {
    request: T,
    table: Arc<Table>,
    root: Option<Arc<Table>>,
    narrowing: Vec<Condition>,
    family: Family,
    zoned: bool,
}

impl Authorized<Request> {
    /// The request as it was asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The swept table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The partitioned table that the swept table is a leaf of, where the request names that.
    pub fn root(&self) -> Option<&Arc<Table>> {
        self.root.as_ref()
    }

    /// The grant's `min-age` and `where` for the swept row: ANDed to it, never to a relation.
    pub fn narrowing(&self) -> &[Condition] {
        &self.narrowing
    }

    /// Rows that go, or are unlinked, ahead of the swept row, in the request's own order.
    pub fn dependents(&self) -> &[Tied] {
        &self.family.dependents
    }

    /// Foreign keys, followed from the swept table, whose rows forbid the delete.
    pub fn restricting(&self) -> &[Restriction] {
        &self.family.restricting
    }

    /// Foreign keys of the swept table that point at itself, and forbid the delete of a row that others
    /// refer to or take those along.
    pub fn chains(&self) -> &[ForeignKey] {
        &self.family.chains
    }

    /// The tables whose rows go or change by the request, also by ON DELETE rules, and what becomes of them.
    pub fn events(&self) -> BTreeSet<(TableId, Event)> {
        behind::events(
            &self.table,
            &self.request,
            &self.family.dependents,
            &self.family.consequences,
        )
    }

    /// Some key or join of it ties columns that are equal by the zone of the session: it may be run as long as the
    /// applications' are in UTC.
    pub(crate) fn goes_by_zone(&self) -> bool {
        self.zoned
    }

    /// What the database's own ON DELETE rules do along with the delete.
    pub fn consequences(&self) -> &[Consequence] {
        &self.family.consequences
    }
}
