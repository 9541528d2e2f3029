//! Rows that a trigger keeps while what belongs to them goes: refused like those that a trigger raises for.
//!
//! The database itself says nothing, so the batch is taken back and tried in pieces, until the row is alone and
//! stays, with all that hangs on it.

use super::transaction::Failed;
use crate::database::{Cause, Cells, DatabaseError};
use crate::sql::{Plan, TALLY};

/// PostgreSQL: holds the counts of a batch against what was to go.
pub(super) fn none_kept(plan: &Plan, counts: &Cells) -> Result<(), Failed> {
    match counts.get(TALLY.len()).as_count() {
        0 => Ok(()),
        _ => Err(kept_back(plan)),
    }
}

/// A batch, or a piece of one, of which a trigger has kept rows for which others have gone.
pub(super) fn kept_back(plan: &Plan) -> Failed {
    let dependents = plan.authorized.dependents().iter();
    let dependents = dependents.filter_map(|tied| tied.path.child());
    let mut tables = vec![format!("`{}`", plan.table().id)];
    for table in dependents.map(|id| format!("`{id}`")) {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    Failed::Database(DatabaseError {
        cause: Cause::Constraint,
        code: "kept".to_owned(),
        message: format!(
            "a trigger keeps rows of {}, and others would go because of them",
            tables.join(" or ")
        ),
        within: None,
    })
}
