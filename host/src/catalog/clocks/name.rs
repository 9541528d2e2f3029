//! Zones by the words that PostgreSQL takes for one.

use chrono::{Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::Shows;

/// Seconds of an hour.
const HOUR: i64 = 3_600;

impl Shows {
    /// A zone as `AT TIME ZONE` and `timezone(…)` are told it in text.
    pub(in crate::catalog) fn named(name: &str) -> Self {
        let zone = abbreviated(name).or_else(|| known(name));
        Self::of(name, zone.or_else(|| posix(name).and_then(fixed)))
    }

    /// A zone as a session's `timezone` is set to it: a number there is of hours east of Greenwich, and an abbreviation
    /// means nothing.
    pub(in crate::catalog) fn set(setting: &str) -> Self {
        let setting = setting.trim();
        if setting.eq_ignore_ascii_case("default") {
            return Self::Utc;
        }
        let interval = setting
            .get(..8)
            .filter(|word| word.eq_ignore_ascii_case("interval"));
        if let Some(word) = interval {
            let interval = setting.get(word.len()..).unwrap_or_default();
            return Self::of(
                setting,
                ahead(interval.trim().trim_matches('\'')).and_then(fixed),
            );
        }
        let zone = match setting.parse::<f64>() {
            Ok(hours) => whole(hours * 3_600.0).and_then(fixed),
            Err(_) => known(setting).or_else(|| posix(setting).and_then(fixed)),
        };
        Self::of(setting, zone)
    }

    /// A zone by how far it is ahead of UTC, as an interval, which besom's own sessions are told by ISO 8601.
    pub(super) fn ahead(interval: &str) -> Self {
        Self::of(interval, ahead(interval).and_then(fixed))
    }

    fn of(name: &str, zone: Option<Tz>) -> Self {
        match zone.is_some_and(|zone| same_clock(zone, Tz::UTC)) {
            true => Self::Utc,
            false => Self::Zone(name.to_owned(), zone),
        }
    }

    /// The zone, where the tz database has a name for it.
    pub(in crate::catalog) fn zone(&self) -> Option<Tz> {
        match self {
            Self::Utc => Some(Tz::UTC),
            Self::Zone(_, zone) => *zone,
            Self::Machine | Self::Unclear(_) => None,
        }
    }
}

/// PostgreSQL takes the names in any case.
fn known(name: &str) -> Option<Tz> {
    let mut all = TZ_VARIANTS.iter();
    all.find(|zone| zone.name().eq_ignore_ascii_case(name))
        .copied()
}

/// What is an abbreviation for PostgreSQL before it is a name, and then is the same all year round.
fn abbreviated(name: &str) -> Option<Tz> {
    match name.to_ascii_lowercase().as_str() {
        "z" | "wet" => Some(Tz::UTC),
        "cet" | "met" => fixed(HOUR),
        "eet" => fixed(2 * HOUR),
        _ => None,
    }
}

/// The zone whose clocks are so many seconds ahead of UTC, all year round. By its name it is so many hours *behind*.
fn fixed(ahead: i64) -> Option<Tz> {
    match (ahead % HOUR, -ahead / HOUR) {
        (0, 0) => Some(Tz::UTC),
        (0, behind) => format!("Etc/GMT{behind:+}").parse().ok(),
        _ => None,
    }
}

/// How many seconds a zone of POSIX's is ahead of UTC, that has no summer time: `UTC+5`, `<+03>-3`, `07:00`. What stands
/// there is how far it is *behind*.
fn posix(name: &str) -> Option<i64> {
    let rest = match name.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => name.trim_start_matches(|c: char| !matches!(c, '0'..='9' | ',' | '+' | '-')),
    };
    hands(rest).map(|behind| -behind)
}

/// `-7`, `+05:30`, `07:00:00`: hours, and what else there is, in seconds.
fn hands(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds = 0;
    let mut unit = HOUR;
    for part in digits.split(':') {
        let plain = matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || unit == 0 {
            return None;
        }
        seconds += part.parse::<i64>().ok()? * unit;
        unit /= 60;
    }
    Some(sign * seconds)
}

/// Seconds of an interval: `-07:00:00`, `PT-7H-30M`, `-7 hours`.
fn ahead(interval: &str) -> Option<i64> {
    let interval = interval.trim().to_ascii_lowercase();
    if let Some(mut rest) = interval.strip_prefix("pt") {
        let mut seconds = 0;
        while !rest.is_empty() {
            let (number, more) = rest.split_at(rest.find(['h', 'm', 's'])?);
            let unit = match more.as_bytes().first()? {
                b'h' => HOUR,
                b'm' => 60,
                _ => 1,
            };
            seconds += number.parse::<i64>().ok()?.checked_mul(unit)?;
            rest = more.get(1..)?;
        }
        return Some(seconds);
    }
    if let Some((number, unit)) = interval.split_once(' ')
        && matches!(unit.trim(), "h" | "hr" | "hrs" | "hour" | "hours")
    {
        return number.parse::<i64>().ok()?.checked_mul(HOUR);
    }
    match interval.contains(':') {
        true => hands(&interval),
        // A number alone is of seconds.
        false => interval.parse().ok(),
    }
}

