//! Zones by their names.

use chrono::{Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::Shows;

impl Shows {
    /// A zone by the name that a statement has for it.
    pub(in crate::catalog) fn named(name: &str) -> Self {
        let zone = known(name);
        match is_utc(name)
            || is_no_offset(name)
            || zone.is_some_and(|zone| same_clock(zone, Tz::UTC))
        {
            true => Self::Utc,
            false => Self::Zone(name.to_owned(), zone),
        }
    }

    /// A zone by how far it is ahead of UTC, as an interval, which besom's own sessions are told by ISO 8601.
    pub(super) fn ahead(interval: &str) -> Self {
        match is_no_offset(interval) || interval.eq_ignore_ascii_case("PT0S") {
            true => Self::Utc,
            false => Self::Zone(interval.to_owned(), None),
        }
    }
}

/// PostgreSQL takes the names in any case.
fn known(name: &str) -> Option<Tz> {
    let mut all = TZ_VARIANTS.iter();
    all.find(|zone| zone.name().eq_ignore_ascii_case(name))
        .copied()
}

/// The names that stand for UTC all year round.
pub(in crate::catalog) fn is_utc(zone: &str) -> bool {
    let zone = zone.trim_matches(['\'', '"']).to_ascii_lowercase();
    let name = zone.strip_prefix("etc/").unwrap_or(&zone);
    matches!(
        name,
        "utc"
            | "gmt"
            | "uct"
            | "zulu"
            | "universal"
            | "greenwich"
            | "gmt0"
            | "gmt+0"
            | "gmt-0"
            | "0"
            | "default"
    )
}

/// `+00`, `-00:00`, `UTC+0`, `Z`.
fn is_no_offset(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let plain = ["utc", "gmt"]
        .iter()
        .find_map(|zone| name.strip_prefix(zone));
    let plain = plain.unwrap_or(&name);
    let zeros = |c: char| matches!(c, '0' | ':' | '+' | '-');
    plain == "z" || plain.contains('0') && plain.chars().all(zeros)
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
        assert!(!is_utc("Europe/London") && !is_utc("America/New_York") && !is_utc("Etc/GMT+5"));
    }

    #[test]
    fn a_zone_of_two_names_is_one_clock() {
        assert!(same_clock(Tz::US__Eastern, Tz::America__New_York));
        assert!(!same_clock(Tz::Europe__Berlin, Tz::America__New_York));
        assert!(!same_clock(Tz::America__Phoenix, Tz::America__Denver));
    }
}
