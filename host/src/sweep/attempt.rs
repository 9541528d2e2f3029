//! One attempt at a batch: the window, the transaction, the ledger's row.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::careful::Tried;
use super::chained;
use super::checkpoint::Checkpoint;
use super::inner::Inner;
use super::links::Told;
use super::lost::{InHand, Known};
use super::retry::InTheWay;
use super::schema::premises_hold;
use super::transaction::Failed;
use super::windows::next_window;
use super::{RunContext, examined_only, networks};
use crate::catalog::Dialect;
use crate::database::{DatabaseError, Session, Statement};
use crate::ledger::{Fence, Record, batch_of, write_fence_if, write_record};
use crate::request::{Batch, Mode};
use crate::sql::{Cursor, Plan, Technique, Window, forget_picked};

/// A batch that went well.
pub(super) struct Done {
    pub(super) batch: Batch,
    pub(super) next: Option<Cursor>,
    pub(super) blocked_by: BTreeMap<String, u64>,
    /// Of a row that is being taken apart: parts of which nothing is left.
    pub(super) gone_before: usize,
    pub(super) told: Told,
    /// Where rows were tried piece by piece: how that went.
    pub(super) tried: Option<Tried>,
}

/// How a window is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As it is, if not too much goes along.
    Weighed,
    /// As it is.
    Whole,
    /// Piece by piece, if not too much goes along: the database refuses some of the rows.
    Carefully,
    /// One row: so many of the rows that hang on it at most.
    Apart(u64),
    /// One row: not at all, and it counts as blocked.
    PassOver(InTheWay),
}

/// What is in hand while a batch is tried, perhaps several times.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) context: &'a RunContext,
    pub(super) inner: &'a Inner,
    pub(super) fence: Fence,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) technique: Technique,
    pub(super) size: u64,
    /// Swept rows that may still go, in this run or in this table.
    pub(super) left: u64,
    /// Rows of any table that this run may still change.
    pub(super) budget: u64,
    pub(super) way: Way,
    pub(super) in_hand: &'a InHand,
}

