//! A row with which more goes along than one batch bears: what hangs on it goes first, in batches of its own.
//!
//! The sweep stays where it is meanwhile, so that whoever goes on with it, in this run or a later one, meets
//! the row again and does what is left to do.

use super::attempt::{Attempt, Done, Way};
use super::links::Told;
use super::locked::{columns, taken_apart, texts};
use super::span::MOST_CHANGED;
use super::transaction::{Failed, finish, raise_fence};
use crate::catalog::Dialect;
use crate::database::Session;
use crate::ledger::{Record, batch_of, write_record};
use crate::request::{Batch, Mode};
use crate::sql::{Cursor, Window};

/// With more than this a window is not tried as it is: twice what the next one is cut to, so that an even
/// table is not weighed twice a batch.
const MOST_ALONG: u64 = 2 * MOST_CHANGED;

impl Attempt<'_> {
    /// Refuses a window with which too much goes along. One row is refused only where it can be taken
    /// apart.
    pub(super) async fn bearable(
        &self,
        session: &mut Session,
        window: &Window,
    ) -> Result<(), Failed> {
        let plan = &self.inner.plan;
        let weighed = matches!(self.way, Way::Weighed | Way::Carefully)
            && self.context.options.mode == Mode::Apply;
        // Of a window whose rows hang together, only those go that hang on nothing.
        if !weighed
            || self.inner.is_put_together()
            || !plan.has_a_family()
            || (self.size == 1 && !plan.comes_apart())
        {
            return Ok(());
        }
        let along = plan.weight(window, MOST_ALONG + 1)?;
        match session.fetch_one(&along).await?.get(0).as_count() > MOST_ALONG {
            true => Err(Failed::TooHeavy),
            false => Ok(()),
        }
    }

    /// One batch of at most `most` rows that hang on the row after the cursor.
    pub(super) async fn take_apart(
        &self,
        session: &mut Session,
        cursor: &Cursor,
        most: u64,
    ) -> Result<Done, Failed> {
        let window = self.window(session, cursor).await?;
        let stays = Window {
            examined: Some(0),
            next: Some(cursor.clone()),
            ..window
        };
        let checkpoint = self.checkpoint_after(&stays, &Told::new());
        let most = most.min(self.budget);
        let done = match session.dialect() {
            Dialect::Postgres => {
                self.begin_locking(session).await?;
                let done = self.piece(session, &stays, &checkpoint, most).await;
                finish(session, done).await?
            }
            Dialect::Sqlite => {
                session.begin("BEGIN IMMEDIATE").await?;
                let done = self.sqlite_piece(session, &stays, &checkpoint, most).await;
                finish(session, done).await?
            }
        };
        let (batch, gone_before) = done;
        Ok(Done {
            batch,
            next: stays.next,
            blocked_by: Default::default(),
            gone_before,
            told: Default::default(),
            tried: None,
        })
    }

    /// The row is locked with what its condition looks at, then a piece of what hangs on it, and then all is
    /// asked again.
    async fn piece(
        &self,
        session: &mut Session,
        window: &Window,
        checkpoint: &str,
        most: u64,
    ) -> Result<(Batch, usize), Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        let plan = &self.inner.plan;
        let mut held = Vec::new();
        for row in session.fetch(&plan.look_and_lock(window)?).await? {
            if let (key, true) = taken_apart(row) {
                held.push(key);
            }
        }
        if held.is_empty() {
            return Err(Failed::NothingApart);
        }
        let root = columns(&held);
        for statement in plan.lock_beside_parts(&root)? {
            if !session.fetch(&statement).await?.is_empty() {
                return Err(Failed::NothingApart);
            }
        }
        for (place, part) in plan.parts().iter().enumerate().skip(self.inner.gone_before) {
            let rows = session.fetch(&plan.lock_part(&root, part, most)?).await?;
            if rows.is_empty() {
                continue;
            }
            let count = rows.len() as u64;
            let keys = columns(&rows.into_iter().map(texts).collect::<Vec<_>>());
            let before = self.worked_on(session, plan).await?;
            let fence = self.fence;
            let statement = plan.act_on_part(&root, part, &keys, |w| {
                w.push(", record AS (");
                write_record(w, &fence, Record::Tally { from: "tally" });
                w.push(")");
            })?;
            let batch = batch_of(&session.fetch_one(&statement).await?, 0);
            self.schema_stands(session, plan).await?;
            self.run_deferred(session, plan).await?;
            self.all_gone(session, plan, before, &batch).await?;
            self.piece_let_go(session, &root, part, &keys).await?;
            return progress(batch, place, count);
        }
        Err(Failed::NothingApart)
    }

    async fn sqlite_piece(
        &self,
        session: &mut Session,
        window: &Window,
        checkpoint: &str,
        most: u64,
    ) -> Result<(Batch, usize), Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        let plan = &self.inner.plan;
        self.schema_stands(session, plan).await?;
        for (place, part) in plan.parts().iter().enumerate().skip(self.inner.gone_before) {
            let statement = plan.act_on_part_of_window(window, part, most)?;
            let before = self.count_anew(session, plan).await?;
            let rows = session.execute(&statement).await?;
            if rows == 0 {
                continue;
            }
            let mut batch = Batch::default();
            match part.asked {
                true => batch.dependents = rows,
                false => batch.cascaded = rows,
            }
            self.all_counted(session, plan, before, &batch).await?;
            let batch = self.record_counted(session, batch).await?;
            return progress(batch, place, rows);
        }
        Err(Failed::NothingApart)
    }
}

/// A piece of which nothing went is none. Where some rows stayed, something hangs on them by now that goes
/// before them.
fn progress(batch: Batch, place: usize, found: u64) -> Result<(Batch, usize), Failed> {
    match batch.changed() {
        0 => Err(Failed::NothingApart),
        changed if changed < found => Ok((batch, 0)),
        _ => Ok((batch, place)),
    }
}
