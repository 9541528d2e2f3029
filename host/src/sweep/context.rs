//! What the sweeps of one run share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::checkpoint::Checkpoint;
use super::fraction::Line;
use super::held_back::HeldBack;
use super::inner::Inner;
use super::leaves::Leaves;
use super::remains::PassedOver;
use super::schema::Accepted;
use super::sought::FurtherOn;
use crate::catalog::{Catalog, TableId};
use crate::config::Fraction;
use crate::database::{Database, Work};
use crate::ledger::{Claimed, Fence};
use crate::request::{Batch, Fault, JobName, Mode, Parking, Request, RunId, Suspension, Timestamp};
use crate::scope::{Granted, Subject};
use crate::sql::Plan;

/// What a run is begun with.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Whether rows are changed.
    pub mode: Mode,
    /// Rows that a window spans.
    pub batch_size: u64,
    /// The run is suspended after this long.
    pub deadline: Duration,
    /// Rows that the run may change, dependents and cascades included.
    pub max_rows: u64,
    /// The part of a table that the run may change; `None`: all of it.
    pub max_fraction: Option<Fraction>,
    /// Cancelled when the run is to stop after the batch in hand.
    pub stop: CancellationToken,
    /// Why it is, said before that; nothing: the host shuts down.
    pub why: Arc<OnceLock<Parking>>,
}

impl RunOptions {
    /// Why the run is to stop, where it is.
    pub(super) fn asked_to_stop(&self) -> Option<Suspension> {
        let why = self.why.get().map(|parking| parking.why);
        let asked = self.stop.is_cancelled();
        asked.then(|| why.unwrap_or(Suspension::ShuttingDown))
    }
}

/// What the sweeps of one run share: the database and its catalog, the grant, the run's clock,
/// fence, budget and checkpoint.
#[derive(Debug)]
pub struct RunContext {
    pub(super) database: Database,
    pub(super) catalog: Arc<Catalog>,
    pub(super) granted: Arc<Granted>,
    pub(super) subject: Subject,
    pub(super) run: RunId,
    pub(super) now: Timestamp,
    pub(super) options: RunOptions,
    pub(super) ends: Instant,
    pub(super) work: Work,
    /// Sweeps are opened and answer `drained` at once: see [`RunContext::rehearsal`].
    pub(super) rehearsal: bool,
    /// Rows are only looked at: see [`RunContext::looking`].
    pub(super) looking: bool,
    pub(super) state: Mutex<State>,
    pub(super) held_back: HeldBack,
    pub(super) accepted: Accepted,
    progress: AtomicU64,
    owes_a_batch: AtomicBool,
    watcher: OnceLock<Watcher>,
}

/// What is called with each batch and the time that it took.
pub type Watch = dyn Fn(&Batch, Duration) + Send + Sync;

struct Watcher(Box<Watch>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

/// What a batch changes of the run, held by one batch at a time.
#[derive(Debug)]
pub(super) struct State {
    pub(super) fence: Fence,
    pub(super) checkpoint: Checkpoint,
    pub(super) totals: Batch,
    pub(super) batches: u64,
    /// Sweeps opened so far: the next one's ordinal.
    pub(super) opened: usize,
    /// Requests that could not be opened, and were not opened later.
    /// By their hashes: a guest may try any number of large ones.
    pub(super) refused: BTreeSet<String>,
    /// In a rehearsal the same with the reasons, which a run tells its guest and needs no more.
    pub(super) told: Vec<(Request, Fault)>,
    /// What was read before the run, by the hashes of the requests.
    pub(super) looked: BTreeMap<String, Arc<Plan>>,
    /// Sweeps that came to their end.
    pub(super) ended: usize,
    /// Their tables, for the dry runs after them.
    pub(super) drained: Vec<Arc<Plan>>,
    /// What there is to verify, by the ordinal of the sweep or reader.
    pub(super) finished: BTreeMap<usize, Ended>,
    /// The tables of sweeps that have not come to their end, by ordinal.
    pub(super) under_way: BTreeMap<usize, Vec<Arc<Plan>>>,
    /// Rows passed over so far, by the sweep's ordinal.
    pub(super) passed_over: BTreeMap<usize, PassedOver>,
    /// Rows that the database has refused on this host, by the sweep's ordinal.
    pub(super) refusals: BTreeMap<usize, u64>,
    /// Dry run: the sweeps of earlier jobs and of this one.
    pub(super) history: Vec<Arc<Plan>>,
    /// Some dry-run count rests on rows that an unfinished sweep would have left otherwise.
    pub(super) estimated: bool,
    /// Blocked rows by the table whose rows hold them.
    pub(super) blocked_by: BTreeMap<String, u64>,
    /// By the sweep's ordinal: rows that wait for others which were not looked for.
    pub(super) further_on: BTreeMap<usize, FurtherOn>,
    /// How far the run may go in each table, where a part of it is the limit.
    pub(super) lines: BTreeMap<TableId, Line>,
    /// The reason of the first suspension, if any.
    pub(super) suspended: Option<crate::request::Suspension>,
    /// The grant refused something.
    pub(super) denied: bool,
}

/// A sweep that came to its end, or a reader whose rows were changed.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The table that was asked for.
    pub table: String,
    /// That table, or the leaves of a partitioned one; none where rows were chosen by reading them.
    pub plans: Vec<Arc<Plan>>,
    /// What was read, where rows were chosen by reading them.
    pub read: Vec<Arc<Plan>>,
    /// Rows were only looked at, and none changed.
    pub only_looked: bool,
    /// Rows that it met and did not take.
    pub passed: PassedOver,
}

