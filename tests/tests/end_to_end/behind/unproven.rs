//! Constraints that PostgreSQL has since 18 and that say nothing of the rows that are there.

use besom::request::{Comparison, Value};

use super::*;

/// Two dead sessions; the first has a token of which nobody knows whether it was revoked.
const TABLES: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
    CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE, revoked boolean);
    CREATE INDEX ON tokens (session);
    INSERT INTO sessions VALUES (1, 1), (2, 1);
    INSERT INTO tokens VALUES (1, 1, NULL), (2, 2, true);";

async fn since_18() -> Option<Lab> {
    let lab = Lab::postgres(TABLES).await;
    let version = "SELECT current_setting('server_version_num')::bigint";
    (lab.count(version).await >= 180_000).then_some(lab)
}

#[tokio::test]
async fn a_not_null_that_was_never_validated_leaves_nulls_in_doubt() {
    let Some(lab) = since_18().await else {
        return; // there is no such constraint
    };
    lab.script("ALTER TABLE tokens ADD CONSTRAINT set NOT NULL revoked NOT VALID")
        .await;
    let live = Condition::Compare {
        column: "revoked".to_owned(),
        operator: Comparison::Equal,
        to: Value::Boolean(false),
    };
    let without_live = Condition::NotExists {
        table: "tokens".to_owned(),
        on: on("session", "id"),
        matching: Some(Box::new(live)),
    };
    let request = Request::delete("sessions", Condition::All(vec![dead(), without_live]));

    let batch = drained(&lab, &request).await;

    assert_eq!(batch.affected, 1);
    assert_eq!(lab.ids("SELECT id FROM sessions").await, [1]);
}

#[tokio::test]
async fn a_check_that_is_not_enforced_keeps_no_key_from_acting() {
    let Some(lab) = since_18().await else {
        return; // there is no such constraint
    };
    lab.script(
        "ALTER TABLE tokens DROP CONSTRAINT tokens_session_fkey,
             ADD FOREIGN KEY (session) REFERENCES sessions ON DELETE SET NULL,
             ADD CHECK (session IS NOT NULL) NOT ENFORCED",
    )
    .await;

    assert!(crate::preflight::codes(&lab, &sessions()).await.is_empty());
    let batch = drained(&lab, &sessions()).await;

    assert_eq!((batch.affected, batch.cascaded), (2, 2));
}