fn whole(seconds: f64) -> Option<i64> {
    const WEEK: f64 = 604_800.0;
    (seconds.fract() == 0.0 && seconds.abs() < WEEK).then_some(seconds as i64)
}

/// Clocks of the two zones show the same, at least since times are taken for real: once a week is often enough to
/// see two that go by different rules.
pub(crate) fn same_clock(one: Tz, other: Tz) -> bool {
    const WEEK: i64 = 7 * 86_400;
    let offset = |zone: Tz, second: i64| {
        let at = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default();
        zone.offset_from_utc_datetime(&at.naive_utc())
            .fix()
            .local_minus_utc()
    };
    // From 1973 to 2050.
    one == other || (157..4_174).all(|week| offset(one, week * WEEK) == offset(other, week * WEEK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn london_is_not_utc_though_its_winter_is() {
        for utc in [
            "Etc/UTC",
            "GMT",
            "utc",
            "UTC",
            "+00",
            "-00:00",
            "00:00:00",
            "UTC+0",
            "z",
            "Z",
            "zulu",
            "Etc/GMT-0",
            "africa/abidjan",
            "wet",
        ] {
            assert_eq!(Shows::named(utc), Shows::Utc, "{utc}");
        }
        for other in [
            "Europe/London",
            "america/new_york",
            "Etc/GMT+5",
            "+05",
            "CET",
            "PST8PDT",
            "UTC+2",
            "",
        ] {
            assert!(matches!(Shows::named(other), Shows::Zone(..)), "{other}");
        }
        for utc in ["0", "-0", "default", "INTERVAL '00:00:00'", "uct", "AAA0"] {
            assert_eq!(Shows::set(utc), Shows::Utc, "{utc}");
        }
        // To a session an abbreviation is the zone of that name, with its summer.
        assert_eq!(Shows::set("wet").zone(), Some(Tz::WET));
    }

    #[test]
    fn a_sign_is_read_as_postgresql_reads_it_at_that_place() {
        let name = |shows: Shows| shows.zone().map(Tz::name);
        for (text, zone) in [
            ("UTC+5", Some("Etc/GMT+5")),
            ("utc5", Some("Etc/GMT+5")),
            ("<+03>-3", Some("Etc/GMT-3")),
            ("-7", Some("Etc/GMT-7")),
            ("+07:00", Some("Etc/GMT+7")),
            ("+14", None),
            ("UTC-15", None),
            ("UTC+5:30", None),
            ("EST5EDT", Some("EST5EDT")),
            ("EST5EST", None),
            ("<+03>-3<+04>,M3.5.0,M10.5.0", None),
            ("us/pacific", Some("US/Pacific")),
            ("cet", Some("Etc/GMT-1")),
            ("PST", None),
            ("posixrules", None),
            ("localtime", None),
        ] {
            assert_eq!(name(Shows::named(text)), zone, "AT TIME ZONE '{text}'");
        }
        for (text, zone) in [
            ("-7", Some("Etc/GMT+7")),
            ("7.0", Some("Etc/GMT-7")),
            ("5.5", None),
            ("+07:00", Some("Etc/GMT+7")),
            ("INTERVAL '-07:00:00'", Some("Etc/GMT+7")),
            ("interval '-7 hours'", Some("Etc/GMT+7")),
            ("UTC+5", Some("Etc/GMT+5")),
            ("cet", Some("CET")),
        ] {
            assert_eq!(name(Shows::set(text)), zone, "SET timezone = {text}");
        }
        for (text, zone) in [
            ("PT-7H", Some("Etc/GMT+7")),
            ("PT5H30M", None),
            ("-07:00", Some("Etc/GMT+7")),
            ("07:00:00", Some("Etc/GMT-7")),
            ("2 hours", Some("Etc/GMT-2")),
            ("P1D", None),
        ] {
            assert_eq!(name(Shows::ahead(text)), zone, "INTERVAL '{text}'");
        }
    }

    #[test]
    fn a_zone_of_two_names_is_one_clock() {
        assert!(same_clock(Tz::US__Eastern, Tz::America__New_York));
        assert!(!same_clock(Tz::Europe__Berlin, Tz::America__New_York));
        assert!(!same_clock(Tz::America__Phoenix, Tz::America__Denver));
    }
}
