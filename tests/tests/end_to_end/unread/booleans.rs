//! Truth values of SQLite, which holds whatever a driver writes: 0 and 1, or words.

use besom::request::Request;
use besom_tests::lab::{Lab, drain};

use super::*;

/// Every way in which a row may have one, an index of all rows, and one of the true ones.
const SCHEMA: &str = "
    CREATE TABLE session (id INTEGER PRIMARY KEY, pre BOOLEAN, was BOOL, made INTEGER NOT NULL);
    CREATE INDEX session_made ON session (made) WHERE pre;
    CREATE TABLE child (id INTEGER PRIMARY KEY, session INTEGER, live BOOLEAN);
    CREATE INDEX child_session ON child (session);
    INSERT INTO session (id, pre, made) VALUES
        (1, 1, 1700000000), (2, 't', 1700000001), (3, 'TRUE', 1700000002), (4, 'true', 1700000003),
        (5, 'True', 1700000004), (6, 0, 1700000005), (7, 'f', 1700000006), (8, 'False', 1700000007),
        (9, NULL, 1700000008), (10, 'yes', 1700000009), (11, 2, 1700000010), (12, '1', 1700000011),
        (13, x'74', 1700000012), (14, '', 1700000013), (15, 'T ', 1700000014);";

#[tokio::test]
async fn words_for_true_and_false_are_read_in_any_case_and_nothing_else_is() {
    for (condition, left) in [
        (is("pre", true), vec![6, 7, 8, 9, 10, 11, 13, 14, 15]),
        (
            is("pre", false),
            vec![1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15],
        ),
        (
            not(is("pre", true)),
            vec![1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15],
        ),
        (
            compare("pre", Comparison::NotEqual, Value::Boolean(false)),
            vec![6, 7, 8, 9, 10, 11, 13, 14, 15],
        ),
        (
            Condition::OneOf {
                column: "pre".into(),
                values: vec![Value::Boolean(true)],
            },
            vec![6, 7, 8, 9, 10, 11, 13, 14, 15],
        ),
    ] {
        for order in [None, Some("made")] {
            let lab = Lab::sqlite(SCHEMA).await;
            let mut request = Request::delete("session", condition.clone());
            request.order_by = order.map(str::to_owned);

            let (batch, _) = lab.run(request).await.unwrap();

            let ids = lab.ids("SELECT id FROM session").await;
            assert_eq!(ids, left, "{condition:?} {order:?}");
            assert_eq!(batch.affected, 15 - left.len() as u64);
        }
    }
}

#[tokio::test]
async fn what_is_no_truth_value_is_counted_and_named() {
    let lab = Lab::sqlite(SCHEMA).await;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("session", is("pre", true)))
        .await
        .unwrap();

    let ended = context.settle().await.ended;
    let remains = verify(&lab.database, &ended).await;

    let unread = &remains[0].unread_of["session.pre"];
    assert_eq!((remains[0].unread, unread.rows, unread.more), (5, 5, false));
    assert_eq!(unread.read_as, "truth value");
    assert_eq!(unread.examples.len(), 3, "{unread:?}");
    let Verification::Unverified(why) = Verification::of(&remains) else {
        panic!("{remains:?}")
    };
    assert!(
        why.starts_with("5 rows of `session.pre` hold a truth value that is not read, such as "),
        "{why}"
    );
    // The statement that it names shows them.
    let shown = unread.find.replacen('*', "count(*)", 1);
    assert_eq!(lab.count(&shown).await, 5);
}

#[tokio::test]
async fn a_column_of_numbers_is_swept_along_its_partial_index_and_a_word_in_it_is_told() {
    let lab = Lab::sqlite(
        "CREATE TABLE session (id INTEGER PRIMARY KEY, pre BOOLEAN, made INTEGER NOT NULL);
         CREATE INDEX session_made ON session (made) WHERE pre;
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
         INSERT INTO session SELECT n, n % 2, 1700000000 + n FROM n;
         UPDATE session SET pre = 'true' WHERE id = 1000;",
    )
    .await;
    let mut request = Request::delete("session", is("pre", true));
    request.order_by = Some("made".into());
    let (context, _) = lab.begin().await;

    drain(&context, request).await.unwrap();

    assert_eq!(
        lab.ids("SELECT id FROM session WHERE pre = 1").await,
        [] as [i64; 0]
    );
    assert_eq!(
        verified(&lab, &context).await,
        Verification::Unverified(
            "1 row of `session.pre` holds a truth value that is not read, such as 'true'"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn inside_a_negated_relation_a_word_is_read_and_another_counts_as_there() {
    let lab = Lab::sqlite(SCHEMA).await;
    lab.script(
        "UPDATE session SET pre = 1;
         INSERT INTO child VALUES (1, 1, 1), (2, 2, 't'), (3, 3, 'TRUE'), (4, 4, 'perhaps'), (5, 5, 0),
             (6, 6, 'f'), (7, 7, NULL), (8, 8, 3)",
    )
    .await;
    let condition = Condition::All(vec![
        is("pre", true),
        without("child", "session", "id", is("live", true)),
    ]);
    let (context, _) = lab.begin().await;

    drain(&context, Request::delete("session", condition))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM session").await, [1, 2, 3, 4, 7, 8]);
    assert_eq!(
        verified(&lab, &context).await,
        Verification::Unverified(
            "2 rows of `child.live` hold a truth value that is not read, such as 'perhaps', 3"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn two_truth_values_are_compared_by_what_they_mean() {
    let lab = Lab::sqlite(SCHEMA).await;
    lab.script("UPDATE session SET was = 'true'").await;
    let same = Condition::CompareColumns {
        column: "pre".into(),
        operator: Comparison::Equal,
        to: "was".into(),
    };

    lab.run(Request::delete("session", same)).await.unwrap();

    let left = lab.ids("SELECT id FROM session").await;
    assert_eq!(left, [6, 7, 8, 9, 10, 11, 13, 14, 15]);
}

#[tokio::test]
async fn a_grants_own_condition_reads_words_too() {
    let mut lab = Lab::sqlite(SCHEMA).await;
    let mut grants = besom_tests::lab::everything(&*lab.catalog().await);
    let grant = grants.tables.get_mut("session").unwrap();
    grant.filter.insert("pre".into(), Value::Boolean(true));
    lab.grants = Some(grants);
    let (context, _) = lab.begin().await;

    drain(
        &context,
        Request::delete("session", older("made", 1_700_000_003)),
    )
    .await
    .unwrap();

    let left = lab.ids("SELECT id FROM session").await;
    assert_eq!(left, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    // None of those that cannot be read would have been old enough.
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
}
