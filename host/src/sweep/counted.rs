//! The counts of a batch, held against the database's own.
//!
//! Rows that foreign keys' rules take or change no statement returns: they are counted beforehand, by a join. Where
//! that misses some, or a trigger keeps some, the counts are not what has gone.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::attempt::Attempt;
use super::transaction::Failed;
use crate::catalog::Dialect;
use crate::database::{Session, Statement};
use crate::request::{Action, Batch, Fault, Problem};
use crate::sql::Plan;

/// What the database has counted so far in this transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worked {
    /// Rows deleted and changed.
    rows: u64,
    /// Of these: rows deleted.
    deleted: u64,
}

impl Attempt<'_> {
    /// PostgreSQL: what the server has counted so far of the tables whose rows go or change; `None`: no foreign key's rule
    /// does anything, or the server does not count.
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
        let rows = after.rows.saturating_sub(before.rows);
        let deleted = after.deleted.saturating_sub(before.deleted);
        if rows < batch.changed() {
            return Err(fewer(plan, batch.changed(), rows));
        }
        // Of rows that may be changed twice no more can be said than that none went which is not counted at all.
        let updates = matches!(plan.request().action, Action::Update(_));
        let beside = match (updates, plan.changes_each_row_once()) {
            // A trigger of the table's own may change a row again, and one that moves to another partition leaves one.
            (true, _) if plan.authorized.root().is_none() => deleted.checked_sub(0),
            (true, _) => None,
            (false, true) => rows.checked_sub(batch.changed()),
            (false, false) => deleted.checked_sub(batch.changed()),
        };
        match beside {
            None | Some(0) => {}
            Some(beside) if !plan.fires_triggers() => {
                let changed = batch.changed();
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
        Ok(Some(after))
    }

    /// SQLite: rows that this connection has changed so far; `None`: triggers change any others besides, or one row may
    /// be changed twice.
    pub(super) async fn changed_so_far(
        &self,
        session: &mut Session,
        plan: &Plan,
    ) -> Result<Option<u64>, Failed> {
        if plan.fires_triggers() || !plan.changes_each_row_once() {
            return Ok(None);
        }
        let mut w = Statement::new(Dialect::Sqlite);
        w.push("SELECT total_changes()");
        Ok(Some(session.fetch_one(&w).await?.get(0).as_count()))
    }

    /// SQLite: holds the counts of a batch against what the connection changed since.
    pub(super) async fn none_beside(
        &self,
        session: &mut Session,
        plan: &Plan,
        before: Option<u64>,
        batch: &Batch,
    ) -> Result<(), Failed> {
        let (Some(before), Some(after)) = (before, self.changed_so_far(session, plan).await?)
        else {
            return Ok(());
        };
        match after.saturating_sub(before) {
            rows if rows > batch.changed() => Err(more(plan, batch.changed(), rows)),
            _ => Ok(()),
        }
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
