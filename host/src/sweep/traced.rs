//! A batch with a span of its own, which every line that is logged meanwhile carries.

use tracing::Instrument;
use tracing::field::Empty;

use super::act;
use super::checkpoint::Place;
use super::context::{RunContext, State};
use super::inner::Inner;
use super::no_batch::NoBatch;
use crate::request::{Batch, SPANS};
use crate::sql::Cursor;

/// As [`act::act`].
pub(super) async fn act(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Place), NoBatch> {
    let span = tracing::error_span!(
        target: SPANS,
        "batch",
        table = %inner.plan.table().id,
        examined = Empty,
        affected = Empty,
        dependents = Empty,
        cascaded = Empty,
        locked = Empty,
        blocked = Empty,
        revived = Empty,
    );
    let acting = act::act(context, inner, state, cursor, left);
    let done = acting.instrument(span.clone()).await;
    if let Ok((batch, _)) = &done {
        span.record("examined", batch.examined)
            .record("affected", batch.affected)
            .record("dependents", batch.dependents)
            .record("cascaded", batch.cascaded)
            .record("locked", batch.locked)
            .record("blocked", batch.blocked)
            .record("revived", batch.revived);
    }
    done
}
