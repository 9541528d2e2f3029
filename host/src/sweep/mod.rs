//! Sweeps: which batch comes next, and when to stop.
//!
//! A sweep walks its table in windows along an index, by rows examined and not by rows deleted,
//! so that it ends. Each [`Sweep::next`] is one batch: window, SQL, one transaction with the
//! ledger's fence and record. A batch runs in a task of its own and finishes whatever becomes of
//! the guest that asked for it.

mod act;
mod apart;
mod attempt;
mod backlog;
mod careful;
mod cause;
mod chained;
mod checkpoint;
mod circles;
mod context;
mod counted;
mod embedded;
mod forms;
mod fraction;
mod held_back;
mod inner;
mod kept;
mod lacking;
mod leaves;
mod links;
mod locked;
mod lost;
mod moved_on;
mod network;
mod networks;
mod no_batch;
mod no_instant;
mod own_held;
mod page;
mod physical;
mod pieces;
mod probe;
mod reach;
mod reader;
mod refused;
mod rehearsal;
mod remains;
mod retry;
mod schema;
mod scout;
mod sizes;
mod sought;
mod span;
mod stretches;
mod traced;
mod transaction;
mod turns;
mod unlike;
mod unread;
mod used;
mod values;
mod verify;
mod windows;

pub use backlog::Backlog;
pub use context::{Ended, Progress, RunContext, RunOptions};
pub use held_back::TABLE;
pub use lacking::{Lacking, MOST_LACKING, lacking};
pub use no_instant::{NoInstant, NoInstants, NotKnown, no_instants};
pub use own_held::{OwnHeld, own_held};
pub use reader::{Change, Reader, count};
pub use remains::{PassedOver, Remains};
pub use sizes::{size, to_go};
pub use sought::FurtherOn;
pub use unread::Unread;
pub use used::{Used, indexes_used};
pub use verify::{MOST_COUNTED, Verification, unread_only, verify};

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use crate::catalog::Dialect;
use crate::request::{Batch, Fault, Mode, Request, Step, Suspension};
use crate::scope::authorize_leaves;
use crate::sql::{Cursor, Plan};
use chained::{Chained, Turn};
use checkpoint::{Identity, Place};
use inner::Inner;
use leaves::{Leaves, order_of};
use no_batch::NoBatch;
use scout::Scout;

/// A cursor over the eligible rows of one request.
#[derive(Debug, Clone)]
pub struct Sweep {
    context: Arc<RunContext>,
    /// `None`: refused in a rehearsal, or its table is another since the run began.
    inner: Option<Arc<Mutex<Inner>>>,
}

impl Sweep {
    /// Checks the request against the grant and prepares its SQL. Nothing is changed yet.
    ///
    /// # Errors
    /// `denied` and `invalid` as [`authorize_leaves`] says, `invalid` for values that do not fit, keys
    /// that are not ordered by time, and forms that cannot be told; `database` when it does not
    /// answer.
    pub async fn open(context: &Arc<RunContext>, request: Request) -> Result<Self, Fault> {
        let in_time = !context.is_late();
        let opened = Self::prepare(context, request.clone()).await;
        if in_time && context.is_late() {
            context.owes_a_batch(true);
        }
        if let Err(fault) = &opened
            && schema::is_changed(fault)
        {
            return Ok(Self::suspended(context, fault).await);
        }
        context.note(&request, opened.as_ref().err()).await;
        let inner = match opened {
            Err(fault) if context.goes_on_after(&fault) => None,
            opened => Some(Arc::new(Mutex::new(opened?))),
        };
        let context = Arc::clone(context);
        Ok(Self { context, inner })
    }

    /// A sweep of a table that is another since the run began: its first word is that the run is suspended.
    async fn suspended(context: &Arc<RunContext>, fault: &Fault) -> Self {
        tracing::warn!(run = %context.run, job = %context.subject.job, "{fault}");
        let mut state = context.state.lock().await;
        state.suspended.get_or_insert(Suspension::SchemaChanged);
        drop(state);
        let context = Arc::clone(context);
        Self {
            context,
            inner: None,
        }
    }

