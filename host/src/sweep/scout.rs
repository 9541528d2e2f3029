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
use super::reach::{Looked, Pace, Reach};
use super::transaction::Failed;
use super::windows::{next_window, size};
use crate::database::{Bind, Cause, Session};
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

/// Of the time that is left to the sweep, what looks in a row may take: what they found has to be kept before its end.
const PART_FOR_LOOKS: f64 = 0.75;

/// And at most: a host that dies has looked in vain since the last batch, and nobody sees how far it has come.
const LONGEST_LOOKS: Duration = Duration::from_secs(60);

/// How the last windows went, and what was found ahead of the sweep.
#[derive(Debug, Default)]
pub(super) struct Scout {
    windows: u64,
    examined: u64,
    gone: u64,
    pace: Pace,
    /// The last look was worth it.
    serves: bool,
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

#[derive(Debug, Clone, Default)]
struct Told {
    examined: u64,
    blocked: u64,
    blocked_by: BTreeMap<String, u64>,
}

impl Scout {
    /// Goes on where the last look of another run was worth it: windows need not tell that again.
    pub(super) fn after(look: Option<Looked>) -> Self {
        let Some(look) = look else {
            return Self::default();
        };
        Self {
            windows: WINDOWS,
            examined: FEW,
            pace: Pace::after(look),
            serves: true,
            ..Self::default()
        }
    }

    /// What the next run is to know of the looks of this one.
    pub(super) fn last_look(&self) -> Option<Looked> {
        self.pace.last().filter(|_| self.serves)
    }

