//! Readers: pages of rows for a plugin that must look at them, and what it then does to them.
//!
//! A read begins at its first row in every run, because what a plugin makes of a row may depend on
//! those before it. Each page is one statement; no transaction is open between two of them. What is
//! done to rows of a page goes the way of a batch, with the rows for its window.

mod plans;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::chained::{self, Chained};
use super::checkpoint::Identity;
use super::context::{RunContext, State};
use super::fraction;
use super::inner::Inner as Batches;
use super::leaves::Leaves;
use super::no_batch::NoBatch;
use super::page::{no_such_row, taken_apart, updating};
use super::probe::fetch_in_any_case;
use super::schema;
use super::span::Span;
use crate::database::{Cause, Cells, Database, DatabaseError, Statement};
use crate::request::{Batch, Fault, Mode, Reading, Request, Suspension, Value};
use crate::sql::{Edge, Hold, PAGE_BYTES, PAGE_ROWS, Pick, Picked, Plan};
use plans::{changing, expect_changes, plan};

/// Before a run a plugin may look, but not for long: the job waits for it.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// A cursor over rows that a plugin looks at.
#[derive(Debug, Clone)]
pub struct Reader {
    context: Arc<RunContext>,
    /// `None`: refused in a rehearsal.
    inner: Option<Arc<Mutex<Inner>>>,
}

#[derive(Debug)]
struct Inner {
    plan: Arc<Plan>,
    ordinal: usize,
    /// The last row shown; `None`: none yet.
    after: Option<Edge>,
    drained: bool,
    /// The rows of the page in hand, and how many came before it.
    page: Vec<Pick>,
    offset: u64,
    /// What was done so far, so that two acts on one page are told apart.
    acts: u64,
    /// What a batch may span, as far as earlier ones have shown; `None`: there was none.
    span: Option<Span>,
    skip_locked: u32,
}

/// What is to become of rows of a page, by their positions.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// They go.
    Delete(Vec<u32>),
    /// Each gets its own values.
    Update(Vec<(u32, Vec<(String, Value)>)>),
}

/// How many rows match, counted no further than `most`.
///
/// # Errors
/// `denied` and `invalid` as a reader's, `timeout` and `database` as the statement ends.
pub async fn count(context: &Arc<RunContext>, request: Request, most: u64) -> Result<u64, Fault> {
    let asked = context.clone();
    let counted = async move {
        let plan = plan(&asked, request.clone()).await;
        asked.note(&request, plan.as_ref().err()).await;
        let plan = match plan {
            Err(fault) if asked.goes_on_after(&fault) => return Ok(0),
            Err(fault) if schema::is_changed(&fault) => {
                suspend(&mut *asked.state.lock().await, Suspension::SchemaChanged);
                return Err(fault);
            }
            plan => plan?,
        };
        asked.looked(&plan).await;
        let statement = plan.count(most)?;
        let rows = fetch(&asked, &statement).await;
        let rows = asked.as_planned(&plan, rows).await;
        if rows.as_ref().is_err_and(schema::is_changed) {
            suspend(&mut *asked.state.lock().await, Suspension::SchemaChanged);
        }
        let rows = rows?;
        Ok(rows.first().map_or(0, |row| row.get(0).as_count()))
    };
    context.work.run(counted).await?
}

impl Reader {
    /// Checks the read against the grant and prepares its SQL.
    ///
    /// # Errors
    /// `denied` and `invalid` as a sweep's; `invalid` for a table without a key.
    pub async fn open(context: &Arc<RunContext>, request: Request) -> Result<Self, Fault> {
        let opened = Self::prepare(context, request.clone()).await;
        if opened.as_ref().is_err_and(schema::is_changed) {
            suspend(&mut *context.state.lock().await, Suspension::SchemaChanged);
            let context = Arc::clone(context);
            return Ok(Self {
                context,
                inner: None,
            });
        }
        context.note(&request, opened.as_ref().err()).await;
        let inner = match opened {
            Err(fault) if context.goes_on_after(&fault) => None,
            opened => Some(Arc::new(Mutex::new(opened?))),
        };
        let context = Arc::clone(context);
        Ok(Self { context, inner })
    }

