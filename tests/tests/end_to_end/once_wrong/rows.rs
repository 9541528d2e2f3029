//! Rows that went although they should have stayed, or the other way round.

use super::*;
use besom::request::{Comparison, Condition, Request, Step, Timestamp, Value};
use besom_tests::lab::{Lab, both};

#[tokio::test]
async fn a_text_in_a_boolean_column_is_neither_true_nor_false() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, live BOOLEAN);
         INSERT INTO item VALUES (1, 1), (2, 0), (3, 'true'), (4, NULL), (5, 7);",
    )
    .await;
    let not_live = Condition::Not(Box::new(compare(
        "live",
        Comparison::Equal,
        Value::Boolean(true),
    )));
    lab.run(Request::delete("item", not_live)).await.unwrap();
    assert!(lab.ids("SELECT id FROM item").await.contains(&3));
}

#[tokio::test]
async fn a_column_called_rowid_is_not_the_rowid() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT PRIMARY KEY, rowid INTEGER, age INTEGER);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
         SELECT 'k' || n, CASE WHEN n % 2 THEN n % 10 END, 5 FROM s;",
    )
    .await;
    lab.options.batch_size = 10;
    let (total, end) = lab
        .run(Request::delete(
            "item",
            compare("age", Comparison::Greater, Value::Integer(1)),
        ))
        .await
        .unwrap();
    assert_eq!((total.affected, end), (100, Step::Drained));
}

#[tokio::test]
async fn a_column_called_rowid_does_not_hide_a_protected_child() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT PRIMARY KEY, rowid INTEGER, tenant INTEGER,
            up TEXT REFERENCES item ON DELETE SET NULL);
         INSERT INTO item VALUES ('a', 1, 1, NULL), ('b', 1, 2, 'a');",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.get_mut("item").unwrap().filter = is(1);
        })
        .await,
    );
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!(
        lab.count("SELECT count(*) FROM item WHERE up = 'a'").await,
        1,
        "{total:?}"
    );
}

#[tokio::test]
async fn a_childs_own_collation_does_not_hide_it() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT COLLATE NOCASE PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id TEXT REFERENCES item ON DELETE CASCADE, tenant INTEGER);
         INSERT INTO item VALUES ('A');
         INSERT INTO note VALUES (1, 'a', 2);",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.get_mut("note").unwrap().filter = is(1);
        })
        .await,
    );
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM note").await, [1], "{total:?}");
}

#[tokio::test]
async fn a_restricting_child_of_another_collation_blocks() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT COLLATE NOCASE PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id TEXT REFERENCES item ON DELETE RESTRICT);
         INSERT INTO item VALUES ('A'), ('B');
         INSERT INTO note VALUES (1, 'a');",
    )
    .await;
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!((total.affected, total.blocked), (1, 1));
}

#[tokio::test]
async fn what_on_update_carries_on_needs_a_grant() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id INTEGER UNIQUE REFERENCES item ON DELETE SET NULL);
         CREATE TABLE deep (id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES note (item_id) ON UPDATE CASCADE);
         INSERT INTO item VALUES (1);
         INSERT INTO note VALUES (1, 1);
         INSERT INTO deep VALUES (1, 1);";
    for mut lab in both(schema, schema).await {
        lab.grants = Some(
            granted(&lab, |grants| {
                grants.tables.remove("deep");
            })
            .await,
        );
        let done = lab
            .run(Request::delete("item", Condition::Everything))
            .await;
        assert_eq!(
            lab.count("SELECT count(*) FROM deep WHERE item_id = 1")
                .await,
            1,
            "{:?} {done:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_value_of_another_form_in_mid_table_is_not_old() {
    // Milliseconds; one row in the middle was written in seconds a moment ago, one holds zero.
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER) STRICT;
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
         SELECT n, CASE n WHEN 500 THEN {NOW} / 1000000 WHEN 501 THEN 0 ELSE {NOW} / 1000 END FROM s;"
    ))
    .await;
    let (total, _) = lab
        .run(Request::delete("item", older("at", NOW - 1_000_000)))
        .await
        .unwrap();
    assert_eq!(total.affected, 0);
}

#[tokio::test]
async fn a_key_on_one_partition_of_a_cascaded_child_needs_a_grant() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY);
         CREATE TABLE note (id bigint, item_id bigint REFERENCES item ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (100);
         CREATE TABLE precious (id bigint PRIMARY KEY, note_id bigint REFERENCES note_1 (id) ON DELETE CASCADE);
         INSERT INTO item VALUES (1);
         INSERT INTO note VALUES (1, 1);
         INSERT INTO precious VALUES (1, 1);",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.remove("precious");
        })
        .await,
    );
    let done = lab
        .run(Request::delete("item", Condition::Everything))
        .await;
    assert_eq!(lab.ids("SELECT id FROM precious").await, [1], "{done:?}");
}

#[tokio::test]
async fn ids_in_a_numeric_collation_are_compared_by_their_characters() {
    let lab = Lab::postgres(
        "CREATE COLLATION by_value (provider = icu, locale = 'en-u-kn-true');
         CREATE TABLE item (id text COLLATE by_value PRIMARY KEY);
         INSERT INTO item VALUES ('01KDVDNA02AAAAAAAAAAAAAAAA'), ('01KDVDNA03AAAAAAAAAAAAAAAA');",
    )
    .await;
    // Both are younger by a millisecond or two. By value the bound's 1 and its zeros are a large number.
    let old = Condition::IdOlderThan {
        column: "id".into(),
        cutoff: Timestamp(NOW + 1_000),
    };
    let (total, _) = lab.run(Request::delete("item", old)).await.unwrap();
    assert_eq!(total.affected, 0);
}

#[tokio::test]
async fn a_text_differs_from_no_instant() {
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
         SELECT n, CASE n WHEN 500 THEN 'never' ELSE {NOW} / 1000000 END FROM s;"
    ))
    .await;
    lab.run(Request::delete(
        "item",
        compare(
            "at",
            Comparison::NotEqual,
            Value::Timestamp(Timestamp(NOW + 1)),
        ),
    ))
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [500]);
}

#[tokio::test]
async fn a_key_that_is_not_utf_8_is_told_with_its_bytes() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT PRIMARY KEY, live BOOLEAN NOT NULL) WITHOUT ROWID;
         INSERT INTO item VALUES ('a', FALSE), (CAST(x'62ff' AS TEXT), FALSE), ('c', FALSE);",
    )
    .await;
    let mut lab = lab;
    lab.options.batch_size = 1;
    let dead = compare("live", Comparison::Equal, Value::Boolean(false));

    let fault = lab.run(besom::request::Request::delete("item", dead)).await;

    let fault = fault.unwrap_err();
    assert_eq!(fault.problem().code, "not-utf-8");
    assert!(fault.to_string().contains("X'62FF'"), "{fault}");
}

#[tokio::test]
async fn a_key_of_an_array_that_holds_null_is_found_again_whatever_the_database_says() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id int[] PRIMARY KEY, dead boolean);
         INSERT INTO item VALUES ('{1,NULL}', true), ('{2,NULL}', true), ('{3,NULL}', false);
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET array_nulls = off', current_database()); END $$",
    )
    .await;
    lab.database = besom::database::Database::connect(&lab.home.url, Default::default())
        .await
        .unwrap();
    lab.options.batch_size = 1;
    let dead = compare("dead", Comparison::Equal, Value::Boolean(true));

    let (batch, _) = lab.run(Request::delete("item", dead)).await.unwrap();

    assert_eq!(batch.affected, 2);
}
