//! The one door: grants, and the only code that turns a request into something that may be run.
//!
//! [`authorize`] answers an [`Authorized<Request>`] or a refusal. The constructor of
//! [`Authorized`] is private to this room and `sql` compiles nothing else, so a statement that was
//! not authorised does not compile. What the check is, on one screen, is in `check.rs`.

mod cascade;
mod check;
mod grant;
mod refusal;

pub use cascade::{Consequence, Path};
pub(crate) use check::find_column;
pub use check::{Subject, authorize, covers};
pub use grant::{Grants, MinAge, TableGrant};
pub use refusal::{Missing, Right};

use std::sync::Arc;

use crate::catalog::Table;
use crate::request::{Condition, Request};

/// A request that passed the check, with everything that the check decided.
#[derive(Debug, Clone)]
pub struct Authorized<T> {
    request: T,
    table: Arc<Table>,
    narrowing: Vec<Condition>,
    restricting: Vec<Path>,
    consequences: Vec<Consequence>,
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

    /// The grant's `min-age` and `where` for the swept row: ANDed to it, never to a relation.
    pub fn narrowing(&self) -> &[Condition] {
        &self.narrowing
    }

    /// Foreign keys, followed from the swept table, whose rows forbid the delete.
    pub fn restricting(&self) -> &[Path] {
        &self.restricting
    }

    /// What the database's own ON DELETE rules do along with the delete.
    pub fn consequences(&self) -> &[Consequence] {
        &self.consequences
    }
}
