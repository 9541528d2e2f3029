//! The newest of a group are told by the instants that their values mean.

use besom::catalog::{TimeForm, Times};
use besom::request::Mode;
use besom_tests::lab::both;

use super::*;

/// Rows of one owner, made at these times, numbered from 1; a column without NOT NULL.
fn made(declared: &str, values: &[&str]) -> String {
    let rows: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!("({}, 7, {value})", n + 1))
        .collect();
    format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, owner bigint, at {declared});
         CREATE INDEX of_owner ON item (owner, at);
         INSERT INTO item VALUES {};",
        rows.join(", ")
    )
}

fn beyond(keep: u32) -> Condition {
    Condition::BeyondNewest {
        group_by: vec!["owner".into()],
        order_by: "at".into(),
        keep,
    }
}

/// What goes beyond the newest; a rehearsal sees the same.
async fn beyond_gone(lab: &mut Lab, keep: u32) -> Vec<i64> {
    lab.options.mode = Mode::DryRun;
    let (dry, _) = lab
        .run(Request::delete("item", beyond(keep)))
        .await
        .unwrap();
    lab.options.mode = Mode::Apply;
    let gone = gone(lab, beyond(keep)).await.unwrap();
    assert_eq!(dry.affected, gone.len() as u64);
    gone
}

#[tokio::test]
async fn texts_with_offsets_are_ordered_by_the_instants_that_they_mean() {
    let schema = made(
        "text",
        &[
            "'2025-11-28T20:00:00-08:00'", // the newest: 04:00 of the next day
            "'2025-11-28T23:00:00Z'",
            "'2025-11-28T23:30:00.5Z'",
            "'2025-11-29 04:30:00+02:00'",
        ],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        assert_eq!(
            beyond_gone(&mut lab, 1).await,
            [2, 3, 4],
            "{:?}",
            lab.dialect()
        );
    }
    let mut undeclared = Lab::sqlite(&schema).await;
    assert_eq!(beyond_gone(&mut undeclared, 2).await, [2, 3]);
}

#[tokio::test]
async fn what_has_no_instant_is_neither_beyond_nor_newer() {
    let numbers = [
        "0",
        "-1",
        "1764370800",
        "1764374400",
        "NULL",
        "9223372036854775807",
    ];
    for mut lab in both(&made("bigint", &numbers), &made("INTEGER", &numbers)).await {
        lab.say("item", "at", TimeForm::UnixS);
        assert_eq!(beyond_gone(&mut lab, 1).await, [3], "{:?}", lab.dialect());
    }
    let stamps = [
        "'-infinity'",
        "'0001-01-01'",
        "'2025-11-28'",
        "'2025-11-29'",
        "NULL",
        "'infinity'",
        "'9999-12-31'",
    ];
    for declared in ["timestamptz", "timestamp", "date"] {
        let mut lab = Lab::postgres(&made(declared, &stamps)).await;
        assert_eq!(beyond_gone(&mut lab, 1).await, [3], "{declared}");
    }
    let texts = [
        "'z'",
        "''",
        "'2025-11-28T20:00:00Z'",
        "'2025-11-28T21:00:00Z'",
        "'infinity'",
    ];
    for mut lab in both(&made("text", &texts), &made("TEXT", &texts)).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        assert_eq!(beyond_gone(&mut lab, 1).await, [3], "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn each_row_has_the_place_of_its_own_form() {
    let values = ["1764370800", "1764374400000", "1764378000", "1764367200000"];
    for mut lab in both(&made("bigint", &values), &made("INTEGER", &values)).await {
        lab.say(
            "item",
            "at",
            Times::declared([TimeForm::UnixS, TimeForm::UnixMs]),
        );
        assert_eq!(
            beyond_gone(&mut lab, 2).await,
            [1, 4],
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_text_that_nobody_calls_a_time_has_no_order() {
    let schema = made("text", &["'b'", "'a'", "'c'"]);
    let refused = Lab::postgres(&schema).await;
    let fault = gone(&refused, beyond(1)).await.unwrap_err();
    assert_eq!(fault.problem().code, "no-order", "{fault}");
    let refused = Lab::sqlite(&schema).await;
    let fault = gone(&refused, beyond(1)).await.unwrap_err();
    assert!(
        ["no-order", "unknown-time-form"].contains(&fault.problem().code.as_str()),
        "{fault}"
    );
}

#[tokio::test]
async fn numbers_that_are_no_times_are_ordered_as_numbers() {
    let values = ["3", "1", "2", "2"];
    for mut lab in both(&made("bigint", &values), &made("INTEGER", &values)).await {
        assert_eq!(
            beyond_gone(&mut lab, 2).await,
            [2, 3],
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn inside_a_negation_a_row_whose_place_is_not_known_may_be_the_newest() {
    // An account is kept for a device that may be beyond its newest: 2 for certain is not.
    let schema = |text: &str| {
        format!(
            "CREATE TABLE account (id bigint PRIMARY KEY);
             CREATE TABLE item (id bigint PRIMARY KEY, owner bigint, at {text});
             INSERT INTO account VALUES (1), (2), (3);
             INSERT INTO item VALUES (10, 1, '2025-11-28T20:00:00Z'), (11, 1, 'z'),
                                     (20, 2, '2025-11-28T20:00:00Z'),
                                     (30, 3, '2025-11-28T20:00:00Z'), (31, 3, '2025-11-28T21:00:00Z');"
        )
    };
    for mut lab in both(&schema("text"), &schema("TEXT")).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        let none_beyond = Condition::NotExists {
            table: "item".into(),
            on: vec![besom::request::Join::new("owner", "id")],
            matching: Some(Box::new(beyond(1))),
        };

        lab.run(Request::delete("account", none_beyond))
            .await
            .unwrap();

        let left = lab.ids("SELECT id FROM account").await;
        assert_eq!(left, [1, 3], "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_among_the_newest_is_counted() {
    let schema = made(
        "text",
        &["'2025-11-28T20:00:00Z'", "'2025-11-28T21:00:00Z'", "'soon'"],
    );
    for mut lab in both(&schema, &schema).await {
        lab.say("item", "at", TimeForm::Rfc3339);
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, Request::delete("item", beyond(1)))
            .await
            .unwrap();
        let ended = context.settle().await.ended;
        let verified =
            besom::sweep::Verification::of(&besom::sweep::verify(&lab.database, &ended).await);
        lab.end(&context).await;

        assert_eq!(lab.ids("SELECT id FROM item").await, [2, 3]);
        let told = format!("{verified:?}");
        assert!(
            told.contains("1 row of `item.at`") || told.contains("item.at"),
            "{told}"
        );
    }
}
