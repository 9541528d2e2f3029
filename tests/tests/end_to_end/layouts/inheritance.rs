//! Tables that inherit from another: they are tables of their own.

use besom::request::{Batch, Join, Request};
use besom_tests::lab::Lab;

use super::below;

/// A parent, a child by this rule, and what inherits from the child and from no foreign key.
async fn heirs(rule: &str) -> Lab {
    Lab::postgres(&format!(
        "CREATE TABLE parent (id int PRIMARY KEY, age int NOT NULL DEFAULT 0);
         CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent ON DELETE {rule});
         CREATE TABLE heir () INHERITS (child);
         INSERT INTO parent VALUES (1), (2);
         INSERT INTO child VALUES (1, 1);
         INSERT INTO heir VALUES (1, 1), (7, 2);"
    ))
    .await
}

fn all() -> Request {
    Request::delete("parent", below("age", 1))
}

fn counts(batch: Batch) -> (u64, u64, u64, u64) {
    (
        batch.affected,
        batch.dependents,
        batch.cascaded,
        batch.blocked,
    )
}

#[tokio::test]
async fn dependents_are_the_named_tables_own_rows() {
    for fate in ["delete", "unlink"] {
        let lab = heirs("NO ACTION").await;
        let on = vec![Join::new("parent_id", "id")];
        let request = match fate {
            "delete" => all().delete_first("child", on, None),
            _ => all().unlink_first("child", on, None),
        };
        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(counts(batch), (2, 1, 0, 0), "{fate}");
        let heirs = "SELECT id FROM heir WHERE parent_id IS NOT NULL";
        assert_eq!(lab.ids(heirs).await, [1, 7], "{fate}");
    }
}

#[tokio::test]
async fn an_heirs_row_holds_nothing_because_no_key_of_its_own_does() {
    let (batch, _) = heirs("RESTRICT").await.run(all()).await.unwrap();

    assert_eq!(counts(batch), (1, 0, 0, 1));
}

#[tokio::test]
async fn a_cascade_does_not_reach_heirs_and_does_not_count_them() {
    let lab = heirs("CASCADE").await;
    let (batch, _) = lab.run(all()).await.unwrap();

    assert_eq!(counts(batch), (2, 0, 1, 0));
    assert_eq!(lab.ids("SELECT id FROM heir").await, [1, 7]);
}
