//! Keys whose new value the column takes, and a check or an exclusion constraint does not, or no row of the parent has.

use besom_tests::lab::both;

use super::meeting::{
    SET_DEFAULT, SET_NULL, all_go, knows_nulls_not_distinct, some_may_go, with_tokens,
};
use super::*;

#[tokio::test]
async fn a_check_that_null_may_break_is_told_and_such_rows_are_blocked() {
    for check in [
        "session IS NOT NULL OR id = 1",
        "(session IS NULL) <= (id = 1)",
        "coalesce(session, 0) > 0 OR id = 1",
        "NOT (session IS NULL AND id > 1)",
        "(session IN (1, 2, 3)) IS NOT NULL OR id = 1",
        "coalesce(session, id + 10) IN (1, 2, 3, 11)",
        "id > 0 AND (CASE WHEN session IS NULL THEN id = 1 ELSE id > 0 END)",
        "(session IS DISTINCT FROM 9) = (id = 1) OR (session = 9) IS NOT NULL OR id = 1",
        "(session BETWEEN 1 AND 9) IS NOT NULL OR id = 1",
        "NOT (session IS DISTINCT FROM id) OR id = 1",
        "NOT (session IS NULL OR session = 9) OR id = 1",
        "id BETWEEN 1 AND coalesce(session, 1)",
    ] {
        let schema = with_tokens(&format!("id int, {SET_NULL}, CHECK ({check})"), "");
        for lab in both(&schema, &schema).await {
            some_may_go(&lab, (2, 2), &["a check", "session", "CASCADE"]).await;
        }
    }
    for check in [
        "session > 0",
        "session IS NULL OR session > 0",
        "session > 0 AND id > 0",
        "id > 0",
        "(session > 0 AND id < 9) OR session IS NULL",
        "session IN (1, 2, 3)",
        "id > 0 AND abs(session) IN (1, 2, 3)",
    ] {
        let schema = with_tokens(&format!("id int, {SET_NULL}, CHECK ({check})"), "");
        for lab in both(&schema, &schema).await {
            all_go(&lab, check).await;
        }
    }
}

/// Each as it is written, and as PostgreSQL then tells it.
#[tokio::test]
async fn a_check_that_compares_or_negates_is_told_only_where_null_may_break_it() {
    let common = [
        "session BETWEEN 1 AND 9",
        "session NOT BETWEEN 10 AND 19 AND id > 0",
        "id < 0 OR session BETWEEN 1 AND 9",
        "NOT session = 9",
        "NOT (session = 9 OR session = 8) OR session IS NULL",
        "NOT session BETWEEN 10 AND 19",
        "NOT (session = 9 OR session = 8)",
        "session NOT IN (8, 9)",
        "NOT (session IN (8, 9))",
        "NOT session IN (8, 9) AND id > 0",
        "CAST(session AS text) LIKE '_%'",
        "CAST(session AS text) NOT LIKE '9!%' ESCAPE '!'",
        "NOT CAST(session AS text) LIKE '9%'",
        "session IS DISTINCT FROM 9",
        "session IS DISTINCT FROM -9 AND id > 0",
        "(session = 9) IS NOT TRUE",
    ];
    let postgres = [
        "session::text ~ '^[0-9]'",
        "session::text ~* '^[0-9]'",
        "session::text !~ '^9'",
        "session::text !~* '^9'",
        "NOT session::text ~ '^9'",
        "session::text ILIKE '_%'",
        "session::varchar NOT ILIKE '9%'",
        "session::text IS DISTINCT FROM 'x'::text",
    ];
    let sqlite = [
        "CAST(session AS text) GLOB '[0-9]*'",
        "CAST(session AS text) NOT GLOB '9*'",
        "session IS NOT 9",
        "session IS NOT '9' AND id > 0",
    ];
    for check in common.into_iter().chain(postgres) {
        let schema = with_tokens(&format!("id int, {SET_NULL}, CHECK ({check})"), "");
        all_go(&Lab::postgres(&schema).await, check).await;
    }
    for check in common.into_iter().chain(sqlite) {
        let schema = with_tokens(&format!("id int, {SET_NULL}, CHECK ({check})"), "");
        all_go(&Lab::sqlite(&schema).await, check).await;
    }
}

#[tokio::test]
async fn a_check_that_the_default_may_break_is_told_as_well() {
    let schema = with_tokens(
        &format!("id int, {SET_DEFAULT}, CHECK (session <> 0 OR id = 1)"),
        "",
    );
    for lab in both(&schema, &schema).await {
        some_may_go(&lab, (2, 2), &["a check", "SET DEFAULT"]).await;
    }
    let schema = with_tokens(&format!("id int, {SET_DEFAULT}, CHECK (id > 0)"), "");
    for lab in both(&schema, &schema).await {
        all_go(&lab, "CHECK (id > 0)").await;
    }
}

#[tokio::test]
async fn an_exclusion_constraint_that_rows_come_under_or_meet_in_is_told() {
    for tokens in [
        format!(
            "id int, {SET_NULL}, during int4range DEFAULT '[1,5)', EXCLUDE USING gist (during WITH &&) WHERE (session IS NULL)"
        ),
        format!("id int, {SET_NULL}, EXCLUDE ((coalesce(session, 0)) WITH =)"),
        format!("id int, {SET_DEFAULT}, EXCLUDE USING hash (session WITH =)"),
    ] {
        let lab = Lab::postgres(&with_tokens(&tokens, "")).await;
        some_may_go(&lab, (2, 2), &["tokens_", "EXCLUDE USING"]).await;
    }
    for tokens in [
        format!("id int, {SET_NULL}, EXCLUDE (session WITH =)"),
        format!("id int PRIMARY KEY, {SET_DEFAULT}, EXCLUDE (session WITH =, id WITH =)"),
        format!("id int, {SET_NULL}, EXCLUDE (id WITH =) WHERE (session IS NOT NULL)"),
    ] {
        let lab = Lab::postgres(&with_tokens(&tokens, "")).await;
        all_go(&lab, &tokens).await;
    }
}

#[tokio::test]
async fn whether_a_default_that_is_worked_out_refers_to_a_row_only_the_delete_tells() {
    for (default, expected) in [("(1 - 1)", (4, 0)), ("(90 + 9)", (1, 3))] {
        let schema = with_tokens(
            &format!(
                "id int, session int DEFAULT {default} REFERENCES sessions ON DELETE SET DEFAULT"
            ),
            "",
        );
        for lab in both(&schema, &schema).await {
            some_may_go(&lab, expected, &["default", "sessions`"]).await;
        }
    }
}

#[tokio::test]
async fn a_default_for_a_part_of_the_key_is_looked_for_beside_the_rest() {
    let lab = Lab::postgres("").await;
    if !knows_nulls_not_distinct(&lab).await {
        return; // nor does that server know the list
    }
    let lab = Lab::postgres(
        "CREATE TABLE sessions (org int, id int, dead_at int, PRIMARY KEY (org, id));
         INSERT INTO sessions VALUES (1, 0, NULL), (1, 1, 1), (2, 1, 1), (2, 2, 1);
         CREATE TABLE tokens (id int, org int, session int DEFAULT 0,
             FOREIGN KEY (org, session) REFERENCES sessions ON DELETE SET DEFAULT (session));
         CREATE INDEX tokens_session ON tokens (org, session);
         INSERT INTO tokens VALUES (1, 1, 1), (2, 2, 1);",
    )
    .await;
    some_may_go(&lab, (2, 1), &["default", "`session`"]).await;
}
