//! A batch that locks first and then asks again, on PostgreSQL.

use std::collections::BTreeSet;

use super::attempt::Attempt;
use super::examined_only;
use super::kept::none_kept;
use super::links::Told;
use super::transaction::{Failed, finish, raise_fence};
use crate::database::{Cells, IDLE_IN_TRANSACTION, Session};
use crate::ledger::{Record, batch_of, write_record};
use crate::request::Batch;
use crate::sql::{Cursor, Keys, Plan, Window};

/// One row's key in the database's text form.
pub(super) type Key = Vec<String>;

impl Attempt<'_> {
    pub(super) async fn lock_then_check(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Window, Told), Failed> {
        let window = self.window(session, cursor).await?;
        let plan = self.with_networks(session, &window).await?;
        let told = self.links(session, &plan, &window).await?;
        let checkpoint = self.checkpoint_after(&window, &told);
        self.begin_locking(session).await?;
        let done = self
            .locked_batch(session, &plan, &window, &checkpoint)
            .await;
        let batch = finish(session, done).await?;
        Ok((batch, window, told))
    }

    pub(super) async fn begin_locking(&self, session: &mut Session) -> Result<(), Failed> {
        let lock_timeout = self.context.database.options().lock_timeout.as_millis();
        let idle = IDLE_IN_TRANSACTION.as_millis();
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {lock_timeout}; \
             SET LOCAL idle_in_transaction_session_timeout = {idle}"
        );
        Ok(session.begin(&begin).await?)
    }

    async fn locked_batch(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
        checkpoint: &str,
    ) -> Result<Batch, Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        if self.pass_over().is_some() {
            // Not looked at again: looking may be what fails.
            let batch = Batch {
                blocked: self.blocked_with_it(window),
                ..examined_only(window.examined.unwrap_or(self.size))
            };
            return self.record_counted(session, batch).await;
        }
        if let Some(blocked) = self.inner.closes {
            let batch = Batch {
                blocked,
                ..Batch::default()
            };
            return self.record_counted(session, batch).await;
        }
        let held = self.hold(session, plan, window).await?;
        let keys = match held.roots.is_empty() {
            true => vec![Vec::new(); plan.key_width()],
            false => columns(&held.roots),
        };
        let referring = self.referring(session, plan, &keys).await?;
        let before = self.worked_on(session, plan).await?;
        let fence = self.fence;
        let statement = plan.act_on_kept(Some(window), &keys, held.locked, |w| {
            w.push(", record AS (");
            write_record(w, &fence, Record::Tally { from: "tally" });
            w.push(")");
        })?;
        let counts = session.fetch_one(&statement).await?;
        let batch = batch_of(&counts, 0);
        // By now the rules have taken their own locks on the tables that they reach.
        self.schema_stands(session, plan).await?;
        self.run_deferred(session, plan).await?;
        self.all_gone(session, plan, before, &batch).await?;
        self.none_dangles(session, plan, referring).await?;
        none_kept(plan, &counts)?;
        Ok(batch)
    }

    /// Locks the eligible rows of the window with all that is tied to them.
    pub(super) async fn hold(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
    ) -> Result<Held, Failed> {
        let mut held = Held::default();
        for row in session.fetch(&plan.look_and_lock(window)?).await? {
            match taken_apart(row) {
                (key, true) => held.roots.push(key),
                (_, false) => held.locked += 1,
            }
        }
        if !held.roots.is_empty() {
            for statement in plan.lock_tied(&columns(&held.roots))? {
                let dropped = session.fetch(&statement).await?;
                held.let_go(&dropped.into_iter().map(texts).collect());
                if held.roots.is_empty() {
                    break;
                }
            }
        }
        Ok(held)
    }
}

/// The rows that a batch holds so far.
#[derive(Default)]
pub(super) struct Held {
    /// Eligible rows of the window.
    pub(super) roots: Vec<Key>,
    /// Eligible rows of the window that are left alone, because someone holds one of theirs.
    pub(super) locked: u64,
}

impl Held {
    /// Gives up these rows; a row may hang on several relations and is counted once.
    fn let_go(&mut self, dropped: &BTreeSet<Key>) {
        if dropped.is_empty() {
            return;
        }
        let before = self.roots.len();
        self.roots.retain(|root| !dropped.contains(root));
        self.locked += (before - self.roots.len()) as u64;
    }
}

/// A row of keys and, last, a truth value.
pub(super) fn taken_apart(row: Cells) -> (Key, bool) {
    let mut cells = row.0;
    let flag = cells.pop().and_then(|cell| cell.as_integer());
    (texts(Cells(cells)), flag == Some(1))
}

pub(super) fn texts(row: Cells) -> Key {
    let cells = row.0.iter();
    cells
        .map(|cell| cell.as_text().unwrap_or_default().to_owned())
        .collect()
}

/// Rows of keys, turned to one list a column.
pub(super) fn columns(rows: &[Key]) -> Keys {
    let width = rows.first().map_or(0, Vec::len);
    (0..width)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column).cloned())
                .collect()
        })
        .collect()
}