    async fn prepare(context: &Arc<RunContext>, request: Request) -> Result<Inner, Fault> {
        let authorized = match authorize_leaves(
            request,
            &context.granted,
            &context.subject,
            &context.catalog,
            context.now,
        ) {
            Ok(authorized) => authorized,
            Err(refused) => {
                let denied = matches!(refused, Fault::Denied(_));
                context.state.lock().await.denied |= denied;
                return Err(refused);
            }
        };
        let mut forms = Vec::new();
        for leaf in &authorized {
            forms.push(forms::resolve(context, leaf).await?);
        }
        let state = context.state.lock().await;
        let mut plans = Vec::new();
        for (leaf, forms) in authorized.into_iter().zip(forms) {
            let catalog = Arc::clone(&context.catalog);
            let plan = Plan::new(leaf, catalog, forms, state.history.clone())?;
            // Where it costs something, preflight warns of it.
            if let (Some(note), false) = (&plan.axis().note, context.rehearsal) {
                tracing::info!("{note}");
            }
            let (technique, why) = plan.technique();
            tracing::debug!(job = %context.subject.job, table = %plan.table().id, ?technique, why, "sweep opened");
            plans.push(Arc::new(plan));
        }
        drop(state);
        // At its beginning: what a sweep that goes on has to do is part of what was counted then.
        let fresh = context.state.lock().await.begins_anew();
        if let Err(fault) = fraction::draw(context, &plans, fresh).await {
            return Err(match plans.first() {
                Some(plan) => context.explained_ahead(plan, fault).await,
                None => fault,
            });
        }
        let mut state = context.state.lock().await;
        let leaves = Leaves::new(plans);
        let Some(plan) = leaves.plan().cloned() else {
            return Err(Fault::invalid(
                "no-table",
                "the request names a table without a single leaf",
            ));
        };
        let ordinal = state.opened;
        state.opened += 1;
        // A leaf's order is kept with its cursor: leaves come and go.
        let order = plan.authorized.root().is_none().then(|| order_of(&plan));
        let asks = Identity::of(&(plan.request(), order));
        let again = context.options.mode == Mode::DryRun
            && state
                .drained
                .iter()
                .any(|done| done.request() == plan.request());
        let mut place = state.checkpoint.resume(ordinal, &asks);
        let chains = Chained::of(&plan, context.options.mode);
        if again || context.rehearsal {
            place.cursor = None;
        } else if !fresh && may_be_renumbered(&plan) {
            place = Place {
                cursor: place.cursor.map(|_| Cursor::default()),
                midway: false,
            };
        } else if chains.is_some() {
            // What the rows before have told is not known any more: they are visited again.
            let midway = |cursor: &Cursor| *cursor != Cursor::default();
            place.midway = place.cursor.as_ref().is_some_and(midway);
        }
        if place.midway && place.cursor.is_some() {
            tracing::info!(job = %context.subject.job, table = %plan.table().id, "the sweep goes on where the last run was suspended");
        }
        let mut inner = Inner::new(leaves, plan, ordinal, asks);
        inner.chains = match place.midway && context.options.mode == Mode::Apply {
            true => chains.map(Chained::seeking),
            false => chains,
        };
        inner.span = inner.span.knowing(state.checkpoint.span_of(ordinal));
        inner.midway = place.midway;
        inner.turn.is_shared = context.options.mode == Mode::Apply
            && !context.rehearsal
            && state.checkpoint.is_to_give_way(ordinal, &inner.asks);
        let last_look = state.checkpoint.last_look(ordinal);
        inner.go_on(place.cursor);
        if inner.midway {
            inner.scout = Scout::after(last_look);
        }
        let all = inner.leaves.all().to_vec();
        state.under_way.insert(ordinal, all);
        if inner.cursor.is_none() {
            state.ended(inner.ordinal, &inner.leaves);
        }
        Ok(inner)
    }

    /// Runs the next batch.
    ///
    /// # Errors
    /// What remains after the host's own retries: `timeout`, `database`, or `other` with the code
    /// `lease-lost` when another host has taken the run over.
    pub async fn next(&self) -> Result<Step, Fault> {
        let sweep = self.clone();
        // Held by a task, so that a dropped call cannot tear a batch in two.
        self.context
            .work
            .run(async move { sweep.step().await })
            .await?
    }

    async fn step(&self) -> Result<Step, Fault> {
        let context = &self.context;
        let Some(inner) = &self.inner else {
            let suspended = context.state.lock().await.suspended;
            return Ok(match suspended.filter(|_| !context.rehearsal) {
                Some(reason) => Step::Suspended(reason),
                None => Step::Drained,
            });
        };
        let mut inner = inner.lock().await;
        let mut state = context.state.lock().await;
        while inner.cursor.is_some() && inner.leaves.is_gone(&context.database).await? {
            self.pass(&mut inner, &mut state);
        }
        if inner.is_done() || inner.turn.is_over {
            return Ok(Step::Drained);
        }
        if let Some(reason) = self.due_to_stop(&mut inner, &mut state).await? {
            let Some(reason) = reason else {
                self.drain(&mut inner, &mut state);
                return Ok(Step::Drained);
            };
            state.leaves_further_on(&inner);
            return Ok(self.suspend(&mut state, reason));
        }
        if let Some(reason) = inner.gives_way(context, &mut state) {
            state.leaves_further_on(&inner);
            state.suspended.get_or_insert(reason);
            return Ok(Step::Drained);
        }
        let left = context
            .options
            .max_rows
            .saturating_sub(state.totals.changed())
            .min(state.up_to_the_line(&inner.plan))
            .min(inner.up_to_its_share(&state));
        let plan = Arc::clone(&inner.plan);
        context.held_back.lets_others_write().await;
        let began = Instant::now();
        let Turn { batch, came_round } =
            match chained::turn(context, &mut inner, &mut state, left).await {
                Ok(done) => done,
                // Dropped or detached since the look above.
                Err(why) => {
                    return match (inner.leaves.is_gone(&context.database).await, why) {
                        (Ok(true), _) => Ok(Step::Batch(Batch::default())),
                        (_, NoBatch::Suspended(reason)) => {
                            state.leaves_further_on(&inner);
                            Ok(self.suspend(&mut state, reason))
                        }
                        (_, NoBatch::Failed(fault)) => Err(context.explained(&plan, fault).await),
                    };
                }
            };
        state.towards_the_line(&plan, batch.affected);
        state.totals += batch;
        state.batches += 1;
        context.tell(&batch, began.elapsed());
        context.advance(batch.examined);
        if came_round {
            // Where nothing is left there is no need to go round to find that.
            match self.nothing_is_left(inner.leaves.all()).await {
                true => inner.ends_here(),
                false => inner.goes_round(),
            }
        }
        if inner.is_done() {
            self.drain(&mut inner, &mut state);
        }
        Ok(Step::Batch(batch))
    }

