//! What comes next in a sweep whose rows hang together: a window, which takes what hangs on nothing and
//! tells of the rest, or a batch of rows that windows have told of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::checkpoint::Place;
use super::context::State;
use super::inner::Inner;
use super::leaves::Leaves;
use super::links::{Link, Links, MOST, Told};
use super::no_batch::NoBatch;
use super::sought::Seeking;
use super::transaction::Failed;
use super::windows::size;
use super::{RunContext, traced};
use crate::database::{Bind, Cell, Session};
use crate::request::{Action, Batch, Mode};
use crate::sql::{Cursor, Edge, Hold, Pick, Picked, Plan, Referrer, Technique, Window};

/// The rows of a table that hang together, and what is done to them.
#[derive(Debug)]
pub(super) struct Chained {
    pub(super) links: Links,
    hold: Hold,
    /// Dry run: of some rows it is not known whether they would go.
    is_unsure: bool,
    /// The batches of picked rows in hand.
    batches: Option<Box<Inner>>,
    /// Rows that others of the table hold, once it is known and as long as it is not recorded.
    held: u64,
    /// Rows that others wait for are looked for by their keys.
    pub(super) seeking: Option<Seeking>,
}

impl Chained {
    /// `None`: rows of the table do not hang together, or are not deleted.
    pub(super) fn of(plan: &Plan, mode: Mode) -> Option<Self> {
        let deletes = matches!(plan.request().action, Action::Delete);
        let (hold, forgets) = match mode {
            Mode::Apply => (Hold::Checked, true),
            Mode::DryRun => (Hold::Gone, false),
        };
        (plan.is_chained() && deletes).then(|| Self {
            links: Links::new(forgets, MOST),
            hold,
            is_unsure: false,
            batches: None,
            held: 0,
            seeking: None,
        })
    }

    /// The same for a run that goes on in the middle of the table: the rows before it, which those behind may wait for,
    /// come last, and no run may ever come to both.
    pub(super) fn seeking(mut self) -> Self {
        self.links.seeks();
        self.seeking = Some(Seeking::default());
        self
    }

    fn is_done(&self) -> bool {
        self.batches.is_none() && self.links.ready() == 0 && self.held == 0
    }

    fn tells_of_what_it_gave_up(&mut self, plan: &Plan) {
        let rows = self.links.given_up();
        if rows > 0 && self.hold == Hold::Gone {
            self.is_unsure = true;
            tracing::warn!(
                table = %plan.table().id,
                rows,
                "more rows of the table wait for others of it than are kept in mind at once: whether these would go is \
                 not known, and they are counted neither as affected nor as blocked"
            );
        } else if rows > 0 {
            tracing::warn!(
                table = %plan.table().id,
                rows,
                "more rows of the table wait for others of it than are kept in mind at once: the oldest count as blocked, \
                 and later runs see to those of them that are free"
            );
        }
    }

    /// No row is in hand, or waited for.
    fn is_quiet(&self) -> bool {
        self.is_done() && self.links.waiting() == 0
    }
}

impl Inner {
    /// Nothing is left to look at or to do.
    pub(super) fn is_done(&self) -> bool {
        self.cursor.is_none() && self.chains.as_ref().is_none_or(Chained::is_done)
    }

    /// Where the ledger has the sweep stand after a batch that leads to `next` and has told of rows or
    /// not. What is in hand at the end is found again from the beginning.
    pub(super) fn stands_at(&self, next: Place, told: bool) -> Place {
        let cursor = match (&self.stands, &self.chains, next.cursor) {
            (Some(stands), _, Some(_)) => Some(stands.clone()),
            (Some(stands), _, None) => (!self.is_last).then(|| stands.clone()),
            (None, Some(chains), None) => (told || !chains.is_quiet()).then(Cursor::default),
            (None, _, cursor) => cursor,
        };
        Place {
            cursor,
            midway: next.midway,
        }
    }

    /// Its rows hang together, or are a batch of such.
    pub(super) fn hangs_together(&self) -> bool {
        self.chains.is_some() || self.is_put_together()
    }

    /// It is a batch of rows that hang together, put together from what windows have told.
    pub(super) fn is_put_together(&self) -> bool {
        self.stands.is_some() || self.closes.is_some()
    }

