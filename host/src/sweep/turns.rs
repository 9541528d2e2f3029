//! Sweeps of one job take turns where one does not come to its end within a run: each run would begin with it,
//! and those behind it would never begin.

use std::time::Instant;

use super::context::{RunContext, State};
use super::inner::Inner;
use crate::request::Suspension;

/// What a sweep takes of a run.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// No more than a part, because others wait.
    pub(super) is_shared: bool,
    share: Option<Share>,
    /// The next batch keeps that it gives way.
    is_kept: bool,
    /// What is left of the run is for others.
    pub(super) is_over: bool,
}

/// Half of what was left when the sweep began.
#[derive(Debug, Clone, Copy)]
struct Share {
    ends: Instant,
    /// Rows that the run has changed when it is used up.
    rows: u64,
}

impl Share {
    fn of(context: &RunContext, state: &State) -> Self {
        let now = Instant::now();
        let changed = state.totals.changed();
        let rows = context.options.max_rows.saturating_sub(changed);
        Self {
            ends: now + context.ends.saturating_duration_since(now) / 2,
            rows: changed + (rows / 2).max(1),
        }
    }

    fn used_up(self, state: &State) -> Option<Suspension> {
        if state.totals.changed() >= self.rows {
            return Some(Suspension::RowBudget);
        }
        (Instant::now() >= self.ends).then_some(Suspension::Deadline)
    }
}

impl Inner {
    /// Why the sweep leaves the rest of the run to those behind it, if it does now.
    pub(super) fn gives_way(
        &mut self,
        context: &RunContext,
        state: &mut State,
    ) -> Option<Suspension> {
        if !self.turn.is_shared {
            return None;
        }
        let share = self.turn.share;
        let share = share.unwrap_or_else(|| Share::of(context, state));
        self.turn.share = Some(share);
        let why = share.used_up(state)?;
        if self.turn.is_kept {
            self.turn.is_over = true;
            tracing::info!(table = %self.plan.table().id, "the sweep has had a round, and leaves the rest of the run to those behind it");
            return Some(why);
        }
        self.turn.is_kept = state.checkpoint.gives_way(self.ordinal);
        None
    }

    /// When its part of the run is over.
    pub(super) fn ends(&self, context: &RunContext) -> Instant {
        let share = self.turn.share;
        share.map_or(context.ends, |share| share.ends.min(context.ends))
    }

    /// Rows that the sweep may still change before it gives way.
    pub(super) fn up_to_its_share(&self, state: &State) -> u64 {
        let share = self.turn.share;
        share.map_or(u64::MAX, |share| {
            share.rows.saturating_sub(state.totals.changed()).max(1)
        })
    }
}
