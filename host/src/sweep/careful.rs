//! A batch of which the database refuses rows: a constraint, or a trigger that raises, which only an attempt can
//! tell.
//!
//! One transaction tries the batch in pieces, each behind a savepoint, so that a refused piece costs itself and not
//! what went before it. The rows that are refused by themselves stay and are counted; the others go.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::attempt::{Attempt, Done};
use super::examined_only;
use super::inner::Inner;
use super::kept::none_kept;
use super::locked::columns;
use super::lost::Known;
use super::pieces::Pieces;
use super::refused::Refused;
use super::transaction::{Failed, finish, raise_fence};
use crate::catalog::Dialect;
use crate::database::{Bind, Cause, DatabaseError, Session, Statement};
use crate::ledger::batch_of;
use crate::request::{Batch, Fault};
use crate::sql::{
    Cursor, Hold, Keys, Pick, Picked, Plan, RUN_DEFERRED, TALLY, Window, forget_picked,
};

/// Rows of the first such batch. Their locks last while pieces are tried, each some milliseconds at most.
const FIRST_SPAN: u64 = 256;

/// Rows of the least.
const LEAST_SPAN: u64 = 64;

/// Refused rows that a batch should meet: each is an attempt of its own, and rows between them go in pieces, of
/// which PostgreSQL likes no more than 64 in a transaction.
const REFUSED_A_BATCH: u64 = 32;

/// From one piece to the next.
const ON: &str = "RELEASE SAVEPOINT besom_piece; SAVEPOINT besom_piece";

/// How the batches after one in which rows were refused are tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Careful {
    /// Rows of the next batch.
    span: u64,
    /// Rows of its first piece.
    piece: usize,
}

/// What the pieces of a batch came to.
#[derive(Debug, Clone)]
pub(super) struct Tried {
    pub(super) pieces: Pieces,
    pub(super) why: Refused,
}

impl Inner {
    /// Rows that a batch may have, as long as some are refused.
    pub(super) fn careful_span(&self) -> u64 {
        self.careful.map_or(FIRST_SPAN, |careful| careful.span)
    }

    /// Takes in how a batch of `size` rows has gone. Once a batch as large as any, `most` rows, has met no refused
    /// row, the next one is tried whole.
    pub(super) fn was_careful(&mut self, tried: &Pieces, size: u64, most: u64) {
        let span = match tried.refused {
            0 => size.saturating_mul(2),
            refused => size.saturating_mul(REFUSED_A_BATCH) / refused,
        };
        self.careful = (tried.refused > 0 || size < most).then_some(Careful {
            span: span.clamp(LEAST_SPAN, most.max(LEAST_SPAN)),
            piece: tried.size(),
        });
    }
}

