//! One batch: the window, the transaction, the bookkeeping.

use super::checkpoint::Checkpoint;
use super::context::State;
use super::retry::{Retries, Verdict};
use super::windows::{next_window, size};
use super::{Inner, RunContext, examined_only};
use crate::catalog::Dialect;
use crate::database::{Cause, DatabaseError, Session, Statement};
use crate::ledger::{self, Fence, Record, Recorded, batch_of, recorded, write_fence, write_record};
use crate::request::{Batch, Fault, Mode, Problem};
use crate::sql::{Cursor, Keys, Technique, Window};

/// Why an attempt at a batch did not commit.
pub(super) enum Failed {
    /// The fence's UPDATE found no row.
    Fenced,
    /// The database refused or was not there.
    Database(DatabaseError),
    /// The request cannot be carried out.
    Request(Fault),
}

impl From<DatabaseError> for Failed {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Request(fault)
    }
}

/// What is in hand while a batch is tried, perhaps several times.
struct Attempt<'a> {
    context: &'a RunContext,
    inner: &'a Inner,
    fence: Fence,
    checkpoint: &'a Checkpoint,
    technique: Technique,
    size: u64,
    left: u64,
    /// The row in the way is passed over and counted as blocked.
    pass_over: bool,
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
    let checkpoint = state.checkpoint.clone();
    let mut retries = Retries::default();
    let mut size = size(context);
    let mut technique = inner.technique;
    let mut pass_over = false;
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
            Ok((batch, next)) => {
                moved_on(context, inner, state, next.as_ref());
                inner.one_window_on();
                return Ok((batch, next));
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
                tokio::time::sleep(pause).await;
            }
            Verdict::PassOver => pass_over = true,
            Verdict::AskLedger { pause } => {
                tokio::time::sleep(pause).await;
                match context.database.session().await {
                    Ok(mut session) => match recorded(&mut session, &state.fence).await {
                        Ok(Recorded::Mine { batch, checkpoint }) => {
                            let stored = Checkpoint::parse(&checkpoint);
                            let next = stored.resume(inner.ordinal, &inner.hash);
                            moved_on(context, inner, state, next.as_ref());
                            return Ok((batch, next));
                        }
                        Ok(Recorded::Lost) => return Err(lease_lost(context)),
                        Ok(Recorded::NotYet) | Err(_) => {}
                    },
                    Err(error) => tracing::debug!(%error, "the ledger does not answer"),
                }
            }
            Verdict::GiveUp => {
                return Err(match failed {
                    Failed::Fenced => lease_lost(context),
                    Failed::Database(error) => error.into(),
                    Failed::Request(fault) => fault,
                });
            }
        }
    }
}

