//! What a batch that has committed changes of the run and of its sweep.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::RunContext;
use super::attempt::{Done, Way};
use super::checkpoint::Place;
use super::context::State;
use super::inner::Inner;
use super::remains::PassedOver;
use super::retry::InTheWay;
use super::span::MOST_CHANGED;
use super::windows::size;
use crate::request::{Batch, Mode};

/// How a batch was tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) way: Way,
    /// Rows of its window.
    pub(super) size: u64,
    /// Rows that a window might have had.
    pub(super) most: u64,
    /// Swept rows that might go.
    pub(super) left: u64,
    pub(super) took: Duration,
}

/// Takes in a batch that went well, and answers its counts and where the sweep stands.
pub(super) fn take_in(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    how: &How,
    done: Done,
) -> (Batch, Place) {
    for (table, rows) in done.blocked_by {
        *state.blocked_by.entry(table).or_default() += rows;
    }
    let mut passed = passed_over(inner, done.batch, how.way);
    if let Some(tried) = done.tried {
        passed.refused = tried.pieces.refused;
        passed.blocked = passed.blocked.saturating_sub(passed.refused);
        inner.was_careful(&tried.pieces, how.size, how.most);
        tried.why.tell(&mut state.blocked_by);
    }
    let limit = context.database.options().statement_timeout;
    inner.in_pieces = matches!(how.way, Way::Apart(_));
    match how.way {
        Way::Apart(most) => {
            // It is next again.
            inner.span.one();
            inner.pieces.took(most, how.took, limit, MOST_CHANGED);
        }
        // Where one is refused, its neighbours often are.
        Way::PassOver(InTheWay::Refused) => {
            inner.span.one();
            inner.scout.took(1);
        }
        way => {
            if !matches!(way, Way::PassOver(_)) {
                inner.span.took(how.size, how.took, limit, size(context));
            }
            inner.span.weigh(how.size, done.batch);
            inner.scout.took(how.size.min(how.left));
        }
    }
    let place = inner.place_after(done.next.as_ref());
    let told = !done.told.is_empty();
    moved_on(context, inner, state, &place, told, passed);
    inner.tell(done.told);
    inner.one_window_on();
    inner.gone_before = done.gone_before;
    (done.batch, place)
}

/// Rows of the batch that would have gone, had they not been in the way.
pub(super) fn passed_over(inner: &Inner, batch: Batch, way: Way) -> PassedOver {
    let picked = inner.plan.picked.as_ref();
    let beside = picked.map_or(0, |picked| picked.blocked_beside);
    let refused = match way {
        Way::PassOver(_) => batch.blocked.saturating_sub(beside),
        _ => 0,
    };
    PassedOver {
        locked: batch.locked,
        refused,
        blocked: batch.blocked - refused,
        beside: inner.beside.load(Ordering::Relaxed),
        kept: match inner.plan.keepers().is_empty() {
            true => 0,
            false => batch.revived,
        },
    }
}

/// Takes over what a committed batch has changed.
pub(super) fn moved_on(
    context: &RunContext,
    inner: &Inner,
    state: &mut State,
    place: &Place,
    told: bool,
    passed: PassedOver,
) {
    *state.passed_over.entry(inner.ordinal).or_default() += passed;
    *state.refusals.entry(inner.ordinal).or_default() += passed.refused;
    if context.options.mode == Mode::Apply {
        state.fence.seq += 1;
        let place = inner.stands_at(place.clone(), told);
        state.checkpoint = state.checkpoint.with(inner.ordinal, &inner.asks, place);
        state.checkpoint.blocked_by.clone_from(&state.blocked_by);
        state.checkpoint.passed_over.clone_from(&state.passed_over);
        state.checkpoint.throttled = context.held_back.altogether();
        let span = inner.span.in_time_rows();
        state.checkpoint.keep_span(inner.ordinal, span);
    }
}
