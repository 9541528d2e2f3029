//! Sweeps: which batch comes next, and when to stop.
//!
//! A sweep walks its table in windows along an index, by rows examined and not by rows deleted,
//! so that it ends. Each [`Sweep::next`] is one batch: window, SQL, one transaction with the
//! ledger's fence and record. A batch runs in a task of its own and finishes whatever becomes of
//! the guest that asked for it.

mod act;
mod backlog;
mod chained;
mod checkpoint;
mod circles;
mod context;
mod embedded;
mod forms;
mod fraction;
mod held_back;
mod lacking;
mod leaves;
mod links;
mod locked;
mod network;
mod networks;
mod page;
mod physical;
mod probe;
mod reader;
mod remains;
mod retry;
mod sizes;
mod traced;
mod transaction;
mod values;
mod verify;
mod windows;

pub use backlog::Backlog;
pub use context::{Ended, Progress, RunContext, RunOptions};
pub use held_back::TABLE;
pub use lacking::{Lacking, MOST_LACKING, lacking};
pub use reader::{Change, Reader, count};
pub use remains::{PassedOver, Remains};
pub use sizes::{size, to_go};
pub use verify::{MOST_COUNTED, Verification, verify};

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Mutex;

use crate::catalog::Dialect;
use crate::request::{Batch, Fault, Mode, Request, Step, Suspension};
use crate::scope::authorize_leaves;
use crate::sql::{Cursor, Plan, Technique};
use chained::Chained;
use checkpoint::hash;
use leaves::{Leaves, order_of};
use retry::InTheWay;

/// A cursor over the eligible rows of one request.
#[derive(Debug, Clone)]
pub struct Sweep {
    context: Arc<RunContext>,
    /// `None`: refused in a rehearsal.
    inner: Option<Arc<Mutex<Inner>>>,
}

#[derive(Debug)]
struct Inner {
    leaves: Leaves,
    /// That of the leaf in hand.
    plan: Arc<Plan>,
    technique: Technique,
    ordinal: usize,
    hash: String,
    /// `None`: drained.
    cursor: Option<Cursor>,
    /// Batches still to run with SKIP LOCKED after the fast pass met a locked row.
    skip_locked: u32,
    /// Rows passed over so far because too much goes along with them.
    too_heavy: u32,
    /// Rows that a window may span at most, because others go with each of them.
    span: u64,
    /// Rows of the table that hang together.
    chains: Option<Chained>,
    /// Batches of such rows: where the windows stand, whatever these rows come to.
    stands: Option<Cursor>,
    /// Batches of such rows: with them the sweep is at its end.
    is_last: bool,
    /// Nothing is left but to record so many rows that others of the table hold.
    closes: Option<u64>,
}

impl Sweep {
    /// Checks the request against the grant and prepares its SQL. Nothing is changed yet.
    ///
    /// # Errors
    /// `denied` and `invalid` as [`authorize_leaves`] says, `invalid` for values that do not fit, keys
    /// that are not ordered by time, and forms that cannot be told; `database` when it does not
    /// answer.
    pub async fn open(context: &Arc<RunContext>, request: Request) -> Result<Self, Fault> {
        let opened = Self::prepare(context, request.clone()).await;
        context.note(&request, opened.as_ref().err()).await;
        let inner = match opened {
            Err(fault) if context.goes_on_after(&fault) => None,
            opened => Some(Arc::new(Mutex::new(opened?))),
        };
        let context = Arc::clone(context);
        Ok(Self { context, inner })
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
        fraction::draw(context, &plans, fresh).await?;
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
        let hash = hash(&(plan.request(), order));
        let again = context.options.mode == Mode::DryRun
            && state
                .drained
                .iter()
                .any(|done| done.request() == plan.request());
        let cursor = if again || context.rehearsal {
            None
        } else {
            state
                .checkpoint
                .resume(ordinal, &hash)
                .map(|cursor| resumable(cursor, &plan))
        };
        let first = &Arc::clone(&plan);
        let mut inner = Inner {
            span: first_span(&plan),
            technique: plan.technique().0,
            leaves,
            plan,
            ordinal,
            hash,
            cursor: None,
            skip_locked: 0,
            too_heavy: 0,
            chains: Chained::of(first, context.options.mode),
            stands: None,
            is_last: false,
            closes: None,
        };
        inner.go_on(cursor);
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
            return Ok(Step::Drained);
        };
        let mut inner = inner.lock().await;
        let mut state = context.state.lock().await;
        while inner.cursor.is_some() && inner.leaves.is_gone(&context.database).await? {
            self.pass(&mut inner, &mut state);
        }
        if inner.is_done() {
            return Ok(Step::Drained);
        }
        if let Some(reason) = self.due_to_stop(&mut inner, &mut state).await? {
            let Some(reason) = reason else {
                self.drain(&mut inner, &mut state);
                return Ok(Step::Drained);
            };
            state.suspended.get_or_insert(reason);
            if context.options.mode == Mode::DryRun {
                state.estimated = true;
            }
            return Ok(Step::Suspended(reason));
        }
        let left = context
            .options
            .max_rows
            .saturating_sub(state.totals.changed())
            .min(state.up_to_the_line(&inner.plan));
        let plan = Arc::clone(&inner.plan);
        let began = Instant::now();
        let batch = match chained::turn(context, &mut inner, &mut state, left).await {
            Ok(done) => done,
            // Dropped or detached since the look above.
            Err(fault) => {
                return match inner.leaves.is_gone(&context.database).await {
                    Ok(true) => Ok(Step::Batch(Batch::default())),
                    _ => Err(fault),
                };
            }
        };
        state.towards_the_line(&plan, batch.affected);
        state.totals += batch;
        state.batches += 1;
        context.tell(&batch, began.elapsed());
        context.advance(batch.examined);
        if inner.is_done() {
            self.drain(&mut inner, &mut state);
        }
        Ok(Step::Batch(batch))
    }

    /// `Some(Some(reason))`: stop here. `Some(None)`: the budget is used up and nothing is left.
    async fn due_to_stop(
        &self,
        inner: &mut Inner,
        state: &mut context::State,
    ) -> Result<Option<Option<Suspension>>, Fault> {
        let options = &self.context.options;
        if let Some(asked) = options.asked_to_stop() {
            return Ok(Some(Some(asked)));
        }
        if Instant::now() >= self.context.ends {
            return Ok(Some(Some(Suspension::Deadline)));
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
        for plan in inner.leaves.rest() {
            match verify::remaining(&self.context.database, plan, 1).await {
                Ok(0) => {}
                _ => return Ok(Some(Some(used_up))),
            }
        }
        Ok(Some(None))
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
        let next = inner.leaves.pass();
        match next {
            Some(next) => inner.go_on(Some(next)),
            None => self.drain(inner, state),
        }
    }
}

