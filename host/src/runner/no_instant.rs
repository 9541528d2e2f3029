//! Looking for rows whose time stands for "never".

use super::{Host, Prepared};
use crate::preflight::{self, Finding, NO_INSTANT, Rehearsed};
use crate::sweep::no_instants;

impl Host {
    /// Looks for values that stand for no instant where the job compares times, where the operator wants to
    /// hear of them.
    pub(super) async fn no_instant(
        &self,
        prepared: &Prepared,
        rehearsed: &Rehearsed,
    ) -> Vec<Finding> {
        let tolerated = &prepared.limits.tolerate;
        if tolerated.iter().any(|code| code == NO_INSTANT) {
            return Vec::new();
        }
        match no_instants(&self.database, &rehearsed.plans).await {
            Ok(all) => {
                let told = all.found.iter();
                let told = told.map(|of| preflight::no_instant(of, &prepared.catalog));
                told.chain(preflight::not_looked_for(&all.not_known))
                    .collect()
            }
            // What keeps it from looking keeps the job from running, and is told by that.
            Err(error) => {
                tracing::debug!(job = %prepared.job, %error, "not looked at: times that are none");
                Vec::new()
            }
        }
    }
}
