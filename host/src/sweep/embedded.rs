//! A batch on SQLite, where one writer at a time needs no locks.

use super::attempt::Attempt;
use super::examined_only;
use super::kept::kept_back;
use super::links::Told;
use super::transaction::{Failed, finish, raise_fence};
use crate::database::Session;
use crate::ledger::batch_of;
use crate::request::Batch;
use crate::sql::{Cursor, Plan, Window};

impl Attempt<'_> {
    pub(super) async fn sqlite(
        &self,
        session: &mut Session,
        cursor: &Cursor,
    ) -> Result<(Batch, Window, Told), Failed> {
        let window = self.window(session, cursor).await?;
        let plan = self.with_networks(session, &window).await?;
        let told = self.links(session, &plan, &window).await?;
        let checkpoint = self.checkpoint_after(&window, &told);
        session.begin("BEGIN IMMEDIATE").await?;
        let done = self
            .sqlite_batch(session, &plan, &window, &checkpoint)
            .await;
        let batch = finish(session, done).await?;
        Ok((batch, window, told))
    }

    async fn sqlite_batch(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
        checkpoint: &str,
    ) -> Result<Batch, Failed> {
        raise_fence(session, &self.fence, checkpoint).await?;
        // There is no other writer until the commit.
        self.schema_stands(session, plan).await?;
        let batch = if self.pass_over().is_some() {
            let examined = match window.examined {
                Some(rows) => rows,
                None => {
                    let counted = session.fetch_one(&plan.examine(window)?).await?;
                    counted.get(0).as_count()
                }
            };
            Batch {
                blocked: self.blocked_with_it(window),
                ..examined_only(examined)
            }
        } else if let Some(blocked) = self.inner.closes {
            Batch {
                blocked,
                ..Batch::default()
            }
        } else if plan.takes_parts() {
            self.sqlite_parts(session, plan, window).await?
        } else {
            self.sqlite_whole(session, plan, window).await?
        };
        self.record_counted(session, batch).await
    }

    /// One statement, on which nothing of besom's hangs.
    pub(super) async fn sqlite_whole(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
    ) -> Result<Batch, Failed> {
        let family = plan.has_a_family();
        let may_be_kept = family || !plan.keepers().is_empty();
        let tally = plan.tally(window, may_be_kept)?;
        let counts = session.fetch_one(&tally).await?;
        let mut batch = batch_of(&counts, 0);
        let meant = batch.affected;
        let before = self.count_anew(session, plan).await?;
        batch.affected = session.execute(&plan.act_on_window(window)?).await?;
        let kept = meant.saturating_sub(batch.affected);
        batch.revived = kept;
        if kept > 0 && family {
            // What hangs on a row that a trigger has kept hangs on it still.
            let left = batch_of(&session.fetch_one(&plan.tally(window, true)?).await?, 0);
            if left.affected != kept {
                return Err(kept_back(plan));
            }
            batch.cascaded = batch.cascaded.saturating_sub(left.cascaded);
        }
        self.all_counted(session, plan, before, &batch).await?;
        Ok(batch)
    }

    /// The rows of each part are noted first, counted, and then unlinked and deleted.
    pub(super) async fn sqlite_parts(
        &self,
        session: &mut Session,
        plan: &Plan,
        window: &Window,
    ) -> Result<Batch, Failed> {
        // Keys are then checked at the commit, whatever the order of the deletes, those that RESTRICT
        // like any other.
        session.run_script("PRAGMA defer_foreign_keys = ON").await?;
        for statement in plan.collect(window)? {
            session.execute(&statement).await?;
        }
        let counts = session.fetch_one(&plan.tally_parts(window)?).await?;
        let before = self.count_anew(session, plan).await?;
        for statement in plan.unlink_parts()? {
            session.execute(&statement).await?;
        }
        for below in plan.trees_below() {
            for statement in plan.note_tree(&below)? {
                session.execute(&statement).await?;
            }
            let depth = session.fetch_one(&plan.depth_of_tree()).await?;
            for statement in plan.fell_tree(&below, depth.get(0).as_count())? {
                session.execute(&statement).await?;
            }
            for statement in plan.forget_tree() {
                session.execute(&statement).await?;
            }
        }
        for statement in plan.delete_parts(window)? {
            session.execute(&statement).await?;
        }
        let mut batch = batch_of(&counts, 0);
        batch.revived = session
            .fetch_one(&plan.kept_parts()?)
            .await?
            .get(0)
            .as_count();
        if batch.revived > 0 && (plan.gives_up_others() || plan.has_a_family()) {
            return Err(kept_back(plan));
        }
        batch.affected = batch.affected.saturating_sub(batch.revived);
        if let Some(statement) = plan.kept_dependents()? {
            let kept = session.fetch_one(&statement).await?.get(0).as_count();
            if kept > 0 {
                return Err(super::schema::dependents_kept(plan, kept));
            }
        }
        self.all_counted(session, plan, before, &batch).await?;
        for statement in plan.discard_parts() {
            session.execute(&statement).await?;
        }
        Ok(batch)
    }
}
