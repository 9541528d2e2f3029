//! Columns whose times cannot be told: `not-time-ordered`, `unknown-time-form`, `mixed-representation`,
//! `time-form-contradicted`, `zoneless-timestamp`.

use besom::catalog::TimeForm;
use besom::request::Timestamp;
use besom_tests::lab::both;

use super::*;

const NOW: i64 = 1_700_000_000_000_000;

fn older() -> Request {
    Request::delete(
        "item",
        Condition::OlderThan {
            column: "at".to_owned(),
            cutoff: Timestamp(NOW),
            offset: 0,
        },
    )
}

fn by_id() -> Request {
    Request::delete(
        "item",
        Condition::IdOlderThan {
            column: "id".to_owned(),
            cutoff: Timestamp(NOW),
        },
    )
}

#[tokio::test]
async fn ids_from_the_future_are_an_error_until_they_are_gone() {
    // The largest UUID: made in the year 10889.
    let postgres = "CREATE TABLE item (id uuid PRIMARY KEY);
        INSERT INTO item VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff');";
    let sqlite = "CREATE TABLE item (id BLOB PRIMARY KEY NOT NULL);
        INSERT INTO item VALUES (x'ffffffffffff7fffbfffffffffffffff');";
    for lab in both(postgres, sqlite).await {
        let finding = found(&lab, &by_id(), "not-time-ordered").await;
        assert_eq!(finding.severity, Severity::Error);
        lab.script("DELETE FROM item").await;
        assert!(codes(&lab, &by_id()).await.is_empty());
    }
}

#[tokio::test]
async fn a_number_of_unknown_form_is_an_error_until_there_is_one_that_tells() {
    let postgres = "CREATE TABLE item (id bigint PRIMARY KEY, at bigint);";
    let lab = Lab::postgres(postgres).await;
    let finding = found(&lab, &older(), "unknown-time-form").await;
    assert_eq!(finding.severity, Severity::Error);
    assert!(
        finding.message.contains("[time-forms]"),
        "{}",
        finding.message
    );

    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER); INSERT INTO item VALUES (1, 12);",
    )
    .await;
    found(&lab, &older(), "unknown-time-form").await;
    lab.script("UPDATE item SET at = 1600000000").await;
    assert!(codes(&lab, &older()).await.is_empty());
}

#[tokio::test]
async fn values_of_several_forms_are_an_error_until_they_are_of_one() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at);
         INSERT INTO item VALUES (1, 1600000000), (2, '2020-01-01 00:00:00');",
    )
    .await;
    let finding = found(&lab, &older(), "mixed-representation").await;
    assert_eq!(finding.severity, Severity::Error);
    lab.script("UPDATE item SET at = unixepoch(at) WHERE typeof(at) = 'text'")
        .await;
    assert!(codes(&lab, &older()).await.is_empty());
}

#[tokio::test]
async fn a_column_that_is_not_there_is_told_before_the_run() {
    let schema = "CREATE TABLE item (id bigint PRIMARY KEY);";
    for lab in both(schema, schema).await {
        let finding = found(&lab, &older(), "unknown-column").await;
        assert_eq!(finding.severity, Severity::Error);
    }
}

#[tokio::test]
async fn a_form_that_the_values_contradict_is_told_before_the_run() {
    let rows = "INSERT INTO item VALUES (1, 1800000000), (2, 1800000001);";
    let schema = format!("CREATE TABLE item (id bigint PRIMARY KEY, at bigint); {rows}");
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::UnixMs);
        let finding = found(&lab, &older(), "time-form-contradicted").await;
        assert_eq!(finding.severity, Severity::Error);
        lab.say("item", "at", TimeForm::UnixS);
        assert!(codes(&lab, &older()).await.is_empty());
    }
}

/// Two columns, one of them written by `now()` in the session's zone.
const BOOKINGS: &str =
    "CREATE TABLE item (id bigint PRIMARY KEY, at timestamp DEFAULT now() + interval '2 hours',
    created timestamp DEFAULT now());";

/// An application's statement, in a session as the database opens it.
fn written_in(zone: &str) -> String {
    format!("BEGIN; SET LOCAL timezone = '{zone}'; INSERT INTO item VALUES (1); COMMIT;")
}

fn told(zone: &str, whose: &str) -> String {
    format!(
        "DO $$ BEGIN EXECUTE format('ALTER {whose} SET timezone = %L', current_database(), '{zone}'); END $$"
    )
}

