//! The next window after a cursor.

use std::time::Instant;

use super::RunContext;
use super::physical::by_page;
use super::probe::until_then;
use super::transaction::Failed;
use crate::database::{Bind, DatabaseError, Session, Statement};
use crate::sql::{Cursor, Edge, File, Plan, Window};

/// A group of rows with one value that is larger than this many windows is gone through by key.
const TIE_WINDOWS: u64 = 2;

/// Finds the window of `size` rows after the cursor, cut short where it holds more eligible rows
/// than `most`. Each of its statements may take the session's time, and all of them until `ends`.
pub(super) async fn next_window(
    session: &mut Session,
    plan: &Plan,
    cursor: &Cursor,
    size: u64,
    most: u64,
    ends: Option<Instant>,
) -> Result<Window, Failed> {
    if plan.axis().physical {
        let (window, file) = by_page(session, plan, cursor, size, ends).await?;
        return match most >= size.saturating_mul(TIE_WINDOWS + 1) {
            true => Ok(window),
            false => within_budget(session, plan, window, most, Some(file)).await,
        };
    }
    let window = match &cursor.tie {
        None if plan.axis().cuts_between_values() => {
            between_values(session, plan, cursor, size, ends).await?
        }
        _ => between_rows(session, plan, cursor, size).await?,
    };
    if most >= size.saturating_mul(TIE_WINDOWS + 1) {
        return Ok(window);
    }
    within_budget(session, plan, window, most, None).await
}

async fn between_rows(
    session: &mut Session,
    plan: &Plan,
    cursor: &Cursor,
    size: u64,
) -> Result<Window, Failed> {
    let edge = first_row(session, &plan.edge(cursor, size)?).await?;
    let next = match (&edge, &cursor.tie) {
        (Some(edge), tie) => Some(Cursor {
            after: Some(edge.clone()),
            tie: tie.clone(),
            ..Cursor::default()
        }),
        // The group is done; go on behind its value.
        (None, Some(at)) => Some(Cursor {
            after: Some(vec![at.clone()]),
            ..Cursor::default()
        }),
        (None, None) => None,
    };
    Ok(Window {
        after: cursor.after.clone(),
        examined: edge.is_some().then_some(size),
        upto: edge,
        inclusive: true,
        tie: cursor.tie.clone(),
        next,
    })
}

/// Ends the window at a value and takes all rows with it, unless they are too many: then it ends
/// before the value, and the group follows by key.
async fn between_values(
    session: &mut Session,
    plan: &Plan,
    cursor: &Cursor,
    size: u64,
    ends: Option<Instant>,
) -> Result<Window, Failed> {
    let window = |upto: Option<Edge>, inclusive, next| Window {
        after: cursor.after.clone(),
        upto,
        inclusive,
        tie: None,
        examined: None,
        next,
    };
    // A window of one row has one row: it is how a row that is in the way is passed over.
    let most = if size == 1 { 2 } else { size * TIE_WINDOWS + 1 };
    let found = session
        .fetch(&plan.edge_with_ties(cursor, size, most)?)
        .await?;
    let Some(row) = found.into_iter().next() else {
        return Ok(window(None, true, None));
    };
    let tied = row.get(1).as_count();
    let at = Bind::from(row.get(0).clone());
    let edge = vec![at.clone()];
    if tied < most {
        let next = Cursor {
            after: Some(edge.clone()),
            ..Cursor::default()
        };
        let window = window(Some(edge), true, Some(next));
        // A value of its own: the window is as large as it was asked to be.
        return Ok(Window {
            examined: (tied == 1).then_some(size),
            ..window
        });
    }
    let group = Cursor {
        tie: Some(at),
        ..Cursor::default()
    };
    let before = window(Some(edge), false, Some(group.clone()));
    until_then(session, ends).await?;
    let examined = session
        .fetch_one(&plan.examine(&before)?)
        .await?
        .get(0)
        .as_count();
    if examined == 0 {
        until_then(session, ends).await?;
        return Box::pin(between_rows(session, plan, &group, size)).await;
    }
    Ok(Window {
        examined: Some(examined),
        ..before
    })
}

/// Shortens a window that holds more eligible rows than the run may still change.
async fn within_budget(
    session: &mut Session,
    plan: &Plan,
    window: Window,
    most: u64,
    file: Option<File>,
) -> Result<Window, Failed> {
    if most == 0 {
        return Ok(window);
    }
    let Some(last) = first_row(session, &plan.nth_eligible(&window, most + 1)?).await? else {
        return Ok(window);
    };
    if plan.axis().cuts_between_values() && window.tie.is_none() {
        // A value cannot be cut; a group that does not fit is gone through by key.
        let Some(at) = last.first().cloned() else {
            return Ok(window);
        };
        let group = Cursor {
            tie: Some(at),
            ..Cursor::default()
        };
        let before = Window {
            upto: Some(last),
            inclusive: false,
            examined: None,
            next: Some(group.clone()),
            ..window
        };
        let held = session
            .fetch_one(&plan.examine(&before)?)
            .await?
            .get(0)
            .as_count();
        if held > 0 {
            return Ok(before);
        }
        let inside = Window {
            after: None,
            upto: None,
            inclusive: true,
            tie: group.tie.clone(),
            examined: None,
            next: Some(Cursor {
                after: group.tie.clone().map(|at| vec![at]),
                ..Cursor::default()
            }),
        };
        return Box::pin(within_budget(session, plan, inside, most, None)).await;
    }
    let Some(edge) = first_row(session, &plan.nth_eligible(&window, most)?).await? else {
        return Ok(window);
    };
    let next = Some(Cursor {
        after: Some(edge.clone()),
        tie: window.tie.clone(),
        file,
        ..Cursor::default()
    });
    Ok(Window {
        upto: Some(edge),
        inclusive: true,
        examined: None,
        next,
        ..window
    })
}

async fn first_row(
    session: &mut Session,
    statement: &Statement,
) -> Result<Option<Edge>, DatabaseError> {
    let rows = session.fetch(statement).await?;
    Ok(rows
        .into_iter()
        .next()
        .map(|row| row.0.into_iter().map(Bind::from).collect()))
}

/// The window size in force.
pub(super) fn size(context: &RunContext) -> u64 {
    context.options.batch_size.max(1)
}
