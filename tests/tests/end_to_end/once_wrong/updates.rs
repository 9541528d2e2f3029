//! New values that were taken for the old ones, or could not be compared with them.

use besom::request::{Condition, Request, Source, Value};
use besom_tests::lab::Lab;

async fn set(lab: &Lab, column: &str, value: Value) -> u64 {
    let request = Request::update("item", Condition::Everything);
    let (batch, _) = lab
        .run(request.set(column, Source::Value(value)))
        .await
        .unwrap();
    batch.affected
}

#[tokio::test]
async fn a_column_of_a_type_without_equality_is_cleared_once() {
    for (sql_type, value) in [
        ("point", "(1,2)"),
        ("xml", "<a/>"),
        ("polygon", "((0,0),(1,1))"),
        ("json[]", "{1}"),
    ] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, v {sql_type});
             INSERT INTO item VALUES (1, NULL), (2, '{value}');"
        ))
        .await;
        let affected = [
            set(&lab, "v", Value::Null).await,
            set(&lab, "v", Value::Null).await,
        ];
        assert_eq!(affected, [1, 0], "{sql_type}");
    }
}

#[tokio::test]
async fn values_that_are_only_equal_are_not_the_same() {
    let lab = Lab::postgres(
        "CREATE EXTENSION IF NOT EXISTS citext;
         CREATE TABLE item (id bigint PRIMARY KEY, area box, name citext, rest interval);
         INSERT INTO item VALUES (1, '(1,1),(2,2)', 'ANNA', '1 month');",
    )
    .await;
    for _ in 0..2 {
        let month = Value::Duration(30 * 86_400_000_000);
        let affected = [
            set(&lab, "area", Value::Other("(1,1),(0,0)".into())).await,
            set(&lab, "name", Value::Text("anna".into())).await,
            set(&lab, "rest", month).await,
        ];
        let again = lab.count("SELECT count(*) FROM besom_run").await > 3;
        assert_eq!(affected, if again { [0, 0, 0] } else { [1, 1, 1] });
    }
}

#[tokio::test]
async fn a_text_of_another_case_is_written_anew_on_sqlite() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE);
         INSERT INTO item VALUES (1, 'ANNA');",
    )
    .await;
    assert_eq!(set(&lab, "name", Value::Text("anna".into())).await, 1);
    assert_eq!(set(&lab, "name", Value::Text("anna".into())).await, 0);
}

#[tokio::test]
async fn a_value_that_the_column_cuts_is_written_once() {
    let instant = besom::request::Timestamp(1_700_000_000_500_000);
    for (sql_type, value) in [
        ("numeric(10,2)", Value::Decimal("1.005".into())),
        ("timestamptz(0)", Value::Timestamp(instant)),
        ("varchar(3)", Value::Text("abc  ".into())),
        ("char(5)", Value::Text("ab ".into())),
    ] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE item (id bigint PRIMARY KEY, v {sql_type});
             INSERT INTO item VALUES (1, NULL);"
        ))
        .await;
        let affected = [
            set(&lab, "v", value.clone()).await,
            set(&lab, "v", value).await,
        ];
        assert_eq!(affected, [1, 0], "{sql_type}");
    }
}

#[tokio::test]
async fn a_value_from_a_wider_column_is_written_once() {
    let lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, narrow real, wide double precision);
         INSERT INTO item VALUES (1, NULL, 0.1);",
    )
    .await;
    for expected in [1, 0] {
        let request = Request::update("item", Condition::Everything);
        let request = request.set("narrow", Source::Column("wide".into()));
        assert_eq!(lab.run(request).await.unwrap().0.affected, expected);
    }
}

#[tokio::test]
async fn a_value_that_has_no_room_in_any_row_is_refused_before_the_first() {
    let lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, a varchar(5), b char(5), c numeric(6,2));
         INSERT INTO item VALUES (1, 'x', 'x', 1), (2, 'x', 'x', 1);",
    )
    .await;
    let text = |text: &str| Value::Text(text.to_owned());
    for (column, value) in [
        ("a", text("123456")),
        ("b", text("123456")),
        ("c", Value::Integer(12_345)),
    ] {
        let request = Request::update("item", Condition::Everything);
        let request = request.set(column, Source::Value(value));
        let fault = lab.run(request).await.unwrap_err();
        assert_eq!(fault.problem().code, "value", "{fault}");
        assert!(fault.to_string().contains(column), "{fault}");
    }
    assert_eq!(set(&lab, "a", text("12345  ")).await, 2);
    assert_eq!(set(&lab, "b", text("äöüßé")).await, 2);
    assert_eq!(set(&lab, "c", Value::Integer(-1_234)).await, 2);
}
