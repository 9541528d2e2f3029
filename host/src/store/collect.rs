//! Components that nothing refers to any more.

use std::time::Duration;

use crate::database::{Database, Statement};
use crate::ledger::write_time;
use crate::request::Timestamp;

use super::StoreError;
use super::rows::fetch;

/// A component is left alone for so long: somebody may be about to deploy it, or regret having rolled
/// it back.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes components that no deployment and no unfinished run refers to and no host runs, as it may by a pin
/// of the file that the ledger knows nothing of; and strikes against them.
/// Answers how many components went.
///
/// # Errors
/// What the database says.
pub async fn collect(database: &Database) -> Result<u64, StoreError> {
    let now = database.now().await?;
    let grace = i64::try_from(GRACE.as_micros()).unwrap_or(i64::MAX);
    let before = Timestamp(now.0.saturating_sub(grace));
    let mut session = database.session().await?;
    let mut w = Statement::new(session.dialect());
    w.push(
        "DELETE FROM besom_component WHERE NOT EXISTS (SELECT 1 FROM besom_deployment AS d WHERE \
         besom_component.digest IN (d.active, d.previous, d.staged, d.pending, d.shadow)) AND NOT EXISTS \
         (SELECT 1 FROM besom_run AS r WHERE r.state = 'running' AND r.digest = besom_component.digest) \
         AND NOT EXISTS (SELECT 1 FROM besom_generation AS g WHERE g.state = 'running' AND \
         g.digest = besom_component.digest) AND stored_at < ",
    );
    write_time(&mut w, before);
    w.push(" RETURNING 1");
    let gone = fetch(&mut session, &w).await?.len();
    let mut w = Statement::new(session.dialect());
    w.push(
        "DELETE FROM besom_quarantine WHERE NOT EXISTS (SELECT 1 FROM besom_component AS c WHERE \
         c.digest = besom_quarantine.digest) AND at < ",
    );
    // Of a bundled version there is no component; its strikes are forgotten in time.
    write_time(
        &mut w,
        Timestamp(now.0.saturating_sub(grace.saturating_mul(30))),
    );
    fetch(&mut session, &w).await?;
    Ok(gone as u64)
}
