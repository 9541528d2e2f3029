//! A stretch of the table in which few rows are free is looked through as a whole, and its free rows then go
//! by their keys.
//!
//! A window asks of each of its rows whether others hold it: where nearly all are held, a run does nothing
//! else. One statement over a long stretch may join instead, at a small part of that. It only reads; each
//! batch then asks the whole condition again, as ever.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::RunContext;
use super::inner::Inner;
use super::probe::{at_most, begin_reading, by_sets, until};
use super::reach::{Pace, Reach};
use super::transaction::Failed;
use super::windows::{next_window, size};
use crate::database::{Cause, Session};
use crate::request::{Batch, Mode};
use crate::sql::{Cursor, Hold, Pick, Picked, Plan, Window};

/// Windows in a row in which few rows went, before a stretch is looked through: fewer may be chance.
const WINDOWS: u64 = 4;

/// Of so many rows less than one goes.
const FEW: u64 = 50;

/// A stretch shorter than this is no cheaper than windows.
const SHORTEST_REACH: u64 = 1_000;

/// Keys of a stretch at most, which the host holds in memory. Where there are more, not few rows are free.
const MOST_LISTED: u64 = 100_000;

/// How the last windows went, and what was found ahead of the sweep.
#[derive(Debug, Default)]
pub(super) struct Scout {
    windows: u64,
    examined: u64,
    gone: u64,
    pace: Pace,
    found: Option<Found>,
}

/// The free rows of a stretch that are still to go.
#[derive(Debug)]
struct Found {
    keys: VecDeque<Pick>,
    /// Where the sweep stands when they have gone.
    next: Option<Cursor>,
    /// What the stretch is counted with, by the first batch.
    told: Option<Told>,
}

#[derive(Debug, Clone)]
struct Told {
    examined: u64,
    blocked: u64,
    blocked_by: BTreeMap<String, u64>,
}

impl Scout {
    /// Notes how a window went.
    pub(super) fn note(&mut self, batch: Batch, took: Duration) {
        self.pace.window(batch.examined, took);
        self.windows += 1;
        self.examined += batch.examined;
        self.gone += batch.affected + batch.locked;
        if !self.is_sparse() {
            (self.windows, self.examined, self.gone) = (0, 0, 0);
        }
    }

    fn is_sparse(&self) -> bool {
        self.gone.saturating_mul(FEW) < self.examined
    }

    /// The next batch takes rows that were found.
    pub(super) fn has_found(&self) -> bool {
        self.found.is_some()
    }

    /// Rows that were found, for the next batch.
    pub(super) fn some(&self, most: u64) -> Option<Picked> {
        let found = self.found.as_ref()?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Some(Picked {
            columns: Vec::new(),
            rows: found.keys.iter().take(most).cloned().collect(),
            blocked_beside: found.told.as_ref().map_or(0, |told| told.blocked),
            hold: Hold::Loose,
            windows: None,
        })
    }

    /// The window of a batch of so many of them, the sweep standing at `cursor` until the last has gone.
    pub(super) fn window(&self, picked: &Picked, most: u64, cursor: &Cursor) -> Window {
        let mut window = picked.window(&Cursor::default(), most);
        let Some(found) = &self.found else {
            return window;
        };
        let all = picked.rows.len() == found.keys.len() && window.next.is_none();
        window.examined = Some(found.told.as_ref().map_or(0, |told| told.examined));
        window.next = match all {
            true => found.next.clone(),
            false => Some(cursor.clone()),
        };
        window
    }

    /// What held the rows of the stretch, where the next batch counts it.
    pub(super) fn held_by(&self) -> Option<BTreeMap<String, u64>> {
        let told = self.found.as_ref()?.told.as_ref()?;
        Some(told.blocked_by.clone())
    }

    /// A batch took `count` of the rows that were found.
    pub(super) fn took(&mut self, count: u64) {
        if let Some(found) = &mut self.found {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            found.keys.drain(..count.min(found.keys.len()));
            found.told = None;
            if found.keys.is_empty() {
                self.found = None;
            }
        }
    }

    /// What was found is not known any more.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }
}

