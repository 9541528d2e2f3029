//! Due times as instants: an expression names wall-clock times, and clocks are put forward and back.
//!
//! A wall-clock time means the first instant that shows it. So a time that clocks skip is due right
//! after the gap, and one that they show twice is due once, the first time.

use chrono::offset::{LocalResult, Offset};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::GapInfo;

use super::{Expression, Zone};

/// The first instant at which clocks of a zone show a time, or show a later one because they skip it.
pub(super) fn first_instant(local: NaiveDateTime, zone: Zone) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => after_gap(local, zone),
    }
}

fn after_gap(local: NaiveDateTime, zone: Zone) -> DateTime<Utc> {
    let gap = GapInfo::new(&local, &zone);
    let end = gap.as_ref().and_then(|gap| gap.end);
    let end = end.map(|end| end.to_utc()).or_else(|| {
        let (begin, offset) = gap.and_then(|gap| gap.begin)?;
        let offset = TimeDelta::seconds(i64::from(offset.fix().local_minus_utc()));
        Some(begin.checked_sub_signed(offset)?.and_utc())
    });
    // A gap has ends in every zone that is known.
    end.unwrap_or_else(|| local.and_utc())
}

/// The first due time after an instant; `None`: there is none any more.
pub(super) fn next_due(
    expression: &Expression,
    zone: Zone,
    after: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut local = after.with_timezone(&zone).naive_local();
    loop {
        local = expression.next_after(local)?;
        let at = first_instant(local, zone);
        // Where clocks show an hour again, its times were due when they showed it first.
        if at > after {
            return Some(at);
        }
    }
}

/// The last due time after `from` that is not after `now`. The time that it takes does not depend on
/// how many there are.
pub(super) fn newest_due(
    expression: &Expression,
    zone: Zone,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    /// Due times are further apart.
    const NEAR: TimeDelta = TimeDelta::seconds(1);
    let due_after = |at| next_due(expression, zone, at).filter(|due| *due <= now);
    let mut newest = due_after(from)?;
    let (mut before, mut behind) = (from, now);
    while behind - before > NEAR {
        let middle = before + (behind - before) / 2;
        match due_after(middle) {
            Some(due) => (before, newest) = (middle, due),
            None => behind = middle,
        }
    }
    Some(newest)
}

#[cfg(test)]
mod against_croner;
#[cfg(test)]
mod tests;
