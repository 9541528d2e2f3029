//! How far a look ahead reaches: as far as what was measured on this machine says that its time is enough for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Of the time that is left to the run, what one look may take at most: one that takes longer is given up, and
/// has cost that.
const PART_OF_WHAT_IS_LEFT: u32 = 4;

/// Looks of a run that were given up, one after the other, until it does without. Each may take half as long as
/// the one before.
const MOST_GIVEN_UP: u32 = 3;

/// A look asks less of a row than a window does, and writes nothing.
const FASTER_THAN_WINDOWS: f64 = 3.0;

/// Of its limit, what a look should take: the next rows may cost more than these.
const AIM: f64 = 0.4;
/// One that takes no longer than this reaches as far again.
const BEARABLE: f64 = 0.8;

/// One look says little about one that is much longer: related tables may be read as a whole for any.
const LEAST_GROWTH: f64 = 2.0;
const MOST_GROWTH: f64 = 16.0;

/// A look that was given up might have taken so many times its limit.
const GIVEN_UP_AT: f64 = 2.0;

/// Rows of the first stretch at most: windows alone say little.
const MOST_AT_FIRST: f64 = 1_000_000.0;

/// Rows of the longest: so that a look fits into any deadline that is worth having.
const LONGEST: f64 = 16_000_000.0;

/// A look, before it is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reach {
    pub(super) rows: u64,
    pub(super) limit: Duration,
}

/// A look that was made, for the run after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looked {
    rows: u64,
    /// Microseconds.
    took: u64,
}

/// What the windows and looks so far took.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Rows a second of the fastest window: another one may have waited.
    windows: f64,
    /// Rows of the last look, and the seconds that it took.
    looked: Option<(f64, f64)>,
    given_up: u32,
}

impl Pace {
    /// What a run before this one has found.
    pub(super) fn after(look: Looked) -> Self {
        let mut pace = Self::default();
        pace.looked(look.rows, Duration::from_micros(look.took));
        pace
    }

    /// What it is at the end; `None`: looks are not worth it.
    pub(super) fn last(&self) -> Option<Looked> {
        let (rows, took) = self.looked?;
        let whole = |of: f64| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an estimate
            let whole = of as u64;
            whole
        };
        (self.given_up < MOST_GIVEN_UP).then_some(Looked {
            rows: whole(rows),
            took: whole(took * 1e6),
        })
    }

    /// A window went so fast.
    pub(super) fn window(&mut self, rows: u64, took: Duration) {
        let speed = float(rows) / took.as_secs_f64().max(1e-6);
        self.windows = self.windows.max(speed);
    }

    /// A look was made.
    pub(super) fn looked(&mut self, rows: u64, took: Duration) {
        self.looked = Some((float(rows.max(1)), took.as_secs_f64().max(1e-6)));
        self.given_up = 0;
    }

    /// A look took longer than its limit.
    pub(super) fn gave_up(&mut self, reach: Reach) {
        let took = reach.limit.as_secs_f64() * GIVEN_UP_AT;
        self.looked = Some((float(reach.rows), took.max(1e-6)));
        self.given_up += 1;
    }

    /// No further look.
    pub(super) fn ends(&mut self) {
        self.given_up = MOST_GIVEN_UP;
    }

    /// The next look, where the run has so much time left; `None`: none that is worth it. One over fewer than
    /// `least` rows is no cheaper than windows.
    pub(super) fn next(&self, left: Duration, most: Duration, least: u64) -> Option<Reach> {
        if self.given_up >= MOST_GIVEN_UP {
            return None;
        }
        let limit = most.min(left / PART_OF_WHAT_IS_LEFT) / 2_u32.pow(self.given_up);
        let (limit_s, least) = (limit.as_secs_f64(), float(least));
        let aim = limit_s * AIM;
        let rows = match self.looked {
            None => (self.windows * FASTER_THAN_WINDOWS * aim).min(MOST_AT_FIRST),
            Some((rows, took)) if took <= aim => {
                rows * (aim / took).clamp(LEAST_GROWTH, MOST_GROWTH)
            }
            Some((rows, took)) if took <= limit_s * BEARABLE => rows,
            Some((rows, took)) => rows * aim / took,
        };
        // The least would take longer than it may.
        if rows < least * AIM {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // between one and some millions
        let rows = rows.clamp(least.min(LONGEST), LONGEST) as u64;
        Some(Reach { rows, limit })
    }
}

