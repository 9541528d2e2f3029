//! One batch, with the retries that its failures call for.

use std::sync::Arc;
use std::time::Instant;

use super::attempt::{Attempt, Way};
use super::checkpoint::{Checkpoint, Place};
use super::context::State;
use super::inner::Inner;
use super::lost::{InHand, Lost};
use super::moved_on::{How, moved_on, passed_over, take_in};
use super::no_batch::NoBatch;
use super::retry::{InTheWay, Retries, Verdict};
use super::span::MOST_CHANGED;
use super::transaction::Failed;
use super::windows::size;
use super::{RunContext, scout};
use crate::database::{Cause, DatabaseError};
use crate::ledger::{Recorded, keep_checkpoint, recorded};
use crate::request::{Batch, Fault, Mode, Problem, Suspension};
use crate::sql::{Cursor, Technique};

/// A piece of a row that is being taken apart, and that takes too long, is cut to a part of itself: each
/// attempt takes the whole statement timeout.
const FEWER: u64 = 16;

/// The SQLSTATE where the role lacks a right.
const MAY_NOT: &str = "42501";

const SCHEMA_CHANGED: NoBatch = NoBatch::Suspended(Suspension::SchemaChanged);

/// Runs one batch: of the window after `cursor`, or of rows that were found ahead. As [`try_until_done`].
pub(super) async fn act(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Place), NoBatch> {
    scout::ahead(context, inner, cursor).await;
    let last_look = inner.scout.last_look();
    state.checkpoint.looked(inner.ordinal, last_look);
    let Some(picked) = inner.scout.some(size(context).min(inner.span.most())) else {
        let began = Instant::now();
        let done = try_until_done(context, inner, state, cursor, left).await?;
        if inner.careful.is_none() {
            inner.scout.note(done.0, began.elapsed());
        }
        return Ok(done);
    };
    let whole = Arc::clone(&inner.plan);
    inner.plan = Arc::new(whole.with_picked(Arc::new(picked)));
    let done = try_until_done(context, inner, state, cursor, left).await;
    inner.plan = whole;
    if done.is_err() {
        inner.scout.forget();
    }
    done
}

