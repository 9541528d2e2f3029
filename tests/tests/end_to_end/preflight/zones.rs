//! Every block that `zoneless-timestamp` prints is one that the configuration reads, and names the clock by which
//! PostgreSQL writes.

use std::path::Path;

use besom::catalog::TimeForm;
use besom::config::{Config, Environment, Rules};
use besom::request::Timestamp;
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::*;

const ZONE: &str = "zoneless-timestamp";

/// In January and in July: one of the two is in summer time where there is any.
const INSTANTS: [&str; 2] = ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"];

/// As AT TIME ZONE takes them, and the zone that they are to be read by; none where there is no name for it.
const CONVERSIONS: [(&str, Option<&str>); 19] = [
    ("'UTC+5'", Some("Etc/GMT+5")),
    ("'<+03>-3'", Some("Etc/GMT-3")),
    ("'-7'", Some("Etc/GMT-7")),
    ("'+07:00'", Some("Etc/GMT+7")),
    ("INTERVAL '-07:00:00'", Some("Etc/GMT+7")),
    ("INTERVAL '3 hours'", Some("Etc/GMT-3")),
    ("INTERVAL '05:30'", None),
    ("'UTC+5:30'", None),
    ("'UTC+13'", None),
    ("'Etc/GMT+5'", Some("Etc/GMT+5")),
    ("'us/pacific'", Some("US/Pacific")),
    ("'AMERICA/NEW_YORK'", Some("America/New_York")),
    ("'EST5EDT'", Some("EST5EDT")),
    ("'XYZ5ABC'", None),
    ("'CET'", Some("Etc/GMT-1")),
    ("'eet'", Some("Etc/GMT-2")),
    ("'PST'", None),
    ("'posixrules'", None),
    ("'<-05>5<-04>,M3.2.0,M11.1.0'", None),
];

/// As `SET timezone TO` takes them.
const SETTINGS: [(&str, Option<&str>); 13] = [
    ("'UTC+5'", Some("Etc/GMT+5")),
    ("'<+03>-3'", Some("Etc/GMT-3")),
    ("'-7'", Some("Etc/GMT+7")),
    ("-7", Some("Etc/GMT+7")),
    ("5.5", None),
    ("'+07:00'", Some("Etc/GMT+7")),
    ("'INTERVAL ''-07:00:00'''", Some("Etc/GMT+7")),
    ("'INTERVAL ''-7 hours'''", Some("Etc/GMT+7")),
    ("'us/pacific'", Some("US/Pacific")),
    ("'cet'", Some("CET")),
    ("'EST5EDT'", Some("EST5EDT")),
    ("'posixrules'", None),
    ("'<-05>5<-04>,M3.2.0,M11.1.0'", None),
];

/// One in so many of the names that the server has.
const SAMPLED: usize = 13;

async fn names(lab: &Lab) -> Vec<String> {
    let mut session = lab.session().await;
    let connection = session.as_postgres().unwrap();
    let all: Vec<String> =
        sqlx::query_scalar("SELECT quote_literal(name) FROM pg_timezone_names ORDER BY name")
            .fetch_all(connection)
            .await
            .unwrap();
    all.into_iter().step_by(SAMPLED).collect()
}

/// By column: what the default makes of the instant `at`.
async fn told(lab: &Lab, defaults: &[String]) -> Vec<Option<String>> {
    let column = |number: usize| format!("at_{number}");
    let columns = defaults.iter().enumerate().map(|(number, default)| {
        let default = default.replace("$at", "now()");
        format!(", {} timestamp DEFAULT ({default})", column(number))
    });
    let columns: String = columns.collect();
    let table = format!("CREATE TABLE item (id bigint PRIMARY KEY {columns})");
    lab.script(&table).await;
    let older = (0..defaults.len()).map(|number| older_than(column(number)));
    let request = Request::delete("item", Condition::Any(older.collect()));
    let found = findings(lab, &[request]).await;
    let found: Vec<_> = found.iter().filter(|found| found.code == ZONE).collect();
    let of = |number: usize| {
        let place = format!("`public.item.{}`", column(number));
        let mut found = found.iter();
        let found = found.find(|found| found.message.starts_with(&place));
        found.map(|found| found.message.clone())
    };
    (0..defaults.len()).map(of).collect()
}

fn older_than(column: String) -> Condition {
    Condition::OlderThan {
        column,
        cutoff: Timestamp(1_700_000_000_000_000),
        offset: 0,
    }
}

