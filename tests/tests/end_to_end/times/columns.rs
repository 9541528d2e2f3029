//! Two columns of a row compared: by the instants, each in its own form.

use besom::catalog::{TimeForm, Times};
use besom_tests::lab::both;

use super::*;

fn columns(operator: Comparison) -> Condition {
    Condition::CompareColumns {
        column: "activated".into(),
        operator,
        to: "retired".into(),
    }
}

/// A table `item (id, activated, retired)` with these rows, numbered from 1.
fn pairs(activated: &str, retired: &str, rows: &[(&str, &str)]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(n, (a, b))| format!("({}, {a}, {b})", n + 1))
        .collect();
    format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, activated {activated}, retired {retired});
         INSERT INTO item VALUES {};",
        rows.join(", ")
    )
}

#[tokio::test]
async fn a_key_that_was_activated_after_it_was_retired_is_told_across_zones() {
    // 00:41:17Z after 23:41:17Z of the day before; then the reverse; then the same instant.
    let rows = [
        ("'2025-06-01T19:41:17-05:00'", "'2025-06-01T23:41:17Z'"),
        ("'2025-06-01T23:41:17-01:00'", "'2025-06-02T01:41:17Z'"),
        (
            "'2025-06-01T23:41:17.500+00:00'",
            "'2025-06-01 23:41:17.5Z'",
        ),
        ("'2025-06-01T23:41:17.500Z'", "'2025-06-01T23:41:17Z'"),
        ("'2025-06-01T23:41:17.000000001Z'", "'2025-06-01T23:41:17Z'"),
    ];
    for declared in ["TEXT", "DATETIME"] {
        let lab = Lab::sqlite(&pairs(declared, declared, &rows)).await;
        assert_eq!(
            gone(&lab, columns(Comparison::Greater)).await.unwrap(),
            [1, 4, 5]
        );
        assert_eq!(gone(&lab, columns(Comparison::Equal)).await.unwrap(), [3]);
    }
    let mut lab = Lab::postgres(&pairs("text", "text", &rows)).await;
    lab.say("item", "activated", TimeForm::Rfc3339);
    assert_eq!(
        gone(&lab, columns(Comparison::Greater))
            .await
            .unwrap_err()
            .problem()
            .code,
        "unknown-time-form"
    );
    lab.say("item", "retired", TimeForm::Rfc3339);
    assert_eq!(
        gone(&lab, columns(Comparison::Greater)).await.unwrap(),
        [1, 4, 5]
    );
}

#[tokio::test]
async fn seconds_are_compared_with_milliseconds_once_one_of_them_is_a_time() {
    let rows = [
        ("1735689600", "1735689599999"),
        ("1735689600", "1735689600000"),
        ("1735689600", "1735689600001"),
    ];
    let schema = pairs("bigint", "bigint", &rows);
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "activated", TimeForm::UnixS);
        lab.say("item", "retired", TimeForm::UnixMs);
        assert_eq!(gone(&lab, columns(Comparison::Greater)).await.unwrap(), [1]);
        assert_eq!(
            gone(&lab, columns(Comparison::GreaterOrEqual))
                .await
                .unwrap(),
            [2]
        );
    }
    // By a cut-off for one of them besom knows what both are.
    let lab = Lab::sqlite(&schema).await;
    let old = Condition::All(vec![older("retired", NOW), columns(Comparison::Greater)]);
    assert_eq!(gone(&lab, old).await.unwrap(), [1]);
}

#[tokio::test]
async fn numbers_that_nobody_calls_times_are_compared_as_numbers() {
    let rows = [("2000000000", "1000000000000"), ("5", "4")];
    let schema = pairs("bigint", "bigint", &rows);
    for lab in both(&schema, &schema).await {
        assert_eq!(gone(&lab, columns(Comparison::Greater)).await.unwrap(), [2]);
    }
}

#[tokio::test]
async fn a_time_is_compared_with_what_is_none_neither_way() {
    let rows = [
        ("'2025-06-01 00:00:00+00'", "'9999-12-31 00:00:00+00'"),
        ("'0001-01-01 00:00:00+00'", "'2025-06-01 00:00:00+00'"),
        ("'2025-06-01 00:00:00+00'", "NULL"),
        ("'2025-06-01 00:00:00+00'", "'2025-06-02 00:00:00+00'"),
    ];
    let text = pairs("TEXT", "TEXT", &rows);
    for lab in both(&pairs("timestamptz", "timestamptz", &rows), &text).await {
        assert!(
            gone(&lab, not(columns(Comparison::Less)))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(gone(&lab, columns(Comparison::Less)).await.unwrap(), [4]);
    }
}

#[tokio::test]
async fn a_date_is_compared_with_a_time_by_its_end() {
    let rows = [
        ("'2025-06-02 00:00:00.000001Z'", "'2025-06-01'"),
        ("'2025-06-01 23:59:59Z'", "'2025-06-01'"),
    ];
    let mut labs = both(
        &pairs("timestamptz", "date", &rows),
        &pairs("TEXT", "DATE", &rows),
    )
    .await;
    if let Some(lab) = labs.last_mut() {
        lab.say("item", "retired", TimeForm::Date);
    }
    for lab in labs {
        assert_eq!(gone(&lab, columns(Comparison::Greater)).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn nanoseconds_and_floats_compare_by_the_instant() {
    let rows = [
        ("1735689600000000001", "1735689600.0"),
        ("1735689600250000000", "1735689600.5"),
    ];
    for (mut lab, real) in [
        (
            Lab::postgres(&pairs("bigint", "double precision", &rows)).await,
            TimeForm::UnixS,
        ),
        (
            Lab::sqlite(&pairs("INTEGER", "REAL", &rows)).await,
            TimeForm::UnixS,
        ),
    ] {
        lab.say("item", "activated", TimeForm::UnixNs);
        lab.say("item", "retired", real);
        assert_eq!(gone(&lab, columns(Comparison::Greater)).await.unwrap(), [1]);
        assert_eq!(gone(&lab, columns(Comparison::Less)).await.unwrap(), [2]);
    }
}

#[tokio::test]
async fn local_times_compare_with_others_where_the_database_knows_zones() {
    let zone = Times::from(TimeForm::Local(chrono_tz::Tz::America__New_York));
    let rows = [("'2025-06-01 20:00:00'", "'2025-06-01 23:59:59+00'")];
    let mut postgres = Lab::postgres(&pairs("timestamp", "timestamptz", &rows)).await;
    postgres.say("item", "activated", zone.clone());
    assert_eq!(
        gone(&postgres, columns(Comparison::Greater)).await.unwrap(),
        [1]
    );

    let mut sqlite = Lab::sqlite(&pairs("TEXT", "TEXT", &rows)).await;
    sqlite.say("item", "activated", zone);
    let fault = gone(&sqlite, columns(Comparison::Greater))
        .await
        .unwrap_err();
    assert!(fault.to_string().contains("knows no zones"), "{fault}");
}
