//! How much there is to do, for preflight: the sizes of tables, and rows that a sweep would take.

use std::time::Duration;

use super::probe::{fetch_within, probe};
use crate::catalog::Table;
use crate::database::{Database, DatabaseError};
use crate::sql::{self, Plan, Size};

/// A table's size now; `None`: it is gone.
///
/// # Errors
/// What the database says, also when it does not answer in time.
pub async fn size(
    database: &Database,
    table: &Table,
    limit: Duration,
) -> Result<Option<Size>, DatabaseError> {
    let dialect = database.dialect();
    let rows = fetch_within(database, &sql::size(table, dialect), limit).await?;
    Ok(rows.first().map(|row| sql::read_size(table, dialect, row)))
}

/// Rows that meet a sweep's condition now, counted no further than `most`. Whether rows of other tables hold
/// them is left out: without an index that would take as long as what is to be found out.
///
/// # Errors
/// What the database says, also when it does not answer in time.
pub async fn to_go(
    database: &Database,
    plan: &Plan,
    most: u64,
    limit: Duration,
) -> Result<u64, DatabaseError> {
    let rows = probe(database, plan, limit, |plan| plan.meeting(most)).await?;
    Ok(rows.first().map_or(0, |row| row.get(0).as_count()))
}
