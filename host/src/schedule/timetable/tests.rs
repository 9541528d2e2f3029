//! What a job's timetable answers to the service.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::config::{Environment, Rules};

const HOURLY: Option<&str> = Some("0 * * * *");

/// The timetable of `tokens/a` under these keys of the job.
fn timetable(keys: &str, proposed: Option<&str>) -> Timetable {
    let text = format!(
        "[database]\nurl = \"sqlite://besom.db\"\n[plugins.tokens]\n[plugins.tokens.jobs.a]\n{keys}"
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &["tokens"],
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
    assert_eq!(
        Timetable::of(&config, &JobName::new("other", "a"), HOURLY),
        None
    );
    Timetable::of(&config, &job(), proposed).unwrap()
}

fn job() -> JobName {
    JobName::new("tokens", "a")
}

fn at(text: &str) -> Timestamp {
    let at: DateTime<Utc> = text.parse().unwrap();
    Timestamp(at.timestamp_micros())
}

#[test]
fn the_files_schedule_wins_over_the_plugins() {
    let next = |timetable: Timetable| {
        let next = timetable.due_after(at("2026-07-01T12:30:00Z")).next();
        next.map(|at| at.to_rfc3339())
    };
    let file = timetable(
        "schedule = \"5 0 * * *\"\ntimezone = \"Asia/Kolkata\"",
        HOURLY,
    );
    assert_eq!(next(file).unwrap(), "2026-07-01T18:35:00+00:00");
    assert_eq!(
        next(timetable("", HOURLY)).unwrap(),
        "2026-07-01T13:00:00+00:00"
    );
    assert_eq!(next(timetable("", None)), None);
}

#[test]
fn without_a_schedule_nothing_is_due_and_the_window_still_holds() {
    let timetable = timetable("window = \"22:00-06:00\"", None);
    let noon = at("2026-07-01T12:00:00Z");

    assert_eq!(timetable.due(at("2020-01-01T00:00:00Z"), noon), None);
    assert!(!timetable.is_open(noon));
}

#[test]
fn a_due_time_is_found_once() {
    let timetable = timetable("", HOURLY);
    let due = at("2026-07-01T13:00:00Z");

    let found = timetable.due(at("2026-07-01T12:00:00Z"), at("2026-07-01T13:00:00.4Z"));

    let expected = Found {
        run: Some(due),
        until: due,
        missed: 0,
    };
    assert_eq!(found, Some(expected));
    assert_eq!(timetable.due(due, at("2026-07-01T13:59:59Z")), None);
}

#[test]
fn of_several_missed_due_times_the_newest_runs() {
    let found = timetable("", HOURLY).due(at("2026-07-01T08:30:00Z"), at("2026-07-01T12:10:00Z"));

    let newest = at("2026-07-01T12:00:00Z");
    let expected = Found {
        run: Some(newest),
        until: newest,
        missed: 4, // 9:00, 10:00 and 11:00, and 12:00 is late
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn a_job_that_does_not_catch_up_leaves_out_what_is_late_and_runs_what_is_not() {
    let timetable = timetable("catch-up = \"skip\"", HOURLY);
    let (from, newest) = (at("2026-07-01T08:30:00Z"), at("2026-07-01T12:00:00Z"));
    let found = |run, missed| {
        Some(Found {
            run,
            until: newest,
            missed,
        })
    };

    let late = timetable.due(from, at("2026-07-01T12:01:00.000001Z"));
    assert_eq!(late, found(None, 4));
    let on_time = timetable.due(from, at("2026-07-01T12:01:00Z"));
    assert_eq!(on_time, found(Some(newest), 3));
}

#[test]
fn years_of_missed_minutes_are_one_run_and_counted_so_far() {
    let timetable = timetable("timezone = \"Europe/Berlin\"", Some("* * * * *"));
    let now = at("2026-07-01T12:00:30Z");
    let begun = std::time::Instant::now();

    let found = timetable.due(at("2001-01-01T00:00:00Z"), now).unwrap();

    assert_eq!(found.run, Some(at("2026-07-01T12:00:00Z")));
    assert_eq!(found.missed, MOST_COUNTED);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn jitter_stays_within_bounds_and_is_the_same_on_every_host() {
    let ten_minutes = Duration::from_secs(600);
    let (here, there) = (
        timetable("jitter = \"10m\"", HOURLY),
        timetable("jitter = \"10m\"", HOURLY),
    );
    let due_times = here.due_after(at("2026-07-01T00:00:00Z")).take(200);
    let due_times: Vec<_> = due_times
        .map(|due| Timestamp(due.timestamp_micros()))
        .collect();

    let later = due_times.iter().map(|due| {
        let begins = here.not_before(&job(), *due);
        assert_eq!(begins, there.not_before(&job(), *due));
        Duration::from_micros(u64::try_from(begins.0 - due.0).unwrap())
    });
    let later: Vec<_> = later.collect();

    assert!(later.iter().all(|later| *later <= ten_minutes));
    // It does spread, over due times and over jobs.
    assert!(later.iter().any(|later| *later < ten_minutes / 10));
    assert!(later.iter().any(|later| *later > ten_minutes * 9 / 10));
    let other = JobName::new("tokens", "b");
    let differ =
        |due: &&Timestamp| here.not_before(&other, **due) != here.not_before(&job(), **due);
    assert!(due_times.iter().filter(differ).count() > 190);
    let due = at("2026-07-01T00:00:00Z");
    assert_eq!(timetable("", HOURLY).not_before(&job(), due), due);
}

/// Hosts of different versions may share a database.
#[test]
fn jitter_is_what_other_versions_take_it_for() {
    let due = at("2026-07-01T13:00:00Z");
    let begins = timetable("jitter = \"1h\"", HOURLY).not_before(&job(), due);
    // The first eight bytes of SHA-256 over the name and the microseconds, modulo 3 600 001.
    assert_eq!(begins.0 - due.0, 972_753_000);
}

#[test]
fn a_window_tells_how_long_it_is_open_and_then_closed() {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let nightly = timetable("window = \"22:00-06:00\"\ndays = \"mon-fri\"", HOURLY);

    // Friday night, Saturday noon.
    let (friday, saturday) = (at("2026-07-04T01:00:00Z"), at("2026-07-04T12:00:00Z"));
    assert!(nightly.is_open(friday) && !nightly.is_open(saturday));
    assert_eq!(nightly.closes_in(friday), Some((hours(5), hours(64))));
    assert_eq!(nightly.closes_in(saturday), Some((hours(0), hours(58))));

    for keys in ["", "days = \"mon-sun\""] {
        let always = timetable(keys, HOURLY);
        assert!(always.is_open(saturday));
        assert_eq!(always.closes_in(saturday), None);
    }
}

#[test]
fn waits_between_attempts_double_up_to_half_an_hour() {
    let timetable = timetable("retries = 9\nretry-after = \"30s\"", HOURLY);
    let waits: Vec<_> = (1..=10)
        .map(|attempt| timetable.retry(&job(), attempt))
        .collect();

    for (wait, least) in waits
        .iter()
        .zip([30u64, 60, 120, 240, 480, 960, 1800, 1800, 1800])
    {
        let least = Duration::from_secs(least);
        let wait = wait.unwrap();
        assert!(
            least <= wait && wait <= (least * 6 / 5).min(LONGEST_WAIT),
            "{wait:?}"
        );
    }
    assert_eq!(
        waits.last(),
        Some(&None),
        "nine further attempts, and no tenth"
    );
    assert_ne!(
        timetable.retry(&job(), 1),
        timetable.retry(&JobName::new("tokens", "b"), 1)
    );
    assert_eq!(timetable.retry(&job(), u32::MAX), None);
}

#[test]
fn a_job_may_be_tried_once_only() {
    let first_wait = |keys| timetable(keys, HOURLY).retry(&job(), 1);
    assert_eq!(first_wait("retries = 0"), None);
    assert!(first_wait("").is_some());
    assert_eq!(
        timetable("", HOURLY).retry(&job(), 4),
        None,
        "three by default"
    );
}
