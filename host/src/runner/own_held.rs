//! Looking for due rows that others of their own table hold.

use super::{Host, Prepared};
use crate::preflight::{self, Finding, HELD_BY_ITS_OWN, Rehearsed};
use crate::sweep::own_held;

impl Host {
    /// Looks for chains that never go, where the operator wants to hear of them.
    pub(super) async fn own_held(
        &self,
        prepared: &Prepared,
        rehearsed: &Rehearsed,
    ) -> Vec<Finding> {
        let tolerated = &prepared.limits.tolerate;
        if tolerated.iter().any(|code| code == HELD_BY_ITS_OWN) {
            return Vec::new();
        }
        match own_held(&self.database, &rehearsed.plans).await {
            Ok(held) => {
                let told = held.iter();
                told.map(|held| preflight::held_by_its_own(held, &prepared.catalog))
                    .collect()
            }
            // What keeps it from looking keeps the job from running, and is told by that.
            Err(error) => {
                tracing::debug!(job = %prepared.job, %error, "not looked at: rows that their own table holds");
                Vec::new()
            }
        }
    }
}
