//! Keys and updates whose new value the column takes, and an index or a generated column beside it does not.

use besom::request::{Source, Value};
use besom_tests::lab::both;

use super::*;

/// Live session 0, three dead ones with a token each, and one without.
pub(super) fn with_tokens(tokens: &str, more: &str) -> String {
    format!(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         INSERT INTO sessions VALUES (0, NULL), (1, 1), (2, 1), (3, 1), (4, 1);
         CREATE TABLE tokens ({tokens});
         CREATE INDEX tokens_session ON tokens (session);
         {more}
         INSERT INTO tokens (id, session) VALUES (1, 1), (2, 2), (3, 3);"
    )
}

pub(super) async fn knows_nulls_not_distinct(lab: &Lab) -> bool {
    let version = "SELECT current_setting('server_version_num')::bigint";
    lab.count(version).await >= 150_000
}

/// No such row can go: the job says why, names the way out, and leaves them without an attempt.
pub(super) async fn all_are_held(lab: &Lab, why: &[&str]) {
    let finding = crate::preflight::found(lab, &sessions(), "key-cannot-act").await;
    assert_eq!(finding.severity, Severity::Error);
    for word in why {
        assert!(finding.message.contains(word), "{word}: {finding:?}");
    }
    let (context, _) = lab.begin().await;
    let (batch, end) = besom_tests::lab::drain(&context, sessions()).await.unwrap();
    assert_eq!(end, Step::Drained);
    let progress = context.settle().await;
    lab.end(&context).await;
    assert_eq!((batch.affected, batch.blocked), (1, 3), "{finding:?}");
    let by = progress.blocked_by.keys().next().unwrap();
    assert!(
        by.ends_with("tokens"),
        "held, not refused: {:?}",
        progress.blocked_by
    );
    assert_eq!(lab.ids("SELECT id FROM sessions").await, [0, 1, 2, 3]);
}

/// One such row may go, and the job says what may be in the way of the others.
pub(super) async fn some_may_go(lab: &Lab, expected: (u64, u64), why: &[&str]) {
    let finding = crate::preflight::found(lab, &sessions(), "key-may-not-act").await;
    assert_eq!(finding.severity, Severity::Warning);
    for word in why {
        assert!(finding.message.contains(word), "{word}: {finding:?}");
    }
    let batch = drained(lab, &sessions()).await;
    assert_eq!((batch.affected, batch.blocked), expected, "{finding:?}");
}

pub(super) async fn all_go(lab: &Lab, tokens: &str) {
    let codes = crate::preflight::codes(lab, &sessions()).await;
    let of_keys = codes.iter().filter(|code| code.starts_with("key-"));
    assert_eq!(of_keys.count(), 0, "{tokens}: {codes:?}");
    let batch = drained(lab, &sessions()).await;
    assert_eq!((batch.affected, batch.blocked), (4, 0), "{tokens}");
}

pub(super) const SET_NULL: &str = "session int REFERENCES sessions ON DELETE SET NULL";
pub(super) const SET_DEFAULT: &str =
    "session int DEFAULT 0 REFERENCES sessions ON DELETE SET DEFAULT";

#[tokio::test]
async fn a_generated_column_that_takes_no_null_holds_where_it_would_become_null_for_certain() {
    for (kind, expression) in [
        ("int", "session + 1"),
        ("int", "-session * 2"),
        ("text", "lower(CAST(session AS text)) || '-token'"),
    ] {
        let column = format!(
            "id int PRIMARY KEY, {SET_NULL}, shown {kind} NOT NULL GENERATED ALWAYS AS ({expression}) STORED"
        );
        for lab in both(&with_tokens(&column, ""), &with_tokens(&column, "")).await {
            all_are_held(&lab, &["`shown`", "session"]).await;
        }
    }
    for column in [
        format!(
            "id int, {SET_NULL}, shown int NOT NULL GENERATED ALWAYS AS (coalesce(session, 0)) STORED"
        ),
        format!(
            "id int, {SET_NULL}, shown int NOT NULL GENERATED ALWAYS AS (CASE WHEN session > 0 THEN session ELSE 0 END) STORED"
        ),
    ] {
        for lab in both(&with_tokens(&column, ""), &with_tokens(&column, "")).await {
            some_may_go(&lab, (4, 0), &["`shown`"]).await;
        }
    }
    for column in [
        format!("id int, {SET_NULL}, shown int GENERATED ALWAYS AS (session + 1) STORED"),
        format!("id int, {SET_NULL}, shown int NOT NULL GENERATED ALWAYS AS (id + 1) STORED"),
        format!("id int, {SET_DEFAULT}, shown int NOT NULL GENERATED ALWAYS AS (session) STORED"),
    ] {
        for lab in both(&with_tokens(&column, ""), &with_tokens(&column, "")).await {
            all_go(&lab, &column).await;
        }
    }
}