impl Attempt<'_> {
    /// The window's rows, piece by piece.
    pub(super) async fn carefully(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<Done, Failed> {
        let window = self.window(session, cursor).await?;
        let plan = self.with_networks(session, &window).await?;
        let told = self.links(session, &plan, &window).await?;
        let checkpoint = self.checkpoint_after(&window, &told);
        let done = match session.dialect() {
            Dialect::Postgres => {
                self.begin_locking(session).await?;
                let done = self.locked_pieces(session, &plan, &window, &checkpoint);
                let done = done.await;
                finish(session, done).await?
            }
            Dialect::Sqlite => {
                session.begin("BEGIN IMMEDIATE").await?;
                let done = self.sqlite_pieces(session, &plan, &window, &checkpoint);
                let done = done.await;
                finish(session, done).await?
            }
        };
        let (batch, tried) = done;
        let known = Known::new(checkpoint, window, told).with_tried(tried);
        Ok(self.came_to(session, batch, known).await)
    }

    async fn locked_pieces(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
        checkpoint: &str,
    ) -> Result<(Batch, Tried), Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        // What would be checked at the commit is checked with the piece that it belongs to.
        session.run_script(RUN_DEFERRED).await?;
        let held = self.hold(session, plan, window).await;
        let held = held.map_err(whatever_the_rows)?;
        let none = vec![Vec::new(); plan.key_width()];
        let counted = act_on(plan, Some(window), &none, held.locked)?;
        let counted = session.fetch_one(&counted).await.map_err(Failed::from);
        let mut batch = batch_of(&counted.map_err(whatever_the_rows)?, 0);
        // Written once: the pieces differ by their keys, and no key has a NUL.
        let names: Vec<_> = (0..plan.key_width())
            .map(|i| vec![format!("\0{i}")])
            .collect();
        let act = act_on(plan, None, &names, 0)?;
        let all = match held.roots.is_empty() {
            true => none,
            false => columns(&held.roots),
        };
        let referring = self.referring(session, plan, &all).await?;
        let mut tried = self.tried(held.roots.len());
        session.run_script("SAVEPOINT besom_piece").await?;
        let mut before = self.worked_on(session, plan).await?;
        let began = Instant::now();
        while let Some(piece) = tried.pieces.next() {
            self.have_time(began, held.roots.len())?;
            let keys = columns(held.roots.get(piece.clone()).unwrap_or_default());
            match session.fetch_one(&act.with_lists(&names, &keys)).await {
                Ok(counts) => {
                    if let Err(kept) = none_kept(plan, &counts) {
                        tried.refused(session, &piece, kept).await?;
                        before = self.worked_on(session, plan).await?;
                        continue;
                    }
                    let went = batch_of(&counts, 0);
                    before = self.all_gone(session, plan, before, &went).await?;
                    batch += went;
                    tried.pieces.went(&piece);
                    session.run_script(ON).await?;
                }
                Err(error) => {
                    tried.refused(session, &piece, error.into()).await?;
                    before = self.worked_on(session, plan).await?;
                }
            }
        }
        // Of what is refused the parent is still there.
        self.none_dangles(session, plan, referring).await?;
        self.schema_stands(session, plan).await?;
        batch.blocked += tried.pieces.refused;
        self.in_hand.tried(&tried);
        let batch = self.record_counted(session, batch).await?;
        Ok((batch, tried))
    }

    async fn sqlite_pieces(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
        checkpoint: &str,
    ) -> Result<(Batch, Tried), Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        self.schema_stands(session, plan).await?;
        let counted = batch_of(&session.fetch_one(&plan.tally(window, false)?).await?, 0);
        let mut batch = Batch {
            blocked: counted.blocked,
            ..examined_only(counted.examined)
        };
        let (plan, places) = by_places(session, plan, window).await?;
        let mut tried = self.tried(places.len());
        session.run_script("SAVEPOINT besom_piece").await?;
        while let Some(piece) = tried.pieces.next() {
            let part = places.start + piece.start..places.start + piece.end;
            match self.try_places(session, &plan, &part).await {
                Ok(went) => {
                    batch += went;
                    tried.pieces.went(&piece);
                    session.run_script(ON).await?;
                }
                Err(failed) => tried.refused(session, &piece, failed).await?,
            }
        }
        if let Cow::Owned(_) = plan {
            for statement in forget_picked() {
                session.execute(&statement).await?;
            }
        }
        batch.blocked += tried.pieces.refused;
        self.in_hand.tried(&tried);
        let batch = self.record_counted(session, batch).await?;
        Ok((batch, tried))
    }

    /// SQLite: deletes or changes the rows in these places.
    async fn try_places(
        &self,
        session: &mut Session,
        plan: &Plan,
        places: &Range<usize>,
    ) -> Result<Batch, Failed> {
        let edge = |place: usize| Some(vec![Bind::from(place as u64)]);
        let part = Window {
            after: edge(places.start),
            upto: edge(places.end),
            inclusive: false,
            tie: None,
            examined: Some(0),
            next: None,
        };
        let went = match plan.takes_parts() {
            true => self.sqlite_parts(session, plan, &part).await?,
            false => self.sqlite_whole(session, plan, &part).await?,
        };
        // What the window holds besides has been counted.
        Ok(Batch {
            examined: 0,
            blocked: 0,
            ..went
        })
    }

    /// PostgreSQL: the pieces of a batch, whose locks last until its end, have the time of one statement together. On
    /// SQLite the limit is one for all.
    fn have_time(&self, began: Instant, rows: usize) -> Result<(), Failed> {
        let limit = self.context.database.options().statement_timeout;
        match rows > 1 && began.elapsed() > limit {
            false => Ok(()),
            true => Err(Failed::Database(DatabaseError {
                cause: Cause::StatementTimeout,
                code: "pieces".to_owned(),
                message: "the pieces of a batch took longer than one statement may".to_owned(),
                within: None,
            })),
        }
    }

    fn tried(&self, rows: usize) -> Tried {
        let half = (rows / 2).max(1);
        let piece = self.inner.careful.map_or(half, |careful| careful.piece);
        Tried {
            pieces: Pieces::new(rows, piece),
            why: Refused::default(),
        }
    }
}

