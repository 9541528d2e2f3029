//! Times without an offset: of which zone they are is said, or asked for.

use besom::catalog::{Dialect, TimeForm, Times};
use besom_tests::lab::both;

use super::*;

const LOS_ANGELES: TimeForm = TimeForm::Local(chrono_tz::Tz::America__Los_Angeles);

#[tokio::test]
async fn local_time_is_that_of_the_zone_that_was_said() {
    // 16:00 in Los Angeles is midnight in UTC.
    let values = ["'2025-12-31 15:59:59.999999'", "'2025-12-31 16:00:00'"];
    let (stamps, text) = (items("timestamp", &values), items("TEXT", &values));
    let mut labs = both(&stamps, &text).await;
    labs.push(Lab::postgres(&text).await);
    for mut lab in labs {
        lab.say("item", "at", LOS_ANGELES);
        assert_eq!(gone(&lab, older("at", NOW)).await.unwrap(), [1]);
        assert_eq!(gone(&lab, older("at", NOW + 1)).await.unwrap(), [2]);
    }
}

#[tokio::test]
async fn the_hour_that_a_clock_shows_twice_counts_as_the_later() {
    // 2025-11-02: at 09:00Z clocks went back from 02:00 to 01:00.
    let back = 1_762_074_000_000_000_i64;
    let values = [
        "'2025-11-02 00:59:59'",
        "'2025-11-02 01:30:00'",
        "'2025-11-02 02:00:00'",
    ];
    for mut lab in both(&items("timestamp", &values), &items("TEXT", &values)).await {
        lab.say("item", "at", LOS_ANGELES);
        // The first showing of 01:30 is over, and the second is not.
        assert_eq!(gone(&lab, older("at", back)).await.unwrap(), [1]);
        assert!(
            gone(&lab, older("at", back + HOUR / 2))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            gone(&lab, older("at", back + HOUR / 2 + 1)).await.unwrap(),
            [2]
        );
        assert_eq!(gone(&lab, not(older("at", back))).await.unwrap(), [3]);
    }
}

#[tokio::test]
async fn a_day_in_a_zone_ends_with_the_zones_midnight() {
    let values = ["'2025-12-31'"];
    for mut lab in both(&items("date", &values), &items("TEXT", &values)).await {
        lab.say("item", "at", LOS_ANGELES);
        assert!(
            gone(&lab, older("at", NOW + 8 * HOUR))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            gone(&lab, older("at", NOW + 8 * HOUR + 1)).await.unwrap(),
            [1]
        );
    }
}

#[tokio::test]
async fn an_index_serves_local_times_on_postgres() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, at timestamp); CREATE INDEX i ON item (at, id);
         INSERT INTO item SELECT n, timestamp '2026-01-01' + n * interval '1 hour' FROM generate_series(-50, 50) AS n;",
    )
    .await;
    lab.say("item", "at", LOS_ANGELES);
    let request = Request::delete("item", older("at", NOW)).order_by("at");
    let (batch, _) = lab.run(request).await.unwrap();
    assert_eq!(batch.affected, 42);
}

#[tokio::test]
async fn an_instant_is_written_as_the_column_holds_it() {
    use besom::request::{Assignment, Source};
    let at = Timestamp(NOW + 1_500_000);
    for (declared, form, written) in [
        ("timestamp", Some(LOS_ANGELES), "2025-12-31 16:00:01.5"),
        ("numeric", Some(TimeForm::UnixMs), "1767225601500"),
        ("double precision", Some(TimeForm::UnixS), "1767225601"),
        ("text", Some(TimeForm::UnixUs), "1767225601500000"),
        ("text", Some(TimeForm::SqlText), "2026-01-01 00:00:01.5"),
        ("text", Some(TimeForm::Date), "2026-01-01"),
        ("text", Some(LOS_ANGELES), "2025-12-31 16:00:01.5"),
        ("bigint", Some(TimeForm::UnixNs), "1767225601500000000"),
        ("date", None, "2026-01-01"),
    ] {
        for mut lab in both(&items(declared, &["NULL"]), &items(declared, &["NULL"])).await {
            if let (Dialect::Sqlite, None) | (Dialect::Sqlite, Some(LOS_ANGELES)) =
                (lab.dialect(), form)
                && declared != "text"
            {
                continue; // no types of their own there
            }
            if let Some(form) = form {
                lab.say("item", "at", form);
            }
            let set = Assignment {
                column: "at".into(),
                source: Source::Value(Value::Timestamp(at)),
            };
            let request = Request::delete("item", Condition::Everything).updating(vec![set]);
            lab.run(request.clone()).await.unwrap();
            let told =
                format!("SELECT count(*) FROM item WHERE CAST(at AS text) LIKE '{written}%'");
            assert_eq!(lab.count(&told).await, 1, "{declared} {form:?}");
            // A second time there is nothing to change.
            let (again, _) = lab.run(request).await.unwrap();
            assert_eq!(again.affected, 0, "{declared} {form:?}");
        }
    }
}

#[tokio::test]
async fn a_reader_gets_timestamps_whatever_the_column_holds() {
    use besom::request::{Reading, Values};
    use besom::sweep::Reader;
    for (declared, value, form) in [
        (
            "text",
            "'2025-12-31 16:00:01.5-08:00'",
            Times::from(TimeForm::Rfc3339),
        ),
        ("text", "'2025-12-31T16:00:01.5'", Times::from(LOS_ANGELES)),
        ("numeric", "1767225601.5", Times::from(TimeForm::UnixS)),
        (
            "bigint",
            "1767225601500000000",
            Times::from(TimeForm::UnixNs),
        ),
        (
            "text",
            "'1767225601.5'",
            Times::declared([TimeForm::UnixS, TimeForm::Date]),
        ),
    ] {
        for mut lab in both(&items(declared, &[value]), &items(declared, &[value])).await {
            lab.say("item", "at", form.clone());
            let (context, _) = lab.begin().await;
            let request = Request::read("item", vec!["at".into()], Condition::Everything);
            let reader = Reader::open(&context, request).await.unwrap();
            let Reading::Page(page) = reader.next().await.unwrap() else {
                panic!("a row is there");
            };
            let expected = Values::Timestamps(vec![Some(Timestamp(NOW + 1_500_000))]);
            assert_eq!(page.columns, [expected], "{declared} {value}");
            lab.end(&context).await;
        }
    }
}
