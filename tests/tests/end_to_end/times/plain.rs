//! Values that a plugin compares times with and that are no timestamps: texts in the database's own form, and
//! numbers. What they mean is an instant, or nothing.

use besom::catalog::TimeForm;
use besom_tests::lab::both;

use super::*;

fn to(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to,
    }
}

fn text(text: &str) -> Value {
    Value::Other(text.to_owned())
}

async fn code(lab: &Lab, condition: Condition) -> String {
    let fault = gone(lab, condition).await.unwrap_err();
    fault.problem().code.clone()
}

/// One of 2020, one that is yet to come, and what stands for "never".
const NATIVE: [&str; 5] = [
    "'2020-01-01'",
    "'9000-01-01'",
    "'-infinity'",
    "'0001-01-01'",
    "'infinity'",
];

#[tokio::test]
async fn a_word_of_postgres_is_no_instant_that_a_row_is_older_than() {
    for declared in ["timestamptz", "timestamp", "date"] {
        let lab = Lab::postgres(&items(declared, &NATIVE)).await;
        for word in [
            "infinity",
            "tomorrow",
            "now",
            "epoch",
            "",
            "soon",
            "2026-01-01 00:00:00",
        ] {
            let operators = [
                Comparison::Less,
                Comparison::LessOrEqual,
                Comparison::NotEqual,
            ];
            for operator in operators {
                let code = code(&lab, to("at", operator, text(word))).await;
                assert_eq!(code, "value", "{declared} {word}");
            }
        }
        assert_eq!(
            lab.count("SELECT count(*) FROM item").await,
            5,
            "{declared}"
        );
    }
}

#[tokio::test]
async fn a_text_that_is_an_instant_compares_as_one_and_takes_no_never() {
    for declared in ["timestamptz", "timestamp", "date"] {
        for written in ["2026-01-01T00:00:00Z", "2026-01-01 01:00:00+01:00"] {
            let lab = Lab::postgres(&items(declared, &NATIVE)).await;
            let before = to("at", Comparison::Less, text(written));
            let gone = gone(&lab, before).await.unwrap();
            assert_eq!(gone, [1], "{declared} {written}");
        }
    }
}

#[tokio::test]
async fn a_text_that_is_an_instant_yet_to_come_is_refused_as_a_cutoff() {
    for declared in ["timestamptz", "timestamp", "date"] {
        let lab = Lab::postgres(&items(declared, &NATIVE)).await;
        for condition in [
            to("at", Comparison::Less, text("9500-01-01T00:00:00Z")),
            not(to("at", Comparison::Greater, text("9500-01-01 00:00:00Z"))),
        ] {
            assert_eq!(code(&lab, condition).await, "future-cutoff", "{declared}");
        }
    }
}

#[tokio::test]
async fn a_day_compares_with_days() {
    let values = [
        "'2020-01-01'",
        "'2025-12-31'",
        "'2026-01-01'",
        "'-infinity'",
    ];
    for (operator, day, expected) in [
        (Comparison::Less, "2026-01-01", vec![1, 2]),
        (Comparison::LessOrEqual, "2025-12-31", vec![1, 2]),
        (Comparison::Greater, "2025-12-31", vec![3]),
        (Comparison::GreaterOrEqual, "2026-01-01", vec![3]),
        (Comparison::Equal, "2026-01-01", vec![3]),
        (Comparison::NotEqual, "2026-01-01", vec![1, 2]),
    ] {
        let lab = Lab::postgres(&items("date", &values)).await;
        let gone = gone(&lab, to("at", operator, text(day))).await.unwrap();
        assert_eq!(gone, expected, "{operator:?} {day}");
    }
    let lab = Lab::postgres(&items("date", &values)).await;
    let ahead = to("at", Comparison::LessOrEqual, text("9500-01-01"));
    assert_eq!(code(&lab, ahead).await, "future-cutoff");
    let stamps = Lab::postgres(&items("timestamptz", &values)).await;
    let day = to("at", Comparison::Less, text("2026-01-01"));
    assert_eq!(code(&stamps, day).await, "value");
}

#[tokio::test]
async fn plain_numbers_and_texts_are_no_instants_of_a_column_that_is_declared_to_hold_them() {
    let numbers = ["1577836800", "9000000000", "0", "-1", "NULL"];
    for (declared, on_sqlite) in [
        ("bigint", "INTEGER"),
        ("numeric", "NUMERIC"),
        ("double precision", "REAL"),
    ] {
        for mut lab in both(&items(declared, &numbers), &items(on_sqlite, &numbers)).await {
            lab.say("item", "at", TimeForm::UnixS);
            let number = |number| Value::Integer(number);
            for condition in [
                to("at", Comparison::Less, number(9_999_999_999)),
                not(to("at", Comparison::GreaterOrEqual, number(1_800_000_000))),
                to("at", Comparison::NotEqual, number(5)),
                to("at", Comparison::Less, Value::Float(1.5e9)),
                to("at", Comparison::Less, Value::Decimal("1.5".into())),
                to("at", Comparison::Less, text("1800000000")),
                Condition::OneOf {
                    column: "at".into(),
                    values: vec![number(0), number(-1)],
                },
                not(Condition::OneOf {
                    column: "at".into(),
                    values: vec![number(5)],
                }),
            ] {
                let shown = format!("{declared} {condition:?}");
                assert_eq!(code(&lab, condition).await, "value", "{shown}");
            }
            assert_eq!(lab.count("SELECT count(*) FROM item").await, 5);
        }
    }
    let schema = items(
        "text",
        &["'2020-01-01T00:00:00Z'", "'0001-01-01T00:00:00Z'", "''"],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        let condition = to("at", Comparison::NotEqual, Value::Text("x".into()));
        assert_eq!(code(&lab, condition).await, "value");
        let starts = Condition::StartsWith {
            column: "at".into(),
            prefix: "0".into(),
        };
        assert_eq!(code(&lab, starts).await, "value");
        // What a plugin names as an instant is one, whatever it calls it.
        let before = to("at", Comparison::Less, text("2026-01-01T00:00:00Z"));
        assert_eq!(gone(&lab, before).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn within_a_relation_a_plain_number_says_no_more() {
    for mut lab in both(
        &items("bigint", &["1577836800", "0"]),
        &items("INTEGER", &["1577836800", "0"]),
    )
    .await
    {
        lab.say("item", "at", TimeForm::UnixS);
        let matching = to("at", Comparison::Greater, Value::Integer(9_999_999_999));
        let without = Condition::NotExists {
            table: "item".into(),
            on: vec![besom::request::Join::new("id", "id")],
            matching: Some(Box::new(matching)),
        };
        assert_eq!(code(&lab, without).await, "value");
    }
}

#[tokio::test]
async fn a_number_that_nobody_calls_a_time_is_compared_as_one() {
    let values = ["1", "5", "9", "NULL"];
    for lab in both(&items("bigint", &values), &items("INTEGER", &values)).await {
        let few = to("at", Comparison::Less, Value::Integer(6));
        assert_eq!(gone(&lab, few).await.unwrap(), [1, 2]);
    }
}