/// A stored cursor that may be used. SQLite renumbers rows when it vacuums, unless the rowid is a
/// column: such a sweep starts over.
fn resumable(cursor: Cursor, plan: &Plan) -> Cursor {
    let table = plan.table();
    let by_rowid = table.has_rowid && table.rowid_alias.is_none();
    if by_rowid && plan.dialect() == Dialect::Sqlite {
        Cursor::default()
    } else {
        cursor
    }
}

/// The first window where rows go with the swept ones: how many is not known before.
const FIRST_SPAN: u64 = 100;

/// Rows that one batch should change at most: it holds them locked while it lasts.
const MOST_CHANGED: u64 = 10_000;

/// The rows that the first window of a table may span.
fn first_span(plan: &Plan) -> u64 {
    match plan.takes_others_along() {
        true => FIRST_SPAN,
        false => u64::MAX,
    }
}

impl Inner {
    /// Whether the row may be left behind: any number of those that a constraint refuses, and a few
    /// that are too heavy, because each takes several timeouts and the next one may be the database's.
    fn may_pass_over(&mut self, what: InTheWay) -> bool {
        const MOST_TOO_HEAVY: u32 = 5;
        if what == InTheWay::TooMuch {
            self.too_heavy += 1;
        }
        self.too_heavy <= MOST_TOO_HEAVY
    }

    /// What a batch of `size` rows has changed decides how many rows the next one looks at.
    fn weigh(&mut self, size: u64, batch: Batch) {
        /// A light window says little about the next one.
        const GROWTH: u64 = 4;
        if self.span == u64::MAX && batch.changed() <= MOST_CHANGED {
            return;
        }
        let bearable = match batch.changed() {
            0 => u64::MAX,
            changed => size.saturating_mul(MOST_CHANGED) / changed,
        };
        self.span = bearable.clamp(1, size.saturating_mul(GROWTH));
    }

    /// Rows that others hang on are not skipped by one statement: where rows are held, a batch
    /// with dependents locks first.
    fn technique(&self) -> Technique {
        match self.skip_locked > 0 && self.plan.has_dependents() {
            true => Technique::LockThenCheck,
            false => self.technique,
        }
    }

    /// Takes the sweep to where a cursor points; `None`: to its end.
    fn go_on(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor.and_then(|cursor| self.leaves.resume(cursor));
        if let Some(plan) = self.leaves.plan()
            && plan.table().id != self.plan.table().id
        {
            self.plan = Arc::clone(plan);
            self.technique = plan.technique().0;
            self.span = first_span(&self.plan);
        }
    }

    /// After a locked row: the next windows skip locked rows at once, because where one row is
    /// held its neighbours often are too.
    fn met_a_lock(&mut self) {
        const STICKY: u32 = 20;
        self.skip_locked = STICKY;
    }

    fn one_window_on(&mut self) {
        self.skip_locked = self.skip_locked.saturating_sub(1);
    }
}

/// The counts of a batch that only moved the sweep on.
fn examined_only(examined: u64) -> Batch {
    Batch {
        examined,
        ..Batch::default()
    }
}
