//! The counts of a batch, held against the database's own.
//!
//! Rows that foreign keys' rules take or change no statement returns: they are counted beforehand, by a join. Where
//! that misses some, or a trigger keeps some, the counts are not what has gone.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::attempt::Attempt;
use super::transaction::Failed;
use crate::database::Session;
use crate::request::{Action, Batch, Fault, Problem};
use crate::sql::{Plan, RUN_DEFERRED, total_changes};

/// What the database has counted of the tables whose rows go or change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worked {
    /// Rows deleted and changed, as often as they were.
    rows: u64,
    /// Of these: rows deleted.
    deleted: u64,
}

impl Attempt<'_> {
    /// PostgreSQL: what the server has counted so far of the tables whose rows go or change; `None`: no foreign key's rule
    /// and no trigger does anything, or the server does not count.
    pub(super) async fn worked_on(
        &self,
        session: &mut Session,
        plan: &Plan,
    ) -> Result<Option<Worked>, Failed> {
        if plan.authorized.consequences().is_empty() && !plan.may_take_besides() {
            return Ok(None);
        }
        let row = session.fetch_one(&plan.count_worked_on()).await?;
        let worked = Worked {
            rows: row.get(0).as_count(),
            deleted: row.get(1).as_count(),
        };
        Ok((row.get(2).as_integer() == Some(1)).then_some(worked))
    }

    /// PostgreSQL: has triggers that wait for the commit run now, for what they take to be counted as well.
    pub(super) async fn run_deferred(
        &self,
        session: &mut Session,
        plan: &Plan,
    ) -> Result<(), Failed> {
        if plan.fires_triggers() {
            session.run_script(RUN_DEFERRED).await?;
        }
        Ok(())
    }

    /// PostgreSQL: holds the counts of a batch against what the server counted between two looks, and answers the second.
    pub(super) async fn all_gone(
        &self,
        session: &mut Session,
        plan: &Plan,
        before: Option<Worked>,
        batch: &Batch,
    ) -> Result<Option<Worked>, Failed> {
        let (Some(before), Some(after)) = (before, self.worked_on(session, plan).await?) else {
            return Ok(None);
        };
        let since = Worked {
            rows: after.rows.saturating_sub(before.rows),
            deleted: after.deleted.saturating_sub(before.deleted),
        };
        let once = plan.changes_each_row_once().then_some(since.rows);
        self.hold_against(plan, batch, since, once)?;
        Ok(Some(after))
    }

    /// SQLite: begins the counts anew, and answers what [`Attempt::all_counted`] is to be told.
    pub(super) async fn count_anew(
        &self,
        session: &mut Session,
        plan: &Plan,
    ) -> Result<Option<u64>, Failed> {
        let total = match plan.reports_each_row() {
            true => None,
            false => Some(session.fetch_one(&total_changes()).await?.get(0).as_count()),
        };
        session.count_sqlite_rows_anew();
        Ok(total)
    }

    /// SQLite: holds the counts of a batch against the rows that have gone and changed since. Changes that were not
    /// reported are taken for some of these tables, where rows of theirs may be among them.
    pub(super) async fn all_counted(
        &self,
        session: &mut Session,
        plan: &Plan,
        before: Option<u64>,
        batch: &Batch,
    ) -> Result<(), Failed> {
        let counted = session.counted_sqlite_rows();
        let unreported = match before {
            None => 0,
            Some(before) => {
                let total = session.fetch_one(&total_changes()).await?;
                let since = total.get(0).as_count().saturating_sub(before);
                since.saturating_sub(counted.reported)
            }
        };
        let fires = plan.fires_triggers();
        let replaced = match fires && counted.inserted > 0 && plan.may_be_replaced() {
            true => counted.inserted,
            false => 0,
        };
        let changes = counted.changes + unreported;
        let updates = matches!(plan.request().action, Action::Update(_));
        let unlike = match (updates, before) {
            (true, Some(_)) => changes.saturating_sub(batch.changed()),
            _ => 0,
        };
        let worked = Worked {
            rows: counted.deleted + changes,
            deleted: counted.deleted + replaced + unlike,
        };
        // Without a trigger a row that is not reported changes twice by two keys alone.
        let once = before.is_none() || fires || plan.changes_each_row_once();
        let once = once.then_some(counted.deleted + counted.changed + unreported + replaced);
        self.hold_against(plan, batch, worked, once)
    }

    /// `once`: rows that were deleted or changed, each counted once; `None`: not known.
    fn hold_against(
        &self,
        plan: &Plan,
        batch: &Batch,
        worked: Worked,
        once: Option<u64>,
    ) -> Result<(), Failed> {
        let changed = batch.changed();
        if worked.rows < changed {
            return Err(fewer(plan, changed, worked.rows));
        }
        // Of rows that may be changed twice no more can be said than that none went which is not counted at all.
        let updates = matches!(plan.request().action, Action::Update(_));
        let beside = match (updates, once) {
            // A trigger of the table's own may change a row again. One that moves to another partition is deleted here,
            // which is no doubt where no trigger could have taken any.
            (true, _) if plan.authorized.root().is_some() && !plan.fires_triggers() => None,
            (true, _) => Some(worked.deleted),
            (false, Some(rows)) => rows.checked_sub(changed),
            (false, None) => worked.deleted.checked_sub(changed),
        };
        match beside {
            None | Some(0) => {}
            Some(beside) if !plan.fires_triggers() => {
                return Err(more(plan, changed, changed + beside));
            }
            Some(beside) => {
                tracing::warn!(
                    table = %plan.table().id,
                    rows = beside,
                    "more rows have gone than the batch counted: triggers of these tables may have taken them, or a \
                     foreign key's rule"
                );
                self.inner.beside.fetch_add(beside, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn fewer(plan: &Plan, counted: u64, done: u64) -> Failed {
    not_gone(format!(
        "a batch of `{}` was rolled back: {counted} rows were to go or change, and the database says that {done} did. A \
         trigger or rule of {} keeps rows, which would refer to nothing: take it away",
        plan.table().id,
        children(plan)
    ))
}

fn more(plan: &Plan, counted: u64, done: u64) -> Failed {
    not_gone(format!(
        "a batch of `{}` was rolled back: {counted} rows were to go or change, and the database says that {done} did, \
         though no trigger takes any. Foreign keys of {} find rows that besom did not: nobody has asked whether these may \
         go. Leave the table out, and report this",
        plan.table().id,
        children(plan)
    ))
}

fn children(plan: &Plan) -> String {
    let consequences = plan.authorized.consequences().iter();
    let children: BTreeSet<_> = consequences.filter_map(|of| of.path.child()).collect();
    let children: Vec<_> = children.iter().map(|id| format!("`{id}`")).collect();
    match children.is_empty() {
        true => "other tables".to_owned(),
        false => children.join(", "),
    }
}

fn not_gone(message: String) -> Failed {
    Failed::Request(Fault::Other(Problem::new("not-gone", message)))
}