/// Runs one batch from `cursor`, with the retries that its failures call for, and answers its
/// counts and where the sweep stands; `None`: at the end. Whether the run is to stop is asked before each further
/// attempt: it may take a statement timeout.
async fn try_until_done(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Place), NoBatch> {
    let checkpoint = state.checkpoint_with_lines();
    let mut retries = Retries::default();
    let most = size(context).min(inner.span.most());
    let mut size = most;
    let mut technique = inner.technique();
    let mut way = Way::Weighed;
    // Rows that hang together go in an order of their own.
    let in_order = inner.stands.is_some() || inner.closes.is_some();
    retries.in_vain = context.options.mode == Mode::DryRun || in_order;
    if inner.careful.is_some() && !retries.in_vain {
        (technique, way) = (Technique::LockThenCheck, Way::Carefully);
        size = size.min(inner.careful_span());
    }
    let budget = context
        .options
        .max_rows
        .saturating_sub(state.totals.changed());
    let mut may_come_apart = context.options.mode == Mode::Apply
        && !inner.is_put_together()
        && inner.plan.has_a_family()
        && inner.plan.comes_apart();
    if inner.in_pieces && may_come_apart && way == Way::Weighed {
        // It would be weighed again and again, or take the time of the whole row.
        way = Way::Apart(inner.pieces.most());
    }
    let mut tried = false;
    let mut lost = Lost::default();
    loop {
        if let (true, Some(reason)) = (tried, ends_before(context, way)) {
            keep_span(context, inner, state).await;
            return Err(NoBatch::Suspended(reason));
        }
        tried = true;
        context.owes_a_batch(false);
        let pass_over = match way {
            Way::PassOver(what) => Some(what),
            _ => None,
        };
        let in_hand = InHand::default();
        let attempt = Attempt {
            context,
            inner,
            fence: state.fence,
            checkpoint: &checkpoint,
            technique,
            size,
            left,
            budget,
            way,
            in_hand: &in_hand,
        };
        let began = Instant::now();
        let result = attempt.run(cursor).await;
        let how = How {
            way,
            size,
            most,
            left,
            took: began.elapsed(),
        };
        let failed = match result {
            Ok(done) => return Ok(take_in(context, inner, state, &how, done)),
            Err(failed) => failed,
        };
        if failed.is_lost() {
            lost.note(how, &in_hand, inner);
        }
        if context.failed_by_schema(&inner.plan, &failed).await {
            return Err(SCHEMA_CHANGED);
        }
        if let Way::Apart(most) = way {
            may_come_apart = false;
            if let Some(instead) = instead_of_apart(most, &failed) {
                if let Way::Apart(fewer) = instead {
                    inner.pieces.timed_out(fewer);
                }
                if let Way::PassOver(_) = instead {
                    technique = Technique::LockThenCheck;
                }
                way = instead;
                continue;
            }
        }
        if way == Way::Carefully && failed.is_refusal() {
            // At the commit, with the whole transaction, or before a row was tried.
            retries.in_vain = true;
            way = Way::Weighed;
        }
        match retries.after(&failed, technique, inner.skip_locked > 0, size) {
            Verdict::SkipLocked => {
                inner.met_a_lock();
                technique = inner.technique();
            }
            Verdict::Lock => technique = Technique::LockThenCheck,
            Verdict::Carefully => {
                way = Way::Carefully;
                size = size.min(inner.careful_span());
            }
            Verdict::Smaller {
                size: smaller,
                pause,
            } => {
                size = smaller;
                if matches!(&failed, Failed::Database(error) if error.cause == Cause::StatementTimeout)
                {
                    inner.span.timed_out(size);
                }
                context.pause(pause).await;
            }
            Verdict::TakeApart => way = Way::Apart(inner.pieces.most()),
            Verdict::PassOver(InTheWay::TooMuch) if may_come_apart => {
                way = Way::Apart(inner.pieces.most().min(MOST_CHANGED / 4));
            }
            Verdict::PassOver(what) if pass_over.is_none() => {
                tracing::warn!(why = %failed, "one row is passed over");
                technique = Technique::LockThenCheck;
                way = Way::PassOver(what);
            }
            Verdict::AskLedger { pause } => {
                context.pause(pause).await;
                match context.database.session().await {
                    Ok(mut session) => match recorded(&mut session, &state.fence).await {
                        Ok(Recorded::Mine { batch, checkpoint }) => {
                            if let Some((how, known)) = lost.committed(&checkpoint, inner) {
                                let as_tried = Attempt {
                                    way: how.way,
                                    size: how.size,
                                    ..attempt
                                };
                                let done = as_tried.came_to(&mut session, batch, known).await;
                                return Ok(take_in(context, inner, state, &how, done));
                            }
                            return Ok(by_the_ledger(
                                context,
                                inner,
                                state,
                                (cursor, way),
                                (batch, &checkpoint),
                            ));
                        }
                        Ok(Recorded::Lost) => return Err(lease_lost(context).into()),
                        Ok(Recorded::NotYet) => {
                            if fenced_by_schema(context, inner, &failed).await {
                                return Err(SCHEMA_CHANGED);
                            }
                        }
                        Err(error) => tracing::debug!(%error, "the ledger does not answer"),
                    },
                    Err(error) => tracing::debug!(%error, "the ledger does not answer"),
                }
            }
            Verdict::PassOver(_) | Verdict::GiveUp => {
                if fenced_by_schema(context, inner, &failed).await {
                    return Err(SCHEMA_CHANGED);
                }
                return Err(NoBatch::Failed(match failed {
                    Failed::Fenced { .. } => lease_lost(context),
                    Failed::Database(error) => error.into(),
                    Failed::EveryStatement(error) => refused_whatever(inner, error),
                    Failed::Request(fault) => fault,
                    failed => in_the_way(inner, &failed),
                }));
            }
        }
    }
}