/// Looks through the next stretch, where the last windows say that it is worth it. That it fails is no
/// failure of the run: windows do the same.
pub(super) async fn ahead(context: &RunContext, inner: &mut Inner, cursor: &Cursor) {
    let scout = &inner.scout;
    let due = scout.windows >= WINDOWS && scout.is_sparse();
    // By page, the cursor knows its file only after the first window.
    let placed = !inner.plan.axis().physical || cursor.file.is_some();
    let applies = context.options.mode == Mode::Apply;
    if !due || !placed || !applies || inner.scout.has_found() || !inner.plan.can_be_scouted() {
        return;
    }
    let began = Instant::now();
    let left = context.ends.saturating_duration_since(began);
    let most = context.database.options().statement_timeout;
    let Ok(most) = at_most(&context.database, most).await else {
        return;
    };
    let least = size(context).max(SHORTEST_REACH);
    let Some(reach) = inner.scout.pace.next(left, most, least) else {
        return;
    };
    match look(context, inner, cursor, reach).await {
        Ok(Some(found)) => {
            let told = found.told.as_ref();
            tracing::debug!(
                table = %inner.plan.table().id,
                examined = told.map(|told| told.examined),
                free = found.keys.len(),
                blocked = told.map(|told| told.blocked),
                took = ?began.elapsed(),
                "looked ahead"
            );
            let rows = told.map_or(reach.rows, |told| told.examined);
            inner.scout.pace.looked(rows, began.elapsed());
            inner.scout.found = Some(found);
        }
        // Many are free here.
        Ok(None) => (inner.scout.windows, inner.scout.examined) = (0, 0),
        Err(failed) => {
            tracing::debug!(table = %inner.plan.table().id, ?reach, why = %failed, "looking ahead failed");
            let scout = &mut inner.scout;
            match &failed {
                Failed::Database(error) if error.cause == Cause::StatementTimeout => {
                    scout.pace.gave_up(reach);
                }
                _ => scout.pace.ends(),
            }
            // Some windows go first, which are sure to get on.
            (scout.windows, scout.examined, scout.gone) = (0, 0, 0);
        }
    }
}

async fn look(
    context: &RunContext,
    inner: &Inner,
    cursor: &Cursor,
    reach: Reach,
) -> Result<Option<Found>, Failed> {
    let plan = &inner.plan;
    let mut session = context.database.session().await?;
    let ends = Instant::now() + reach.limit;
    let look = begin_reading(&mut session, reach.limit).await?;
    let looked = look_from(&mut session, plan, cursor, reach.rows, ends).await;
    let looked = match looked {
        Ok(looked) => Ok(looked),
        Err(Failed::Database(error)) => Err(error),
        Err(failed) => return Err(failed),
    };
    let (next, found) = look.end(&mut session, looked).await?;
    Ok(found.map(|(keys, told)| Found {
        keys,
        next: inner.leaves.onward(next),
        told: Some(told),
    }))
}

/// Rows that are listed, and what the stretch is counted with; `None`: too many are free.
type Looked = Option<(VecDeque<Pick>, Told)>;

async fn look_from(
    session: &mut Session,
    plan: &Arc<Plan>,
    cursor: &Cursor,
    reach: u64,
    ends: Instant,
) -> Result<(Option<Cursor>, Looked), Failed> {
    let stretch = next_window(session, plan, cursor, reach, u64::MAX).await?;
    by_sets(session).await?;
    let looked = look_through(session, plan, &stretch, ends).await?;
    Ok((stretch.next, looked))
}

async fn look_through(
    session: &mut Session,
    plan: &Arc<Plan>,
    stretch: &Window,
    ends: Instant,
) -> Result<Looked, Failed> {
    until(session, ends).await?;
    let rows = session.fetch(&plan.list(stretch, MOST_LISTED + 1)?).await?;
    if rows.len() as u64 > MOST_LISTED {
        return Ok(None);
    }
    let examined = match stretch.examined {
        Some(rows) => rows,
        None => {
            until(session, ends).await?;
            let counted = session.fetch_one(&plan.examine(stretch)?).await?;
            counted.get(0).as_count()
        }
    };
    let (mut blocked, mut blocked_by) = (0, BTreeMap::new());
    if plan.may_block() {
        until(session, ends).await?;
        let met = session.fetch_one(&plan.count_met_of(stretch)?).await?;
        blocked = met.get(0).as_count().saturating_sub(rows.len() as u64);
    }
    if let (1.., Some(holder)) = (blocked, plan.only_holder()?) {
        blocked_by.insert(holder, blocked);
    } else if blocked > 0 {
        until(session, ends).await?;
        for row in session.fetch(&plan.blocked_by_of(stretch)?).await? {
            let table = row.get(0).as_text().unwrap_or_default().to_owned();
            let held = row.get(1).as_count();
            if held > 0 {
                *blocked_by.entry(table).or_default() += held;
            }
        }
    }
    let keys = rows.into_iter().map(|row| {
        let key = row.0.into_iter().map(Into::into).collect();
        Pick::new(key, crate::database::Bind::Null)
    });
    let told = Told {
        examined,
        blocked,
        blocked_by,
    };
    Ok(Some((keys.collect(), told)))
}
