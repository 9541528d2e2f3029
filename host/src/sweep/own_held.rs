//! Due rows that others of their own table hold, looked for before a run within bounds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::probe::probe;
use super::verify::MOST_COUNTED;
use crate::catalog::{ForeignKey, OnDelete};
use crate::database::{Cause, Database, DatabaseError};
use crate::sql::Plan;

/// What the looks for one job may take together. They come before every run, which waits for them.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Due rows to which rows that stay refer by one key of the table itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHeld {
    /// The key.
    pub key: ForeignKey,
    /// So many, counted no further than [`MOST_COUNTED`].
    pub rows: u64,
    /// There may be more.
    pub more: bool,
    /// Its columns take NULL.
    pub can_let_go: bool,
}

/// Every key of a swept table to itself by which rows that are not due hold due ones. What takes too long is not
/// known, and not told.
///
/// # Errors
/// What the database says.
pub async fn own_held(
    database: &Database,
    plans: &[Arc<Plan>],
) -> Result<Vec<OwnHeld>, DatabaseError> {
    let ends = Instant::now() + TIMEOUT;
    let mut looked = BTreeSet::new();
    let mut held = Vec::new();
    for plan in plans.iter().filter(|plan| plan.is_chained()) {
        let keys = plan.authorized.chains().iter();
        for key in keys.filter(|key| key.on_delete != OnDelete::Cascade) {
            let left = ends.saturating_duration_since(Instant::now());
            // The first sweep of a table that has such rows tells of the key.
            if left.is_zero() || looked.contains(&(key.child.clone(), key.name.clone())) {
                continue;
            }
            let counted = probe(database, plan, left, |plan| {
                plan.held_by_their_own(key, MOST_COUNTED)
            });
            let rows = match counted.await {
                Ok(rows) => rows.first().map_or(0, |row| row.get(0).as_count()),
                Err(error) if error.cause == Cause::StatementTimeout => 0,
                Err(error) => return Err(error),
            };
            if rows == 0 {
                continue;
            }
            looked.insert((key.child.clone(), key.name.clone()));
            let mut columns = key.columns.iter();
            held.push(OwnHeld {
                key: key.clone(),
                rows,
                more: rows >= MOST_COUNTED,
                can_let_go: columns.all(|name| {
                    let column = plan.table().column(name);
                    column.is_some_and(|column| column.nullable)
                        && !plan.table().primary_key.contains(name)
                }),
            });
        }
    }
    Ok(held)
}