impl Attempt<'_> {
    /// The row in the way is passed over and counted as blocked.
    pub(super) fn pass_over(&self) -> Option<InTheWay> {
        match self.way {
            Way::PassOver(what) => Some(what),
            _ => None,
        }
    }

    /// Blocked rows of a batch that passes its row over: that one, or those that go with it or not at all, and those
    /// that it was found among.
    pub(super) fn blocked_with_it(&self, window: &Window) -> u64 {
        let Some(picked) = &self.inner.plan.picked else {
            return 1;
        };
        let rows = picked.rows.get(picked.places(window)).unwrap_or_default();
        let due = rows.iter().filter(|row| !row.rides).count() as u64;
        due.max(1) + picked.blocked_beside
    }

    pub(super) async fn run(&self, cursor: &Cursor) -> Result<Done, Failed> {
        self.inner.beside.store(0, Ordering::Relaxed);
        let mut session = self.context.database.session().await?;
        let noted = session.dialect() == Dialect::Sqlite && self.inner.plan.picked.is_some();
        if noted {
            for statement in self.inner.plan.note_picked()? {
                session.execute(&statement).await?;
            }
        }
        let done = match (self.context.options.mode, session.dialect()) {
            (Mode::DryRun, _) => {
                let (batch, window, told) = self.look(&mut session, cursor).await?;
                self.done(&mut session, batch, window, told).await
            }
            (Mode::Apply, Dialect::Sqlite) => {
                let limit = self.context.database.options().statement_timeout;
                session.limit_sqlite_statements(Some(limit)).await?;
                session.watch_sqlite_rows(self.inner.plan.watched()).await?;
                let done = self.apply(&mut session, cursor).await;
                self.context.held_back.wrote(session.wrote());
                session.watch_no_sqlite_rows().await?;
                session.limit_sqlite_statements(None).await?;
                done?
            }
            (Mode::Apply, Dialect::Postgres) => self.apply(&mut session, cursor).await?,
        };
        if noted {
            for statement in forget_picked() {
                session.execute(&statement).await?;
            }
        }
        Ok(done)
    }

    async fn apply(&self, session: &mut Session, cursor: &Cursor) -> Result<Done, Failed> {
        let (batch, window, told) = match (self.way, session.dialect(), self.technique) {
            (Way::Apart(most), ..) => return self.take_apart(session, cursor, most).await,
            (Way::Carefully, ..) => return self.carefully(session, cursor).await,
            (_, Dialect::Sqlite, _) => self.sqlite(session, cursor).await?,
            (_, Dialect::Postgres, Technique::OneStatement) => {
                let (batch, window) = self.one_statement(session, cursor).await?;
                (batch, window, Told::new())
            }
            (_, Dialect::Postgres, Technique::LockThenCheck) => {
                self.lock_then_check(session, cursor).await?
            }
        };
        Ok(self.done(session, batch, window, told).await)
    }

    pub(super) async fn done(
        &self,
        session: &mut Session,
        batch: Batch,
        window: Window,
        told: Told,
    ) -> Done {
        let blocked_by = match (batch.blocked, self.inner.scout.held_by()) {
            (_, Some(mut held)) => {
                if let Some(what) = self.pass_over() {
                    *held.entry(what.as_str().to_owned()).or_default() += 1;
                }
                held
            }
            (0, None) => BTreeMap::new(),
            (blocked, None) => self.blocked_by(session, &window, blocked).await,
        };
        Done {
            batch,
            next: window.next,
            blocked_by,
            gone_before: 0,
            told,
            tried: None,
        }
    }

    /// Blocked rows by the table that holds them. The batch stands whatever comes of this.
    async fn blocked_by(
        &self,
        session: &mut Session,
        window: &Window,
        blocked: u64,
    ) -> BTreeMap<String, u64> {
        if let Some(what) = self.pass_over() {
            return BTreeMap::from([(what.as_str().to_owned(), blocked)]);
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
            Some(picked) if inner.scout.has_found() => {
                let window = inner.scout.window(picked, self.size.min(self.left), cursor);
                self.bearable(session, &window).await?;
                return Ok(window);
            }
            Some(picked) => picked.window(cursor, self.size.min(self.left)),
            None => next_window(session, &inner.plan, cursor, self.size, self.left, None).await?,
        };
        if inner.plan.picked.is_some() && !inner.leaves.at_the_first() {
            // Each leaf is searched for the same rows.
            window.examined = Some(0);
        }
        window.next = inner.leaves.onward(window.next);
        self.bearable(session, &window).await?;
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
        let place = self.inner.place_after(window.next.as_ref());
        let place = self.inner.stands_at(place, !told.is_empty());
        let checkpoint = self
            .checkpoint
            .with(self.inner.ordinal, &self.inner.asks, place)
            .to_json();
        let known = Known::new(checkpoint.clone(), window.clone(), told.clone());
        self.in_hand.put(known);
        checkpoint
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
                write_fence_if(w, &fence, &checkpoint, |w| {
                    w.push(" AND ");
                    plan.premises_hold(w);
                });
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
            None => {
                let holds = premises_hold(session, &plan, &self.context.accepted).await;
                let by_schema = matches!(holds, Ok(false));
                Err(Failed::Fenced { by_schema })
            }
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
        let mut batch = match self.pass_over() {
            // Not counted again: counting is what failed.
            Some(_) => Batch {
                blocked: self.blocked_with_it(&window),
                ..examined_only(self.size)
            },
            None => batch_of(&session.fetch_one(&plan.rehearse(&window)?).await?, 0),
        };
        if self.pass_over().is_none() {
            let gone = &self.inner.gone;
            let (dependents, cascaded) =
                chained::counted_though_gone(session, &plan, &window, gone).await?;
            batch.dependents = batch.dependents.saturating_sub(dependents);
            batch.cascaded = batch.cascaded.saturating_sub(cascaded);
        }
        batch.blocked += self.inner.closes.unwrap_or(0);
        // What was read is held until here, so that nobody has changed it since.
        self.schema_stands(session, &plan).await?;
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
        match self.inner.chains.is_some() && self.pass_over().is_none() {
            true => chained::ask(session, plan, window).await,
            false => Ok(Told::new()),
        }
    }
}
