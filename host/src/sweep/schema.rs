//! The schema that a run's plans were made for, held against the database in every batch.
//!
//! A foreign key that a deploy adds in mid run may take rows of a table that was never granted, with its owner's
//! rights. What a plan takes for given is therefore looked at under the batch's own locks. Where it is so no more
//! the run is suspended, and the next one reads everything anew and is authorised anew.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::attempt::Attempt;
use super::context::RunContext;
use super::locked::{columns, texts};
use super::transaction::Failed;
use crate::catalog::{Catalog, Dialect, TableId};
use crate::database::{Cause, DatabaseError, Session, Statement};
use crate::request::{Fault, Problem, Suspension};
use crate::scope::Path;
use crate::sql::{Keys, Part, Plan, differences};

/// Versions of a SQLite schema in which everything that a plan takes for given was found to be so.
#[derive(Debug, Default)]
pub(super) struct Accepted(Mutex<BTreeSet<(String, i64)>>);

impl Accepted {
    fn known(&self) -> MutexGuard<'_, BTreeSet<(String, i64)>> {
        // A set is whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether everything that the plan takes for given is so; what is not is logged.
pub(super) async fn premises_hold(
    session: &mut Session,
    plan: &Plan,
    accepted: &Accepted,
) -> Result<bool, DatabaseError> {
    let given = plan.premises();
    let found = match session.dialect() {
        Dialect::Postgres => {
            let rows = session.fetch(&plan.look_at_schema()).await?;
            let texts = rows.iter().map(|row| row.get(0).as_text());
            texts
                .map(|text| text.unwrap_or_default().to_owned())
                .collect()
        }
        Dialect::Sqlite => {
            let mut w = Statement::new(Dialect::Sqlite);
            w.push("PRAGMA main.schema_version");
            let version = session.fetch_one(&w).await?.get(0).as_integer();
            if version == plan.catalog.version() {
                return Ok(true);
            }
            let key = (format!("{given:?}"), version.unwrap_or_default());
            if accepted.known().contains(&key) {
                return Ok(true);
            }
            let Some(connection) = session.as_sqlite() else {
                return Ok(false);
            };
            let now = Catalog::load_sqlite(connection).await;
            let now = now.map_err(|error| DatabaseError::other("catalog", error.to_string()))?;
            let found: Vec<_> = plan
                .premises_by(&now)
                .into_iter()
                .map(|of| of.facts)
                .collect();
            if given.iter().map(|of| &of.facts).eq(&found) {
                accepted.known().insert(key);
            }
            found
        }
    };
    let different = differences(&given, &found);
    for (table, lines) in &different {
        tracing::warn!(
            %table,
            changes = lines.join("; "),
            "what takes part in changes of the table is not what it was when the run began"
        );
    }
    Ok(different.is_empty())
}

/// Ends the work of a run whose plans rest on what is so no more.
pub(super) fn changed(plan: &Plan) -> Fault {
    Fault::Other(Problem::new(
        Suspension::SchemaChanged.as_str(),
        format!(
            "keys, triggers, rules, heirs or columns of `{}`, or of a table that it is read or changed with, are not \
             what they were when the run began",
            plan.table().id
        ),
    ))
}

/// The same where the sweep could not even be opened.
pub(super) fn another(table: &TableId) -> Fault {
    Fault::Other(Problem::new(
        Suspension::SchemaChanged.as_str(),
        format!("`{table}` is not the table that it was when the run began, or is there no more"),
    ))
}

/// A batch of which a trigger has kept dependents.
pub(super) fn dependents_kept(plan: &Plan, kept: u64) -> Failed {
    let dependents = plan.authorized.dependents().iter();
    let tables: BTreeSet<_> = dependents.filter_map(|tied| tied.path.child()).collect();
    let tables: Vec<_> = tables.iter().map(|id| format!("`{id}`")).collect();
    Failed::Request(Fault::Other(Problem::new(
        "not-gone",
        format!(
            "a batch of `{}` was rolled back: {kept} rows of its dependents are still there after they were deleted, \
             or tied after they were unlinked. A trigger of {} keeps them, and they would stay without the row that \
             they belong to: take it away",
            plan.table().id,
            tables.join(", ")
        ),
    )))
}

/// A batch after which rows would refer to what is gone.
fn dangling(plan: &Plan, path: &Path, rows: u64) -> Failed {
    let child = path.child().map(ToString::to_string).unwrap_or_default();
    Failed::Request(Fault::Other(Problem::new(
        "not-gone",
        format!(
            "a batch of `{}` was rolled back: {rows} rows of `{child}` would refer to rows that are gone. A trigger of \
             `{child}` gives them back what was taken from them, or keeps them: take it away",
            plan.table().id
        ),
    )))
}

/// The fault is that of [`changed`]: the run is suspended by it and has not failed.
pub(super) fn is_changed(fault: &Fault) -> bool {
    fault.problem().code == Suspension::SchemaChanged.as_str()
}

impl RunContext {
    /// Whether what a batch failed by is explained by another schema than the plan's: a key that was added refuses
    /// row after row, a rule makes the statement one that PostgreSQL does not know.
    pub(super) async fn failed_by_schema(&self, plan: &Plan, failed: &Failed) -> bool {
        match failed {
            Failed::Schema => true,
            Failed::EveryStatement(_) => self.schema_differs(plan).await,
            Failed::Database(error) if matches!(error.cause, Cause::Constraint | Cause::Other) => {
                self.schema_differs(plan).await
            }
            _ => false,
        }
    }