#[tokio::test]
async fn one_null_at_most_under_an_index_that_takes_nulls_for_equal() {
    let column = "id int PRIMARY KEY, session int UNIQUE NULLS NOT DISTINCT REFERENCES sessions ON DELETE SET NULL";
    let lab = Lab::postgres("").await;
    if !knows_nulls_not_distinct(&lab).await {
        return;
    }
    let lab = Lab::postgres(&with_tokens(column, "")).await;
    some_may_go(&lab, (2, 2), &["tokens_session_key", "NULLS NOT DISTINCT"]).await;
    // Now one is there.
    let finding = crate::preflight::found(&lab, &sessions(), "key-cannot-act").await;
    assert!(
        finding.message.contains("tokens_session_key"),
        "{finding:?}"
    );
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.blocked), (0, 2));

    let taken = "INSERT INTO tokens VALUES (9, NULL);";
    let lab = Lab::postgres(&with_tokens(column, taken)).await;
    all_are_held(&lab, &["tokens_session_key", "NULL"]).await;

    for column in [
        "id int, session int UNIQUE REFERENCES sessions ON DELETE SET NULL",
        "id int PRIMARY KEY, session int REFERENCES sessions ON DELETE SET NULL, UNIQUE NULLS NOT DISTINCT (session, id)",
        "id int, session int REFERENCES sessions ON DELETE SET NULL, UNIQUE (session, id)",
    ] {
        all_go(&Lab::postgres(&with_tokens(column, taken)).await, column).await;
    }
    let partial =
        "CREATE UNIQUE INDEX one ON tokens (session) NULLS NOT DISTINCT WHERE session IS NOT NULL;";
    let column = format!("id int, {SET_NULL}");
    let lab = Lab::postgres(&with_tokens(&column, &(partial.to_owned() + taken))).await;
    all_go(&lab, partial).await;

    // Of each device one token may be without a session.
    let column = format!("id int, {SET_NULL}, device int DEFAULT 1");
    let pairs = "CREATE UNIQUE INDEX one ON tokens (device, session) NULLS NOT DISTINCT;";
    let lab = Lab::postgres(&with_tokens(&column, pairs)).await;
    some_may_go(&lab, (2, 2), &["`one`"]).await;
}

#[tokio::test]
async fn a_row_may_come_under_a_partial_index_or_one_of_an_expression_by_becoming_null() {
    let column = format!("id int, {SET_NULL}, device int DEFAULT 1");
    for index in [
        "CREATE UNIQUE INDEX one ON tokens (device) WHERE session IS NULL;",
        "CREATE UNIQUE INDEX one ON tokens (coalesce(session, 0));",
        "CREATE UNIQUE INDEX one ON tokens (device, coalesce(session, 0));",
    ] {
        for lab in both(&with_tokens(&column, index), &with_tokens(&column, index)).await {
            some_may_go(&lab, (2, 2), &["`one`"]).await;
        }
    }
    for index in [
        "CREATE UNIQUE INDEX one ON tokens (id) WHERE session IS NOT NULL;",
        "CREATE UNIQUE INDEX one ON tokens (id);",
        "CREATE UNIQUE INDEX one ON tokens ((session + 1));",
        "CREATE INDEX one ON tokens (coalesce(session, 0));",
    ] {
        for lab in both(&with_tokens(&column, index), &with_tokens(&column, index)).await {
            all_go(&lab, index).await;
        }
    }
}

