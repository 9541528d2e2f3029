//! Windows across midnight, weekends and changes of clocks.

#![allow(clippy::unwrap_used)]

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn window(text: &str, days: &str) -> Window {
    let said: ZonedHours = text.parse().unwrap();
    Window {
        hours: said.hours,
        days: days.parse().unwrap(),
        zone: said.zone.unwrap_or(Zone::UTC),
    }
}

const WEEK_NIGHTS: (&str, &str) = ("22:00-06:00 Europe/Berlin", "mon-fri");

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
    let window = window(WEEK_NIGHTS.0, WEEK_NIGHTS.1);

    // 2026-07-03 is a Friday; Berlin is two hours ahead.
    for (instant, open) in [
        ("2026-07-03T19:59:59Z", false),
        ("2026-07-03T20:00:00Z", true),
        ("2026-07-04T03:59:59Z", true), // Saturday morning, of Friday's window
        ("2026-07-04T04:00:00Z", false),
        ("2026-07-04T21:00:00Z", false), // Saturday night
        ("2026-07-06T03:00:00Z", false), // Monday morning: Sunday's would be open
        ("2026-07-06T20:00:00Z", true),
    ] {
        assert_eq!(window.is_open(at(instant)), open, "{instant}");
    }
}

#[test]
fn a_window_says_when_it_closes_and_opens_again() {
    let window = window(WEEK_NIGHTS.0, WEEK_NIGHTS.1);
    let friday_night = at("2026-07-03T23:00:00Z");
    let saturday = at("2026-07-04T12:00:00Z");

    assert_eq!(
        window.closes(friday_night),
        Some(at("2026-07-04T04:00:00Z"))
    );
    assert_eq!(window.opens(friday_night), Some(at("2026-07-06T20:00:00Z")));
    assert_eq!(window.opens(saturday), Some(at("2026-07-06T20:00:00Z")));
    assert_eq!(window.closes(saturday), Some(at("2026-07-07T04:00:00Z")));
    // At the very moment at which it closes it is closed.
    assert_eq!(
        window.opens(at("2026-07-04T04:00:00Z")),
        Some(at("2026-07-06T20:00:00Z"))
    );
}

#[test]
fn a_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() {
    let window = window("22:00-06:00 Europe/Berlin", "mon-sun");
    let length = |instant| {
        let opens = window.opens(at(instant)).unwrap();
        (window.closes(opens).unwrap() - opens).num_hours()
    };

    assert_eq!(length("2026-03-28T12:00:00Z"), 7);
    assert_eq!(length("2026-10-24T12:00:00Z"), 9);
    assert_eq!(length("2026-07-01T12:00:00Z"), 8);
}

#[test]
fn a_window_that_begins_in_a_gap_opens_right_after_it() {
    let window = window("02:30-05:00 Europe/Berlin", "mon-sun");
    let opens = window.opens(at("2026-03-28T12:00:00Z"));
    assert_eq!(opens, Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(
        window.closes(opens.unwrap()),
        Some(at("2026-03-29T03:00:00Z"))
    );
}

#[test]
fn a_window_that_lies_in_a_gap_opens_right_after_it_for_as_long() {
    let window = window("02:15-02:45 Europe/Berlin", "mon-sun");
    let opens = window.opens(at("2026-03-28T12:00:00Z"));
    assert_eq!(opens, Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(
        window.closes(opens.unwrap()),
        Some(at("2026-03-29T01:30:00Z"))
    );
}

#[test]
fn in_an_hour_that_clocks_show_twice_a_window_opens_and_closes_once() {
    let early = window("02:15-02:45 Europe/Berlin", "mon-sun");
    let (first, second) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
    assert!(early.is_open(first));
    assert!(!early.is_open(second), "half past two for the second time");

    let night = window("22:00-02:30 America/New_York", "sat");
    let closes = night.closes(at("2026-11-01T04:00:00Z"));
    assert_eq!(
        closes,
        Some(at("2026-11-01T07:30:00Z")),
        "02:30 is there once in New York"
    );
    let night = window("22:00-01:30 America/New_York", "sat");
    let closes = night.closes(at("2026-11-01T04:00:00Z"));
    assert_eq!(
        closes,
        Some(at("2026-11-01T05:30:00Z")),
        "01:30, the first time"
    );
}

#[test]
fn whole_days_follow_each_other_without_a_break() {
    let week = window("00:00-24:00 Europe/Berlin", "mon-fri");
    let wednesday = at("2026-10-21T10:00:00Z");
    assert_eq!(week.closes(wednesday), Some(at("2026-10-23T22:00:00Z")));
    // The clocks change on the weekend between.
    assert_eq!(week.opens(wednesday), Some(at("2026-10-25T23:00:00Z")));

    let always = window("00:00-24:00 Europe/Berlin", "mon-sun");
    assert!(always.is_open(wednesday));
    assert_eq!(
        (always.closes(wednesday), always.opens(wednesday)),
        (None, None)
    );
}

#[test]
fn nearly_a_day_is_closed_for_a_minute() {
    let window = window("06:01-06:00", "mon-sun");
    let noon = at("2026-07-01T12:00:00Z");
    assert_eq!(window.closes(noon), Some(at("2026-07-02T06:00:00Z")));
    assert_eq!(window.opens(noon), Some(at("2026-07-02T06:01:00Z")));
    assert!(!window.is_open(at("2026-07-02T06:00:30Z")));
}

#[test]
fn a_window_is_shown_as_it_is_read() {
    let nights = window(WEEK_NIGHTS.0, WEEK_NIGHTS.1);
    assert_eq!(nights.to_string(), "22:00-06:00 Europe/Berlin, mon-fri");
    assert_eq!(
        window("9:05-24:00", "mon-sun").to_string(),
        "09:05-24:00 UTC"
    );
}

#[test]
fn what_is_no_window_is_refused_with_the_way_out() {
    for (text, way_out) in [
        ("", "such as 22:00-06:00"),
        ("22:00", "such as 22:00-06:00"),
        ("22-06", "such as 22:00-06:00"),
        ("25:00-06:00", "such as 22:00-06:00"),
        ("24:00-06:00", "such as 22:00-06:00"),
        ("22:60-06:00", "such as 22:00-06:00"),
        ("22:00-24:01", "such as 22:00-06:00"),
        ("22:0-06:00", "such as 22:00-06:00"),
        ("+2:00-06:00", "such as 22:00-06:00"),
        ("22:00 - 06:00", "such as 22:00-06:00"),
        ("22:00-22:00", "write 00:00-24:00"),
        ("22:00-06:00 Berlin", "such as Europe/Berlin"),
    ] {
        let error = text.parse::<ZonedHours>().unwrap_err();
        assert!(error.contains(way_out), "{text}: {error}");
    }
}
