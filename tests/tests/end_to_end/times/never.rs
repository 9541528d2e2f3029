//! What stands for "never" stays, in every form and type, until the operator says that it is real.

use besom::catalog::{TimeForm, Times};
use besom::sweep::{Verification, verify};
use besom_tests::lab::{Lab, both, drain};

use super::*;

/// 1900-01-01.
const CENTURY: Timestamp = Timestamp(-2_208_988_800_000_000);

#[tokio::test]
async fn zero_and_its_like_are_never_old_in_any_unit() {
    for (form, scale) in [
        (TimeForm::UnixS, 1_i64),
        (TimeForm::UnixMs, 1_000),
        (TimeForm::UnixUs, 1_000_000),
    ] {
        let old = (1_700_000_000 * scale).to_string();
        let end = (253_402_300_799 * scale).to_string();
        let most = i64::MAX.to_string();
        // The last one is 9999-12-31 in seconds, whatever the column's unit.
        let never = ["0", "-1", "1", "86400", &end, &most, "253402300799"];
        let values = [vec![old.as_str(); 8], never.to_vec()].concat();
        for (declared, on_sqlite) in [
            ("bigint", "INTEGER"),
            ("numeric", "NUMERIC"),
            ("double precision", "REAL"),
            ("text", "TEXT"),
        ] {
            let quoted = |quote: &str| -> Vec<String> {
                values
                    .iter()
                    .map(|value| format!("{quote}{value}{quote}"))
                    .collect()
            };
            let quote = if declared == "text" { "'" } else { "" };
            let values = quoted(quote);
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            for mut lab in both(&items(declared, &values), &items(on_sqlite, &values)).await {
                lab.say("item", "at", form);
                let told = told(&lab, "at").await;
                assert_eq!(told, (1..=8).collect::<Vec<_>>(), "{form} {declared}");
            }
        }
    }
}

#[tokio::test]
async fn zero_among_times_needs_no_word_on_sqlite() {
    let lab = Lab::sqlite(&items("INTEGER", &["1700000000", "0", "-1", "NULL"])).await;
    assert_eq!(told(&lab, "at").await, [1]);
}

#[tokio::test]
async fn native_times_before_1973_and_at_the_end_of_time_stay() {
    for declared in ["timestamptz", "timestamp", "date"] {
        let schema = items(
            declared,
            &[
                "'2020-01-01'",
                "'0001-01-01'",
                "'1970-01-01'",
                "'1972-12-30'",
                "'-infinity'",
                "'infinity'",
                "'9999-12-31'",
                "'0044-03-15 BC'",
                "NULL",
            ],
        );
        let lab = Lab::postgres(&schema).await;
        assert_eq!(told(&lab, "at").await, [1], "{declared}");
    }
}

#[tokio::test]
async fn texts_that_stand_for_never_stay() {
    let values = [
        "'2020-01-01 00:00:00'",
        "'2020-01-02 00:00:00'",
        "'0001-01-01 00:00:00'",
        "'1970-01-01 00:00:00'",
        "'9999-12-31 23:59:59'",
        "'9999-12-31T23:59:59.999999'",
        "'infinity'",
        "'-infinity'",
        "'0'",
    ];
    let schema = items("text", &values);
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::SqlText);
        assert_eq!(told(&lab, "at").await, [1, 2]);
    }
    let lab = Lab::sqlite(&schema).await;
    assert_eq!(told(&lab, "at").await, [1, 2]);
}

#[tokio::test]
async fn the_last_and_the_first_day_are_never_in_a_column_of_any_form() {
    const LAST: [&str; 3] = [
        "'9999-12-31 23:59:59'",
        "'9999-12-31'",
        "'0001-01-01T00:00:00Z'",
    ];
    for (word, form) in [
        ("'2020-01-01 00:00:00'", TimeForm::SqlText),
        ("'2020-01-01T00:00:00Z'", TimeForm::Rfc3339),
        ("'2020-01-01'", TimeForm::Date),
        ("'1577836800'", TimeForm::UnixS),
    ] {
        let schema = items("text", &[vec![word], LAST.to_vec()].concat());
        let mut labs: Vec<_> = both(&schema, &schema).await;
        if form == TimeForm::UnixS {
            labs.push(Lab::sqlite(&schema.replace("at text", "at INTEGER")).await);
        }
        for mut lab in labs {
            lab.say("item", "at", form);
            assert_eq!(told(&lab, "at").await, [1], "{word}");
            let (context, _) = lab.begin().await;
            drain(&context, Request::delete("item", older("at", NOW)))
                .await
                .unwrap();
            let ended = context.settle().await.ended;
            let verified = Verification::of(&verify(&lab.database, &ended).await);
            assert_eq!(verified, Verification::Verified, "{word}");
            lab.end(&context).await;
        }
    }
}

