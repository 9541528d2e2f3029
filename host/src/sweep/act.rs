//! One batch, with the retries that its failures call for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::attempt::{Attempt, Way};
use super::checkpoint::{Checkpoint, Place};
use super::context::State;
use super::inner::{Inner, MOST_CHANGED};
use super::remains::PassedOver;
use super::retry::{InTheWay, Retries, Verdict};
use super::transaction::Failed;
use super::windows::size;
use super::{RunContext, schema, scout};
use crate::database::{Cause, DatabaseError};
use crate::ledger::{Recorded, recorded};
use crate::request::{Batch, Fault, Mode, Problem};
use crate::sql::{Cursor, Technique};

/// A piece of a row that is being taken apart, and that takes too long, is cut to a part of itself: each
/// attempt takes the whole statement timeout.
const FEWER: u64 = 16;

/// The SQLSTATE where the role lacks a right.
const MAY_NOT: &str = "42501";

/// Runs one batch: of the window after `cursor`, or of rows that were found ahead. As [`try_until_done`].
pub(super) async fn act(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Place), Fault> {
    scout::ahead(context, inner, cursor).await;
    let Some(picked) = inner.scout.some(size(context).min(inner.span)) else {
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
/// counts and where the sweep stands; `None`: at the end.
async fn try_until_done(
    context: &RunContext,
    inner: &mut Inner,
    state: &mut State,
    cursor: &Cursor,
    left: u64,
) -> Result<(Batch, Place), Fault> {
    let checkpoint = state.checkpoint_with_lines();
    let mut retries = Retries::default();
    let most = size(context).min(inner.span);
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
    loop {
        let pass_over = match way {
            Way::PassOver(what) => Some(what),
            _ => None,
        };
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
        };
        let failed = match attempt.run(cursor).await {
            Ok(done) => {
                for (table, rows) in done.blocked_by {
                    *state.blocked_by.entry(table).or_default() += rows;
                }
                let mut passed = passed_over(done.batch, pass_over);
                passed.beside = inner.beside.load(Ordering::Relaxed);
                if let Some(tried) = done.tried {
                    passed.refused = tried.pieces.refused;
                    passed.blocked = passed.blocked.saturating_sub(passed.refused);
                    inner.was_careful(&tried.pieces, size, most);
                    tried.why.tell(&mut state.blocked_by);
                }
                let place = inner.place_after(done.next.as_ref());
                let told = !done.told.is_empty();
                moved_on(context, inner, state, &place, told, passed);
                inner.tell(done.told);
                inner.one_window_on();
                inner.gone_before = done.gone_before;
                match way {
                    // It is next again.
                    Way::Apart(_) => inner.span = 1,
                    // Where one is refused, its neighbours often are.
                    Way::PassOver(InTheWay::Refused) => {
                        inner.span = 1;
                        inner.scout.took(1);
                    }
                    _ => {
                        inner.weigh(size, done.batch);
                        inner.scout.took(size.min(left));
                    }
                }
                return Ok((done.batch, place));
            }
            Err(failed) => failed,
        };
        if context.failed_by_schema(&inner.plan, &failed).await {
            return Err(schema::changed(&inner.plan));
        }
        if let Way::Apart(most) = way {
            may_come_apart = false;
            if let Some(instead) = instead_of_apart(most, &failed) {
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
                context.held_back.pause(pause).await;
            }
            Verdict::TakeApart => way = Way::Apart(MOST_CHANGED),
            Verdict::PassOver(InTheWay::TooMuch) if may_come_apart => {
                way = Way::Apart(MOST_CHANGED / 4);
            }
            Verdict::PassOver(what) if pass_over.is_none() => {
                tracing::warn!(why = %failed, "one row is passed over");
                technique = Technique::LockThenCheck;
                way = Way::PassOver(what);
            }
            Verdict::AskLedger { pause } => {
                context.held_back.pause(pause).await;
                match context.database.session().await {
                    Ok(mut session) => match recorded(&mut session, &state.fence).await {
                        Ok(Recorded::Mine { batch, checkpoint }) => {
                            let stored = Checkpoint::parse(&checkpoint);
                            let place = match inner.hangs_together() {
                                // What hangs together has to be told again.
                                true => Place {
                                    // A count of held rows is not told twice.
                                    cursor: inner.closes.is_none().then(|| cursor.clone()),
                                    midway: inner.midway,
                                },
                                false => stored.resume(inner.ordinal, &inner.asks),
                            };
                            let mut passed = passed_over(batch, pass_over);
                            passed.beside = inner.beside.load(Ordering::Relaxed);
                            moved_on(context, inner, state, &place, true, passed);
                            inner.gone_before = 0;
                            inner.scout.forget();
                            return Ok((batch, place));
                        }
                        Ok(Recorded::Lost) => return Err(lease_lost(context)),
                        Ok(Recorded::NotYet) if matches!(failed, Failed::Fenced) => {
                            if context.schema_differs(&inner.plan).await {
                                return Err(schema::changed(&inner.plan));
                            }
                        }
                        Ok(Recorded::NotYet) | Err(_) => {}
                    },
                    Err(error) => tracing::debug!(%error, "the ledger does not answer"),
                }
            }
            Verdict::PassOver(_) | Verdict::GiveUp => {
                return Err(match failed {
                    Failed::Fenced => lease_lost(context),
                    Failed::Schema => schema::changed(&inner.plan),
                    Failed::Database(error) => error.into(),
                    Failed::EveryStatement(error) => refused_whatever(inner, error),
                    Failed::Request(fault) => fault,
                    failed => in_the_way(inner, &failed),
                });
            }
        }
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

/// Rows of the batch that would have gone, had they not been in the way.
fn passed_over(batch: Batch, in_the_way: Option<InTheWay>) -> PassedOver {
    let refused = match in_the_way {
        Some(_) => batch.blocked.min(1),
        None => 0,
    };
    let blocked = batch.blocked - refused;
    PassedOver {
        locked: batch.locked,
        refused,
        blocked,
        beside: 0,
    }
}

/// Takes over what a committed batch has changed.
fn moved_on(
    context: &RunContext,
    inner: &Inner,
    state: &mut State,
    place: &Place,
    told: bool,
    passed: PassedOver,
) {
    *state.passed_over.entry(inner.ordinal).or_default() += passed;
    if context.options.mode == Mode::Apply {
        state.fence.seq += 1;
        let place = inner.stands_at(place.clone(), told);
        state.checkpoint = state.checkpoint.with(inner.ordinal, &inner.asks, place);
        state.checkpoint.blocked_by.clone_from(&state.blocked_by);
        state.checkpoint.passed_over.clone_from(&state.passed_over);
        state.checkpoint.throttled = context.held_back.altogether();
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