    async fn prepare(context: &Arc<RunContext>, request: Request) -> Result<Inner, Fault> {
        let plan = plan(context, request).await?;
        let table = plan.table();
        if table.primary_key.is_empty() && !table.has_rowid {
            return Err(Fault::invalid(
                "no-key",
                format!(
                    "`{}` has no primary key, so that a row of a page could not be told from \
                     another: use a sweep, or give the table a key",
                    table.id
                ),
            ));
        }
        if !plan.request().dependents.is_empty() {
            changing(context, plan.request().deleting(), &[]).await?;
        }
        if context.rehearsal {
            expect_changes(context, &plan).await?;
        } else {
            context.looked(&plan).await;
        }
        let mut state = context.state.lock().await;
        let ordinal = state.opened;
        state.opened += 1;
        // A plugin may have seen enough at any page.
        state.ended += 1;
        drop(state);
        Ok(Inner {
            drained: context.rehearsal,
            plan,
            ordinal,
            after: None,
            page: Vec::new(),
            offset: 0,
            acts: 0,
            span: None,
            skip_locked: 0,
        })
    }

    /// The next page; what was shown before can no longer be acted on.
    ///
    /// # Errors
    /// `timeout`, `database`; `exhausted` for a row that is larger than a page may be.
    pub async fn next(&self) -> Result<Reading, Fault> {
        let reader = self.clone();
        self.context
            .work
            .run(async move { reader.turn().await })
            .await?
    }

    async fn turn(&self) -> Result<Reading, Fault> {
        let Some(inner) = &self.inner else {
            let suspended = self.context.state.lock().await.suspended;
            return Ok(match suspended.filter(|_| !self.context.rehearsal) {
                Some(reason) => Reading::Suspended(reason),
                None => Reading::Drained,
            });
        };
        let mut inner = inner.lock().await;
        let mut state = self.context.state.lock().await;
        inner.offset += inner.page.len() as u64;
        inner.page.clear();
        if inner.drained {
            return Ok(Reading::Drained);
        }
        let stop = due_to_stop(&self.context, &state);
        // A used up budget is no reason to read no more.
        if let Some(reason) = stop.filter(|reason| *reason != Suspension::RowBudget) {
            return Ok(suspend(&mut state, reason));
        }
        let plan = Arc::clone(&inner.plan);
        if inner.after.is_none() && plan.leaves_rows_off() {
            // For those to be counted after the run, also where nothing is done to any row.
            state.looks_at(inner.ordinal, &plan);
        }
        let rows = PAGE_ROWS.min(self.context.options.batch_size.max(1));
        let statement = plan.page(inner.after.as_ref(), rows, PAGE_BYTES)?;
        let shown = fetch(&self.context, &statement).await;
        let shown = match self.context.as_planned(&plan, shown).await {
            Err(fault) if schema::is_changed(&fault) => {
                return Ok(suspend(&mut state, Suspension::SchemaChanged));
            }
            shown => shown?,
        };
        if shown.is_empty() {
            inner.drained = true;
            return Ok(Reading::Drained);
        }
        if let Some(reason) = stop {
            return Ok(suspend(&mut state, reason));
        }
        let (page, picks, last) = taken_apart(&plan, shown, inner.offset)?;
        self.context.advance(picks.len() as u64);
        inner.after = last;
        inner.page = picks;
        Ok(Reading::Page(page))
    }

    /// Acts on rows of the page in hand that still match and still are what was shown.
    ///
    /// # Errors
    /// `invalid` for positions that the page does not have, `denied`, and what a batch may end with.
    pub async fn act(&self, change: Change) -> Result<Batch, Fault> {
        let reader = self.clone();
        self.context
            .work
            .run(async move { reader.change(change).await })
            .await?
    }

