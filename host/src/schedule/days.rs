//! Days of the week, as operators write them: `mon-fri`, `sat,sun`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

/// Some days of the week, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days([bool; 7]);

/// The days from Monday on, named as in cron expressions.
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Days {
    /// Every day of the week.
    pub const ALL: Self = Self([true; 7]);

    /// Whether a date is on one of them.
    pub fn contain(self, date: NaiveDate) -> bool {
        let index = date.weekday().num_days_from_monday();
        let found = self.0.iter().zip(0..).find(|(_, day)| *day == index);
        found.is_some_and(|(on, _)| *on)
    }
}

impl FromStr for Days {
    type Err = String;

    /// Reads a list of days and ranges; a range may go over the end of the week.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut days = [false; 7];
        for item in text.split(',') {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            let (first, last) = (day(first, text)?, day(last, text)?);
            let length = (last + 7 - first) % 7;
            for (index, on) in days.iter_mut().enumerate() {
                *on |= (index + 7 - first) % 7 <= length;
            }
        }
        Ok(Self(days))
    }
}

fn day(name: &str, text: &str) -> Result<usize, String> {
    let name = name.trim();
    let mut known = NAMES.iter();
    let found = known.position(|known| known.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        format!(
            "`{text}` is not understood: `{name}` is none of mon, tue, wed, thu, fri, sat and sun; write days \
             and ranges with commas between them, such as mon-fri or sat,sun"
        )
    })
}

impl fmt::Display for Days {
    /// As [`Days::from_str`] reads it, neighbours as a range: `mon-fri,sun`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen: Vec<_> = NAMES.iter().zip(self.0).collect();
        let runs = chosen.chunk_by(|(_, on), (_, next)| on == next);
        let runs = runs.filter_map(|run| match run {
            [(only, true)] => Some((*only).to_string()),
            [(first, true), .., (last, _)] => Some(format!("{first}-{last}")),
            _ => None,
        });
        f.write_str(&runs.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn days_are_lists_and_ranges_also_over_the_end_of_the_week() {
        for (text, shown) in [
            ("mon-fri", "mon-fri"),
            ("Sun, mon", "mon,sun"),
            ("fri-mon", "mon,fri-sun"),
            ("tue,wed,thu", "tue-thu"),
            ("mon-sun", "mon-sun"),
            ("tue-mon", "mon-sun"),
            ("sat-sat", "sat"),
        ] {
            assert_eq!(text.parse::<Days>().unwrap().to_string(), shown, "{text}");
        }
        assert_eq!("mon-sun".parse::<Days>().unwrap(), Days::ALL);
    }

    #[test]
    fn a_date_is_on_the_day_that_the_calendar_says() {
        let weekend: Days = "sat,sun".parse().unwrap();
        // 2026-10-26 is a Monday.
        let on =
            (26..=31).map(|day| weekend.contain(NaiveDate::from_ymd_opt(2026, 10, day).unwrap()));
        assert_eq!(
            on.collect::<Vec<_>>(),
            [false, false, false, false, false, true]
        );
    }

    #[test]
    fn what_is_no_day_is_named_with_the_way_out() {
        for text in ["", "mon,,tue", "weekdays", "mon-", "1-5", "mon fri"] {
            let error = text.parse::<Days>().unwrap_err();
            assert!(error.contains("such as mon-fri"), "{error}");
        }
    }
}
