//! The maintenance window of a run that was due. What somebody asked for knows none.

use std::time::Duration;

use super::TICK;
use crate::database::DatabaseError;
use crate::ledger::Entry;
use crate::runner::Host;
use crate::schedule::Timetable;

/// The time until the window of the entry's job closes, and from then until it opens; `None`: never.
pub(super) async fn closes_in(
    host: &Host,
    entry: &Entry,
    timetable: Option<&Timetable>,
) -> Result<Option<(Duration, Duration)>, DatabaseError> {
    match (timetable, entry.due_at) {
        (Some(timetable), Some(_)) if timetable.window().is_some() => {
            Ok(timetable.closes_in(host.database().now().await?))
        }
        _ => Ok(None),
    }
}

/// Waits until the window closes, and answers how long it is closed then.
pub async fn window_closed(host: &Host, entry: &Entry, timetable: Option<&Timetable>) -> Duration {
    /// A machine that is suspended does not count the time; a database that did not answer does later.
    const LOOK: Duration = Duration::from_secs(30);
    loop {
        match closes_in(host, entry, timetable).await {
            Ok(None) => return std::future::pending().await,
            Ok(Some((Duration::ZERO, wait))) => return wait,
            Ok(Some((left, _))) => tokio::time::sleep(left.min(LOOK)).await,
            Err(_) => tokio::time::sleep(TICK).await,
        }
    }
}
