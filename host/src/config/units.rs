//! Durations as operators write them.

use std::ops::RangeInclusive;
use std::time::Duration;

/// One day, for ranges.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A duration such as `500ms`, `5m`, `1h30m` or `30d`, within a range.
///
/// # Errors
/// Shows how to write one, or the range.
pub fn duration(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| {
        format!("`{text}` is not a duration: write for example 30s, 5m, 1h30m or 30d")
    })?;
    if range.contains(&duration) {
        return Ok(duration);
    }
    Err(format!(
        "`{text}` is out of range: write a duration from {} to {}",
        shown(*range.start()),
        shown(*range.end())
    ))
}

/// A duration as [`duration`] reads it: whole days as `30d`, otherwise `1h 30m`.
pub(super) fn shown(duration: Duration) -> String {
    let days = duration.as_secs() / DAY.as_secs();
    if days > 0 && DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)) == duration {
        return format!("{days}d");
    }
    humantime::format_duration(duration).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const RANGE: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;

    #[test]
    fn a_duration_is_read_as_it_is_said() {
        assert_eq!(duration("1h30m", &RANGE).unwrap().as_secs(), 5400);
        assert_eq!(duration("1d", &RANGE).unwrap(), DAY);
    }

    #[test]
    fn zero_and_absurd_durations_are_refused_with_the_range() {
        for text in ["0s", "5y"] {
            let error = duration(text, &RANGE).unwrap_err();
            assert!(error.contains("from 1s to 1d"), "{error}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_examples() {
        for text in ["30", "", "-5m", "five minutes"] {
            let error = duration(text, &RANGE).unwrap_err();
            assert!(error.contains("for example 30s"), "{error}");
        }
    }
}
