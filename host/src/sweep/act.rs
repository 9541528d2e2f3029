//! One batch: the window, the transaction, the bookkeeping.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::chained::{self, Told};
use super::checkpoint::Checkpoint;
use super::context::State;
use super::remains::PassedOver;
use super::retry::{InTheWay, Retries, Verdict};
use super::transaction::Failed;
use super::windows::{next_window, size};
use super::{Inner, RunContext, networks};
use crate::catalog::Dialect;
use crate::database::{DatabaseError, Session, Statement};
use crate::ledger::{Fence, Record, Recorded, batch_of, recorded, write_fence, write_record};
use crate::request::{Batch, Fault, Mode, Problem};
use crate::sql::{Cursor, Plan, Technique, Window, forget_picked};

/// A batch that went well.
struct Done {
    batch: Batch,
    next: Option<Cursor>,
    blocked_by: BTreeMap<String, u64>,
    told: Told,
}

/// What is in hand while a batch is tried, perhaps several times.
pub(super) struct Attempt<'a> {
    pub(super) context: &'a RunContext,
    pub(super) inner: &'a Inner,
    pub(super) fence: Fence,
    checkpoint: &'a Checkpoint,
    technique: Technique,
    pub(super) size: u64,
    left: u64,
    /// The row in the way is passed over and counted as blocked.
    pub(super) pass_over: Option<InTheWay>,
}

/// Runs one batch from `cursor`, with the retries that its failures call for, and answers its
/// counts and where the sweep stands; `None`: at the end.
pub(super) async fn act(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Option<Cursor>), Fault> {
    let checkpoint = state.checkpoint_with_lines();
    let mut retries = Retries::default();
    let mut size = size(context).min(inner.span);
    let mut technique = inner.technique();
    let mut pass_over = None;
    loop {
        let attempt = Attempt {
            context,
            inner,
            fence: state.fence,
            checkpoint: &checkpoint,
            technique,
            size,
            left,
            pass_over,
        };
        let failed = match attempt.run(cursor).await {
            Ok(done) => {
                for (table, rows) in done.blocked_by {
                    *state.blocked_by.entry(table).or_default() += rows;
                }
                let passed = passed_over(done.batch, pass_over);
                let told = !done.told.is_empty();
                moved_on(context, inner, state, done.next.as_ref(), told, passed);
                inner.tell(done.told);
                inner.one_window_on();
                inner.weigh(size, done.batch);
                return Ok((done.batch, done.next));
            }
            Err(failed) => failed,
        };
        match retries.after(&failed, technique, inner.skip_locked > 0, size) {
            Verdict::SkipLocked => inner.met_a_lock(),
            Verdict::Lock => technique = Technique::LockThenCheck,
            Verdict::Smaller {
                size: smaller,
                pause,
            } => {
                size = smaller;
                context.held_back.pause(pause).await;
            }
            Verdict::PassOver(what) if pass_over.is_none() && inner.may_pass_over(what) => {
                tracing::warn!(why = %failed, "one row is passed over");
                technique = Technique::LockThenCheck;
                pass_over = Some(what);
            }
            Verdict::AskLedger { pause } => {
                context.held_back.pause(pause).await;
                match context.database.session().await {
                    Ok(mut session) => match recorded(&mut session, &state.fence).await {
                        Ok(Recorded::Mine { batch, checkpoint }) => {
                            let stored = Checkpoint::parse(&checkpoint);
                            // What hangs together has to be told again.
                            let next = match inner.chains.is_some() || inner.stands.is_some() {
                                true => Some(cursor.clone()),
                                false => stored.resume(inner.ordinal, &inner.hash),
                            };
                            let passed = passed_over(batch, pass_over);
                            moved_on(context, inner, state, next.as_ref(), true, passed);
                            return Ok((batch, next));
                        }
                        Ok(Recorded::Lost) => return Err(lease_lost(context)),
                        Ok(Recorded::NotYet) | Err(_) => {}
                    },
                    Err(error) => tracing::debug!(%error, "the ledger does not answer"),
                }
            }
            Verdict::PassOver(_) | Verdict::GiveUp => {
                return Err(match failed {
                    Failed::Fenced => lease_lost(context),
                    Failed::Database(error) => error.into(),
                    Failed::Request(fault) => fault,
                });
            }
        }
    }
}

