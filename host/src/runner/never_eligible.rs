//! Looking for rows that a job never takes.

use super::{Host, Prepared, RunnerError};
use crate::preflight::{self, Finding, NEVER_ELIGIBLE, Rehearsed};
use crate::sweep::lacking;

impl Host {
    /// Looks for rows that no rule of the job can ever match, where the operator wants to hear of them.
    pub(super) async fn never_eligible(
        &self,
        prepared: &Prepared,
        rehearsed: &Rehearsed,
    ) -> Result<Vec<Finding>, RunnerError> {
        let tolerated = &prepared.limits.tolerate;
        if tolerated.iter().any(|code| code == NEVER_ELIGIBLE) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for expiry in preflight::expiries(&prepared.catalog, &prepared.access, rehearsed) {
            let plans: Vec<_> = expiry.plans.iter().map(AsRef::as_ref).collect();
            match lacking(&self.database, &plans, &expiry.column).await {
                Ok(Some(rows)) => found.extend(preflight::never_eligible(&expiry, rows)),
                Ok(None) => {
                    tracing::debug!(job = %prepared.job, table = expiry.table, column = expiry.column,
                                    "not counted in time: rows without a value");
                }
                // What keeps it from looking keeps the job from running, and is told by that.
                Err(error) => {
                    tracing::debug!(job = %prepared.job, table = expiry.table, %error, "not looked at");
                }
            }
        }
        Ok(found)
    }
}
