//! Keys whose SET NULL or SET DEFAULT the column refuses: they hold, and are told of.

use std::time::{Duration, Instant};

use besom_tests::lab::both;

use super::*;

#[tokio::test]
async fn two_thousand_pairs_of_a_composite_key_are_blocked_in_one_pass_and_the_mend_is_named() {
    let tables = "CREATE TABLE sessions (org bigint NOT NULL, id bigint NOT NULL, dead_at bigint, PRIMARY KEY (org, id));
        CREATE TABLE tokens (id bigint PRIMARY KEY, org bigint NOT NULL, session bigint,
            FOREIGN KEY (org, session) REFERENCES sessions (org, id) ON DELETE SET NULL);
        CREATE INDEX tokens_session ON tokens (org, session);";
    let rows = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2100)";
    let rows = format!(
        "INSERT INTO sessions {rows} SELECT 1, n, 1 FROM s;
         INSERT INTO tokens {rows} SELECT n, 1, n FROM s WHERE n <= 2000;"
    );
    for lab in both(&(tables.to_owned() + &rows), &(tables.to_owned() + &rows)).await {
        let finding = crate::preflight::found(&lab, &sessions(), "key-cannot-act").await;
        assert_eq!(finding.severity, Severity::Error);
        let began = Instant::now();

        let batch = drained(&lab, &sessions()).await;

        assert_eq!((batch.affected, batch.blocked), (100, 2000));
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            began.elapsed()
        );
        if lab.dialect() == besom::catalog::Dialect::Postgres {
            let (_, after) = finding.message.split_once("ON DELETE SET NULL (").unwrap();
            let version = "SELECT current_setting('server_version_num')::bigint";
            if lab.count(version).await < 150_000 {
                continue; // a server that does not know the list
            }
            let (columns, _) = after.split_once(')').unwrap();
            lab.script(&format!(
                "ALTER TABLE tokens DROP CONSTRAINT tokens_org_session_fkey, ADD FOREIGN KEY (org, session)
                     REFERENCES sessions (org, id) ON DELETE SET NULL ({columns})"
            ))
            .await;
            assert!(crate::preflight::codes(&lab, &sessions()).await.is_empty());
            let batch = drained(&lab, &sessions()).await;
            assert_eq!((batch.affected, batch.cascaded), (2000, 2000));
        }
    }
}

/// Sessions 1 and 2 are dead; 1 has a token with this column.
fn with_column(column: &str) -> String {
    format!(
        "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
         INSERT INTO sessions VALUES (1, 1), (2, 1);
         CREATE TABLE tokens (id int, {column});
         CREATE INDEX tokens_session ON tokens (session);
         INSERT INTO tokens (id, session) VALUES (1, 1);"
    )
}

async fn is_blocked(lab: &Lab, column: &str) {
    let codes = crate::preflight::codes(lab, &sessions()).await;
    assert!(
        codes.contains(&"key-cannot-act".to_owned()),
        "{column}: {codes:?}"
    );
    let batch = drained(lab, &sessions()).await;
    assert_eq!((batch.affected, batch.blocked), (1, 1), "{column}");
    assert_eq!(lab.ids("SELECT id FROM sessions").await, [1], "{column}");
}

#[tokio::test]
async fn whatever_forbids_the_value_makes_the_key_one_that_holds() {
    for column in [
        "session int NOT NULL REFERENCES sessions ON DELETE SET NULL",
        "session int NOT NULL REFERENCES sessions ON DELETE SET DEFAULT",
        "session int DEFAULT NULL NOT NULL REFERENCES sessions ON DELETE SET DEFAULT",
        "session int REFERENCES sessions ON DELETE SET NULL CHECK (session IS NOT NULL)",
        "session int REFERENCES sessions ON DELETE SET NULL, CHECK (id > 0 AND session IS NOT NULL)",
    ] {
        for lab in both(&with_column(column), &with_column(column)).await {
            is_blocked(&lab, column).await;
        }
    }
    let column = "session int PRIMARY KEY REFERENCES sessions ON DELETE SET NULL";
    is_blocked(&Lab::postgres(&with_column(column)).await, column).await;
    // SQLite lets a primary key be NULL, but not where it is the rowid or there is none.
    let rowid = column.replace("int PRIMARY", "INTEGER PRIMARY");
    is_blocked(&Lab::sqlite(&with_column(&rowid)).await, &rowid).await;
    let without = with_column(column).replace("SET NULL);", "SET NULL) WITHOUT ROWID;");
    is_blocked(&Lab::sqlite(&without).await, &without).await;
    let domains = "CREATE DOMAIN filled AS int NOT NULL; CREATE DOMAIN still_filled AS filled;
        CREATE DOMAIN checked AS int CHECK (VALUE IS NOT NULL);";
    for column in ["still_filled", "checked"] {
        let column = format!("session {column} REFERENCES sessions ON DELETE SET NULL");
        let lab = Lab::postgres(&(domains.to_owned() + &with_column(&column))).await;
        is_blocked(&lab, &column).await;
    }
}