#[tokio::test]
async fn a_timestamp_without_a_zone_needs_a_word_where_sessions_are_not_in_utc() {
    for whose in [
        "DATABASE %I",
        "ROLE postgres IN DATABASE %I",
        "ROLE ALL IN DATABASE %I",
    ] {
        let mut lab = Lab::postgres(BOOKINGS).await;
        assert!(codes(&lab, &older()).await.is_empty());
        lab.script(&told("America/New_York", whose)).await;

        let finding = found(&lab, &older(), "zoneless-timestamp").await;

        assert_eq!(finding.severity, Severity::Error);
        let line = "\"public.item.at\" = \"local:America/New_York\"";
        assert!(finding.message.contains(line), "{}", finding.message);
        lab.say("item", "at", TimeForm::Native);
        assert!(codes(&lab, &older()).await.is_empty());
        lab.times.clear();
        lab.script(&told("Etc/UTC", whose)).await;
        assert!(codes(&lab, &older()).await.is_empty());
    }
}

#[tokio::test]
async fn a_row_that_was_made_this_moment_in_another_zone_stays_by_the_word() {
    let mut lab = Lab::postgres(BOOKINGS).await;
    lab.script(&written_in("America/New_York")).await;
    let zone = TimeForm::Local(chrono_tz::Tz::America__New_York);
    lab.say("item", "at", zone);
    lab.say("item", "created", zone);
    let now = lab.database.now().await.unwrap();
    for (column, age) in [("at", 0), ("created", 3_600_000_000)] {
        let old = Condition::OlderThan {
            column: column.to_owned(),
            cutoff: now,
            offset: age,
        };
        let (batch, _) = lab.run(Request::delete("item", old)).await.unwrap();
        assert_eq!(batch.affected, 0, "{column}");
    }
}

#[tokio::test]
async fn a_day_needs_a_word_as_well_where_sessions_are_not_in_utc() {
    let schema = "CREATE TABLE item (id bigint PRIMARY KEY, at date);";
    let mut lab = Lab::postgres(schema).await;
    assert!(codes(&lab, &older()).await.is_empty());
    lab.script(&told("America/New_York", "DATABASE %I")).await;

    let finding = found(&lab, &older(), "zoneless-timestamp").await;

    assert_eq!(finding.severity, Severity::Error);
    let line = "\"public.item.at\" = \"local:America/New_York\"";
    assert!(finding.message.contains(line), "{}", finding.message);
    assert!(finding.message.contains("\"date\""), "{}", finding.message);
    let zone = TimeForm::Local(chrono_tz::Tz::America__New_York);
    for form in [zone, TimeForm::Date, TimeForm::Native] {
        lab.say("item", "at", form);
        assert!(codes(&lab, &older()).await.is_empty(), "{form}");
    }
    // What counts from an instant, or says its own offset, is of no zone.
    let schema = schema.replace("date", "timestamptz");
    let lab = Lab::postgres(&schema).await;
    lab.script(&told("America/New_York", "DATABASE %I")).await;
    assert!(codes(&lab, &older()).await.is_empty());
}

#[tokio::test]
async fn text_without_an_offset_needs_a_word_whatever_the_zone() {
    let lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, at text); INSERT INTO item VALUES (1, '2020-01-01 10:00:00');",
    )
    .await;
    assert_eq!(codes(&lab, &older()).await, ["unknown-time-form"]);
}

#[tokio::test]
async fn a_day_is_over_when_the_clock_of_the_zone_that_was_said_has_ended_it() {
    for (zone, name) in [
        (chrono_tz::Tz::America__Los_Angeles, "America/Los_Angeles"),
        (chrono_tz::Tz::Pacific__Kiritimati, "Pacific/Kiritimati"),
    ] {
        let mut lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, at date);
             INSERT INTO item SELECT n, (now() AT TIME ZONE '{name}')::date + n FROM generate_series(-3, 3) AS n;"
        ))
        .await;
        lab.say("item", "at", TimeForm::Local(zone));
        let now = lab.database.now().await.unwrap();
        let over = Condition::OlderThan {
            column: "at".to_owned(),
            cutoff: now,
            offset: 0,
        };
        lab.run(Request::delete("item", over)).await.unwrap();
        // Today has begun there and is not over, whatever day it is in UTC.
        assert_eq!(lab.ids("SELECT id FROM item").await, [0, 1, 2, 3], "{name}");
    }
}
