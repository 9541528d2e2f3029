//! Sizes for preflight, asked of the database where an index is missing.

use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::database::Database;
use crate::preflight::{self, Rehearsed, Weights};
use crate::sweep;

/// What all of it may take: it is looked before every run. What is not known by then is taken from the
/// statistics, and every row may be one that goes.
const TOGETHER: Duration = Duration::from_secs(2);

/// A file's size is told at once, unless somebody is rewriting the table.
const A_SIZE: Duration = Duration::from_millis(300);

/// Rows are counted no further: a run that takes more of them has its batches full, and every row is taken
/// for one that goes.
const MOST_COUNTED: u64 = 100_000;

/// What is known of the sizes that bear on a rehearsed job; nothing is asked where no index is missing.
pub async fn weigh(
    database: &Database,
    catalog: &Catalog,
    rehearsed: &Rehearsed,
    batch_size: u64,
    deadline: Duration,
) -> Weights {
    let mut weights = Weights {
        batch_size,
        deadline,
        ..Weights::default()
    };
    let ends = Instant::now() + TOGETHER;
    let left = || ends.saturating_duration_since(Instant::now());
    for table in preflight::to_weigh(catalog, rehearsed) {
        if left().is_zero() {
            break;
        }
        match sweep::size(database, &table, left().min(A_SIZE)).await {
            Ok(size) => weights
                .sizes
                .extend(size.map(|size| (table.id.clone(), size))),
            Err(error) => {
                tracing::debug!(table = %table.id, %error, "its size is not known");
            }
        }
    }
    for plans in preflight::to_count(catalog, rehearsed, &weights) {
        let mut rows = Some(0);
        for plan in &plans {
            let before = rows.unwrap_or(0);
            let most = MOST_COUNTED.saturating_sub(before) + 1;
            rows = match left().is_zero() {
                true => None,
                false => match sweep::to_go(database, plan, most, left()).await {
                    Ok(more) => Some(before + more).filter(|rows| *rows <= MOST_COUNTED),
                    Err(error) => {
                        tracing::debug!(table = %plan.table().id, %error, "rows to go were not counted");
                        None
                    }
                },
            };
            if rows.is_none() {
                break;
            }
        }
        if let (Some(rows), Some(plan)) = (rows, plans.first()) {
            weights.to_go.push((plan.request().clone(), rows));
        }
    }
    weights
}