/// What a run did, as its sweeps saw it.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The sum over the batches of this host's part of the run.
    pub totals: Batch,
    /// Batches, likewise.
    pub batches: u64,
    /// The fence as the last batch left it.
    pub fence: Fence,
    /// The plans of the sweeps that came to their end.
    pub drained: Vec<Arc<Plan>>,
    /// Those sweeps, and the readers whose rows were changed, for verification.
    pub ended: Vec<Ended>,
    /// Before the run: what the plugin counted and read.
    pub looked: Vec<Arc<Plan>>,
    /// The history for the next dry run.
    pub history: Vec<Arc<Plan>>,
    /// Dry-run counts are estimates.
    pub estimated: bool,
    /// Blocked rows by the table whose rows hold them; a row that several hold counts for each.
    pub blocked_by: BTreeMap<String, u64>,
    /// Tables of which a row that stays holds others by a key of the table itself.
    pub hold_each_other: BTreeSet<String>,
    /// Rows that wait for others which the run did not come to look for, by sweep.
    pub further_on: Vec<FurtherOn>,
    /// Milliseconds that the run was held back, by reason, on every host that had it.
    pub throttled: BTreeMap<String, u64>,
    /// The same of this host's part alone.
    pub held_back: BTreeMap<&'static str, Duration>,
    /// Why a sweep was suspended, if one was.
    pub suspended: Option<crate::request::Suspension>,
    /// A sweep was opened and left before its end, with no word from the host, or was not opened.
    pub unfinished: bool,
    /// In a rehearsal: requests that could not be opened, and were not opened later, and why.
    pub refused: Vec<(Request, Fault)>,
    /// The grant refused something.
    pub denied: bool,
}

impl State {
    /// Nothing of the next sweep has been done by a host before this one.
    pub(super) fn begins_anew(&self) -> bool {
        self.checkpoint.is_new_to(self.opened)
    }

    /// Notes that a sweep has come to its end.
    pub(super) fn ended(&mut self, ordinal: usize, leaves: &Leaves) {
        self.ended += 1;
        self.under_way.remove(&ordinal);
        self.drained.extend(leaves.all().iter().cloned());
        if let Some(plan) = leaves.all().first() {
            self.finish(ordinal, plan, leaves.all().to_vec(), Vec::new());
        }
    }

    /// Tables of the run's sweeps whose rows are blocked by others of their own.
    fn hold_each_other(&self) -> BTreeSet<String> {
        let plans = self.drained.iter().chain(self.under_way.values().flatten());
        plans
            .filter(|plan| plan.is_chained())
            .map(|plan| plan.catalog.spelling(&plan.table().id))
            .filter(|own| self.blocked_by.get(own).is_some_and(|rows| *rows > 0))
            .collect()
    }

    /// Notes what a sweep that is suspended knows of rows that wait for others.
    pub(super) fn leaves_further_on(&mut self, inner: &Inner) {
        if let Some(further_on) = inner.further_on() {
            self.further_on.insert(inner.ordinal, further_on);
        }
    }

    /// Notes that rows of a page were changed.
    pub(super) fn changed_by_choice(&mut self, ordinal: usize, plan: &Plan) {
        let read = Plan {
            picked: None,
            ..plan.clone()
        };
        self.finish(ordinal, plan, Vec::new(), vec![Arc::new(read)]);
    }

    /// A reader has begun that leaves off what it cannot read.
    pub(super) fn looks_at(&mut self, ordinal: usize, plan: &Arc<Plan>) {
        self.finish(ordinal, plan, Vec::new(), vec![Arc::clone(plan)]);
        if let Some(ended) = self.finished.get_mut(&ordinal) {
            ended.only_looked = true;
        }
    }

    fn finish(&mut self, ordinal: usize, plan: &Plan, plans: Vec<Arc<Plan>>, read: Vec<Arc<Plan>>) {
        let table = plan.authorized.root().map_or(plan.table(), |root| root);
        let ended = Ended {
            table: plan.catalog.spelling(&table.id),
            plans,
            read,
            only_looked: false,
            passed: self.passed_over.get(&ordinal).copied().unwrap_or_default(),
        };
        self.finished.insert(ordinal, ended);
    }
}

