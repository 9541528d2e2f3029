//! How many rows the next window may have: what goes along with them bounds it, and the time that they take.

use std::time::Duration;

use crate::request::Batch;
use crate::sql::Plan;

/// The first window where rows go with the swept ones: how many is not known before.
const FIRST: u64 = 100;

/// Rows that one batch should change at most: it holds them locked while it lasts.
pub(super) const MOST_CHANGED: u64 = 10_000;

/// Quick windows in a row before a bound that the statement timeout has set is doubled: slow rows come in clusters.
const QUICK_ONES: u32 = 4;

/// A window is quick that takes no more than this part of the statement timeout: one of twice its size will then
/// hardly meet it.
const QUICK: u32 = 4;

/// Rows that a window may have at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Because others go with each of them.
    by_weight: u64,
    /// Because more were not done within the statement timeout.
    in_time: Option<InTime>,
}

#[derive(Debug, Clone, Copy)]
struct InTime {
    rows: u64,
    /// Quick windows of so many rows, one after the other.
    quick: u32,
}

impl Span {
    /// That of a plan's first window.
    pub(super) fn first(plan: &Plan) -> Self {
        Self {
            by_weight: match plan.takes_others_along() {
                true => FIRST,
                false => u64::MAX,
            },
            in_time: None,
        }
    }

    /// That of the pieces of rows that are taken apart.
    pub(super) fn of_pieces() -> Self {
        Self {
            by_weight: MOST_CHANGED,
            in_time: None,
        }
    }

    /// The same with what an earlier sweep has seen of the time that rows take.
    pub(super) fn knowing(self, rows: Option<u64>) -> Self {
        let in_time = rows.map(|rows| InTime { rows, quick: 0 });
        Self { in_time, ..self }
    }

    /// No more than another one that has been in use.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            by_weight: self.by_weight.min(other.by_weight),
            ..other
        }
    }

    pub(super) fn most(&self) -> u64 {
        self.in_time_rows().unwrap_or(u64::MAX).min(self.by_weight)
    }

    /// The bound that the statement timeout has set; `None`: it has not, or no longer does.
    pub(super) fn in_time_rows(&self) -> Option<u64> {
        self.in_time.map(|known| known.rows)
    }

    /// The next window is one row, whatever comes after it.
    pub(super) fn one(&mut self) {
        self.by_weight = 1;
    }

    /// What a batch of `size` rows has changed decides how many rows the next one looks at.
    pub(super) fn weigh(&mut self, size: u64, batch: Batch) {
        /// A light window says little about the next one.
        const GROWTH: u64 = 4;
        if self.by_weight == u64::MAX && batch.changed() <= MOST_CHANGED {
            return;
        }
        let bearable = match batch.changed() {
            0 => u64::MAX,
            changed => size.saturating_mul(MOST_CHANGED) / changed,
        };
        self.by_weight = bearable.clamp(1, size.saturating_mul(GROWTH));
    }

    /// A window was not done within the statement timeout, and `smaller` rows are tried instead. Each attempt at
    /// more would take the whole timeout anew.
    pub(super) fn timed_out(&mut self, smaller: u64) {
        self.in_time = Some(InTime {
            rows: smaller.max(1),
            quick: 0,
        });
    }

    /// A window of `size` rows took so long, where the statement timeout is `limit` and a window has `whole` rows if
    /// nothing bounds it.
    pub(super) fn took(&mut self, size: u64, took: Duration, limit: Duration, whole: u64) {
        let Some(known) = &mut self.in_time else {
            return;
        };
        if took > limit / QUICK {
            known.quick = 0;
        } else if size >= known.rows {
            known.quick += 1;
        }
        if known.quick >= QUICK_ONES {
            known.rows = known.rows.saturating_mul(2);
            known.quick = 0;
        }
        if known.rows >= whole {
            self.in_time = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(4);

    fn unbounded() -> Span {
        Span {
            by_weight: u64::MAX,
            in_time: None,
        }
    }

    #[test]
    fn what_was_done_in_time_is_kept_until_windows_are_quick_again() {
        let mut span = unbounded();
        span.timed_out(25);
        span.timed_out(6);
        for _ in 0..10 {
            span.took(6, LIMIT / 2, LIMIT, 100);
        }
        assert_eq!(
            span.most(),
            6,
            "one of twice the size would meet the timeout"
        );

        let mut sizes = Vec::new();
        for _ in 0..20 {
            sizes.push(span.most());
            span.took(span.most(), LIMIT / 100, LIMIT, 100);
        }
        let grown = [6, 12, 24, 48, 96].map(|rows| [rows; 4]).concat();
        assert_eq!(sizes, grown);
        assert_eq!((span.most(), span.in_time_rows()), (u64::MAX, None));
    }

    #[test]
    fn a_slow_window_among_quick_ones_and_smaller_ones_say_nothing_of_larger_ones() {
        let mut span = unbounded();
        span.timed_out(10);
        for _ in 0..5 {
            for _ in 0..3 {
                span.took(10, LIMIT / 100, LIMIT, 100);
                span.took(3, LIMIT / 100, LIMIT, 100);
            }
            span.took(10, LIMIT, LIMIT, 100);
        }
        assert_eq!(span.most(), 10);
    }

    #[test]
    fn weight_and_time_bound_it_both() {
        let mut span = unbounded();
        let heavy = Batch {
            cascaded: MOST_CHANGED * 2,
            ..Batch::default()
        };
        span.weigh(100, heavy);
        assert_eq!(span.most(), 50);
        span.timed_out(20);
        assert_eq!(span.most(), 20);
        span.one();
        assert_eq!(span.most(), 1);
        assert_eq!(unbounded().within(span).most(), 1);
        assert_eq!(unbounded().knowing(span.in_time_rows()).most(), 20);
    }
}