    /// Notes how a window went.
    pub(super) fn note(&mut self, batch: Batch, took: Duration) {
        self.pace.window(batch.examined, took);
        self.windows += 1;
        self.examined += batch.examined;
        self.gone += batch.affected + batch.locked;
        if !self.is_sparse() {
            self.serves = false;
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

    fn found_keys(&self) -> u64 {
        let found = self.found.as_ref();
        found.map_or(0, |found| found.keys.len() as u64)
    }

    /// Takes in what a look has found, behind what those before it did.
    fn finds(&mut self, keys: VecDeque<Pick>, told: Told, next: Option<Cursor>) {
        let found = self.found.get_or_insert_with(|| Found {
            keys: VecDeque::new(),
            next: None,
            told: None,
        });
        self.serves = (keys.len() as u64).saturating_mul(FEW) < told.examined;
        if !self.serves {
            // More of them are free here than looks are for: windows tell what comes next.
            (self.windows, self.examined, self.gone) = (0, 0, 0);
        }
        found.keys.extend(keys);
        found.next = next;
        let all = found.told.get_or_insert_default();
        all.examined += told.examined;
        all.blocked += told.blocked;
        for (table, rows) in told.blocked_by {
            *all.blocked_by.entry(table).or_default() += rows;
        }
    }

    /// What was found is not known any more.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }
}

/// Looks through the next stretches, where the last windows say that it is worth it. That it fails is no
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
    let most = context.database.options().statement_timeout;
    let Ok(most) = at_most(&context.database, most).await else {
        return;
    };
    let now = Instant::now();
    let until = now + for_looks(inner.ends(context).saturating_duration_since(now));
    let mut from = Some(cursor.clone());
    while let Some(cursor) = from {
        from = one_on(context, inner, &cursor, most).await;
        // A batch of them keeps what was found, and how far the looks came.
        let full = inner.scout.found_keys() >= size(context);
        let enough = full || !inner.scout.serves;
        if enough || Instant::now() >= until || context.options.asked_to_stop().is_some() {
            break;
        }
    }
}

/// How long looks follow each other before a batch keeps what they found.
fn for_looks(left: Duration) -> Duration {
    left.mul_f64(PART_FOR_LOOKS).min(LONGEST_LOOKS)
}

/// Looks through one stretch, and answers where the next begins, if it is worth it.
async fn one_on(
    context: &RunContext,
    inner: &mut Inner,
    cursor: &Cursor,
    most: Duration,
) -> Option<Cursor> {
    let began = Instant::now();
    let left = inner.ends(context).saturating_duration_since(began);
    let least = size(context).max(SHORTEST_REACH);
    let reach = inner.scout.pace.next(left, most, least)?;
    match look(context, inner, cursor, reach).await {
        Ok((next, Some((keys, told)))) => {
            tracing::debug!(
                table = %inner.plan.table().id,
                examined = told.examined,
                free = keys.len(),
                blocked = told.blocked,
                took = ?began.elapsed(),
                "looked ahead"
            );
            inner.scout.pace.looked(told.examined, began.elapsed());
            let onward = inner.leaves.onward(next.clone());
            inner.scout.finds(keys, told, onward);
            next
        }
        // Many are free here.
        Ok((_, None)) => {
            (inner.scout.windows, inner.scout.examined) = (0, 0);
            inner.scout.serves = false;
            None
        }
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
            None
        }
    }
}

async fn look(
    context: &RunContext,
    inner: &Inner,
    cursor: &Cursor,
    reach: Reach,
) -> Result<(Option<Cursor>, Listed), Failed> {
    let plan = &inner.plan;
    let mut session = context.database.session().await?;
    let ends = Instant::now() + reach.limit;
    let look = begin_reading(&mut session, reach.limit).await?;
    let looked = look_from(&mut session, plan, cursor, reach.rows, ends).await;
    let looked = match looked {
        Err(Failed::Database(error)) => Err(error),
        looked => Ok(looked),
    };
    look.end(&mut session, looked).await?
}

/// Rows that are listed, and what the stretch is counted with; `None`: too many are free.
type Listed = Option<(VecDeque<Pick>, Told)>;

async fn look_from(
    session: &mut Session,
    plan: &Arc<Plan>,
    cursor: &Cursor,
    reach: u64,
    ends: Instant,
) -> Result<(Option<Cursor>, Listed), Failed> {
    let stretch = next_window(session, plan, cursor, reach, u64::MAX, Some(ends)).await?;
    by_sets(session).await?;
    let looked = look_through(session, plan, &stretch, ends).await?;
    Ok((stretch.next, looked))
}

async fn look_through(
    session: &mut Session,
    plan: &Arc<Plan>,
    stretch: &Window,
    ends: Instant,
) -> Result<Listed, Failed> {
    until(session, ends).await?;
    let (keys, met) = list(session, plan, stretch).await?;
    if keys.len() as u64 > MOST_LISTED {
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
    let met = match met {
        Some(met) => met,
        None if plan.may_block() => {
            until(session, ends).await?;
            let met = session.fetch_one(&plan.count_met_of(stretch)?).await?;
            met.get(0).as_count()
        }
        None => 0,
    };
    let blocked = met.saturating_sub(keys.len() as u64);
    let mut blocked_by = BTreeMap::new();
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
    let told = Told {
        examined,
        blocked,
        blocked_by,
    };
    Ok(Some((keys, told)))
}

/// The keys of eligible rows, one more than may be listed at most, and how many rows meet the condition, where that
/// was told by the way.
async fn list(
    session: &mut Session,
    plan: &Arc<Plan>,
    stretch: &Window,
) -> Result<(VecDeque<Pick>, Option<u64>), Failed> {
    if plan.lists_and_counts() {
        let met = session.fetch_one(&plan.list_met(stretch)?).await?;
        let keys = met.get(1).as_text().unwrap_or_default();
        let keys = keys.split(',').filter_map(|key| key.parse().ok());
        let keys = keys.map(|key| Pick::new(vec![Bind::Integer(key)], Bind::Null));
        return Ok((keys.collect(), Some(met.get(0).as_count())));
    }
    let rows = session.fetch(&plan.list(stretch, MOST_LISTED + 1)?).await?;
    let keys = rows.into_iter().map(|row| {
        let key = row.0.into_iter().map(Into::into).collect();
        Pick::new(key, Bind::Null)
    });
    Ok((keys.collect(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_in_a_row_end_in_time_to_be_kept_and_after_a_minute_however_long_the_run_is() {
        assert_eq!(for_looks(Duration::from_secs(4)), Duration::from_secs(3));
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        assert_eq!(for_looks(week), LONGEST_LOOKS);
    }
}