fn float(rows: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // an estimate
    let rows = rows as f64;
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LEAST: u64 = 1_000;
    const MOST: Duration = Duration::from_secs(30);

    /// A machine and a database: seconds for a window's row, for a look's row, and for any look; and for a look's
    /// row where related rows are asked for one by one, which is chosen where it costs less.
    #[derive(Debug, Clone, Copy)]
    struct Machine {
        window: f64,
        row: f64,
        look: f64,
        alone: f64,
    }

    impl Machine {
        fn look(self, rows: u64) -> f64 {
            (self.look + self.row * float(rows)).min(self.alone * float(rows))
        }
    }

    /// Runs of so long a deadline until so many rows have been looked at, and the most that one of them lost
    /// to looks which were given up, as a part of the deadline.
    fn runs(machine: Machine, deadline: f64, rows: f64) -> (u32, f64) {
        let (mut seen, mut count, mut lost) = (0.0, 0, 0.0_f64);
        while seen < rows && count < 1_000 {
            count += 1;
            let mut pace = Pace::default();
            let (mut now, mut windows, mut vain) = (0.0, 0, 0.0);
            while now < deadline && seen < rows {
                let left = Duration::from_secs_f64(deadline - now);
                let next = (windows >= 4).then(|| pace.next(left, MOST, LEAST));
                if let Some(Some(reach)) = next {
                    let takes = machine.look(reach.rows);
                    if takes <= reach.limit.as_secs_f64() {
                        now += takes;
                        seen += float(reach.rows);
                        pace.looked(reach.rows, Duration::from_secs_f64(takes));
                    } else {
                        now += reach.limit.as_secs_f64();
                        vain += reach.limit.as_secs_f64();
                        windows = 0;
                        pace.gave_up(reach);
                    }
                } else {
                    let takes = machine.window * 1_000.0;
                    now += takes;
                    seen += 1_000.0;
                    windows += 1;
                    pace.window(1_000, Duration::from_secs_f64(takes));
                }
            }
            lost = lost.max(vain / deadline);
        }
        (count, lost)
    }

    #[test]
    fn three_hundred_thousand_rows_are_passed_within_a_few_runs_on_any_machine() {
        let quick = Machine {
            window: 40e-6,
            row: 5e-6,
            look: 0.0,
            alone: f64::INFINITY,
        };
        // Where related tables are read as a whole.
        let joining = Machine {
            window: 30e-6,
            row: 1e-6,
            look: 0.05,
            alone: 5e-6,
        };
        for times in [1.0, 3.0] {
            for machine in [quick, joining] {
                let machine = Machine {
                    window: machine.window * times,
                    row: machine.row * times,
                    look: machine.look * times,
                    alone: machine.alone * times,
                };
                for deadline in [1.0, 3.0, 10.0] {
                    let (count, lost) = runs(machine, deadline, 300_000.0);
                    let case = format!("{machine:?} {deadline} s: {count} runs, {lost} lost");
                    // The slowest has 4.5 s of looks to make in runs of one second.
                    assert!(count <= 9, "{case}");
                    assert!(lost <= 0.4, "{case}");
                }
            }
        }
    }

    #[test]
    fn looks_that_are_given_up_cost_less_than_half_of_a_run_however_slow_they_are() {
        for row in [1e-4, 1e-3, 1e-2] {
            let slow = Machine {
                window: 40e-6,
                row,
                look: 1.0,
                alone: f64::INFINITY,
            };
            let (_, lost) = runs(slow, 3.0, 100_000.0);
            assert!(lost > 0.0 && lost < 0.45, "{row}: {lost}");
        }
    }

    #[test]
    fn a_look_that_took_little_of_its_time_reaches_further_and_one_that_took_it_all_less_far() {
        let left = Duration::from_secs(40);
        let mut pace = Pace::default();
        pace.looked(10_000, Duration::from_millis(10));
        assert_eq!(pace.next(left, MOST, LEAST).unwrap().rows, 160_000);
        pace.looked(10_000, Duration::from_secs(2));
        assert_eq!(pace.next(left, MOST, LEAST).unwrap().rows, 20_000);
        pace.looked(10_000, Duration::from_secs(6));
        assert_eq!(pace.next(left, MOST, LEAST).unwrap().rows, 10_000);
        let reach = Reach {
            rows: 1_000_000,
            limit: Duration::from_secs(10),
        };
        pace.gave_up(reach);
        let next = pace.next(left, MOST, LEAST).unwrap();
        assert_eq!((next.rows, next.limit), (100_000, Duration::from_secs(5)));
        let next_run = Pace::after(pace.last().unwrap());
        assert_eq!(next_run.next(left, MOST, LEAST).unwrap().rows, 200_000);
        pace.ends();
        assert_eq!(pace.next(left, MOST, LEAST), None);
        assert_eq!(pace.last(), None);
    }
}
