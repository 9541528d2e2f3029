//! Due times compared with those of an independent implementation, over random expressions.
//!
//! It has other rules where clocks change for expressions of several times a day, but the same calendar. So
//! expressions of one time a day are compared with it as they are, clock changes included; of all others it
//! only says which wall-clock times they name, and the instants are found by looking at every minute.

#![allow(clippy::unwrap_used)]

use chrono::Datelike;
use croner::Cron;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Zones of both hemispheres that change by an hour, by half an hour, at midnight, in the other direction
/// (winter time by law), and not at all.
const ZONES: [Zone; 12] = [
    Zone::Europe__Berlin,
    Zone::Europe__London,
    Zone::Europe__Dublin,
    Zone::America__New_York,
    Zone::America__St_Johns,
    Zone::America__Santiago,
    Zone::Africa__Cairo,
    Zone::Africa__Casablanca,
    Zone::Australia__Lord_Howe,
    Zone::Pacific__Auckland,
    Zone::Asia__Kolkata,
    Zone::UTC,
];

fn number(least: u8, most: u8) -> impl Strategy<Value = String> {
    (least..=most).prop_map(|number| number.to_string())
}

/// Numbers, ranges and lists of them.
fn numbers(least: u8, most: u8) -> impl Strategy<Value = String> {
    let range =
        (least..=most, least..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let item = prop_oneof![3 => number(least, most), 1 => range];
    prop::collection::vec(item, 1..4).prop_map(|items| items.join(","))
}

/// The same, a star, or a star with a step.
fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => numbers(least, most),
        2 => Just("*".to_owned()),
        1 => (2..=most).prop_map(|step| format!("*/{step}")),
    ]
}

/// Days and months; of stars with steps in day fields the two have other opinions.
fn dates() -> impl Strategy<Value = String> {
    let day = |least, most| prop_oneof![2 => Just("*".to_owned()), 1 => numbers(least, most)];
    (
        day(1, 31),
        prop_oneof![3 => Just("*".to_owned()), 1 => numbers(1, 12)],
        day(0, 7),
    )
        .prop_map(|(day, month, weekday)| format!("{day} {month} {weekday}"))
}

fn any_expression() -> impl Strategy<Value = String> {
    (field(0, 59), field(0, 23), dates()).prop_map(|(m, h, dates)| format!("{m} {h} {dates}"))
}

fn once_a_day() -> impl Strategy<Value = String> {
    // Clocks change in these hours.
    let hour = prop_oneof![3 => number(0, 3), 1 => number(0, 23)];
    (number(0, 59), hour, dates()).prop_map(|(m, h, dates)| format!("{m} {h} {dates}"))
}

/// Seconds from 2020 to 2040, within the rules that zones are known to have.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (1_577_836_800i64..2_208_988_800).prop_map(|at| DateTime::from_timestamp(at, 0).unwrap())
}

/// An instant within two days of a change of the zone's clocks, where it has any in that year.
fn near_a_change(zone: Zone, at: DateTime<Utc>, off: i64) -> DateTime<Utc> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let hours = (0..366 * 24).map(|hour| at + TimeDelta::hours(hour));
    let change = hours
        .take_while(|hour| hour.year() < 2041)
        .find(|hour| offset(*hour) != offset(*hour + TimeDelta::hours(1)));
    change.map_or(at, |change| change + TimeDelta::seconds(off))
}

/// Both readings of a text, where it is due at all.
fn read(text: &str) -> Option<(Expression, Cron)> {
    let croner: Cron = text.parse().unwrap();
    let Ok(expression) = text.parse::<Expression>() else {
        let never = croner.find_next_occurrence(&at_2020(), false).is_err();
        assert!(never, "`{text}` is due, and was refused");
        return None;
    };
    Some((expression, croner))
}

fn at_2020() -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800, 0).unwrap()
}

/// The first instant at or after a wall-clock time, looked for minute by minute.
fn shown_first(local: NaiveDateTime, zone: Zone) -> DateTime<Utc> {
    let later = (0..).map(|minutes| local + TimeDelta::minutes(minutes));
    let mut there = later.filter_map(|local| zone.from_local_datetime(&local).earliest());
    there.next().unwrap().to_utc()
}

/// Every due time of some days after an instant, by looking at each minute of the clock.
fn by_hand(croner: &Cron, zone: Zone, after: DateTime<Utc>, days: i64) -> Vec<DateTime<Utc>> {
    let local = after.with_timezone(&zone).naive_local();
    let midnight = local.date().and_time(chrono::NaiveTime::MIN) - TimeDelta::days(1);
    let minutes = (0..(days + 3) * 24 * 60).map(|minute| midnight + TimeDelta::minutes(minute));
    let named = minutes.filter(|local| croner.is_time_matching(&local.and_utc()).unwrap());
    let mut due: Vec<_> = named.map(|local| shown_first(local, zone)).collect();
    due.retain(|due| *due > after && *due <= after + TimeDelta::days(days));
    due.dedup();
    due
}

fn due_until(
    expression: &Expression,
    zone: Zone,
    after: DateTime<Utc>,
    days: i64,
) -> Vec<DateTime<Utc>> {
    let next = |at: &DateTime<Utc>| next_due(expression, zone, *at);
    std::iter::successors(next(&after), next)
        .take_while(|due| *due <= after + TimeDelta::days(days))
        .collect()
}

proptest! {
    #[test]
    fn on_a_clock_that_nobody_changes_both_name_the_same_times(
        text in any_expression(),
        after in instant(),
    ) {
        let Some((expression, croner)) = read(&text) else { return Ok(()) };
        let mut at = after;
        for _ in 0..20 {
            let theirs = croner.find_next_occurrence(&at, false).unwrap();
            let ours = next_due(&expression, Zone::UTC, at);
            prop_assert_eq!(ours, Some(theirs), "`{}` after {}", text, at);
            at = theirs;
        }
    }

    #[test]
    fn one_time_a_day_is_due_when_the_other_says_also_where_clocks_change(
        text in once_a_day(),
        zone in select(&ZONES[..]),
        any in instant(),
        off in -172_800i64..172_800,
    ) {
        let Some((expression, croner)) = read(&text) else { return Ok(()) };
        let mut at = near_a_change(zone, any, off);
        for _ in 0..5 {
            let Ok(theirs) = croner.find_next_occurrence(&at.with_timezone(&zone), false) else {
                break;
            };
            let ours = next_due(&expression, zone, at);
            prop_assert_eq!(ours, Some(theirs.to_utc()), "`{}` in {} after {}", text, zone, at);
            at = theirs.to_utc();
        }
    }

    #[test]
    fn every_named_time_is_due_once_where_clocks_change(
        text in any_expression(),
        zone in select(&ZONES[..]),
        any in instant(),
        off in -172_800i64..86_400,
    ) {
        let Some((expression, croner)) = read(&text) else { return Ok(()) };
        let after = near_a_change(zone, any, off);

        let ours = due_until(&expression, zone, after, 2);

        let expected = by_hand(&croner, zone, after, 2);
        prop_assert_eq!(&ours, &expected, "`{}` in {} after {}", text, zone, after);
        // And looking back finds the last of them.
        let now = after + TimeDelta::days(2);
        let newest = newest_due(&expression, zone, after, now);
        prop_assert_eq!(newest.as_ref(), expected.last(), "`{}` in {}", text, zone);
    }
}
