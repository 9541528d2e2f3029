//! When jobs are due, and when they may run: five-field cron expressions, maintenance windows, jitter and
//! retries, in time zones whose clocks change. Nothing here looks at a clock: time is passed in.

mod days;
mod due;
mod expression;
mod spread;
mod timetable;
mod window;

pub use days::Days;
pub use expression::{Expression, ExpressionError};
pub use timetable::{CatchUp, Found, Timetable};
pub use window::{Hours, Window, ZonedHours};

pub use chrono_tz::Tz as Zone;

/// A time zone by its name in the IANA database, such as `Europe/Berlin` or `UTC`.
///
/// # Errors
/// Says how a zone is named.
pub fn zone(name: &str) -> Result<Zone, String> {
    name.parse().map_err(|_| {
        format!(
            "`{name}` is no time zone: write a name of the IANA database, such as Europe/Berlin or UTC"
        )
    })
}