    async fn change(&self, change: Change) -> Result<Batch, Fault> {
        // It has shown no row.
        let Some(inner) = &self.inner else {
            return Ok(Batch::default());
        };
        let mut inner = inner.lock().await;
        let reads = inner.plan.request();
        let (request, places) = match change {
            Change::Delete(mut rows) => {
                rows.sort_unstable();
                rows.dedup();
                (reads.deleting(), rows)
            }
            Change::Update(rows) => updating(&inner.plan, inner.page.len(), rows)?,
        };
        let picks = places.iter().map(|place| {
            let row = usize::try_from(*place)
                .ok()
                .and_then(|at| inner.page.get(at));
            row.cloned()
                .ok_or_else(|| no_such_row(*place, inner.page.len()))
        });
        let picked = Picked {
            columns: inner.plan.seen(),
            rows: picks.collect::<Result<_, Fault>>()?,
            blocked_beside: 0,
            hold: Hold::Loose,
            windows: None,
        };
        if picked.rows.is_empty() {
            return Ok(Batch::default());
        }
        let context = &self.context;
        let history = context.state.lock().await.history.clone();
        let plans = changing(context, request.clone(), &history).await;
        context.note(&request, plans.as_ref().err()).await;
        let picked = Arc::new(picked);
        let plans = plans?;
        fraction::draw(context, &plans, false).await?;
        let plans: Vec<_> = plans
            .iter()
            .map(|plan| Arc::new(plan.with_picked(Arc::clone(&picked))))
            .collect();
        let Some(first) = plans.first().cloned() else {
            return Ok(Batch::default());
        };
        inner.acts += 1;
        let asks = Identity::of(&("reader", &request, inner.offset, inner.acts));
        let chains = Chained::of(&first, context.options.mode);
        let mut state = context.state.lock().await;
        let mut batches = Batches::new(Leaves::new(plans), first, inner.ordinal, asks);
        batches.span = match inner.span {
            Some(span) => batches.span.within(span),
            None => batches
                .span
                .knowing(state.checkpoint.span_of(inner.ordinal)),
        };
        batches.skip_locked = inner.skip_locked;
        batches.chains = chains;
        let done = run(context, &mut batches, &mut state).await;
        state.changed_by_choice(inner.ordinal, &inner.plan);
        inner.span = Some(batches.span);
        inner.skip_locked = batches.skip_locked;
        done
    }
}

/// Every batch that the named rows take; most often one.
async fn run(
    context: &RunContext,
    batches: &mut Batches,
    state: &mut State,
) -> Result<Batch, Fault> {
    let mut total = Batch::default();
    batches.go_on(Some(crate::sql::Cursor::default()));
    while !batches.is_done() {
        if batches.cursor.is_some() && batches.leaves.is_gone(&context.database).await? {
            let next = batches.leaves.pass();
            batches.go_on(next);
            continue;
        }
        if let Some(reason) = due_to_stop(context, state) {
            suspend(state, reason);
            break;
        }
        let left = context.options.max_rows - state.totals.changed();
        let plan = Arc::clone(&batches.plan);
        let left = left.min(state.up_to_the_line(&plan));
        if left == 0 {
            suspend(state, Suspension::MaxFraction);
            break;
        }
        context.held_back.lets_others_write().await;
        let began = Instant::now();
        let batch = match chained::turn(context, batches, state, left).await {
            Err(NoBatch::Suspended(reason)) => {
                suspend(state, reason);
                break;
            }
            Err(NoBatch::Failed(fault)) => return Err(context.explained(&plan, fault).await),
            Ok(done) => done.batch,
        };
        context.tell(&batch, began.elapsed());
        state.towards_the_line(&plan, batch.affected);
        state.totals += batch;
        state.batches += 1;
        total += batch;
    }
    // Later sweeps of a dry run do not know these rows as gone.
    state.estimated |= context.options.mode == Mode::DryRun && total.changed() > 0;
    Ok(total)
}

fn due_to_stop(context: &RunContext, state: &State) -> Option<Suspension> {
    if state.suspended == Some(Suspension::SchemaChanged) {
        return state.suspended;
    }
    let spent = state.totals.changed() >= context.options.max_rows;
    let stop = context.due_to_stop();
    stop.or_else(|| spent.then_some(Suspension::RowBudget))
}

fn suspend(state: &mut State, reason: Suspension) -> Reading {
    state.suspended.get_or_insert(reason);
    Reading::Suspended(reason)
}

/// The rows of a read-only statement. A connection that is lost is asked for again; a plugin that
/// looks before the run has a few seconds.
async fn fetch(context: &RunContext, statement: &Statement) -> Result<Vec<Cells>, DatabaseError> {
    /// With the pauses between them some seconds, which a fail-over takes.
    const ATTEMPTS: u32 = 6;
    let mut attempt = 0;
    loop {
        attempt += 1;
        match fetch_once(&context.database, statement, context.looks_only()).await {
            Err(error) if error.cause == Cause::ConnectionLost && attempt < ATTEMPTS => {
                let pause = Duration::from_millis(50 << attempt);
                context.pause(pause).await;
            }
            done => return done,
        }
    }
}

async fn fetch_once(
    database: &Database,
    statement: &Statement,
    briefly: bool,
) -> Result<Vec<Cells>, DatabaseError> {
    let limit = match briefly {
        true => LOOK_LIMIT,
        false => database.options().statement_timeout,
    };
    fetch_in_any_case(database, statement, limit).await
}
