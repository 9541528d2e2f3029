//! Tables whose text columns do not compare by one collation (PostgreSQL refuses that, 42P22).

use super::*;
use besom::request::{Join, Request, Source};

/// Neither is the database's own, and neither wins over the other.
const COLLATIONS: &str = "
    CREATE COLLATION digits (provider = icu, locale = 'en-u-kn-true');
    CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";

/// `server_version_num` since which a key with a nondeterministic collation has it on both sides.
const SAME_COLLATION_SINCE: i64 = 180_000;

/// `parent` and `child` with their collations, and what becomes of a child.
async fn family(parent: &str, child: &str, rule: &str) -> Lab {
    let lab = Lab::postgres(COLLATIONS).await;
    lab.script(&format!(
        "CREATE TABLE parent (id text COLLATE \"{parent}\" PRIMARY KEY);
         CREATE TABLE child (id bigint PRIMARY KEY,
                             parent_id text COLLATE \"{child}\" REFERENCES parent ON DELETE {rule});
         CREATE INDEX ON child (parent_id);
         CREATE TABLE grandchild (id bigint PRIMARY KEY, child_id bigint REFERENCES child ON DELETE {rule});
         INSERT INTO parent VALUES ('a'), ('b'), ('c');"
    ))
    .await;
    lab
}

fn everything_in(table: &str) -> Request {
    Request::delete(table, Condition::Everything)
}

#[tokio::test]
async fn a_child_of_another_collation_blocks_its_parent_and_no_other() {
    for (parent, child) in [("C", "digits"), ("digits", "C"), ("default", "digits")] {
        let lab = family(parent, child, "NO ACTION").await;
        lab.script("INSERT INTO child VALUES (1, 'a')").await;

        let (total, _) = lab.run(everything_in("parent")).await.unwrap();

        assert_eq!((total.affected, total.blocked), (2, 1), "{parent}, {child}");
        assert_eq!(
            lab.count("SELECT count(*) FROM parent WHERE id = 'a'")
                .await,
            1
        );
    }
}

#[tokio::test]
async fn children_of_another_collation_that_go_or_lose_their_parent_are_counted() {
    for rule in ["CASCADE", "SET NULL"] {
        let lab = family("C", "digits", rule).await;
        lab.script("INSERT INTO child VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL)")
            .await;

        let (total, _) = lab.run(everything_in("parent")).await.unwrap();

        assert_eq!((total.affected, total.cascaded), (3, 3), "{rule}");
        let left = if rule == "CASCADE" { 1 } else { 4 };
        assert_eq!(
            lab.count("SELECT count(*) FROM child").await,
            left,
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_child_that_only_a_nondeterministic_collation_finds_is_found() {
    let version = "SELECT current_setting('server_version_num')::bigint";
    if Lab::postgres("").await.count(version).await >= SAME_COLLATION_SINCE {
        return;
    }
    for (parent, child) in [("anycase", "C"), ("C", "anycase"), ("anycase", "default")] {
        let lab = family(parent, child, "CASCADE").await;
        // By PostgreSQL's own lights that child, too, goes with `a`.
        if parent == "C" {
            lab.script("INSERT INTO parent VALUES ('A')").await;
        }
        lab.script("INSERT INTO child VALUES (1, 'A'); INSERT INTO grandchild VALUES (1, 1)")
            .await;
        let only_a = compare("id", Comparison::Equal, Value::Text("a".to_owned()));

        let (total, _) = lab.run(Request::delete("parent", only_a)).await.unwrap();

        assert_eq!(
            (total.affected, total.cascaded),
            (1, 2),
            "{parent}, {child}"
        );
        assert_eq!(
            lab.count("SELECT count(*) FROM child").await,
            0,
            "{parent}, {child}"
        );
    }
}

#[tokio::test]
async fn relations_and_columns_of_different_collations_are_compared() {
    let lab = Lab::postgres(COLLATIONS).await;
    lab.script(
        "CREATE TABLE item (id bigint PRIMARY KEY, name text COLLATE digits, was text COLLATE \"C\");
         CREATE TABLE used (name text COLLATE \"C\" PRIMARY KEY);
         INSERT INTO item VALUES (1, 'a', 'a'), (2, 'a', 'b'), (3, 'c', 'c');
         INSERT INTO used VALUES ('c');",
    )
    .await;
    let unused = Condition::NotExists {
        table: "used".into(),
        on: vec![Join::new("name", "name")],
        matching: None,
    };
    let unchanged = Condition::CompareColumns {
        column: "name".into(),
        operator: Comparison::Equal,
        to: "was".into(),
    };

    let request = Request::delete("item", Condition::All(vec![unused, unchanged]));
    let (total, _) = lab.run(request).await.unwrap();

    assert_eq!(lab.ids("SELECT id FROM item").await, [2, 3], "{total:?}");
}

#[tokio::test]
async fn a_value_from_a_column_of_another_collation_is_assigned_once() {
    let lab = Lab::postgres(COLLATIONS).await;
    lab.script(
        "CREATE TABLE item (id bigint PRIMARY KEY, name text COLLATE digits, was text COLLATE \"C\",
                            owner text COLLATE digits, owner_id bigint);
         CREATE TABLE owner (id bigint PRIMARY KEY, name text COLLATE \"C\");
         INSERT INTO owner VALUES (1, 'o');
         INSERT INTO item VALUES (1, 'a', 'b', 'x', 1), (2, 'a', 'a', 'o', 1), (3, 'a', NULL, 'o', 1);",
    )
    .await;
    let related = Source::Related {
        table: "owner".into(),
        on: vec![Join::new("id", "owner_id")],
        column: "name".into(),
    };
    let request = Request::update("item", Condition::Everything)
        .set("name", Source::Column("was".into()))
        .set("owner", related);

    let (first, _) = lab.run(request.clone()).await.unwrap();
    let (second, _) = lab.run(request).await.unwrap();

    assert_eq!((first.affected, second.affected), (2, 0));
    let done =
        "SELECT id FROM item WHERE name COLLATE \"C\" IS NOT DISTINCT FROM was AND owner = 'o'";
    assert_eq!(lab.ids(done).await, [1, 2, 3]);
}

#[tokio::test]
async fn dependents_of_another_collation_go_or_are_let_go() {
    for (parent, child) in [("C", "digits"), ("digits", "C")] {
        let lab = family(parent, child, "NO ACTION").await;
        lab.script("INSERT INTO child VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL)")
            .await;
        let on = || vec![Join::new("parent_id", "id")];
        let first = compare("id", Comparison::Equal, Value::Text("a".into()));

        let unlinking = Request::delete("parent", first).unlink_first("child", on(), None);
        let (unlinked, _) = lab.run(unlinking).await.unwrap();
        let deleting = everything_in("parent").delete_first("child", on(), None);
        let (deleted, _) = lab.run(deleting).await.unwrap();

        assert_eq!((unlinked.affected, unlinked.dependents), (1, 2), "{parent}");
        assert_eq!((deleted.affected, deleted.dependents), (2, 1), "{parent}");
        assert_eq!(lab.ids("SELECT id FROM child").await, [1, 2, 4], "{parent}");
    }
}

#[tokio::test]
async fn a_child_that_refers_with_blanks_behind_its_text_is_protected() {
    let mut lab = Lab::postgres(
        "CREATE TABLE parent (id char(5) PRIMARY KEY, dead boolean NOT NULL);
         CREATE TABLE child (id bigint PRIMARY KEY, tenant bigint NOT NULL,
                             parent text REFERENCES parent (id) ON DELETE CASCADE);
         INSERT INTO parent VALUES ('ab', TRUE), ('cd', TRUE);
         INSERT INTO child VALUES (1, 2, 'ab   '), (2, 1, 'cd   ');",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.get_mut("child").unwrap().filter = is(1);
        })
        .await,
    );
    let dead = compare("dead", Comparison::Equal, Value::Boolean(true));

    let (batch, _) = lab.run(Request::delete("parent", dead)).await.unwrap();

    assert_eq!(lab.ids("SELECT id FROM child").await, [1]);
    assert_eq!((batch.affected, batch.cascaded, batch.blocked), (1, 1, 1));
}
