//! Rewrite rules, which PostgreSQL alone has.

use besom::request::{Source, Value};

use super::*;

/// A session with a token and the token's use, 55 of each, by these rules of the keys.
fn three(token: &str, used: &str) -> String {
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at timestamptz, gone_at timestamptz);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions {token}, gone_at timestamptz);
         CREATE TABLE uses (id bigint PRIMARY KEY, token bigint REFERENCES tokens {used}, gone_at timestamptz);
         INSERT INTO sessions SELECT n, now() FROM generate_series(1, 55) AS n;
         INSERT INTO tokens SELECT n, n FROM generate_series(1, 55) AS n;
         INSERT INTO uses SELECT n, n FROM generate_series(1, 55) AS n;"
    )
}

const ALL: &str = "SELECT (SELECT count(*) FROM sessions WHERE gone_at IS NULL)
    + (SELECT count(*) FROM tokens WHERE gone_at IS NULL AND session IS NOT NULL) + (SELECT count(*) FROM uses)";

fn instead(table: &str) -> String {
    format!(
        "CREATE RULE \"Keep it\" AS ON DELETE TO {table} DO INSTEAD
             UPDATE {table} SET gone_at = now() WHERE id = OLD.id RETURNING OLD.*;"
    )
}

#[tokio::test]
async fn a_rule_that_marks_rows_instead_of_deleting_them_is_an_error_and_its_drop_the_way_out() {
    let lab = Lab::postgres(&(three("", "") + &instead("sessions"))).await;
    lab.script("DELETE FROM uses; DELETE FROM tokens").await;

    assert_eq!(refused(&lab, &sessions(), ALL).await, "delete-rule");

    let finding = crate::preflight::found(&lab, &sessions(), "delete-rule").await;
    let (_, after) = finding.message.split_once("take it away (").unwrap();
    let (statement, _) = after.split_once(')').unwrap();
    lab.script(statement).await;
    assert_eq!(drained(&lab, &sessions()).await.affected, 55);
}

#[tokio::test]
async fn a_rule_on_a_leaf_or_on_the_root_of_a_partitioned_table_is_one() {
    let schema = "CREATE TABLE sessions (id bigint, dead_at timestamptz, gone_at timestamptz) PARTITION BY RANGE (id);
        CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES FROM (0) TO (50);
        CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES FROM (50) TO (99);
        INSERT INTO sessions SELECT n, now() FROM generate_series(1, 55) AS n;";
    let all = "SELECT count(*) FROM sessions WHERE gone_at IS NULL";
    for table in ["sessions", "sessions_2"] {
        let lab = Lab::postgres(&(schema.to_owned() + &instead(table))).await;

        assert_eq!(refused(&lab, &sessions(), all).await, "delete-rule");

        let finding = crate::preflight::found(&lab, &sessions(), "delete-rule").await;
        assert!(finding.message.contains(table), "{}", finding.message);
        lab.script(&format!("DROP RULE \"Keep it\" ON {table}"))
            .await;
        assert_eq!(drained(&lab, &sessions()).await.affected, 55);
    }
}

#[tokio::test]
async fn any_rule_on_delete_is_one_wherever_rows_go() {
    let with_tokens = sessions()
        .delete_first("uses", on("token", "id"), None)
        .delete_first("tokens", on("session", "id"), None);
    let cascade = "ON DELETE CASCADE";
    for (keys, rule, request) in [
        (
            ("", ""),
            "ON DELETE TO sessions DO INSTEAD NOTHING",
            sessions(),
        ),
        (
            ("", ""),
            "ON DELETE TO sessions DO ALSO INSERT INTO uses VALUES (-OLD.id)",
            sessions(),
        ),
        (
            ("", ""),
            "ON DELETE TO sessions WHERE OLD.id > 5 DO INSTEAD NOTHING",
            sessions(),
        ),
        (
            ("", ""),
            "ON DELETE TO tokens DO INSTEAD NOTHING",
            with_tokens,
        ),
        (
            (cascade, ""),
            "ON DELETE TO tokens DO INSTEAD NOTHING",
            sessions(),
        ),
        (
            (cascade, cascade),
            "ON DELETE TO uses DO ALSO NOTHING",
            sessions(),
        ),
    ] {
        let lab = Lab::postgres(&three(keys.0, keys.1)).await;
        lab.script(&format!("CREATE RULE keep AS {rule}")).await;
        assert_eq!(refused(&lab, &request, ALL).await, "delete-rule", "{rule}");
    }
}

#[tokio::test]
async fn a_rule_on_update_is_one_wherever_rows_change() {
    let set = Request::update("sessions", dead()).set("gone_at", Source::Value(Value::Null));
    let unlink = sessions().unlink_first("tokens", on("session", "id"), None);
    for (key, table, request) in [
        ("", "sessions", set),
        ("", "tokens", unlink),
        ("ON DELETE SET NULL", "tokens", sessions()),
        ("ON DELETE SET DEFAULT", "tokens", sessions()),
    ] {
        let lab = Lab::postgres(&three(key, "")).await;
        lab.script(&format!(
            "CREATE RULE keep AS ON UPDATE TO {table} DO INSTEAD NOTHING"
        ))
        .await;
        assert_eq!(
            refused(&lab, &request, ALL).await,
            "update-rule",
            "{key} {table}"
        );
    }
}

#[tokio::test]
async fn rules_that_do_not_meet_the_job_are_nobodys_business() {
    let lab = Lab::postgres(&three("ON DELETE CASCADE", "ON DELETE CASCADE")).await;
    lab.script(
        "CREATE RULE a AS ON INSERT TO sessions DO ALSO NOTHING;
         CREATE RULE b AS ON UPDATE TO sessions DO INSTEAD NOTHING;
         CREATE RULE c AS ON DELETE TO sessions DO INSTEAD NOTHING;
         ALTER TABLE sessions DISABLE RULE c",
    )
    .await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (55, 110));
}
