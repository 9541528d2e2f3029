//! Conditions of dependents: what they cannot read is counted, and what they cannot say is found before the
//! first batch.

use besom::catalog::TimeForm;
use besom::request::Request;
use besom_tests::lab::{both, drain};

use super::*;

const SCHEMA: &str = "
    CREATE TABLE account (id BIGINT PRIMARY KEY, over BOOLEAN NOT NULL);
    CREATE TABLE note (id BIGINT PRIMARY KEY, about_kind TEXT, about_id BIGINT, due_at TEXT);
    CREATE INDEX note_about ON note (about_id);
    INSERT INTO account VALUES (1, TRUE), (2, TRUE), (3, FALSE);
    INSERT INTO note VALUES (10, 'a', 1, '2020-01-01T00:00:00Z'), (11, 'a', 1, 'z'),
                            (12, 'a', 2, '2020-01-01T00:00:00Z');";

fn accounts(matching: Condition) -> Request {
    Request::delete("account", is("over", true))
        .delete_first("note", vec![Join::new("about_id", "id")], None)
        .where_they_meet(matching)
}

#[tokio::test]
async fn a_note_whose_time_cannot_be_read_is_counted_and_the_run_not_verified() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.say("note", "due_at", TimeForm::Rfc3339);
        let (context, _) = lab.begin().await;
        drain(&context, accounts(older("due_at", NEW_YEAR)))
            .await
            .unwrap();
        let verified = verified(&lab, &context).await;
        lab.end(&context).await;

        assert_eq!(lab.ids("SELECT id FROM note").await, [11]);
        let told = format!("{verified:?}");
        assert!(told.contains("note.due_at"), "{told}");
    }
}

#[tokio::test]
async fn a_condition_that_does_not_fit_its_column_is_refused_before_the_first_batch() {
    for lab in both(SCHEMA, SCHEMA).await {
        let five = compare("about_kind", Comparison::Equal, Value::Integer(5));
        let (context, _) = lab.begin().await;
        let opened = besom::sweep::Sweep::open(&context, accounts(five)).await;
        lab.end(&context).await;

        let Err(fault) = opened else {
            panic!("it is opened")
        };
        assert_eq!(fault.problem().code, "value", "{fault}");
        assert!(fault.to_string().contains("about_kind"), "{fault}");
    }
}