#[tokio::test]
async fn a_partition_that_refuses_the_value_and_one_that_is_missing_for_it_do_so_too() {
    let parent = "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int); INSERT INTO sessions VALUES (1, 1), (2, 1);";
    for tokens in [
        "CREATE TABLE tokens (id int, session int REFERENCES sessions ON DELETE SET NULL) PARTITION BY RANGE (id);
         CREATE TABLE tokens_1 PARTITION OF tokens (session NOT NULL) FOR VALUES FROM (0) TO (10);",
        "CREATE TABLE tokens (id int, session int REFERENCES sessions ON DELETE SET NULL) PARTITION BY LIST (session);
         CREATE TABLE tokens_1 PARTITION OF tokens FOR VALUES IN (1, 2);",
    ] {
        let rows = "CREATE INDEX ON tokens (session); INSERT INTO tokens VALUES (1, 1);";
        let lab = Lab::postgres(&format!("{parent}{tokens}{rows}")).await;
        is_blocked(&lab, tokens).await;
    }
    let tokens = "CREATE TABLE tokens (id int, session int REFERENCES sessions ON DELETE SET NULL) PARTITION BY LIST (session);
        CREATE TABLE tokens_1 PARTITION OF tokens FOR VALUES IN (1, 2);
        CREATE TABLE tokens_2 PARTITION OF tokens FOR VALUES IN (NULL);
        CREATE INDEX ON tokens (session); INSERT INTO tokens VALUES (1, 1);";
    let lab = Lab::postgres(&format!("{parent}{tokens}")).await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (2, 1));
}

#[tokio::test]
async fn below_a_cascade_and_below_a_dependent_such_a_key_holds_the_root() {
    let schema = |token: &str| {
        format!(
            "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
             CREATE TABLE tokens (id int PRIMARY KEY, session int REFERENCES sessions {token});
             CREATE TABLE uses (id int PRIMARY KEY, token int NOT NULL REFERENCES tokens ON DELETE SET NULL);
             CREATE INDEX tokens_session ON tokens (session); CREATE INDEX uses_token ON uses (token);
             INSERT INTO sessions VALUES (1, 1), (2, 1); INSERT INTO tokens VALUES (1, 1), (2, 2);
             INSERT INTO uses VALUES (1, 1)"
        )
    };
    let with_tokens = sessions().delete_first("tokens", on("session", "id"), None);
    for (token, request) in [("ON DELETE CASCADE", sessions()), ("", with_tokens.clone())] {
        for lab in both(&schema(token), &schema(token)).await {
            let batch = drained(&lab, &request).await;
            assert_eq!((batch.affected, batch.blocked), (1, 1), "{token}");
        }
    }
    // Rows that go first hold nothing, whatever their key would do.
    let first = sessions()
        .delete_first("tokens", on("session", "id"), None)
        .delete_first("uses", on("token", "id"), Some(0));
    for lab in both(&schema(""), &schema("")).await {
        let batch = drained(&lab, &first).await;
        assert_eq!((batch.affected, batch.dependents, batch.blocked), (2, 3, 0));
    }
}

#[tokio::test]
async fn a_row_that_refers_to_its_own_table_by_such_a_key_holds_it_until_it_is_gone() {
    let schema = "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int,
            before int NOT NULL REFERENCES sessions ON DELETE SET NULL);
        CREATE INDEX sessions_before ON sessions (before);
        INSERT INTO sessions VALUES (1, 1, 1); INSERT INTO sessions VALUES (2, 1, 1), (3, NULL, 2), (4, 1, 4);";
    for lab in both(schema, schema).await {
        let batch = drained(&lab, &sessions()).await;
        assert_eq!(
            (batch.affected, batch.blocked),
            (1, 2),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_default_that_no_row_of_the_parent_has_is_found_before_and_holds() {
    for (kind, column) in [
        ("int", "int DEFAULT 0"),
        ("int", "int DEFAULT -1"),
        ("text", "text DEFAULT 'it''s nobody'"),
    ] {
        let schema = |more: &str| {
            format!(
                "CREATE TABLE sessions (id {kind} PRIMARY KEY, dead_at int);
                 INSERT INTO sessions VALUES ('1', 1), ('2', 1){more};
                 CREATE TABLE tokens (id int PRIMARY KEY, session {column} REFERENCES sessions ON DELETE SET DEFAULT);
                 CREATE INDEX tokens_session ON tokens (session);
                 INSERT INTO tokens VALUES (1, '1')"
            )
        };
        for lab in both(&schema(""), &schema("")).await {
            let finding = crate::preflight::found(&lab, &sessions(), "key-cannot-act").await;
            assert!(finding.message.contains("SET DEFAULT"), "{finding:?}");
            let batch = drained(&lab, &sessions()).await;
            assert_eq!((batch.affected, batch.blocked), (1, 1), "{column}");
        }
        let there = ", ('0', NULL), ('-1', NULL)";
        let there = match kind {
            "int" => there,
            _ => ", ('it''s nobody', NULL)",
        };
        for lab in both(&schema(there), &schema(there)).await {
            assert!(crate::preflight::codes(&lab, &sessions()).await.is_empty());
            let batch = drained(&lab, &sessions()).await;
            assert_eq!((batch.affected, batch.cascaded), (2, 1), "{column}");
        }
    }
}

#[tokio::test]
async fn a_default_whose_row_is_due_itself_is_refused_by_the_database_for_as_long_as_it_is_needed()
{
    let schema = "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int);
        INSERT INTO sessions VALUES (0, 1), (1, 1), (2, 1);
        CREATE TABLE tokens (id int PRIMARY KEY, session int DEFAULT 0 REFERENCES sessions ON DELETE SET DEFAULT);
        CREATE INDEX tokens_session ON tokens (session);
        INSERT INTO tokens VALUES (1, 1)";
    for lab in both(schema, schema).await {
        drained(&lab, &sessions()).await;

        let dangling = "SELECT count(*) FROM tokens WHERE session NOT IN (SELECT id FROM sessions)";
        assert_eq!(lab.count(dangling).await, 0);
        assert_eq!(lab.ids("SELECT id FROM sessions").await.len(), 1);
    }
}
