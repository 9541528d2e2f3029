//! Tables that inherit from another: a SELECT on that shows their rows, and a delete of its own rows leaves them.

use besom::request::{Source, Value};

use super::*;

/// A parent with a child by this rule. 1 and 2 are dead.
fn family(rule: &str) -> String {
    format!(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         CREATE TABLE tokens (id int PRIMARY KEY, session int REFERENCES sessions ON DELETE {rule});
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, NULL);
         INSERT INTO tokens VALUES (1, 1);"
    )
}

const ALL: &str = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(session) FROM tokens)";

#[tokio::test]
async fn rows_that_the_parent_shows_are_no_drained_and_verified_nothing() {
    let lab = Lab::postgres(&family("CASCADE")).await;
    lab.script(
        "CREATE TABLE old_sessions () INHERITS (sessions);
         INSERT INTO old_sessions SELECT n, 1 FROM generate_series(10, 1009) AS n",
    )
    .await;
    let assigns = Request::update("sessions", dead()).set("dead_at", Source::Value(Value::Null));

    for request in [sessions(), assigns] {
        assert_eq!(refused(&lab, &request, ALL).await, "inherited-table");
    }

    let finding = crate::preflight::found(&lab, &sessions(), "inherited-table").await;
    assert!(
        finding.message.contains("`public.old_sessions`"),
        "{finding:?}"
    );
    // Each of the ways out.
    let heir = Request::delete("old_sessions", dead());
    assert_eq!(drained(&lab, &heir).await.affected, 1000);
    lab.script("ALTER TABLE old_sessions NO INHERIT sessions")
        .await;
    assert_eq!(drained(&lab, &sessions()).await.affected, 2);
}

#[tokio::test]
async fn dependents_with_heirs_would_leave_rows_that_refer_to_nothing() {
    let tied = || on("session", "id");
    for request in [
        sessions().delete_first("tokens", tied(), None),
        sessions().unlink_first("tokens", tied(), None),
    ] {
        let lab = Lab::postgres(&family("NO ACTION")).await;
        lab.script(
            "CREATE TABLE heir () INHERITS (tokens); INSERT INTO heir VALUES (1, 1), (7, 2)",
        )
        .await;
        assert_eq!(refused(&lab, &request, ALL).await, "inherited-table");
    }
}

#[tokio::test]
async fn no_key_reaches_the_rows_of_an_heir_unless_it_has_one_of_its_own() {
    for (rule, counts) in [
        ("CASCADE", (2, 3, 0)),
        ("SET NULL", (2, 3, 0)),
        ("NO ACTION", (0, 0, 2)),
        ("RESTRICT", (0, 0, 2)),
    ] {
        let lab = Lab::postgres(&family(rule)).await;
        lab.script(
            "CREATE TABLE heir () INHERITS (tokens); CREATE TABLE heirs_heir () INHERITS (heir);
             INSERT INTO heir VALUES (1, 1); INSERT INTO heirs_heir VALUES (7, 2)",
        )
        .await;
        assert_eq!(
            refused(&lab, &sessions(), ALL).await,
            "inherited-table",
            "{rule}"
        );

        let way_out = async |let_go: &str| {
            let told = crate::preflight::found(&lab, &sessions(), "inherited-table").await;
            assert!(told.message.contains(let_go), "{told:?}");
        };
        // The heir's heir goes with it.
        way_out("(ALTER TABLE \"public\".\"heir\" NO INHERIT \"public\".\"tokens\")").await;

        let key = format!("ADD FOREIGN KEY (session) REFERENCES sessions ON DELETE {rule}");
        lab.script(&format!("ALTER TABLE heir {key}")).await;
        way_out("(ALTER TABLE \"public\".\"heirs_heir\" NO INHERIT \"public\".\"heir\")").await;
        assert_eq!(
            refused(&lab, &sessions(), ALL).await,
            "inherited-table",
            "{rule}"
        );
        lab.script(&format!("ALTER TABLE heirs_heir {key}")).await;
        let batch = drained(&lab, &sessions()).await;
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            counts,
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_related_table_is_looked_at_with_all_that_inherits_from_it() {
    let lab = Lab::postgres(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         CREATE TABLE uses (session int, live boolean); CREATE TABLE old_uses () INHERITS (uses);
         INSERT INTO sessions VALUES (1, 1), (2, 1); INSERT INTO old_uses VALUES (1, true)",
    )
    .await;
    let unused = Condition::NotExists {
        table: "uses".into(),
        on: on("session", "id"),
        matching: None,
    };
    let request = Request::delete("sessions", Condition::All(vec![dead(), unused]));

    assert_eq!(drained(&lab, &request).await.affected, 1);
    assert_eq!(lab.ids("SELECT id FROM sessions").await, [1]);
}