impl Tried {
    /// Takes a refused piece back; any other failure is one of the batch.
    async fn refused(
        &mut self,
        session: &mut Session,
        piece: &Range<usize>,
        failed: Failed,
    ) -> Result<(), Failed> {
        let error = match &failed {
            Failed::Database(error) if error.cause == Cause::Constraint => error,
            _ => return Err(failed),
        };
        let back = session.run_script("ROLLBACK TO SAVEPOINT besom_piece");
        if back.await.is_err() {
            // SQLite's RAISE(ROLLBACK) has ended the whole transaction.
            return Err(failed);
        }
        if self.pieces.was_refused(piece) {
            self.why.note(error);
        }
        Ok(())
    }
}

/// SQLite: a plan that knows the window's rows by places, and which.
async fn by_places<'a>(
    session: &mut Session,
    plan: &'a Plan,
    window: &Window,
) -> Result<(Cow<'a, Plan>, Range<usize>), Failed> {
    if let Some(picked) = &plan.picked {
        return Ok((Cow::Borrowed(plan), picked.places(window)));
    }
    let listed = session
        .fetch(&plan.list(window, u64::from(u32::MAX))?)
        .await?;
    let rows = listed.into_iter().map(|row| {
        let key = row.0.into_iter().map(Bind::from).collect();
        Pick::new(key, Bind::Null)
    });
    let picked = Picked {
        columns: Vec::new(),
        rows: rows.collect(),
        blocked_beside: 0,
        hold: Hold::Loose,
        windows: None,
    };
    let places = 0..picked.rows.len();
    let plan = plan.with_picked(Arc::new(picked));
    for statement in plan.note_picked()? {
        session.execute(&statement).await?;
    }
    Ok((Cow::Owned(plan), places))
}

/// PostgreSQL: deletes or changes the rows of these keys; of a window it is counted what it holds besides.
fn act_on(
    plan: &Plan,
    window: Option<&Window>,
    keys: &Keys,
    locked: u64,
) -> Result<Statement, Fault> {
    plan.act_on_kept(window, keys, locked, |w| {
        w.push(&format!(
            ", record AS (SELECT {} FROM tally)",
            TALLY.join(", ")
        ));
    })
}

/// What is refused before a row is tried would be refused whatever the rows: all but a new value that does not fit
/// its column, which is worked out where rows are looked at.
fn whatever_the_rows(failed: Failed) -> Failed {
    const DOES_NOT_FIT: [&str; 2] = ["22001", "22003"];
    match failed {
        Failed::Database(error)
            if error.cause == Cause::Constraint && !DOES_NOT_FIT.contains(&error.code.as_str()) =>
        {
            Failed::EveryStatement(error)
        }
        failed => failed,
    }
}
