//! Joins of columns that hold unlike things: SQLite finds them different without a word, and PostgreSQL
//! refuses in the middle of a run.

use super::*;
use besom::request::{Fault, Join, Mode, Request, Source};
use besom_tests::lab::Lab;

fn on(foreign: &str, local: &str) -> Vec<Join> {
    vec![Join::new(foreign, local)]
}

fn without_a_live_child() -> Condition {
    Condition::NotExists {
        table: "child".to_owned(),
        on: on("parent", "id"),
        matching: Some(Box::new(compare(
            "live",
            Comparison::Equal,
            Value::Boolean(true),
        ))),
    }
}

/// Every request that joins the two tables.
fn joining() -> Vec<Request> {
    let everything = || Condition::Everything;
    let parent_of_child = Source::Related {
        table: "parent".to_owned(),
        on: on("id", "parent"),
        column: "note".to_owned(),
    };
    let inner = Condition::Exists {
        table: "parent".to_owned(),
        on: on("id", "id"),
        matching: Some(Box::new(without_a_live_child())),
    };
    vec![
        Request::delete("parent", without_a_live_child()),
        Request::delete("parent", inner),
        Request::delete("parent", everything()).delete_first("child", on("parent", "id"), None),
        Request::delete("parent", everything()).unlink_first("child", on("parent", "id"), None),
        Request::update("child", everything()).set("note", parent_of_child),
    ]
}

fn tables(id: &str, refers: &str, ids: &str, given: &str) -> String {
    format!(
        "CREATE TABLE parent (id {id} PRIMARY KEY, note TEXT);
         CREATE TABLE child (id BIGINT PRIMARY KEY, parent {refers}, note TEXT, live BOOLEAN NOT NULL);
         CREATE INDEX child_parent ON child (parent);
         INSERT INTO parent VALUES ({ids}, 'p');
         INSERT INTO child VALUES (1, {given}, 'c', TRUE);"
    )
}

/// Neither run nor dry run says anything else, and every row is still there.
async fn refused(lab: &mut Lab, request: &Request, place: &str) {
    for mode in [Mode::DryRun, Mode::Apply] {
        lab.options.mode = mode;
        let fault = lab.run(request.clone()).await.expect_err(place);
        let Fault::Invalid(problem) = &fault else {
            panic!("{place}: {fault:?}")
        };
        assert_eq!(problem.code, "value", "{place}");
        for named in ["`id` of `", ".parent`", "`parent` of `", ".child`"] {
            assert!(problem.message.contains(named), "{place}: {problem:?}");
        }
    }
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 1, "{place}");
    assert_eq!(lab.count("SELECT count(*) FROM child").await, 1, "{place}");
}

#[tokio::test]
async fn on_sqlite_a_row_whose_child_refers_to_it_in_another_storage_class_stays() {
    for (id, refers, ids, given) in [
        ("UUID", "TEXT", "x'0102'", "'0102'"),
        ("ID", "TEXT", "x'0102'", "'0102'"),
        ("STRING", "TEXT", "x'0102'", "'0102'"),
        ("", "TEXT", "x'0102'", "'0102'"),
        ("", "TEXT", "1", "'1'"),
        ("TEXT", "", "'1'", "1"),
        ("TEXT", "TEXT", "x'0102'", "'0102'"),
        ("TEXT", "UUID", "'0102'", "x'0102'"),
        ("BIGINT", "UUID", "258", "x'0102'"),
    ] {
        for request in joining() {
            let mut lab = Lab::sqlite(&tables(id, refers, ids, given)).await;
            let place = format!("{id} {ids}, {refers} {given}: {request:?}");
            refused(&mut lab, &request, &place).await;
        }
    }
}

#[tokio::test]
async fn on_sqlite_one_value_of_another_class_among_many_is_found_by_the_index() {
    let mut lab = Lab::sqlite(&tables("UUID", "TEXT", "x'0102'", "x'0103'")).await;
    lab.script(
        "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
         INSERT INTO child SELECT n, CASE n WHEN 15000 THEN '0102' ELSE CAST(n AS BLOB) END, '', TRUE FROM n;",
    )
    .await;

    let request = Request::delete("parent", without_a_live_child());
    lab.options.mode = Mode::Apply;
    let fault = lab.run(request).await.expect_err("the join");

    assert_eq!(fault.problem().code, "value");
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 1);
}