#[tokio::test]
async fn a_day_of_zeros_is_never_however_many() {
    let zeros = [
        "'0000-00-00 00:00:00'",
        "'0000-00-00'",
        "'0000-00-00T00:00:00Z'",
        "'0'",
    ];
    for (word, form) in [
        ("'2020-01-01 00:00:00'", TimeForm::SqlText),
        ("'2020-01-01T00:00:00Z'", TimeForm::Rfc3339),
        ("'2020-01-01'", TimeForm::Date),
        ("'1577836800'", TimeForm::UnixS),
    ] {
        let values = [vec![word], vec![zeros[0]; 40], zeros.to_vec()].concat();
        let schema = items("text", &values);
        for mut lab in both(&schema, &schema).await {
            lab.say("item", "at", form);
            assert_eq!(told(&lab, "at").await, [1], "{word}");
            let (context, _) = lab.begin().await;
            drain(&context, Request::delete("item", older("at", NOW)))
                .await
                .unwrap();
            let ended = context.settle().await.ended;
            let verified = Verification::of(&verify(&lab.database, &ended).await);
            assert_eq!(verified, Verification::Verified, "{word}");
            lab.end(&context).await;
        }
        let lab = Lab::sqlite(&schema).await;
        assert_eq!(told(&lab, "at").await, [1], "{word}");
    }
}

#[tokio::test]
async fn the_first_day_of_dot_net_needs_no_word_on_sqlite_in_any_unit() {
    for (old, first) in [
        ("1577836800", "-62135596800"),
        ("1577836800000", "-62135596800000"),
        ("1577836800000000", "-62135596800000000"),
        ("1577836800.5", "-62135596800.0"),
    ] {
        let values = [vec![old], vec![first; 49]].concat();
        let lab = Lab::sqlite(&items("NUMERIC", &values)).await;
        assert_eq!(told(&lab, "at").await, [1], "{first}");
    }
}

#[tokio::test]
async fn the_oldest_that_is_real_may_be_said() {
    for (declared, on_sqlite, values, form) in [
        (
            "timestamptz",
            "TEXT",
            [
                "'1931-05-01 00:00:00Z'",
                "'1899-12-31 00:00:00Z'",
                "'9999-12-31 00:00:00Z'",
            ],
            TimeForm::Rfc3339,
        ),
        (
            "date",
            "TEXT",
            ["'1931-05-01'", "'1899-01-01'", "'9999-12-31'"],
            TimeForm::Date,
        ),
        (
            "bigint",
            "INTEGER",
            ["-1220400000", "-2300000000", "253402300799"],
            TimeForm::UnixS,
        ),
    ] {
        for mut lab in both(&items(declared, &values), &items(on_sqlite, &values)).await {
            let native = ["timestamptz", "date"].contains(&declared)
                && lab.dialect() == besom::catalog::Dialect::Postgres;
            let said = match native {
                true => Times::declared([]),
                false => Times::from(form),
            };
            lab.say("item", "at", said.clone());
            assert!(told(&lab, "at").await.is_empty(), "{declared}");
            lab.say("item", "at", said.since(Some(CENTURY)));
            assert_eq!(told(&lab, "at").await, [1], "{declared}");
        }
    }
}

#[tokio::test]
async fn the_first_day_of_the_first_year_may_be_the_oldest() {
    const FIRST: Timestamp = Timestamp(-62_135_596_800_000_000);
    let values = ["'1931-05-01'", "'0001-01-01'", "'0044-03-15 BC'"];
    for declared in ["date", "timestamp", "timestamptz"] {
        let mut lab = Lab::postgres(&items(declared, &values)).await;
        lab.say("item", "at", Times::declared([]).since(Some(FIRST)));
        assert_eq!(told(&lab, "at").await, [1, 2], "{declared}");
    }
    // East of Greenwich that day began in the year before.
    for (declared, zone, real) in [
        ("date", chrono_tz::Asia::Tokyo, vec![1, 2]),
        ("timestamp", chrono_tz::Asia::Tokyo, vec![1]),
        ("date", chrono_tz::America::Los_Angeles, vec![1, 2]),
        ("timestamp", chrono_tz::America::Los_Angeles, vec![1, 2]),
    ] {
        let mut lab = Lab::postgres(&items(declared, &values)).await;
        let said = Times::declared([TimeForm::Local(zone)]);
        lab.say("item", "at", said.since(Some(FIRST)));
        assert_eq!(told(&lab, "at").await, real, "{declared} {zone}");
    }
}