    /// Takes in what a window has told.
    pub(super) fn tell(&mut self, told: Told) {
        if let Some(chains) = &mut self.chains {
            chains.links.tell(told);
        }
    }

    /// A batch of rows that hang together, where enough are known, or no window is left.
    fn picked(&mut self, size: u64, left: u64) -> Option<Box<Self>> {
        let stands = self.cursor.clone();
        let chains = self.chains.as_mut()?;
        if let Some(batches) = chains.batches.take() {
            return Some(batches);
        }
        let at_the_end = stands.is_none();
        let most = usize::try_from(size.min(left).max(1)).unwrap_or(usize::MAX);
        let (ready, held) = (chains.links.ready(), chains.held);
        let closes = (ready == 0 && at_the_end && held > 0).then_some(held);
        // Whoever goes on after this run would have to find them once more.
        let at_once = at_the_end || chains.seeking.is_some();
        if closes.is_none() && (ready == 0 || (ready < most && !at_once)) {
            return None;
        }
        let links = chains.links.take(if closes.is_some() { 0 } else { most });
        if closes.is_some() {
            chains.held = 0;
        }
        let is_last = at_the_end && chains.is_done();
        let mut picked = picks(links, chains.hold, self.plan.picked.as_deref());
        picked.windows = stands.clone();
        let plan = Arc::new(self.plan.with_picked(Arc::new(picked)));
        let leaves = Leaves::new(vec![Arc::clone(&plan)]);
        let mut batches = Self::new(leaves, plan, self.ordinal, self.asks.clone());
        batches.technique = Technique::LockThenCheck;
        batches.cursor = Some(Cursor::default());
        batches.skip_locked = self.skip_locked;
        batches.span = self.span;
        batches.stands = Some(stands.unwrap_or_default());
        batches.is_last = is_last;
        batches.closes = closes;
        batches.gone = Arc::clone(&self.gone);
        Some(Box::new(batches))
    }

    /// Dry run: keeps in mind the rows of batches that are done, where others of the table change with them.
    fn would_be_gone(&mut self, batches: Self) {
        let plan = Arc::clone(&batches.plan);
        drop(batches);
        if let (Some(Hold::Gone), Some(picked), true) = (
            self.chains.as_ref().map(|chains| chains.hold),
            &plan.picked,
            plan.changes_its_own_in_an_order(),
        ) {
            let keys = picked.rows.iter();
            let keys = keys.map(|row| serde_json::to_string(&row.key).unwrap_or_default());
            let keys = keys.map(Box::<str>::from);
            Arc::make_mut(&mut self.gone).extend(keys);
        }
    }

    /// A sweep that began midway is at the end of its table. What waits for rows before its beginning is
    /// told again by those who come by there; until then it counts as held.
    fn come_round(&mut self) {
        if let Some(chains) = &mut self.chains {
            chains.held = chains.links.finish();
            chains.tells_of_what_it_gave_up(&self.plan);
        }
    }

    /// Every row is visited once more, from the first on, and what is held is found anew.
    pub(super) fn goes_round(&mut self) {
        if let Some(chains) = &mut self.chains {
            chains.held = 0;
        }
    }

    /// Nothing is left for which it would be worth to go round.
    pub(super) fn ends_here(&mut self) {
        self.cursor = None;
        self.settle();
    }

    /// Once no window is left, it is known what of the rows is held.
    fn settle(&mut self) {
        if let (None, Some(chains)) = (&self.cursor, &mut self.chains) {
            chains.held += chains.links.finish();
            chains.tells_of_what_it_gave_up(&self.plan);
            if chains.held > 0 {
                tracing::info!(
                    table = %self.plan.table().id,
                    rows = chains.held,
                    "rows of the table hold each other, and one of them stays: `unlink-first` on the \
                     table's own key lets each go by itself"
                );
            }
        }
    }
}

/// What one batch has done.
pub(super) struct Turn {
    pub(super) batch: Batch,
    /// A sweep that began midway has come to the end of its table, and goes on at the first row.
    pub(super) came_round: bool,
}

