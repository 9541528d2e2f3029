//! How many rows have no value in a column without which no condition holds, looked for within bounds.

use std::time::{Duration, Instant};

use super::probe::{MOST_READ, probe};
use crate::catalog::Dialect;
use crate::database::{Cause, Database, DatabaseError};
use crate::request::Condition;
use crate::sql::Plan;

/// Rows are counted no further than this: whether a thousand or a million never go is one question to
/// the operator.
pub const MOST_LACKING: u64 = 1_000;

/// What the looks for one column may take together. It is looked before every run, which waits for it.
const TIMEOUT: Duration = Duration::from_millis(500);

/// How many rows lack a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// So many.
    Exactly(u64),
    /// More than [`MOST_LACKING`].
    More,
    /// About so many, by the database's own statistics.
    About(u64),
}

/// Counts the rows of these tables (the leaves of a partitioned one) that have no value in `column`;
/// `None`: the database did not tell in time.
///
/// # Errors
/// What the database says.
pub async fn lacking(
    database: &Database,
    plans: &[&Plan],
    column: &str,
) -> Result<Option<Lacking>, DatabaseError> {
    let ends = Instant::now() + TIMEOUT;
    let (mut counted, mut estimated) = (0, false);
    for plan in plans {
        let left = ends.saturating_duration_since(Instant::now());
        let table = plan.table();
        let missing = Condition::IsNull {
            column: column.to_owned(),
        };
        let found = table.in_order_of(column, &[&missing], plan.dialect());
        if table.estimated_rows <= MOST_READ || !found.is_empty() {
            let most = MOST_LACKING + 1;
            let looked = match left.is_zero() {
                true => return Ok(None),
                false => probe(database, plan, left, |plan| plan.lacking(column, most)).await,
            };
            match looked {
                Ok(rows) => counted += rows.first().map_or(0, |row| row.get(0).as_count()),
                Err(error) if too_long(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        } else if plan.dialect() == Dialect::Postgres {
            let mut session = database.session().await?;
            let rows = session.fetch(&plan.lacking_by_estimate(column)).await?;
            let Some(row) = rows.first() else {
                return Ok(None);
            };
            counted += row.get(0).as_count();
            estimated = true;
        } else {
            return Ok(None);
        }
        if !estimated && counted > MOST_LACKING {
            return Ok(Some(Lacking::More));
        }
    }
    Ok(Some(match estimated {
        true => Lacking::About(counted),
        false => Lacking::Exactly(counted),
    }))
}

fn too_long(error: &DatabaseError) -> bool {
    matches!(error.cause, Cause::StatementTimeout | Cause::LockTimeout)
}
