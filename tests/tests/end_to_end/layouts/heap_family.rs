//! Rows that hang on rows of a table without a primary key.

use besom::request::{Join, Request, Step};
use besom_tests::lab::Lab;

use super::below;

const PARENT: &str = "
CREATE TABLE parent (id int UNIQUE, age int DEFAULT 1, up int);
INSERT INTO parent SELECT n FROM generate_series(0, 29) AS n;";

fn all() -> Request {
    Request::delete("parent", below("age", 10))
}

#[tokio::test]
async fn dependents_go_with_their_row_and_not_without_it() {
    let mut lab = Lab::postgres(&format!(
        "{PARENT} CREATE TABLE child (parent_id int REFERENCES parent (id), note text);
         INSERT INTO child SELECT n % 30, 'same' FROM generate_series(0, 89) AS n;
         CREATE INDEX ON child (parent_id);"
    ))
    .await;
    lab.options.batch_size = 7;
    let request = all().delete_first("child", vec![Join::new("parent_id", "id")], None);
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE parent SET age = age WHERE id = 3; UPDATE child SET note = 'held' WHERE parent_id = 14")
        .await
        .unwrap();

    let (first, end) = lab.run(request.clone()).await.unwrap();

    assert_eq!(
        (first.affected, first.dependents, first.locked),
        (28, 84, 2)
    );
    assert_eq!(end, Step::Drained);
    application.commit().await.unwrap();
    let (second, _) = lab.run(request).await.unwrap();
    assert_eq!((second.affected, second.dependents), (2, 6));
    assert_eq!(lab.count("SELECT count(*) FROM child").await, 0);
}

#[tokio::test]
async fn rows_that_refer_to_each_other_go_together() {
    let mut lab = Lab::postgres(&format!(
        "{PARENT} ALTER TABLE parent ADD FOREIGN KEY (up) REFERENCES parent (id);
         UPDATE parent SET up = id - 1 WHERE id BETWEEN 1 AND 20;
         UPDATE parent SET up = id WHERE id = 25;
         UPDATE parent SET up = 28 WHERE id = 27; UPDATE parent SET up = 27, age = 50 WHERE id = 28;"
    ))
    .await;
    lab.options.batch_size = 5;

    let (total, end) = lab.run(all()).await.unwrap();

    // 27 is held by 28, which is young.
    assert_eq!((total.affected, total.blocked, end), (28, 1, Step::Drained));
    assert_eq!(lab.ids("SELECT id FROM parent").await, [27, 28]);
}

#[tokio::test]
async fn what_cascades_to_rows_that_are_alike_is_counted() {
    let lab = Lab::postgres(&format!(
        "{PARENT} CREATE TABLE child (parent_id int REFERENCES parent (id) ON DELETE CASCADE);
         INSERT INTO child SELECT 7 FROM generate_series(1, 10);
         CREATE TABLE other (parent_id int REFERENCES parent (id) ON DELETE SET NULL);
         INSERT INTO other SELECT 7 FROM generate_series(1, 3);
         CREATE TABLE holder (parent_id int REFERENCES parent (id)); INSERT INTO holder VALUES (9), (9);"
    ))
    .await;

    let (total, _) = lab.run(all()).await.unwrap();

    assert_eq!((total.affected, total.cascaded, total.blocked), (29, 13, 1));
}
