//! Truth values of SQLite in columns that are declared as numbers: INTEGER or TINYINT(1), which hold words all
//! the same where a driver writes them.

use besom::request::Request;
use besom_tests::lab::{Lab, drain};

use super::*;

fn schema(declared: &str) -> String {
    format!(
        "CREATE TABLE token (id INTEGER PRIMARY KEY, revoked {declared});
         CREATE INDEX token_revoked ON token (id) WHERE revoked;
         INSERT INTO token VALUES (1, 'true'), (2, 1), (3, 0), (4, 'F'), (5, NULL), (6, 2), (7, 'maybe'),
             (8, x'31'), (9, 'T'), (10, -1);"
    )
}

#[tokio::test]
async fn words_are_read_and_what_is_no_truth_value_is_counted() {
    for declared in ["INTEGER", "TINYINT(1)", "INT NOT NULL DEFAULT 0"] {
        let schema = match declared.contains("NOT NULL") {
            true => schema(declared).replace("(5, NULL), ", ""),
            false => schema(declared),
        };
        for (condition, gone) in [
            (is("revoked", true), [1, 2, 9].as_slice()),
            (is("revoked", false), &[3, 4]),
            (not(is("revoked", true)), &[3, 4]),
            (not(is("revoked", false)), &[1, 2, 9]),
            (
                compare("revoked", Comparison::NotEqual, Value::Boolean(true)),
                &[3, 4],
            ),
            (
                Condition::OneOf {
                    column: "revoked".into(),
                    values: vec![Value::Boolean(true)],
                },
                &[1, 2, 9],
            ),
        ] {
            let lab = Lab::sqlite(&schema).await;
            let before = lab.ids("SELECT id FROM token").await;
            let (context, _) = lab.begin().await;

            drain(&context, Request::delete("token", condition.clone()))
                .await
                .unwrap();

            let left = lab.ids("SELECT id FROM token").await;
            let taken: Vec<_> = before.into_iter().filter(|id| !left.contains(id)).collect();
            assert_eq!(taken, gone, "{declared} {condition:?}");
            let ended = context.settle().await.ended;
            let remains = verify(&lab.database, &ended).await;
            assert_eq!(remains[0].unread, 4, "{declared} {condition:?}");
            let unread = &remains[0].unread_of["token.revoked"];
            assert_eq!(unread.read_as, "truth value", "{declared}");
        }
    }
}

#[tokio::test]
async fn a_child_whose_truth_value_is_a_word_is_read_and_another_keeps_its_parent() {
    let lab = Lab::sqlite(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER, revoked TINYINT(1));
         INSERT INTO parent VALUES (1), (2), (3), (4);
         INSERT INTO child VALUES (1, 1, 'true'), (2, 2, 'false'), (3, 3, 2), (4, 4, 1);",
    )
    .await;
    let dead = without("child", "parent", "id", is("revoked", false));
    let (context, _) = lab.begin().await;

    drain(&context, Request::delete("parent", dead))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM parent").await, [2, 3]);
    assert_eq!(
        verified(&lab, &context).await,
        Verification::Unverified(
            "1 row of `child.revoked` holds a truth value that is not read, such as 2".to_owned()
        )
    );
}

#[tokio::test]
async fn a_column_that_is_compared_with_numbers_holds_numbers_and_no_truth_values() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER);
         INSERT INTO item VALUES (1, 0), (2, 1), (3, 2), (4, 7);",
    )
    .await;
    let (context, _) = lab.begin().await;
    let second = compare("kind", Comparison::Equal, Value::Integer(2));

    drain(&context, Request::delete("item", second))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM item").await, [1, 2, 4]);
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
}