/// What the configuration makes of the blocks of a message: `time-zone`, and the form of the column.
fn read(message: &str) -> Option<(Option<Tz>, TimeForm)> {
    let mut lines = Vec::new();
    let mut within = false;
    for line in message.lines() {
        // That table is in every file, and stands there once.
        assert_ne!(line, "[database]", "{message}");
        let begins = line.starts_with('[') || line.starts_with("time-zone = ");
        within = begins || within && !line.is_empty();
        if within {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return None;
    }
    let text = lines.join("\n");
    let text = format!("[database]\nurl = \"postgres://x@y/z\"\n{text}");
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules);
    let config = config.unwrap_or_else(|error| panic!("{error} in:\n{message}"));
    let form = config.times[0].times.forms()[0];
    Some((config.database.time_zone, form))
}

/// Seconds that a clock of the zone is ahead.
fn ahead(zone: Tz, at: &str) -> i64 {
    let at = DateTime::parse_from_rfc3339(at).unwrap();
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    i64::from(offset.fix().local_minus_utc())
}

/// Seconds that the hands which an expression makes of the instant are ahead.
async fn written(lab: &Lab, expression: &str, at: &str) -> i64 {
    let at = format!("timestamptz '{at}'");
    let hands = expression.replace("$at", &at);
    let sql = format!("SELECT extract(epoch FROM ({hands}) - ({at} AT TIME ZONE 'UTC'))::bigint");
    lab.count(&sql).await
}

/// The block, if there is one, names that clock. Where there is none it is UTC, or the words say why.
async fn hold(lab: &Lab, message: Option<String>, expression: &str) -> Option<Tz> {
    let zone = match message.as_deref().map(read) {
        None => Tz::UTC,
        Some(Some((_, TimeForm::Local(zone)))) => zone,
        Some(None) => return None,
        Some(Some(other)) => panic!("{expression}: {other:?}"),
    };
    for at in INSTANTS {
        let by_server = written(lab, expression, at).await;
        assert_eq!(ahead(zone, at), by_server, "{expression} {at}: {message:?}");
    }
    Some(zone)
}

#[tokio::test]
async fn a_zone_of_a_conversion_is_printed_as_the_configuration_reads_it_or_not_at_all() {
    let lab = Lab::postgres("").await;
    let mut cases: Vec<_> = CONVERSIONS
        .iter()
        .map(|(zone, to)| ((*zone).to_owned(), Some(*to)))
        .collect();
    cases.extend(names(&lab).await.into_iter().map(|name| (name, None)));
    let expressions = cases
        .iter()
        .map(|(zone, _)| format!("$at AT TIME ZONE {zone}"));
    let expressions: Vec<_> = expressions.collect();

    let told = told(&lab, &expressions).await;

    for (((zone, to), expression), message) in cases.iter().zip(&expressions).zip(told) {
        let printed = hold(&lab, message, expression).await;
        if let Some(to) = to {
            assert_eq!(printed.map(Tz::name), *to, "{zone}");
        }
    }
}

#[tokio::test]
async fn a_zone_of_a_session_is_printed_as_the_configuration_reads_it_or_not_at_all() {
    let lab = Lab::postgres("").await;
    let mut cases: Vec<_> = SETTINGS
        .iter()
        .map(|(zone, to)| ((*zone).to_owned(), Some(*to)))
        .collect();
    cases.extend(names(&lab).await.into_iter().map(|name| (name, None)));
    let mut expressions = Vec::new();
    let mut functions = String::new();
    for (number, (zone, _)) in cases.iter().enumerate() {
        functions += &format!(
            "CREATE FUNCTION hands_{number}(timestamptz) RETURNS timestamp LANGUAGE sql SET timezone TO {zone}
                 AS 'SELECT $1::timestamp';"
        );
        expressions.push(format!("hands_{number}($at)"));
    }
    lab.script(&functions).await;

    let by_function = told(&lab, &expressions).await;

    for (((zone, to), expression), message) in cases.iter().zip(&expressions).zip(by_function) {
        let printed = hold(&lab, message, expression).await;
        if let Some(to) = to {
            assert_eq!(printed.map(Tz::name), *to, "{zone}");
        }
    }
    lab.script("CREATE TABLE other (id bigint PRIMARY KEY, at timestamp)")
        .await;
    let older = Request::delete("other", older_than("at".to_owned()));
    for (zone, to) in SETTINGS {
        let set = format!(
            "EXECUTE format('ALTER DATABASE %I SET timezone TO {}', current_database())",
            zone.replace('\'', "''")
        );
        lab.script(&format!("DO $$ BEGIN {set}; END $$")).await;
        let message = found(&lab, &older, ZONE).await.message;
        let printed = read(&message).map(|(zone, form)| (zone.map(Tz::name), form.to_string()));
        let wanted = to.map(|to| (Some(to), format!("local:{to}")));
        assert_eq!(printed, wanted, "{zone}: {message}");
    }
}