    /// What was read by a plan, where its schema is still the plan's.
    pub(super) async fn as_planned<T>(
        &self,
        plan: &Plan,
        read: Result<T, DatabaseError>,
    ) -> Result<T, Fault> {
        match read {
            Ok(read) => {
                let mut session = self.database.session().await?;
                match premises_hold(&mut session, plan, &self.accepted).await? {
                    true => Ok(read),
                    false => Err(changed(plan)),
                }
            }
            Err(error) if error.cause == Cause::Other && self.schema_differs(plan).await => {
                Err(changed(plan))
            }
            Err(error) => Err(self.explained(plan, error.into()).await),
        }
    }

    /// Whether the schema is known to be another than the plan's.
    pub(super) async fn schema_differs(&self, plan: &Plan) -> bool {
        let Ok(mut session) = self.database.session().await else {
            return false;
        };
        matches!(
            premises_hold(&mut session, plan, &self.accepted).await,
            Ok(false)
        )
    }
}

impl Attempt<'_> {
    /// To be asked when the batch holds its locks and has not committed.
    pub(super) async fn schema_stands(
        &self,
        session: &mut Session,
        plan: &Plan,
    ) -> Result<(), Failed> {
        match premises_hold(session, plan, &self.context.accepted).await? {
            true => Ok(()),
            false => Err(Failed::Schema),
        }
    }

    /// PostgreSQL: what refers to rows that are to go with these, by each way in which a trigger could keep it.
    pub(super) async fn referring<'p>(
        &self,
        session: &mut Session,
        plan: &'p Plan,
        keys: &Keys,
    ) -> Result<Vec<(&'p Path, Keys)>, Failed> {
        let mut referring = Vec::new();
        for path in plan.restorable() {
            let rows = session.fetch(&plan.referring(keys, path)?).await?;
            let values: Vec<_> = rows.into_iter().map(texts).collect();
            if !values.is_empty() {
                referring.push((path, columns(&values)));
            }
        }
        Ok(referring)
    }

    /// Holds against the database that none of it refers to nothing.
    pub(super) async fn none_dangles(
        &self,
        session: &mut Session,
        plan: &Plan,
        referring: Vec<(&Path, Keys)>,
    ) -> Result<(), Failed> {
        for (path, values) in referring {
            let found = session.fetch_one(&plan.dangling(&values, path)?).await?;
            match found.get(0).as_count() {
                0 => {}
                rows => return Err(dangling(plan, path, rows)),
            }
        }
        Ok(())
    }

    /// PostgreSQL: holds against the database that a piece of a row that is taken apart hangs on it no more.
    pub(super) async fn piece_let_go(
        &self,
        session: &mut Session,
        root: &Keys,
        part: &Part<'_>,
        keys: &Keys,
    ) -> Result<(), Failed> {
        let plan = &self.inner.plan;
        let Some(statement) = plan.still_tied(root, part, keys)? else {
            return Ok(());
        };
        match session.fetch_one(&statement).await?.get(0).as_count() {
            0 => Ok(()),
            rows => Err(dangling(plan, part.path(), rows)),
        }
    }
}
