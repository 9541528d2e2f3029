//! Maintenance windows: the times of the day at which runs may be under way.
//!
//! A window is one of wall-clock times, so that it may be an hour longer or shorter on the days on
//! which clocks change. Each of its two times means the first instant at which clocks show it; where
//! they skip it, the instant right after. A window that they skip whole keeps its length.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days as DayCount, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::due::first_instant;
use super::{Days, Zone, zone};

/// From when to when on the clock: `22:00-06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Minutes after midnight.
    begins: u16,
    /// Minutes after midnight, up to 24:00; of the next day where that is not later than `begins`.
    ends: u16,
}

/// One day.
const DAY: u16 = 24 * 60;

impl Hours {
    /// The whole day.
    pub const ALL: Self = Self {
        begins: 0,
        ends: DAY,
    };

    fn past_midnight(self) -> bool {
        self.ends <= self.begins
    }
}

/// What `window` says: hours, and the zone of its clock where it is not the job's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZonedHours {
    /// The hours.
    pub hours: Hours,
    /// Where the clock is; `None`: in the job's zone.
    pub zone: Option<Zone>,
}

impl FromStr for ZonedHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hours, name) = match text.trim().split_once(char::is_whitespace) {
            Some((hours, name)) => (hours, Some(name.trim())),
            None => (text.trim(), None),
        };
        let wrong = || {
            format!(
                "`{text}` is no window: write two times of the day and, if need be, a zone, such as \
                 22:00-06:00 or 22:00-06:00 Europe/Berlin"
            )
        };
        let (begins, ends) = hours.split_once('-').ok_or_else(wrong)?;
        let begins = minutes(begins).filter(|at| *at < DAY).ok_or_else(wrong)?;
        let ends = minutes(ends).ok_or_else(wrong)?;
        if begins == ends {
            return Err(format!(
                "`{text}` ends when it begins: write 00:00-24:00 for the whole day"
            ));
        }
        Ok(Self {
            hours: Hours { begins, ends },
            zone: name.map(zone).transpose()?,
        })
    }
}

/// `06:30` as minutes after midnight, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= DAY).then_some(at)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |at: u16| format!("{:02}:{:02}", at / 60, at % 60);
        write!(f, "{}-{}", clock(self.begins), clock(self.ends))
    }
}

/// When runs may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From when to when.
    pub hours: Hours,
    /// The days on which it begins.
    pub days: Days,
    /// Where the clock is.
    pub zone: Zone,
}

/// Time for which a window is open without a break.
struct Open {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// A window that closes at all does so within this, because every week is like the others.
const WEEK: TimeDelta = TimeDelta::days(7);

/// So many days are looked at from the first on that matters: one of each name, with some to spare at
/// both ends.
const DAYS_AROUND: u64 = 11;

impl Window {
    /// Whether runs may be under way at an instant.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.around(at).is_some_and(|open| open.from <= at)
    }

    /// When the window closes that is open at an instant, or opens next; `None`: never.
    pub fn closes(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.around(at)?;
        (open.until - open.from.max(at) <= WEEK).then_some(open.until)
    }

    /// When the window opens next after an instant; `None` where it is never closed.
    pub fn opens(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.around(at)?;
        if open.from > at {
            return Some(open.from);
        }
        let closed = self.closes(at)?;
        self.around(closed).map(|next| next.from)
    }

    /// The time for which it is open that ends first after an instant.
    fn around(&self, at: DateTime<Utc>) -> Option<Open> {
        let today = at.with_timezone(&self.zone).date_naive();
        // One that began the day before yesterday may, in a zone that skips a day, be open.
        let first = today.checked_sub_days(DayCount::new(2))?;
        let dates = (0..DAYS_AROUND).filter_map(|n| first.checked_add_days(DayCount::new(n)));
        let mut found: Option<Open> = None;
        for open in dates.filter_map(|date| self.on(date)) {
            match &mut found {
                None if open.until > at => found = Some(open),
                Some(found) if open.from <= found.until => {
                    found.until = found.until.max(open.until);
                }
                Some(_) => break,
                None => {}
            }
        }
        found
    }

    /// The time for which the window is open that begins on a date.
    fn on(&self, date: NaiveDate) -> Option<Open> {
        if !self.days.contain(date) {
            return None;
        }
        let midnight = date.and_time(NaiveTime::MIN);
        let on_clock = |minutes: u16| midnight + TimeDelta::minutes(i64::from(minutes));
        let over = if self.hours.past_midnight() { DAY } else { 0 };
        let (begins, ends) = (
            on_clock(self.hours.begins),
            on_clock(self.hours.ends + over),
        );
        let from = first_instant(begins, self.zone);
        let until = first_instant(ends, self.zone);
        let until = match until > from {
            true => until,
            false => from + (ends - begins),
        };
        Some(Open { from, until })
    }
}

impl fmt::Display for Window {
    /// `22:00-06:00 Europe/Berlin, mon-fri`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.hours, self.zone)?;
        match self.days == Days::ALL {
            true => Ok(()),
            false => write!(f, ", {}", self.days),
        }
    }
}

#[cfg(test)]
mod tests;
