//! Columns whose times cannot be told: `not-time-ordered`, `unknown-time-form`, `mixed-representation`.

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