#[tokio::test]
async fn one_default_at_most_under_a_unique_index() {
    let taken = "INSERT INTO tokens (id, session) VALUES (9, 0);";
    let unique = "id int, session int DEFAULT 0 UNIQUE REFERENCES sessions ON DELETE SET DEFAULT";
    let index = "CREATE UNIQUE INDEX one ON tokens (session);";
    let plain = format!("id int, {SET_DEFAULT}");
    for (tokens, more) in [(unique, ""), (plain.as_str(), index)] {
        let free = with_tokens(tokens, more);
        for lab in both(&free, &free).await {
            some_may_go(&lab, (2, 2), &["SET DEFAULT", "CASCADE"]).await;
        }
        let full = with_tokens(tokens, &format!("{more}{taken}"));
        for lab in both(&full, &full).await {
            all_are_held(&lab, &["SET DEFAULT", "session = 0"]).await;
        }
    }
    // Where the index leaves the default out, or tells the rows apart by another key of theirs.
    for (tokens, more) in [
        (
            plain.as_str(),
            "CREATE UNIQUE INDEX one ON tokens (session) WHERE session <> 0;",
        ),
        (
            "id int PRIMARY KEY, session int DEFAULT 0 REFERENCES sessions ON DELETE SET DEFAULT, UNIQUE (session, id)",
            "",
        ),
        (
            "id int, session int DEFAULT NULL UNIQUE REFERENCES sessions ON DELETE SET DEFAULT",
            "",
        ),
    ] {
        let schema = with_tokens(tokens, more);
        for lab in both(&schema, &schema).await {
            let batch = drained(&lab, &sessions()).await;
            assert_eq!((batch.affected, batch.blocked), (4, 0), "{tokens} {more}");
            if !more.contains("<>") {
                let codes = crate::preflight::codes(&lab, &sessions()).await;
                assert!(
                    !codes.iter().any(|code| code.starts_with("key-")),
                    "{codes:?}"
                );
            }
        }
    }
    // A pair of which the default is a part.
    let pairs = format!("id int, {SET_DEFAULT}, device int DEFAULT 1, UNIQUE (device, session)");
    for lab in both(&with_tokens(&pairs, ""), &with_tokens(&pairs, "")).await {
        some_may_go(&lab, (2, 2), &["device"]).await;
    }
}

#[tokio::test]
async fn two_thousand_children_of_a_taken_default_are_held_in_one_pass() {
    let schema = "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
        INSERT INTO sessions VALUES (0, NULL);
        INSERT INTO sessions WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2100) SELECT n, 1 FROM s;
        CREATE TABLE tokens (id int, session int DEFAULT 0 UNIQUE REFERENCES sessions ON DELETE SET DEFAULT);
        INSERT INTO tokens SELECT id, id FROM sessions WHERE id <= 2000;";
    for lab in both(schema, schema).await {
        let batch = drained(&lab, &sessions()).await;
        assert_eq!((batch.affected, batch.blocked), (100, 2000));
        let pieces = lab.count("SELECT count(*) FROM besom_batch").await;
        assert!(pieces < 10, "{pieces}");
    }
}

fn cleared(to: Value) -> Request {
    Request::update("visits", dead()).set("address", Source::Value(to))
}

fn visits(more: &str) -> String {
    format!(
        "CREATE TABLE visits (id int PRIMARY KEY, dead_at int, account int, address text);
         {more}
         INSERT INTO visits VALUES (1, 1, 1, 'a'), (2, 1, 1, 'b'), (3, 1, 2, 'c'), (4, NULL, 3, 'd');"
    )
}

#[tokio::test]
async fn an_update_to_one_value_meets_a_unique_index_that_is_named() {
    let empty = || cleared(Value::Text(String::new()));
    let whole = visits("CREATE UNIQUE INDEX one ON visits (address);");
    for lab in both(&whole, &whole).await {
        let finding = crate::preflight::found(&lab, &empty(), "values-meet").await;
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.message.contains("`one`"), "{finding:?}");
        // NULLs do not meet.
        let codes = crate::preflight::codes(&lab, &cleared(Value::Null)).await;
        assert!(!codes.contains(&"values-meet".to_owned()), "{codes:?}");
        assert_eq!(drained(&lab, &cleared(Value::Null)).await.affected, 3);
    }
    let pair = visits("CREATE UNIQUE INDEX one ON visits (account, address);");
    for lab in both(&pair, &pair).await {
        let finding = crate::preflight::found(&lab, &empty(), "values-meet").await;
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains("account"), "{finding:?}");
        let batch = drained(&lab, &empty()).await;
        assert_eq!((batch.affected, batch.blocked), (2, 1));
    }
    for more in [
        "CREATE UNIQUE INDEX one ON visits (address) WHERE address <> '';",
        "CREATE UNIQUE INDEX one ON visits (id, address);",
        "CREATE UNIQUE INDEX one ON visits (account, address) WHERE dead_at IS NULL;",
        "CREATE INDEX one ON visits (address);",
    ] {
        let schema = visits(more);
        for lab in both(&schema, &schema).await {
            let found = crate::preflight::findings(&lab, &[empty()]).await;
            let certain = found
                .iter()
                .any(|of| of.code == "values-meet" && of.severity == Severity::Error);
            assert!(!certain, "{more}: {found:?}");
            assert_eq!(drained(&lab, &empty()).await.affected, 3, "{more}");
        }
    }
    let lab = Lab::postgres("").await;
    if knows_nulls_not_distinct(&lab).await {
        let nulls = "CREATE UNIQUE INDEX one ON visits (address) NULLS NOT DISTINCT;";
        let lab = Lab::postgres(&visits(nulls)).await;
        let finding = crate::preflight::found(&lab, &cleared(Value::Null), "values-meet").await;
        assert_eq!(finding.severity, Severity::Error);
    }
}