/// Takes over a batch of which no more is known than what the ledger has: an earlier attempt has committed it.
fn by_the_ledger(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    (cursor, way): (&Cursor, Way),
    (batch, checkpoint): (Batch, &str),
) -> (Batch, Place) {
    let place = match inner.hangs_together() {
        // What hangs together has to be told again.
        true => Place {
            // A count of held rows is not told twice.
            cursor: inner.closes.is_none().then(|| cursor.clone()),
            midway: inner.midway,
        },
        false => Checkpoint::parse(checkpoint).resume(inner.ordinal, &inner.asks),
    };
    let passed = passed_over(inner, batch, way);
    moved_on(context, inner, state, &place, true, passed);
    inner.gone_before = 0;
    inner.scout.forget();
    (batch, place)
}

/// The fence was empty because the schema is another than the plan's. Which connection looks may matter: a setting of
/// new ones is not that of older ones.
async fn fenced_by_schema(context: &RunContext, inner: &Inner, failed: &Failed) -> bool {
    match failed {
        Failed::Fenced { by_schema } => *by_schema || context.schema_differs(&inner.plan).await,
        _ => false,
    }
}

/// Why no further attempt is made, in this way.
fn ends_before(context: &RunContext, way: Way) -> Option<Suspension> {
    match way {
        // It takes no time, and the row would be in the way of whoever goes on.
        Way::PassOver(_) => None,
        // Whoever goes on would first take the time to find out again that the row does not go whole.
        Way::Apart(_) => context.options.asked_to_stop(),
        _ => context.due_to_stop(),
    }
}

/// What the timeouts of a batch that came to nothing have shown is kept for whoever goes on. Else a run with less time
/// than its first attempts take would find the same out for ever.
async fn keep_span(context: &RunContext, inner: &Inner, state: &mut State) {
    let known = inner.span.in_time_rows();
    if known.is_none() || known == state.checkpoint.span_of(inner.ordinal) {
        return;
    }
    state.checkpoint.keep_span(inner.ordinal, known);
    if context.options.mode == Mode::DryRun {
        return;
    }
    let checkpoint = state.checkpoint_with_lines().to_json();
    let kept = match context.database.session().await {
        Ok(mut session) => keep_checkpoint(&mut session, &state.fence, &checkpoint).await,
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::debug!(%error, "the size of the window was not kept");
    }
}

/// What to try where taking a row apart fails for a reason that lies in it.
fn instead_of_apart(most: u64, failed: &Failed) -> Option<Way> {
    match failed {
        Failed::NothingApart => Some(Way::Whole),
        Failed::Database(error) => match error.cause {
            Cause::StatementTimeout if most >= FEWER => Some(Way::Apart(most / FEWER)),
            Cause::StatementTimeout => Some(Way::PassOver(InTheWay::TooMuch)),
            // Rows of it hold each other: all at once they may go.
            Cause::Constraint => Some(Way::Whole),
            // A rule may take what the role may not.
            _ if error.code == MAY_NOT => Some(Way::Whole),
            _ => None,
        },
        _ => None,
    }
}

fn lease_lost(context: &RunContext) -> Fault {
    Fault::Other(Problem::new(
        "lease-lost",
        format!(
            "run {} was taken over by another host or ended; this host stops without a further change",
            context.run
        ),
    ))
}

fn refused_whatever(inner: &Inner, error: DatabaseError) -> Fault {
    Fault::Database(Problem::new(
        error.code,
        format!(
            "no row of `{}` can go: the database refuses the statement whatever rows it takes, as a trigger FOR EACH \
             STATEMENT does, or a condition that cannot be worked out: {}",
            inner.plan.table().id,
            error.message
        ),
    ))
}

fn in_the_way(inner: &Inner, why: &Failed) -> Fault {
    Fault::Other(Problem::new(
        "row-in-the-way",
        format!(
            "one row of `{}` cannot go, and cannot be passed over: {why}",
            inner.plan.table().id
        ),
    ))
}