impl RunContext {
    /// The shared part of a run that has been claimed.
    pub fn new(
        database: Database,
        catalog: Arc<Catalog>,
        granted: Arc<Granted>,
        subject: Subject,
        claimed: &Claimed,
        history: Vec<Arc<Plan>>,
        options: RunOptions,
    ) -> Arc<Self> {
        let checkpoint = match &claimed.suspended {
            Some(suspended) => Checkpoint::after(Checkpoint::parse(suspended)),
            None => Checkpoint::parse(&claimed.checkpoint),
        };
        let (fence, now) = (claimed.fence, claimed.now);
        Arc::new(Self {
            database,
            catalog,
            granted,
            subject,
            run: fence.run,
            now,
            ends: Instant::now() + options.deadline,
            options,
            work: Work::default(),
            rehearsal: false,
            looking: false,
            accepted: Accepted::default(),
            held_back: HeldBack::after(checkpoint.throttled.clone()),
            state: Mutex::new(State {
                fence,
                blocked_by: checkpoint.blocked_by.clone(),
                passed_over: checkpoint.passed_over.clone(),
                refusals: BTreeMap::new(),
                further_on: BTreeMap::new(),
                lines: BTreeMap::new(),
                checkpoint,
                totals: Batch::default(),
                batches: 0,
                opened: 0,
                refused: BTreeSet::new(),
                ended: 0,
                looked: BTreeMap::new(),
                drained: Vec::new(),
                finished: BTreeMap::new(),
                under_way: BTreeMap::new(),
                told: Vec::new(),
                history,
                estimated: false,
                suspended: None,
                denied: false,
            }),
            progress: AtomicU64::new(0),
            owes_a_batch: AtomicBool::new(false),
            watcher: OnceLock::new(),
        })
    }

    /// The job.
    pub fn job(&self) -> &JobName {
        &self.subject.job
    }

    /// The run.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The run's clock: the database's when the run began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Rows examined so far, for a progress bar.
    pub fn examined(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Why the run is to stop where it is, by its time or because somebody says so.
    pub(super) fn due_to_stop(&self) -> Option<Suspension> {
        let late = self.is_late() && !self.owes_a_batch.load(Ordering::Relaxed);
        let asked = self.options.asked_to_stop();
        asked.or_else(|| late.then_some(Suspension::Deadline))
    }

    pub(super) fn is_late(&self) -> bool {
        Instant::now() >= self.ends
    }

    /// Whether a batch is to be tried though the deadline is over: a run whose time goes by while its sweep is opened
    /// would never get on.
    pub(super) fn owes_a_batch(&self, owes: bool) {
        self.owes_a_batch.store(owes, Ordering::Relaxed);
    }

    /// A pause before another attempt, as long as the run is not to stop.
    pub(super) async fn pause(&self, pause: Duration) {
        let left = self.ends.saturating_duration_since(Instant::now());
        let stop = self.options.stop.cancelled();
        self.held_back.pause(pause.min(left), stop).await;
    }

    /// Has each batch from now on told, besides the ledger, to one who counts.
    pub fn watch(&self, watch: Box<Watch>) {
        // Whoever came first goes on.
        let _ = self.watcher.set(Watcher(watch));
    }

    /// Notes that the run was held back before it began, for one of the reasons of this room.
    pub fn hold_back(&self, reason: &'static str, time: Duration) {
        self.held_back.add(reason, time);
    }

    pub(super) fn tell(&self, batch: &Batch, took: Duration) {
        if let Some(Watcher(watch)) = self.watcher.get() {
            watch(batch, took);
        }
    }

    pub(super) fn advance(&self, examined: u64) {
        self.progress.fetch_add(examined, Ordering::Relaxed);
    }

    /// Waits for every piece of database work, also that of guest calls that were dropped, and
    /// answers what the run did. Nothing of the run commits after this.
    pub async fn settle(&self) -> Progress {
        self.work.finished().await;
        let state = self.state.lock().await;
        Progress {
            totals: state.totals,
            batches: state.batches,
            fence: state.fence,
            drained: state.drained.clone(),
            ended: state.finished.values().cloned().collect(),
            looked: state.looked.values().cloned().collect(),
            history: state.history.clone(),
            estimated: state.estimated,
            blocked_by: state.blocked_by.clone(),
            hold_each_other: state.hold_each_other(),
            further_on: state.further_on.values().cloned().collect(),
            throttled: self.held_back.altogether(),
            held_back: self.held_back.here(),
            suspended: state.suspended,
            refused: state.told.clone(),
            unfinished: state.opened > state.ended || !state.refused.is_empty(),
            denied: state.denied,
        }
    }
}