/// Rows of the batch that would have gone, had they not been in the way.
fn passed_over(batch: Batch, in_the_way: Option<InTheWay>) -> PassedOver {
    let (refused, blocked) = match in_the_way {
        Some(_) => (batch.blocked, 0),
        None => (0, batch.blocked),
    };
    PassedOver {
        locked: batch.locked,
        refused,
        blocked,
    }
}

/// Takes over what a committed batch has changed.
fn moved_on(
    context: &RunContext,
    inner: &Inner,
    state: &mut State,
    next: Option<&Cursor>,
    told: bool,
    passed: PassedOver,
) {
    *state.passed_over.entry(inner.ordinal).or_default() += passed;
    if context.options.mode == Mode::Apply {
        state.fence.seq += 1;
        let next = inner.stands_at(next, told);
        let (ordinal, hash) = (inner.ordinal, &inner.hash);
        state.checkpoint = state.checkpoint.with(ordinal, hash, next.as_ref());
        state.checkpoint.blocked_by.clone_from(&state.blocked_by);
        state.checkpoint.passed_over.clone_from(&state.passed_over);
        state.checkpoint.throttled = context.held_back.altogether();
    }
}

fn lease_lost(context: &RunContext) -> Fault {
    Fault::Other(Problem::new(
        "lease-lost",
        format!(
            "run {} was taken over by another host or ended; this host stops without a further change",
            context.run
        ),
    ))
}

