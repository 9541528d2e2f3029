//! How long a run may go on after its deadline.

use std::time::Duration;

use crate::database::Database;

/// A guest that is asked to stop may be busy with something of its own first.
const LEAST: Duration = Duration::from_secs(120);

/// Statements of one attempt at a batch that may each take as long as a statement may: they look for the window, lock its
/// rows and those tied to them, act, and commit. What is tried after the deadline, one row that is taken apart, is three
/// attempts of fewer statements.
const SLOW_STATEMENTS: u32 = 8;

/// A guest that is asked to stop at its deadline may still be in an attempt at a batch; only one that does not come back
/// at all is cut off.
pub(super) fn grace(database: &Database) -> Duration {
    let limit = database.options().statement_timeout;
    LEAST.max(limit.saturating_mul(SLOW_STATEMENTS))
}
