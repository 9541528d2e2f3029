//! Values of another storage class than that of what they are compared with, which SQLite takes into any
//! column: neither the comparison holds of them nor its opposite.

use besom::request::{Request, Value};
use besom_tests::lab::drain;

use super::*;

const SCHEMA: &str =
    "CREATE TABLE item (id INTEGER PRIMARY KEY, c TEXT, n INTEGER, m INTEGER, f REAL, d NUMERIC)";

fn text(column: &str, operator: Comparison, to: &str) -> Condition {
    compare(column, operator, Value::Text(to.into()))
}

fn number(column: &str, operator: Comparison, to: i64) -> Condition {
    compare(column, operator, Value::Integer(to))
}

fn columns(column: &str, operator: Comparison, to: &str) -> Condition {
    Condition::CompareColumns {
        column: column.into(),
        operator,
        to: to.into(),
    }
}

/// What is left of the rows, and what the run says.
async fn swept(rows: &str, condition: Condition) -> (Vec<i64>, Verification) {
    let lab = Lab::sqlite(SCHEMA).await;
    lab.script(&format!(
        "INSERT INTO item (id, c, n, m, f, d) VALUES {rows}"
    ))
    .await;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("item", condition))
        .await
        .unwrap();
    let left = lab.ids("SELECT id FROM item").await;
    let told = verified(&lab, &context).await;
    (left, told)
}

fn tells(told: &Verification, of: &str) {
    assert!(
        matches!(told, Verification::Unverified(why) if why.contains(of)),
        "{of}: {told:?}"
    );
}

#[tokio::test]
async fn a_value_of_another_class_stays_and_is_counted() {
    let rows = "(1, 'gone', 1, 1, 1, 1), (2, X'676F6E65', 'one', 1, 'one', 'one'), (3, 'live', 5, 5, 5, 5.5)";
    let one_of = |column: &str, values: Vec<Value>| Condition::OneOf {
        column: column.into(),
        values,
    };
    let starts = Condition::StartsWith {
        column: "c".into(),
        prefix: "go".into(),
    };
    use Comparison::{Equal, Less, NotEqual};
    let cases = [
        (text("c", Equal, "gone"), "item.c", vec![2, 3]),
        (text("c", NotEqual, "live"), "item.c", vec![2, 3]),
        (not(text("c", Equal, "live")), "item.c", vec![2, 3]),
        (
            one_of(
                "c",
                vec![Value::Text("gone".into()), Value::Text("old".into())],
            ),
            "item.c",
            vec![2, 3],
        ),
        (
            not(one_of("c", vec![Value::Text("live".into())])),
            "item.c",
            vec![2, 3],
        ),
        (starts.clone(), "item.c", vec![2, 3]),
        (not(starts), "item.c", vec![1, 2]),
        (number("n", Less, 3), "item.n", vec![2, 3]),
        (number("n", NotEqual, 5), "item.n", vec![2, 3]),
        (one_of("n", vec![Value::Integer(1)]), "item.n", vec![2, 3]),
        (compare("f", Less, Value::Float(3.0)), "item.f", vec![2, 3]),
        (number("d", Less, 3), "item.d", vec![2, 3]),
        (columns("n", Equal, "m"), "item.n", vec![2]),
        (columns("m", Equal, "n"), "item.n", vec![2]),
        (
            columns("m", Comparison::LessOrEqual, "n"),
            "item.n",
            vec![2],
        ),
        (not(columns("m", NotEqual, "n")), "item.n", vec![2]),
    ];
    for (condition, place, kept) in cases {
        let shown = format!("{condition:?}");
        let (left, told) = swept(rows, condition).await;
        assert_eq!(left, kept, "{shown}");
        tells(
            &told,
            &format!("1 row of `{place}` holds a value of another type than it is compared with"),
        );
    }
}

#[tokio::test]
async fn whole_and_broken_numbers_are_of_one_class() {
    let rows = "(1, 'a', 1, 2, 1.5, 1.5), (2, 'b', 2.5, 3, 2, 2), (3, 'c', 9, 9, 9.5, 9.5)";
    for condition in [
        number("d", Comparison::Less, 3),
        number("n", Comparison::Less, 3),
        number("f", Comparison::LessOrEqual, 2),
        columns("n", Comparison::Less, "m"),
        columns("n", Comparison::NotEqual, "m"),
    ] {
        let shown = format!("{condition:?}");
        assert_eq!(
            swept(rows, condition).await,
            (vec![3], Verification::Verified),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn bytes_in_columns_of_text_equal_each_other_and_have_no_place_among_numbers() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, a TEXT, b TEXT, n INTEGER, m INTEGER);
         INSERT INTO item VALUES (1, X'61', X'61', 1, 2), (2, X'61', X'62', 'a', 'b'), (3, NULL, X'61', NULL, 'b')",
    )
    .await;
    let (context, _) = lab.begin().await;
    drain(
        &context,
        Request::delete("item", columns("n", Comparison::Less, "m")),
    )
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [2, 3]);
    tells(&verified(&lab, &context).await, "`item.m`");
    lab.end(&context).await;
    lab.script("INSERT INTO item VALUES (1, X'61', X'61', 1, 2)")
        .await;
    let (context, _) = lab.begin().await;
    drain(
        &context,
        Request::delete("item", columns("a", Comparison::Equal, "b")),
    )
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [2, 3]);
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
}

#[tokio::test]
async fn in_a_relation_that_must_not_be_there_it_counts_as_there() {
    let lab = Lab::sqlite(
        "CREATE TABLE token (id INTEGER PRIMARY KEY);
         CREATE TABLE use (id INTEGER PRIMARY KEY, token INTEGER, state TEXT);
         CREATE INDEX use_token ON use (token);
         INSERT INTO token VALUES (1), (2), (3);
         INSERT INTO use VALUES (1, 1, 'live'), (2, 2, X'6C697665'), (3, 3, 'over')",
    )
    .await;
    let live = || text("state", Comparison::Equal, "live");
    let (context, _) = lab.begin().await;
    drain(
        &context,
        Request::delete("token", without("use", "token", "id", live())),
    )
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM token").await, [1, 2]);
    tells(&verified(&lab, &context).await, "1 row of `use.state`");
    lab.end(&context).await;

    let other = not(text("state", Comparison::NotEqual, "live"));
    lab.run(Request::delete(
        "token",
        without("use", "token", "id", other),
    ))
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM token").await, [1, 2]);
}

/// Its own condition decides: where that does not hang on the value nobody needs to be told.
#[tokio::test]
async fn a_row_that_is_none_of_the_jobs_whatever_it_holds_is_not_counted() {
    let condition = Condition::All(vec![
        number("n", Comparison::Less, 3),
        text("c", Comparison::Equal, "gone"),
    ]);
    let rows = "(1, 'gone', 1, 1, 1, 1), (2, X'61', 5, 1, 1, 1)";
    assert_eq!(
        swept(rows, condition).await,
        (vec![2], Verification::Verified)
    );
}

/// SQLite makes text of a number in a column of text, and takes nothing else into a STRICT table.
#[tokio::test]
async fn what_the_columns_type_turns_into_its_own_is_compared() {
    let rows = "(1, 7, '1', 1, 1, 1)";
    let seven = text("c", Comparison::Equal, "7");
    let one = number("n", Comparison::Equal, 1);
    let condition = Condition::All(vec![seven, one]);
    assert_eq!(
        swept(rows, condition).await,
        (vec![], Verification::Verified)
    );
}