impl Attempt<'_> {
    async fn run(&self, cursor: &Cursor) -> Result<Done, Failed> {
        let mut session = self.context.database.session().await?;
        let noted = session.dialect() == Dialect::Sqlite && self.inner.plan.picked.is_some();
        if noted {
            for statement in self.inner.plan.note_picked()? {
                session.execute(&statement).await?;
            }
        }
        let (batch, window, told) = match (self.context.options.mode, session.dialect()) {
            (Mode::DryRun, _) => self.look(&mut session, cursor).await?,
            (Mode::Apply, Dialect::Sqlite) => {
                let limit = self.context.database.options().statement_timeout;
                session.limit_sqlite_statements(Some(limit)).await?;
                let done = self.sqlite(&mut session, cursor).await;
                session.limit_sqlite_statements(None).await?;
                done?
            }
            (Mode::Apply, Dialect::Postgres) => match self.technique {
                Technique::OneStatement => {
                    let (batch, window) = self.one_statement(&mut session, cursor).await?;
                    (batch, window, Told::new())
                }
                Technique::LockThenCheck => self.lock_then_check(&mut session, cursor).await?,
            },
        };
        let blocked_by = match batch.blocked {
            0 => BTreeMap::new(),
            blocked => self.blocked_by(&mut session, &window, blocked).await,
        };
        if noted {
            for statement in forget_picked() {
                session.execute(&statement).await?;
            }
        }
        Ok(Done {
            batch,
            next: window.next,
            blocked_by,
            told,
        })
    }

    /// Blocked rows by the table that holds them. The batch stands whatever comes of this.
    async fn blocked_by(
        &self,
        session: &mut Session,
        window: &Window,
        blocked: u64,
    ) -> BTreeMap<String, u64> {
        if let Some(what) = self.pass_over {
            return BTreeMap::from([(what.as_str().to_owned(), 1)]);
        }
        if self.inner.stands.is_some() || self.inner.closes.is_some() {
            let plan = &self.inner.plan;
            let own = plan.catalog.spelling(&plan.table().id);
            return BTreeMap::from([(own, blocked)]);
        }
        let mut by_table = BTreeMap::new();
        let rows = match self.inner.plan.blocked_by(window) {
            Ok(statement) => session.fetch(&statement).await,
            Err(fault) => Err(DatabaseError::other(
                &fault.problem().code,
                fault.to_string(),
            )),
        };
        match rows {
            Ok(rows) => {
                for row in rows.iter().filter(|row| row.get(1).as_count() > 0) {
                    let table = row.get(0).as_text().unwrap_or_default().to_owned();
                    *by_table.entry(table).or_default() += row.get(1).as_count();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "what holds the blocked rows could not be told")
            }
        }
        by_table
    }

    pub(super) async fn window(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<Window, Failed> {
        let inner = self.inner;
        let mut window = match &inner.plan.picked {
            Some(picked) => picked.window(cursor, self.size.min(self.left)),
            None => next_window(session, &inner.plan, cursor, self.size, self.left).await?,
        };
        if inner.plan.picked.is_some() && !inner.leaves.at_the_first() {
            // Each leaf is searched for the same rows.
            window.examined = Some(0);
        }
        window.next = inner.leaves.onward(window.next);
        Ok(window)
    }

    /// The plan with the addresses of this window, where it assigns networks. An address that
    /// changes after this is left to the next run.
    pub(super) async fn with_networks(
        &self,
        session: &mut Session,
        window: &Window,
    ) -> Result<Cow<'_, Plan>, Failed> {
        let plan = &self.inner.plan;
        Ok(match networks::read(session, plan, Some(window)).await? {
            None => Cow::Borrowed(plan),
            Some(known) => Cow::Owned(plan.with_networks(known)),
        })
    }

    /// The checkpoint as it stands once this batch has committed.
    pub(super) fn checkpoint_after(&self, window: &Window, told: &Told) -> String {
        let next = self.inner.stands_at(window.next.as_ref(), !told.is_empty());
        self.checkpoint
            .with(self.inner.ordinal, &self.inner.hash, next.as_ref())
            .to_json()
    }

    async fn one_statement(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Window), Failed> {
        let window = self.window(session, cursor).await?;
        let checkpoint = self.checkpoint_after(&window, &Told::new());
        let fence = self.fence;
        let plan = self.with_networks(session, &window).await?;
        let statement = plan.one_statement(
            &window,
            self.inner.skip_locked > 0,
            |w| {
                w.push("fence AS (");
                write_fence(w, &fence, &checkpoint);
                w.push(")");
            },
            |w| {
                w.push(", record AS (");
                write_record(
                    w,
                    &fence,
                    Record::Tally {
                        from: "fence, tally",
                    },
                );
                w.push(")");
            },
        )?;
        match session.fetch(&statement).await?.first() {
            Some(row) => Ok((batch_of(row, 0), window)),
            None => Err(Failed::Fenced),
        }
    }

    pub(super) async fn record_counted(
        &self,
        session: &mut Session,
        batch: Batch,
    ) -> Result<Batch, Failed> {
        let at = self.context.database.now().await?;
        let mut w = Statement::new(session.dialect());
        write_record(&mut w, &self.fence, Record::Counted { batch, at });
        session.execute(&w).await?;
        Ok(batch)
    }

    /// A dry run's batch: the same window and condition, in a transaction that cannot write.
    async fn look(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Window, Told), Failed> {
        match session.dialect() {
            Dialect::Postgres => session.begin("BEGIN READ ONLY").await?,
            Dialect::Sqlite => session.begin("BEGIN; PRAGMA query_only = ON").await?,
        }
        // An error leaves the transaction open, and the session takes its connection with it.
        let window = self.window(session, cursor).await?;
        let plan = self.with_networks(session, &window).await?;
        let told = self.links(session, &plan, &window).await?;
        let mut batch = batch_of(&session.fetch_one(&plan.tally(&window, true)?).await?, 0);
        batch.blocked += self.inner.closes.unwrap_or(0);
        session.rollback().await?;
        if session.dialect() == Dialect::Sqlite {
            session.run_script("PRAGMA query_only = OFF").await?;
        }
        Ok((batch, window, told))
    }

    /// What of a window hangs together, where anything may.
    pub(super) async fn links(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
    ) -> Result<Told, Failed> {
        match self.inner.chains.is_some() && self.pass_over.is_none() {
            true => chained::ask(session, plan, window).await,
            false => Ok(Told::new()),
        }
    }
}
