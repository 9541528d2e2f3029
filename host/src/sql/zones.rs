//! Instants as the hands of a clock in some zone show them.
//!
//! The hands alone do not say which instant is meant in the hour that a clock shows twice, nor in the
//! one that it leaves out. Here the later instant counts, as it does in PostgreSQL's `AT TIME ZONE`, so
//! that nothing is taken for older than it is.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

/// So far from an instant a change of the clock is looked for: the largest in any zone left out a day
/// (Samoa, in December 2011).
const NEAR: i64 = 25 * 3_600;

/// Which hands of a clock mean an instant before some edge: those before `bound`, without those in
/// `but`. All of them nanoseconds, counted as if the clock showed UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hands {
    pub(super) bound: i128,
    /// From, and up to but not including.
    pub(super) but: Option<(i128, i128)>,
}

/// The hands that mean an instant before `edge`, in nanoseconds since the epoch.
pub(super) fn hands(zone: Tz, edge: i128) -> Hands {
    let second = i64::try_from(edge.div_euclid(SECOND)).unwrap_or_default();
    let ahead = offset(zone, second);
    if let Some(change) = change(zone, second, second.saturating_add(NEAR)) {
        let after = offset(zone, change);
        // The clock will show this hour again, and that showing counts.
        if after < ahead && second >= change - (ahead - after) {
            return Hands {
                bound: i128::from(change + after) * SECOND,
                but: None,
            };
        }
    }
    let bound = edge + i128::from(ahead) * SECOND;
    let mut but = None;
    if let Some(change) = change(zone, second.saturating_sub(NEAR), second) {
        let before = offset(zone, change - 1);
        // The hour was left out: its hands mean what they would have without the change.
        if before < ahead && second < change + (ahead - before) {
            let from = edge + i128::from(before) * SECOND;
            but = Some((from, i128::from(change + ahead) * SECOND));
        }
    }
    Hands { bound, but }
}

/// Seconds that the zone's clocks are ahead of UTC at an instant.
fn offset(zone: Tz, second: i64) -> i64 {
    let at = DateTime::from_timestamp(second, 0).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    i64::from(offset.fix().local_minus_utc())
}

/// The last change of the clock after `from`, up to `to`: the first second under the new offset.
fn change(zone: Tz, from: i64, to: i64) -> Option<i64> {
    const STEP: i64 = 1_800;
    let new = offset(zone, to);
    let mut at = to;
    while at > from {
        let earlier = (at - STEP).max(from);
        if offset(zone, earlier) != new {
            let (mut old_until, mut new_from) = (earlier, at);
            while new_from - old_until > 1 {
                let middle = old_until + (new_from - old_until) / 2;
                match offset(zone, middle) == new {
                    true => new_from = middle,
                    false => old_until = middle,
                }
            }
            return Some(new_from);
        }
        at = earlier;
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::{LocalResult, NaiveDateTime};

    use super::*;

    /// The instant that hands mean, by the calendar's own word.
    fn meant(zone: Tz, hands: NaiveDateTime) -> i64 {
        match zone.from_local_datetime(&hands) {
            LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => at.timestamp(),
            LocalResult::None => {
                let before = zone.from_local_datetime(&(hands - chrono::TimeDelta::days(1)));
                before.latest().unwrap().timestamp() + 86_400
            }
        }
    }

    #[test]
    fn hands_are_before_an_edge_where_the_instant_is_that_they_mean() {
        for (zone, day) in [
            (Tz::America__Los_Angeles, "2026-03-08"),
            (Tz::America__Los_Angeles, "2026-11-01"),
            (Tz::Europe__Dublin, "2026-03-29"),
            (Tz::Europe__Dublin, "2026-10-25"),
            (Tz::Australia__Lord_Howe, "2026-04-05"),
            (Tz::Australia__Lord_Howe, "2026-10-04"),
            (Tz::Pacific__Apia, "2011-12-30"),
            (Tz::Asia__Kolkata, "2026-05-05"),
        ] {
            let noon = format!("{day}T12:00:00").parse::<NaiveDateTime>().unwrap();
            let noon = meant(zone, noon);
            for edge in (-2_880..2_880).step_by(47) {
                let edge = noon + edge * 60;
                let set = hands(zone, i128::from(edge) * SECOND);
                for minutes in (-3_500_i64..3_500).step_by(13) {
                    let second = edge + offset(zone, edge) + minutes * 60;
                    let shown = DateTime::from_timestamp(second, 0).unwrap().naive_utc();
                    let ns = i128::from(second) * SECOND;
                    let but = set.but.is_some_and(|(from, to)| (from..to).contains(&ns));
                    let before = ns < set.bound && !but;
                    assert_eq!(
                        before,
                        meant(zone, shown) < edge,
                        "{zone}: {shown} before {edge}: {set:?}"
                    );
                }
            }
        }
    }
}