#[tokio::test]
async fn on_sqlite_what_can_be_equal_is_joined_as_ever() {
    for (id, refers, ids, given) in [
        ("UUID", "UUID", "x'0102'", "x'0102'"),
        ("UUID", "BLOB", "x'0102'", "x'0102'"),
        ("UUID", "TEXT", "1", "'1'"), // the declared type makes a number of the text
        ("BIGINT", "TEXT", "1", "'1'"),
        ("ANY", "TEXT", "1", "'1'"), // nobody's type but in a STRICT table
        ("BIGINT", "TEXT", "1", "'one'"),
        ("", "REAL", "1", "1.0"),
        ("TEXT", "UUID", "'a'", "NULL"),
    ] {
        for request in joining() {
            let lab = Lab::sqlite(&tables(id, refers, ids, given)).await;

            let ran = lab.run(request.clone()).await;

            assert!(ran.is_ok(), "{id}, {refers}: {request:?}: {ran:?}");
        }
        let lab = Lab::sqlite(&tables(id, refers, ids, given)).await;
        let (batch, _) = lab.run(joining().remove(0)).await.unwrap();
        let joined = given != "NULL" && given != "'one'";
        assert_eq!(batch.affected, u64::from(!joined), "{id}, {refers}");
    }
}

#[tokio::test]
async fn on_postgres_types_without_an_equality_are_refused_by_name_before_anything_runs() {
    for (id, refers, ids, given) in [
        ("uuid", "text", "gen_random_uuid()", "'a'"),
        ("varchar(36)", "uuid", "'a'", "gen_random_uuid()"),
        ("bigint", "text", "1", "'1'"),
        ("bytea", "text", "'\\x01'", "'01'"),
        ("text", "json", "'a'", "'{}'"),
    ] {
        for request in joining() {
            let schema = tables(id, refers, ids, given);
            let schema = match refers {
                "json" => schema.replace("CREATE INDEX child_parent ON child (parent);", ""), // it has no order
                _ => schema,
            };
            let mut lab = Lab::postgres(&schema).await;
            let place = format!("{id}, {refers}: {request:?}");
            refused(&mut lab, &request, &place).await;
        }
    }
}

#[tokio::test]
async fn on_postgres_types_that_have_an_equality_are_joined_as_ever() {
    for (id, refers, ids, given) in [
        ("bigint", "integer", "1", "1"),
        ("numeric", "bigint", "1", "1"),
        ("integer", "double precision", "1", "1"),
        ("varchar(36)", "text", "'a'", "'a'"),
        ("name", "text", "'a'", "'a'"),
        (
            "macaddr",
            "macaddr",
            "'08:00:2b:01:02:03'",
            "'08:00:2b:01:02:03'",
        ),
        ("positive", "bigint", "1", "1"),
    ] {
        let domain = "CREATE DOMAIN positive AS bigint NOT NULL CHECK (value > 0);";
        for (place, request) in joining().into_iter().enumerate() {
            let schema = format!("{domain} {}", tables(id, refers, ids, given));
            let lab = Lab::postgres(&schema).await;

            let ran = lab.run(request).await;

            assert!(ran.is_ok(), "{id}, {refers}, {place}: {ran:?}");
            if place == 0 {
                assert_eq!(ran.unwrap().0.affected, 0, "{id}, {refers}");
            }
        }
    }
}

#[tokio::test]
async fn on_postgres_two_columns_of_a_row_without_an_equality_are_refused_by_name() {
    let lab = Lab::postgres(
        "CREATE TYPE mood AS ENUM ('low', 'high'); CREATE TYPE size AS ENUM ('low', 'high');
         CREATE TABLE item (id bigint PRIMARY KEY, mood mood, size size, here point, there point);
         INSERT INTO item VALUES (1, 'low', 'low', '(0,0)', '(0,0)');",
    )
    .await;
    for (column, to) in [("mood", "size"), ("here", "there")] {
        let same = Condition::CompareColumns {
            column: column.into(),
            operator: Comparison::Equal,
            to: to.into(),
        };

        let fault = lab.run(Request::delete("item", same)).await.unwrap_err();

        assert!(matches!(fault, Fault::Invalid(_)), "{fault:?}");
        assert!(fault.to_string().contains(column), "{fault:?}");
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 1);
    }
}

/// Dependents of dependents are joined to the ones above them.
#[tokio::test]
async fn a_dependent_of_a_dependent_is_looked_at_as_well() {
    let postgres = format!(
        "{} CREATE TABLE leaf (id bigint PRIMARY KEY, child text);",
        tables("bigint", "bigint", "1", "1")
    );
    let sqlite = format!(
        "{} CREATE TABLE leaf (id bigint PRIMARY KEY, child UUID); INSERT INTO leaf VALUES (1, x'31');",
        tables("bigint", "bigint", "1", "1")
    );
    for lab in besom_tests::lab::both(&postgres, &sqlite).await {
        let request = Request::delete("parent", Condition::Everything)
            .delete_first("child", on("parent", "id"), None)
            .delete_first("leaf", on("child", "id"), Some(0));

        let fault = lab.run(request).await.unwrap_err();

        assert!(matches!(fault, Fault::Invalid(_)), "{fault:?}");
        assert!(fault.to_string().contains("leaf`"), "{fault:?}");
        assert_eq!(lab.count("SELECT count(*) FROM parent").await, 1);
    }
}
