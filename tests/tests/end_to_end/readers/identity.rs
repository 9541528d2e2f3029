//! Whether a named row is still the one that was shown.

use super::*;
use besom::request::{Join, Value};
use besom_tests::lab::both;

/// A tree whose rows refer to each other, and only some are named.
#[tokio::test]
async fn rows_that_refer_to_a_named_one_keep_it_unless_they_are_named_as_well() {
    const TREE: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, up BIGINT REFERENCES row (id), n BIGINT);
        CREATE INDEX row_up ON row (up);
        INSERT INTO row VALUES (1, NULL, 0), (2, 1, 0), (3, 2, 0), (4, NULL, 0), (5, 4, 0), (6, NULL, 0);";
    for lab in both(TREE, TREE).await {
        let (context, reader) = open(&lab, read("row", ["id", "n"], Condition::Everything)).await;
        assert_eq!(integers(&page(&reader).await, 0), [1, 2, 3, 4, 5, 6]);
        lab.script("UPDATE row SET n = 1 WHERE id = 3").await;

        // 2 hangs on 1, and 3, which has changed, on 2; 5 is not named.
        let batch = delete(&reader, &[0, 1, 2, 3, 5]).await;
        lab.end(&context).await;

        assert_eq!(
            lab.ids("SELECT id FROM row").await,
            [1, 2, 3, 4, 5],
            "{batch:?}"
        );
        assert_eq!(
            (batch.affected, batch.blocked),
            (1, 3),
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_row_put_in_the_place_of_a_shown_one_stays() {
    const T: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, note TEXT);
        INSERT INTO row VALUES (1, 'a'), (2, 'b');";
    for lab in both(T, T).await {
        let (context, reader) = open(&lab, read("row", ["note"], Condition::Everything)).await;
        page(&reader).await;
        lab.script("DELETE FROM row; INSERT INTO row VALUES (1, 'b'), (2, 'a'), (3, 'a')")
            .await;
        let batch = delete(&reader, &[0, 1]).await;
        lab.end(&context).await;
        assert_eq!(batch.affected, 0);
    }
}

#[tokio::test]
async fn a_rowid_that_has_become_another_rows_takes_that_row_nowhere() {
    for table in [
        "CREATE TABLE row (name TEXT NOT NULL, live INTEGER NOT NULL, n INTEGER)",
        "CREATE TABLE row (name TEXT NOT NULL PRIMARY KEY, live INTEGER NOT NULL, n INTEGER)",
    ] {
        for moved in [
            "DELETE FROM row WHERE name = 'a'; VACUUM",
            "DELETE FROM row WHERE name = 'd'; INSERT INTO row VALUES ('e', 0, 1)",
        ] {
            let fill = "INSERT INTO row VALUES ('a', 0, 1), ('b', 0, 1), ('c', 0, 1), ('d', 0, 1)";
            let lab = Lab::sqlite(&format!("{table}; {fill}")).await;
            let (context, reader) = open(&lab, read("row", ["live"], Condition::Everything)).await;
            page(&reader).await;
            lab.script(moved).await;
            delete(&reader, &[1, 3]).await;
            let update = vec![(3, vec![("n".to_owned(), Value::Integer(2))])];
            reader.act(Change::Update(update)).await.unwrap();
            lab.end(&context).await;

            let kept = "SELECT count(*) FROM row WHERE name IN ('c', 'e') AND n = 1";
            let both = i64::from(moved.contains("'e'")) + 1;
            assert_eq!(lab.count(kept).await, both, "{table}; {moved}");
        }
    }
}

#[tokio::test]
async fn a_row_that_has_moved_in_the_order_stays() {
    const T: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL);
        INSERT INTO row VALUES (1, 1), (2, 2), (3, 3);";
    for lab in both(T, T).await {
        let request = newest_first(read("row", ["id"], Condition::Everything), "at");
        let (context, reader) = open(&lab, request).await;
        assert_eq!(integers(&page(&reader).await, 0), [3, 2, 1]);
        // The oldest is now the newest.
        lab.script("UPDATE row SET at = 9 WHERE id = 1").await;
        let batch = delete(&reader, &[1, 2]).await;
        lab.end(&context).await;

        assert_eq!((batch.examined, batch.affected), (2, 1));
        assert_eq!(lab.ids("SELECT id FROM row").await, [1, 3]);
    }
}

#[tokio::test]
async fn a_dependent_that_the_grant_protects_keeps_a_named_row() {
    const FAMILY: &str = "CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);
        CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parent (id), tenant TEXT NOT NULL);
        CREATE INDEX child_parent ON child (parent);
        INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'a');";
    for mut lab in both(FAMILY, FAMILY).await {
        let mut grants = besom_tests::lab::everything(&*lab.catalog().await);
        let child = grants.tables.get_mut("child").unwrap();
        child
            .filter
            .insert("tenant".into(), Value::Text("a".into()));
        lab.grants = Some(grants);
        let mut request = read("parent", ["id"], Condition::Everything);
        request.dependents = besom::request::Request::delete("parent", Condition::Everything)
            .delete_first("child", vec![Join::new("parent", "id")], None)
            .dependents;
        let (context, reader) = open(&lab, request).await;
        page(&reader).await;
        let batch = delete(&reader, &[0, 1]).await;
        lab.end(&context).await;
        assert_eq!((batch.affected, batch.dependents, batch.blocked), (1, 1, 1));
        assert_eq!(lab.ids("SELECT id FROM child").await, [1, 2]);
    }
}

#[tokio::test]
async fn a_row_that_a_constraint_refuses_is_passed_over_and_the_others_get_their_values() {
    const T: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, u BIGINT UNIQUE, c BIGINT CHECK (c < 100));
        INSERT INTO row VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4);";
    for lab in both(T, T).await {
        let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
        page(&reader).await;
        let set = |row, column: &str, n| (row, vec![(column.to_owned(), Value::Integer(n))]);
        let rows = vec![
            set(0, "u", 2),
            set(1, "c", 200),
            set(2, "c", 30),
            set(3, "u", 40),
        ];
        let batch = reader.act(Change::Update(rows)).await.unwrap();
        lab.end(&context).await;

        assert_eq!((batch.affected, batch.blocked), (2, 2));
        let right =
            "SELECT id FROM row WHERE (id, u, c) IN ((1, 1, 1), (2, 2, 2), (3, 3, 30), (4, 40, 4))";
        assert_eq!(lab.ids(right).await, [1, 2, 3, 4]);
    }
}