/// Takes over what a committed batch has changed.
fn moved_on(context: &RunContext, inner: &Inner, state: &mut State, next: Option<&Cursor>) {
    if context.options.mode == Mode::Apply {
        state.fence.seq += 1;
        state.checkpoint = state.checkpoint.with(inner.ordinal, &inner.hash, next);
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
    async fn run(&self, cursor: &Cursor) -> Result<(Batch, Option<Cursor>), Failed> {
        let mut session = self.context.database.session().await?;
        match (self.context.options.mode, session.dialect()) {
            (Mode::DryRun, _) => self.look(&mut session, cursor).await,
            (Mode::Apply, Dialect::Sqlite) => {
                let limit = self.context.database.options().statement_timeout;
                session.limit_sqlite_statements(Some(limit)).await?;
                let done = self.sqlite(&mut session, cursor).await;
                session.limit_sqlite_statements(None).await?;
                done
            }
            (Mode::Apply, Dialect::Postgres) => match self.technique {
                Technique::OneStatement => self.one_statement(&mut session, cursor).await,
                Technique::LockThenCheck => self.lock_then_check(&mut session, cursor).await,
            },
        }
    }

    async fn window(&self, session: &mut Session, cursor: &Cursor) -> Result<Window, Fault> {
        next_window(session, &self.inner.plan, cursor, self.size, self.left).await
    }

    /// The checkpoint as it stands once this batch has committed.
    fn checkpoint_after(&self, window: &Window) -> String {
        self.checkpoint
            .with(self.inner.ordinal, &self.inner.hash, window.next.as_ref())
            .to_json()
    }

    async fn one_statement(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Option<Cursor>), Failed> {
        let window = self.window(session, cursor).await?;
        let checkpoint = self.checkpoint_after(&window);
        let fence = self.fence;
        let statement = self.inner.plan.one_statement(
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
            Some(row) => Ok((batch_of(row, 0), window.next)),
            None => Err(Failed::Fenced),
        }
    }

    async fn lock_then_check(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Option<Cursor>), Failed> {
        /// A host that hangs between two statements must not hold rows for longer than this.
        const IDLE: &str = "10s";
        let window = self.window(session, cursor).await?;
        let checkpoint = self.checkpoint_after(&window);
        let lock_timeout = self.context.database.options().lock_timeout.as_millis();
        session
            .begin(&format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {lock_timeout}; \
                 SET LOCAL idle_in_transaction_session_timeout = '{IDLE}'"
            ))
            .await?;
        let done = self.locked_batch(session, &window, &checkpoint).await;
        let batch = finish(session, done).await?;
        Ok((batch, window.next))
    }

    async fn locked_batch(
        &self,
        session: &mut Session,
        window: &Window,
        checkpoint: &str,
    ) -> Result<Batch, Failed> {
        let plan = &self.inner.plan;
        raise_fence(session, &self.fence, checkpoint).await?;
        let mut keys: Vec<Vec<String>> = Vec::new();
        let mut locked = 0;
        for row in session.fetch(&plan.look_and_lock(window)?).await? {
            let mut cells = row.0;
            let held = cells.pop().and_then(|cell| cell.as_integer());
            if held == Some(1) {
                keys.push(
                    cells
                        .iter()
                        .map(|c| c.as_text().unwrap_or_default().to_owned())
                        .collect(),
                );
            } else {
                locked += 1;
            }
        }
        if !keys.is_empty() {
            for statement in plan.lock_tied(&columns(&keys))? {
                let dropped: std::collections::BTreeSet<Vec<String>> = session
                    .fetch(&statement)
                    .await?
                    .into_iter()
                    .map(|row| {
                        row.0
                            .iter()
                            .map(|c| c.as_text().unwrap_or_default().to_owned())
                            .collect()
                    })
                    .collect();
                // A parent may hang on several relations: it is dropped, and counted, once.
                let before = keys.len();
                keys.retain(|key| !dropped.contains(key));
                locked += (before - keys.len()) as u64;
                if keys.is_empty() {
                    break;
                }
            }
        }
        if self.pass_over {
            let batch = Batch {
                blocked: keys.len() as u64,
                ..examined_only(self.size)
            };
            return self.record_counted(session, batch).await;
        }
        let width = plan.table().primary_key.len();
        let keys = if keys.is_empty() {
            vec![Vec::new(); width]
        } else {
            columns(&keys)
        };
        let fence = self.fence;
        let statement = plan.delete_kept(window, &keys, locked, |w| {
            w.push(", record AS (");
            write_record(w, &fence, Record::Tally { from: "tally" });
            w.push(")");
        })?;
        Ok(batch_of(&session.fetch_one(&statement).await?, 0))
    }

    async fn sqlite(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Option<Cursor>), Failed> {
        let window = self.window(session, cursor).await?;
        let checkpoint = self.checkpoint_after(&window);
        session.begin("BEGIN IMMEDIATE").await?;
        let done = self.sqlite_batch(session, &window, &checkpoint).await;
        let batch = finish(session, done).await?;
        Ok((batch, window.next))
    }

    async fn sqlite_batch(
        &self,
        session: &mut Session,
        window: &Window,
        checkpoint: &str,
    ) -> Result<Batch, Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        let plan = &self.inner.plan;
        let counts = session.fetch_one(&plan.tally(window, false)?).await?;
        let mut batch = batch_of(&counts, 0);
        if self.pass_over {
            batch = Batch {
                blocked: 1,
                ..examined_only(batch.examined)
            };
        } else {
            batch.affected = session.execute(&plan.delete_window(window)?).await?;
        }
        self.record_counted(session, batch).await
    }

    async fn record_counted(&self, session: &mut Session, batch: Batch) -> Result<Batch, Failed> {
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
    ) -> Result<(Batch, Option<Cursor>), Failed> {
        match session.dialect() {
            Dialect::Postgres => session.begin("BEGIN READ ONLY").await?,
            Dialect::Sqlite => session.begin("BEGIN; PRAGMA query_only = ON").await?,
        }
        // An error leaves the transaction open, and the session takes its connection with it.
        let window = self.window(session, cursor).await?;
        let row = session
            .fetch_one(&self.inner.plan.tally(&window, true)?)
            .await?;
        session.rollback().await?;
        if session.dialect() == Dialect::Sqlite {
            session.run_script("PRAGMA query_only = OFF").await?;
        }
        Ok((batch_of(&row, 0), window.next))
    }
}

async fn raise_fence(session: &mut Session, fence: &Fence, checkpoint: &str) -> Result<(), Failed> {
    let mut w = Statement::new(session.dialect());
    ledger::write_fence(&mut w, fence, checkpoint);
    match session.fetch(&w).await?.is_empty() {
        true => Err(Failed::Fenced),
        false => Ok(()),
    }
}

/// Commits what went well; a failed COMMIT is a failed batch.
async fn finish<T>(session: &mut Session, done: Result<T, Failed>) -> Result<T, Failed> {
    match done {
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(failed) => {
            let lost =
                matches!(&failed, Failed::Database(error) if error.cause == Cause::ConnectionLost);
            if !lost {
                // If this fails too, the session takes its connection with it.
                let _ = session.rollback().await;
            }
            Err(failed)
        }
    }
}

/// Rows of keys, turned to one list a column.
fn columns(rows: &[Vec<String>]) -> Keys {
    let width = rows.first().map_or(0, Vec::len);
    (0..width)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column).cloned())
                .collect()
        })
        .collect()
}
