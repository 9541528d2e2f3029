//! What a run leaves of its job's work, counted and dated within bounds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RunContext;
use super::probe::probe;
use super::remains::Remains;
use super::stretches::remaining_within;
use super::verify::{MOST_COUNTED, has_gone};
use crate::database::DatabaseError;
use crate::request::Timestamp;
use crate::sql::Plan;

/// What the counts after one run may take together: the run is over, and its outcome recorded, but its
/// place among those that may run at once is still taken.
const COUNTING: Duration = Duration::from_secs(2);

/// What the looks for the oldest row may take together: where an index leads to it each is a moment, and
/// where rows that stay lie before it, it is not worth going through them.
const LOOKING: Duration = Duration::from_millis(500);

/// What a run left of the rows that its sweeps are to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Rows; `None`: the database did not tell in time, or no condition says which are meant.
    pub rows: Option<u64>,
    /// There may be more.
    pub more: bool,
    /// How long ago the time lies that makes the oldest of them eligible; `None`: there is none, or no
    /// index leads to it.
    pub age: Option<Duration>,
}

impl RunContext {
    /// Looks for what the run left. `verified`: what has been counted already, after a run that came to
    /// its end.
    pub async fn backlog(&self, verified: Option<&[Remains]>) -> Backlog {
        let plans = self.swept().await;
        let mut backlog = match verified {
            None => self.count(&plans).await,
            Some(counted) => of_verified(counted),
        };
        if backlog.rows != Some(0) || backlog.more {
            backlog.age = self.age(&plans).await.unwrap_or_else(|error| {
                tracing::debug!(job = %self.job(), %error, "the oldest row was not found");
                None
            });
        }
        backlog
    }

    /// The plans of every sweep that was opened, each request once.
    async fn swept(&self) -> Vec<Arc<Plan>> {
        let state = self.state.lock().await;
        let ended = state.finished.values().flat_map(|ended| &ended.plans);
        let mut plans: Vec<Arc<Plan>> = Vec::new();
        for plan in ended.chain(state.under_way.values().flatten()) {
            let same = |known: &Arc<Plan>| {
                known.table().id == plan.table().id && known.request() == plan.request()
            };
            if !plans.iter().any(same) {
                plans.push(Arc::clone(plan));
            }
        }
        plans
    }

    /// A run that did not come to its end may have had more sweeps to open.
    async fn count(&self, plans: &[Arc<Plan>]) -> Backlog {
        let ends = Instant::now() + COUNTING;
        let mut rows = None;
        for plan in plans {
            let left = ends.saturating_duration_since(Instant::now());
            let most = MOST_COUNTED.saturating_sub(rows.unwrap_or(0));
            if left.is_zero() || most == 0 {
                break;
            }
            match remaining_within(&self.database, plan, most, left).await {
                Ok(found) => rows = Some(rows.unwrap_or(0) + found),
                Err(error) if has_gone(plan, &error) => {}
                Err(error) => {
                    tracing::debug!(job = %self.job(), %error, "the backlog was not counted");
                    break;
                }
            }
        }
        Backlog {
            rows,
            more: rows.is_some(),
            age: None,
        }
    }

    /// `None` too where the time did not suffice for every table: the oldest may be in the next one.
    async fn age(&self, plans: &[Arc<Plan>]) -> Result<Option<Duration>, DatabaseError> {
        let ends = Instant::now() + LOOKING;
        let mut oldest: Option<Timestamp> = None;
        for plan in plans {
            let Ok(Some(look)) = plan.oldest() else {
                continue;
            };
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Written anew: the plan that is asked for knows the networks that it assigns.
            let written = |plan: &Plan| {
                let again = plan.oldest()?.map(|look| look.statement);
                Ok(again.unwrap_or_else(|| look.statement.clone()))
            };
            let rows = match probe(&self.database, plan, left, written).await {
                Err(error) if has_gone(plan, &error) => continue,
                looked => looked?,
            };
            let found = rows.first().and_then(|row| look.read(row.get(0)));
            oldest = oldest.into_iter().chain(found).min();
        }
        let Some(oldest) = oldest else {
            return Ok(None);
        };
        let now = self.database.now().await?;
        let micros = now.0.saturating_sub(oldest.0).max(0).unsigned_abs();
        Ok(Some(Duration::from_micros(micros)))
    }
}

/// What verification has counted. Where it could not count every sweep, there may be more.
fn of_verified(remains: &[Remains]) -> Backlog {
    let (known, unknown): (Vec<_>, Vec<_>) =
        remains.iter().partition(|sweep| sweep.unverified.is_none());
    let counted = unknown.is_empty() || !known.is_empty();
    Backlog {
        rows: counted.then(|| known.iter().map(|sweep| sweep.left).sum()),
        more: counted && (!unknown.is_empty() || known.iter().any(|sweep| sweep.more)),
        age: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(left: u64, unverified: Option<&str>) -> Remains {
        Remains {
            left,
            unverified: unverified.map(str::to_owned),
            ..Remains::default()
        }
    }

    #[test]
    fn what_nobody_could_count_is_unknown_and_not_nothing() {
        let rows = |remains: &[Remains]| {
            let backlog = of_verified(remains);
            (backlog.rows, backlog.more)
        };
        let counted = sweep(3, None);
        let slow = sweep(2, Some("the probe took too long"));
        assert_eq!(rows(std::slice::from_ref(&counted)), (Some(3), false));
        assert_eq!(rows(std::slice::from_ref(&slow)), (None, false));
        assert_eq!(rows(&[slow, counted]), (Some(3), true));
        assert_eq!(rows(&[]), (Some(0), false), "it had nothing to sweep");
    }
}
