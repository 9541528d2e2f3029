//! A role of PostgreSQL's, and what it may change.

use super::{CatalogError, TableId, postgres};

/// A role with every right beyond SELECT that it holds on a table of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Neither rights nor row-level security hold it.
    pub superuser: bool,
    /// It is a member of `pg_write_all_data`.
    pub writes_all: bool,
    /// Tables that it owns, itself or as a member of the owner: an owner may do anything.
    pub owns: Vec<TableId>,
    /// Rights on tables of others, in schemas that it may use.
    pub holds: Vec<Held>,
}

/// One right, as it was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The table.
    pub table: TableId,
    /// The column; `None`: the table as a whole.
    pub column: Option<String>,
    /// The right, as GRANT spells it.
    pub right: String,
    /// Whom it was granted to, where that is not the role itself: a role that it is a member of, or
    /// `PUBLIC`.
    pub through: Option<String>,
}

impl Role {
    /// Reads a role, the connected one where none is named; `None` where there is no such role.
    ///
    /// # Errors
    /// Whatever the connection fails with.
    pub async fn load(
        connection: &mut sqlx::PgConnection,
        name: Option<&str>,
    ) -> Result<Option<Self>, CatalogError> {
        postgres::load_role(connection, name).await
    }
}