/// One batch of a sweep that is not done, whatever it is, and where it takes the sweep.
pub(super) async fn turn(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    left: u64,
) -> Result<Turn, NoBatch> {
    let size = size(context).min(inner.span.most());
    if let Some(mut batches) = inner.picked(size, left) {
        let cursor = batches.cursor.clone().unwrap_or_default();
        let done = traced::act(context, &mut batches, state, &cursor, left).await;
        inner.skip_locked = batches.skip_locked;
        inner.span = batches.span;
        let (batch, place) = match done {
            Ok(done) => done,
            Err(why) => {
                // They are in hand still.
                if let (NoBatch::Suspended(_), Some(chains)) = (&why, &mut inner.chains) {
                    chains.batches = Some(batches);
                }
                return Err(why);
            }
        };
        batches.cursor = place.cursor;
        match (&mut inner.chains, &batches.cursor) {
            (Some(chains), Some(_)) => chains.batches = Some(batches),
            _ => inner.would_be_gone(*batches),
        }
        return Ok(Turn {
            batch,
            came_round: false,
        });
    }
    let cursor = inner.cursor.clone().unwrap_or_default();
    let began = Instant::now();
    let (batch, place) = traced::act(context, inner, state, &cursor, left).await?;
    let came_round = inner.midway && !place.midway;
    let is_last = came_round || place.cursor.is_none();
    inner.seek(context, began.elapsed(), is_last).await;
    inner.midway = place.midway;
    inner.go_on(place.cursor);
    if came_round {
        inner.come_round();
    }
    inner.settle();
    let chains = inner.chains.as_ref();
    state.estimated |= chains.is_some_and(|chains| chains.is_unsure);
    Ok(Turn { batch, came_round })
}

/// Asks what of a window hangs together.
pub(super) async fn ask(
    session: &mut Session,
    plan: &Plan,
    window: &Window,
) -> Result<Told, Failed> {
    let width = plan.row_width();
    let mut told = Vec::new();
    for row in session.fetch(&plan.links(window)?).await? {
        let how = row.get(2 * width);
        let how = (*how != Cell::Null).then(|| Referrer::from_column(how.as_count()));
        let mut cells = row.0.into_iter();
        let key = written(cells.by_ref().take(width));
        let other = written(cells.take(width));
        told.push((key, how.map(|how| (other, how))));
    }
    Ok(told)
}

/// Dry run: of the rows that a batch would change and that its statement has counted, those that have gone in an
/// earlier one, with which they hang together: dependents, and what rules change.
pub(super) async fn counted_though_gone(
    session: &mut Session,
    plan: &Plan,
    window: &Window,
    gone: &HashSet<Box<str>>,
) -> Result<(u64, u64), Failed> {
    if gone.is_empty() {
        return Ok((0, 0));
    }
    let (mut dependents, mut cascaded) = (0, 0);
    for row in session.fetch(&plan.changed_at_home(window)?).await? {
        let mut cells = row.0.into_iter();
        let by_rule = cells.next().is_some_and(|kind| kind.as_count() == 1);
        if gone.contains(&written(cells)) {
            *(if by_rule {
                &mut cascaded
            } else {
                &mut dependents
            }) += 1;
        }
    }
    Ok((dependents, cascaded))
}

/// A key as one text, from which [`read`] has it again.
fn written(cells: impl Iterator<Item = Cell>) -> Box<str> {
    let key: Edge = cells.map(Bind::from).collect();
    serde_json::to_string(&key).unwrap_or_default().into()
}

pub(super) fn read(key: &str) -> Edge {
    serde_json::from_str(key).unwrap_or_default()
}

/// Rows in their order, as a batch takes them. Those that a plugin has named keep what they were when it
/// saw them.
fn picks(links: Vec<Link>, hold: Hold, named: Option<&Picked>) -> Picked {
    let seen: HashMap<String, &Bind> = named
        .into_iter()
        .flat_map(|named| &named.rows)
        .map(|pick| {
            (
                serde_json::to_string(&pick.key).unwrap_or_default(),
                &pick.seen,
            )
        })
        .collect();
    let rows = links.into_iter().map(|link| Pick {
        seen: seen
            .get(&*link.key)
            .map_or(Bind::Null, |seen| (*seen).clone()),
        key: read(&link.key),
        rides: link.rides,
        with_next: link.with_next,
    });
    Picked {
        columns: named.map(|named| named.columns.clone()).unwrap_or_default(),
        rows: rows.collect(),
        blocked_beside: 0,
        hold,
        windows: None,
    }
}
