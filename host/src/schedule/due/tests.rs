//! Due times where clocks change, and where there are very many.

#![allow(clippy::unwrap_used)]

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The next due times after an instant, as the clocks of the zone show them.
fn due(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let expression: Expression = expression.parse().unwrap();
    let zone: Zone = zone.parse().unwrap();
    let next = |at: &DateTime<Utc>| next_due(&expression, zone, *at);
    std::iter::successors(next(&at(after)), next)
        .take(count)
        .map(|at| at.with_timezone(&zone).format("%m-%d %H:%M %z").to_string())
        .collect()
}

#[test]
fn a_time_that_berlin_skips_is_due_right_after_the_gap() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
        [
            "03-28 02:30 +0100",
            "03-29 03:00 +0200",
            "03-30 02:30 +0200"
        ]
    );
}

#[test]
fn a_time_that_berlin_shows_twice_is_due_the_first_time_only() {
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["10-25 02:30 +0200", "10-26 02:30 +0100"]
    );
    // Also for who begins to look between the two.
    assert_eq!(
        due("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1),
        ["10-26 02:30 +0100"]
    );
}

#[test]
fn new_york_does_as_berlin_does() {
    assert_eq!(
        due("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2),
        ["03-08 03:00 -0400", "03-09 02:30 -0400"]
    );
    assert_eq!(
        due("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
        ["11-01 01:30 -0400", "11-02 01:30 -0500"]
    );
    // 02:30 is there once on that day.
    assert_eq!(
        due("30 2 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
        ["11-01 02:30 -0500", "11-02 02:30 -0500"]
    );
}

#[test]
fn clocks_that_change_by_half_an_hour_skip_and_repeat_half_an_hour() {
    assert_eq!(
        due(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            2
        ),
        ["10-04 02:30 +1100", "10-05 02:15 +1100"]
    );
    assert_eq!(
        due(
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-03T20:00:00Z",
            2
        ),
        ["04-05 01:45 +1100", "04-06 01:45 +1030"]
    );
}

#[test]
fn a_midnight_that_is_skipped_is_due_at_one() {
    assert_eq!(
        due("@daily", "Africa/Cairo", "2026-04-23T12:00:00Z", 2),
        ["04-24 01:00 +0300", "04-25 00:00 +0300"]
    );
}

#[test]
fn several_times_of_one_gap_are_one_due_time() {
    assert_eq!(
        due("*/20 1-3 * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 4),
        [
            "03-29 01:40 +0100",
            "03-29 03:00 +0200",
            "03-29 03:20 +0200",
            "03-29 03:40 +0200"
        ]
    );
}

#[test]
fn an_hour_that_is_shown_twice_has_its_times_once() {
    assert_eq!(
        due("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 4),
        [
            "10-25 02:00 +0200",
            "10-25 02:30 +0200",
            "10-25 03:00 +0100",
            "10-25 03:30 +0100"
        ]
    );
}

#[test]
fn a_leap_day_is_due_every_fourth_year_and_not_in_2100() {
    let expression: Expression = "0 12 29 2 *".parse().unwrap();
    let next = |after| next_due(&expression, Zone::Europe__Berlin, at(after));

    assert_eq!(
        next("2026-01-01T00:00:00Z"),
        Some(at("2028-02-29T11:00:00Z"))
    );
    assert_eq!(
        next("2028-02-29T11:00:00Z"),
        Some(at("2032-02-29T11:00:00Z"))
    );
    // The calendar underneath ends with the year 2100, which has none.
    assert_eq!(next("2096-03-01T00:00:00Z"), None);
}

#[test]
fn the_newest_due_time_is_the_last_that_is_not_after_now() {
    let newest = |expression: &str, from: &str, now: &str| {
        let expression: Expression = expression.parse().unwrap();
        newest_due(&expression, Zone::Europe__Berlin, at(from), at(now))
    };
    let years = "1999-01-01T00:00:00Z";

    for (expression, now, found) in [
        (
            "* * * * *",
            "2026-07-01T12:00:59.999Z",
            "2026-07-01T12:00:00Z",
        ),
        ("* * * * *", "2026-07-01T12:01:00Z", "2026-07-01T12:01:00Z"),
        ("0 3 * * *", "2026-07-01T00:59:59Z", "2026-06-30T01:00:00Z"),
        ("30 2 * * *", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
        ("30 2 * * *", "2026-10-25T01:45:00Z", "2026-10-25T00:30:00Z"),
        ("* 5 1 1 *", "2026-07-01T12:00:00Z", "2026-01-01T04:59:00Z"),
    ] {
        assert_eq!(
            newest(expression, years, now),
            Some(at(found)),
            "{expression} {now}"
        );
    }
    // Nothing between the two, and nothing at the beginning itself.
    assert_eq!(
        newest("0 3 * * *", "2026-07-01T01:00:00Z", "2026-07-02T00:59:59Z"),
        None
    );
    // A clock that went back.
    assert_eq!(
        newest("* * * * *", "2026-07-01T02:00:00Z", "2026-07-01T01:00:00Z"),
        None
    );
}
