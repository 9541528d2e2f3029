//! What one sampled value looks like: which form it is of, and whether it says anything.

use crate::catalog::read::{Raw, Reading, Written};
use crate::catalog::{TimeForm, Times};
use crate::request::Timestamp;

/// Microseconds, to 2200-01-01. Where most numbers of a sample would lie outside they are likely counted from another
/// day than 1970, or written digit by digit: `20261017213000` looks like milliseconds of 2612.
pub(super) const LIKELY: std::ops::Range<i64> = Times::COUNTED.0..7_258_118_400_000_000;

/// Near enough to tell its size.
#[allow(clippy::cast_precision_loss)]
pub(super) fn as_number(value: &Raw) -> f64 {
    match value {
        Raw::Integer(number) => *number as f64,
        Raw::Real(number) => *number,
        Raw::Text(text) => text.parse().unwrap_or(0.0),
        Raw::Other(_) => 0.0,
    }
}

/// A well-known "never", by which no form can be told.
pub(super) fn says_nothing(value: &Raw) -> bool {
    is_never(value, None)
}

/// The same where texts are times from `oldest` on.
pub(super) fn is_never(value: &Raw, oldest: Option<Timestamp>) -> bool {
    match value {
        // Before 1970 in every unit.
        Raw::Integer(number) => {
            *number <= 0
                || *number == i64::MAX
                || matches!(Times::found(TimeForm::UnixS).read(value), Reading::Never(_))
                    && *number >= Times::REAL.0 / 1_000_000
        }
        Raw::Real(number) => *number <= 0.0 || number.is_infinite(),
        Raw::Text(text) => {
            let texts = [TimeForm::SqlText, TimeForm::Rfc3339, TimeForm::Date];
            let times = Times::declared(texts).since(oldest);
            let number = text.parse().map(Raw::Integer);
            text.is_empty()
                || matches!(times.read(value), Reading::Never(_))
                || number.is_ok_and(|number| is_never(&number, oldest))
        }
        Raw::Other(_) => false,
    }
}

/// What a sample is held against: a number is told by its size, whether or not a row of it would be read.
pub(super) fn counting(form: TimeForm) -> Times {
    Times::found(form).with_early_numbers()
}

/// The values of each form.
pub(super) fn counted<'v>(values: &[&'v Raw]) -> Vec<(TimeForm, Vec<&'v Raw>)> {
    let mut by_form: Vec<(TimeForm, Vec<&Raw>)> = Vec::new();
    for value in values {
        let Some(form) = classify(value) else {
            continue;
        };
        match by_form.iter_mut().find(|(known, _)| *known == form) {
            Some((_, of)) => of.push(value),
            None => by_form.push((form, vec![value])),
        }
    }
    by_form
}

/// The form of one value. A number's size tells its unit for instants between 1973 and the year 4970.
pub(super) fn classify(value: &Raw) -> Option<TimeForm> {
    if let Raw::Text(text) = value
        && let Some(written) = Written::read(text)
    {
        return Some(match written {
            Written::At(_, Some(_)) => TimeForm::Rfc3339,
            Written::At(_, None) => TimeForm::SqlText,
            Written::Day(_) => TimeForm::Date,
        });
    }
    let units = [
        TimeForm::UnixS,
        TimeForm::UnixMs,
        TimeForm::UnixUs,
        TimeForm::UnixNs,
    ];
    let reads = |form: &TimeForm| matches!(counting(*form).read(value), Reading::Instant(_));
    units.into_iter().find(reads)
}

/// Half of the values are of a time that one expects, where numbers alone say which.
pub(super) fn are_likely(form: TimeForm, values: &[&Raw]) -> bool {
    let is_likely = |value: &&&Raw| matches!(counting(form).read(value), Reading::Instant(at) if LIKELY.contains(&at.0));
    form.unit().is_none() || values.iter().filter(is_likely).count() * 2 >= values.len()
}

pub(super) fn show(value: Option<&Raw>) -> String {
    match value {
        Some(Raw::Integer(number)) => number.to_string(),
        Some(Raw::Real(number)) => number.to_string(),
        Some(Raw::Text(text)) => format!("'{text}'"),
        Some(Raw::Other(kind)) => format!("a {kind}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitude_and_shape_tell_the_form() {
        let text = |text: &str| Raw::Text(text.to_owned());
        let cases = [
            (Raw::Integer(1_700_000_000), Some(TimeForm::UnixS)),
            (Raw::Real(1_700_000_000.25), Some(TimeForm::UnixS)),
            (Raw::Integer(1_700_000_000_000), Some(TimeForm::UnixMs)),
            (Raw::Integer(1_700_000_000_000_000), Some(TimeForm::UnixUs)),
            (
                Raw::Integer(1_700_000_000_000_000_000),
                Some(TimeForm::UnixNs),
            ),
            (text("1700000000"), Some(TimeForm::UnixS)),
            (Raw::Integer(0), None),
            (Raw::Integer(-1), None),
            (Raw::Integer(253_402_300_799), None), // 9999-12-31 in seconds, 1978 in milliseconds
            (text("2026-01-31T12:00:00Z"), Some(TimeForm::Rfc3339)),
            (
                text("2026-01-31T12:00:00.123456+02:00"),
                Some(TimeForm::Rfc3339),
            ),
            (text("2026-01-31 12:00:00+02"), Some(TimeForm::Rfc3339)),
            (
                text("2026-01-31 12:00:00.123 +00:00"),
                Some(TimeForm::Rfc3339),
            ),
            (
                text("2026-01-31 12:00:00.9 -0800 PST m=+0.5"),
                Some(TimeForm::Rfc3339),
            ),
            (text("2026-01-31 12:00:00"), Some(TimeForm::SqlText)),
            (text("2026-01-31T12:00:00.5"), Some(TimeForm::SqlText)),
            (text("2026-01-31"), Some(TimeForm::Date)),
            (text("2026-01-31 12:00:00 PDT"), None),
            (text("2026-02-30 12:00:00"), None),
            (text("2026-01-31 24:00:00"), None),
            (text("2026-01-31 23:59:60"), None),
            (text("2026-1-5 3:04:05"), None),
            (text("0000-00-00"), None),
            (text("yesterday"), None),
            (Raw::Other("blob".to_owned()), None),
        ];
        for (value, expected) in cases {
            assert_eq!(classify(&value), expected, "{}", show(Some(&value)));
        }
    }
}
