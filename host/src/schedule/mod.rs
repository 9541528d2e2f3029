//! When jobs are due: five-field cron expressions and the time zones that they are read in.

mod expression;
mod timetable;

pub use expression::{Expression, ExpressionError};
pub use timetable::{Found, Timetable};

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
