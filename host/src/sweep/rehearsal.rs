//! Runs that have not begun: what a job will ask for is found out by having it ask.

use std::sync::Arc;

use super::checkpoint::hash;
use super::context::{RunContext, RunOptions};
use crate::catalog::Catalog;
use crate::database::Database;
use crate::ledger::{Claimed, Fence};
use crate::request::{Fault, Request, RunId, Timestamp};
use crate::scope::{Granted, Subject};
use crate::sql::Plan;

impl RunContext {
    /// For finding out what a job will ask for: its sweeps are checked and planned like any others
    /// and answer `drained` at once. Nothing is claimed, changed or read beyond what planning reads, and of
    /// what the grant does not cover nothing at all: that is noted, and answers `drained`, too.
    /// [`drained`](super::Progress::drained) then holds the plans, [`refused`](super::Progress::refused) what could
    /// not be planned.
    pub fn rehearsal(
        database: Database,
        catalog: Arc<Catalog>,
        granted: Arc<Granted>,
        subject: Subject,
        now: Timestamp,
        options: RunOptions,
    ) -> Arc<Self> {
        let claimed = Claimed {
            fence: Fence {
                run: RunId(uuid::Uuid::nil()),
                token: 0,
                seq: 0,
            },
            now,
            checkpoint: "{}".to_owned(),
            resumed: false,
            changed: 0,
            suspended: None,
        };
        let history = Vec::new();
        let mut context = Self::new(
            database, catalog, granted, subject, &claimed, history, options,
        );
        if let Some(context) = Arc::get_mut(&mut context) {
            context.rehearsal = true;
        }
        context
    }

    /// Nothing is done; see [`RunContext::rehearsal`].
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// For a plugin's own preflight: it may count and read rows, each look for a few seconds.
    pub fn looking(
        database: Database,
        catalog: Arc<Catalog>,
        granted: Arc<Granted>,
        subject: Subject,
        now: Timestamp,
        options: RunOptions,
    ) -> Arc<Self> {
        let mut context = Self::rehearsal(database, catalog, granted, subject, now, options);
        if let Some(context) = Arc::get_mut(&mut context) {
            context.rehearsal = false;
            context.looking = true;
        }
        context
    }

    /// The run has not begun: nothing is changed, and no statement may take long.
    pub(super) fn looks_only(&self) -> bool {
        self.looking || self.rehearsal
    }

    /// Notes whether a request could be opened. A run whose plugin swallows a refusal has not done its
    /// work.
    pub(super) async fn note(&self, request: &Request, fault: Option<&Fault>) {
        /// Refusals that a rehearsal tells: more are one mistake over and over.
        const MOST_TOLD: usize = 100;
        let asked = hash(request);
        let mut state = self.state.lock().await;
        state.refused.remove(&asked);
        state.told.retain(|(told, _)| told != request);
        if let Some(fault) = fault {
            if self.rehearsal && state.told.len() < MOST_TOLD {
                state.told.push((request.clone(), fault.clone()));
            }
            state.refused.insert(asked);
        }
    }

    /// A rehearsal goes on after what the grant does not cover, as if that were drained: see
    /// [`RunContext::rehearsal`].
    pub(super) fn goes_on_after(&self, fault: &Fault) -> bool {
        self.rehearsal && matches!(fault, Fault::Denied(denied) if !denied.missing.is_empty())
    }

    /// Notes what is read before the run, whose rights preflight asks for.
    pub(super) async fn looked(&self, plan: &Arc<Plan>) {
        /// Looks that are held against the role's rights: more are one look over and over.
        const MOST_HELD: usize = 100;
        if self.looks_only() {
            let mut state = self.state.lock().await;
            if state.looked.len() < MOST_HELD {
                let asked = hash(plan.request());
                state.looked.insert(asked, Arc::clone(plan));
            }
        }
    }
}