    fn suspend(&self, state: &mut context::State, reason: Suspension) -> Step {
        state.suspended.get_or_insert(reason);
        state.estimated |= self.context.options.mode == Mode::DryRun;
        Step::Suspended(reason)
    }

    /// Every plan's probe has answered, and found no row.
    async fn nothing_is_left(&self, plans: &[Arc<Plan>]) -> bool {
        for plan in plans {
            if !matches!(
                verify::remaining(&self.context.database, plan, 1).await,
                Ok(0)
            ) {
                return false;
            }
        }
        true
    }

    /// `Some(Some(reason))`: stop here. `Some(None)`: the budget is used up and nothing is left.
    async fn due_to_stop(
        &self,
        inner: &mut Inner,
        state: &mut context::State,
    ) -> Result<Option<Option<Suspension>>, Fault> {
        let options = &self.context.options;
        // What other plans of the run take for given was read at the same time.
        if state.suspended == Some(Suspension::SchemaChanged) {
            return Ok(Some(state.suspended));
        }
        if let Some(reason) = self.context.due_to_stop() {
            return Ok(Some(Some(reason)));
        }
        if refuses_on_and_on(inner, state) {
            return Ok(Some(Some(Suspension::Refused)));
        }
        let used_up = if state.totals.changed() >= options.max_rows {
            Suspension::RowBudget
        } else if state.up_to_the_line(&inner.plan) == 0 {
            Suspension::MaxFraction
        } else {
            return Ok(None);
        };
        if options.mode == Mode::DryRun {
            // Nothing has gone, so the database cannot tell what would be left.
            return Ok(Some(Some(used_up)));
        }
        if inner.cursor.is_none() {
            return Ok(Some(Some(used_up))); // rows are in hand
        }
        let unvisited = match inner.midway {
            true => inner.leaves.all(),
            false => inner.leaves.rest(),
        };
        Ok(Some(match self.nothing_is_left(unvisited).await {
            true => None,
            false => Some(used_up),
        }))
    }

    fn drain(&self, inner: &mut Inner, state: &mut context::State) {
        inner.cursor = None;
        state.ended(inner.ordinal, &inner.leaves);
        if self.context.options.mode == Mode::DryRun {
            state.history.extend(inner.leaves.all().iter().cloned());
            // Later sweeps see NULL where a default would stand.
            // Nor do they know what CASCADE has taken of the table itself.
            let unknown = |plan: &Arc<Plan>| plan.sets_defaults() || plan.has_trees();
            state.estimated |= inner.leaves.all().iter().any(unknown);
        }
    }

    /// Leaves out a partition that is gone.
    fn pass(&self, inner: &mut Inner, state: &mut context::State) {
        let table = &inner.plan.table().id;
        tracing::warn!(%table, "the partition was dropped or detached, and is left out");
        match inner.leaves.pass() {
            Some(next) => inner.go_on(Some(next)),
            None if inner.midway && !inner.leaves.all().is_empty() => {
                inner.midway = false;
                inner.go_on(Some(Cursor::default()));
            }
            None => self.drain(inner, state),
        }
    }
}

/// Whether so many rows were refused that the next run has to go on. Each is an attempt of its own, which writes
/// and takes back.
fn refuses_on_and_on(inner: &Inner, state: &context::State) -> bool {
    /// Refused rows of a sweep, besides those that lie among rows that go: some ten seconds of attempts.
    const MOST_REFUSED: u64 = 10_000;
    /// Refused rows for each one that has gone.
    const FOR_EACH: u64 = 4;
    // What another host met stands beside what went there.
    let refused = state.refusals.get(&inner.ordinal).copied().unwrap_or(0);
    refused > MOST_REFUSED + FOR_EACH.saturating_mul(state.totals.affected)
}

/// SQLite renumbers rows when it vacuums, unless the rowid is a column: there a run that is resumed begins
/// a sweep over. In a later run the place is good enough, because the sweep comes round.
fn may_be_renumbered(plan: &Plan) -> bool {
    let table = plan.table();
    let by_rowid = table.has_rowid && table.rowid_alias.is_none();
    by_rowid && plan.dialect() == Dialect::Sqlite
}

/// The counts of a batch that only moved the sweep on.
fn examined_only(examined: u64) -> Batch {
    Batch {
        examined,
        ..Batch::default()
    }
}
