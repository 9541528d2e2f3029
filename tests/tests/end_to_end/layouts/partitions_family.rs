//! Rows that hang on rows of a partitioned table.

use besom::request::{Batch, Condition, Join, Request, Step};
use besom_tests::lab::{Lab, drain};

use super::below;

/// Two leaves and a default with ten rows each; a row's id tells its leaf.
const PARENT: &str = "
CREATE TABLE parent (id int PRIMARY KEY, age int NOT NULL DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE parent_1 PARTITION OF parent FOR VALUES FROM (0) TO (10);
CREATE TABLE parent_2 PARTITION OF parent FOR VALUES FROM (10) TO (20);
CREATE TABLE parent_x PARTITION OF parent DEFAULT;
INSERT INTO parent (id) SELECT n FROM generate_series(0, 29) AS n;";

async fn family(child: &str) -> Lab {
    Lab::postgres(&format!("{PARENT} {child}")).await
}

fn all() -> Request {
    Request::delete("parent", below("age", 1))
}

fn counts(batch: Batch) -> (u64, u64, u64) {
    (batch.affected, batch.cascaded, batch.blocked)
}

#[tokio::test]
async fn a_row_that_a_key_at_the_whole_table_points_at_is_blocked_in_any_leaf() {
    for rule in [
        "NO ACTION",
        "RESTRICT",
        "NO ACTION DEFERRABLE INITIALLY DEFERRED",
    ] {
        let lab = family(&format!(
            "CREATE TABLE child (parent_id int REFERENCES parent ON DELETE {rule});
             INSERT INTO child VALUES (3), (13), (13), (23), (NULL);"
        ))
        .await;

        let (total, end) = lab.run(all()).await.unwrap();

        assert_eq!((counts(total), end), ((27, 0, 3), Step::Drained), "{rule}");
        assert_eq!(
            lab.ids("SELECT id FROM parent").await,
            [3, 13, 23],
            "{rule}"
        );
    }
}

#[tokio::test]
async fn children_that_cascade_are_counted_in_any_leaf_of_either_side() {
    let lab = family(
        "CREATE TABLE child (id int, parent_id int REFERENCES parent ON DELETE CASCADE) PARTITION BY RANGE (id);
         CREATE TABLE child_1 PARTITION OF child FOR VALUES FROM (0) TO (5);
         CREATE TABLE child_x PARTITION OF child DEFAULT;
         INSERT INTO child SELECT n, n % 3 * 10 + 3 FROM generate_series(0, 8) AS n;
         CREATE TABLE other (parent_id int REFERENCES parent ON DELETE SET NULL);
         INSERT INTO other VALUES (4), (14), (24);
         UPDATE parent SET age = 1 WHERE id = 23;",
    )
    .await;

    let (total, _) = lab.run(all()).await.unwrap();

    assert_eq!(counts(total), (29, 9, 0));
    assert_eq!(lab.count("SELECT count(*) FROM child").await, 3);
    assert_eq!(lab.count("SELECT count(parent_id) FROM other").await, 0);
}

#[tokio::test]
async fn a_key_at_one_leaf_alone_holds_its_rows() {
    let lab = family(
        "CREATE TABLE child (parent_id int REFERENCES parent_2);
         INSERT INTO child VALUES (13);",
    )
    .await;

    let (total, _) = lab.run(all()).await.unwrap();

    assert_eq!(counts(total), (29, 0, 1));
}

#[tokio::test]
async fn dependents_go_ahead_of_the_rows_of_every_leaf() {
    let lab = family(
        "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
         CREATE INDEX ON child (parent_id);
         INSERT INTO child SELECT n, n % 30 FROM generate_series(0, 89) AS n;
         CREATE TABLE grandchild (id int, child_id int REFERENCES child) PARTITION BY HASH (id);
         CREATE TABLE grandchild_0 PARTITION OF grandchild FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE grandchild_1 PARTITION OF grandchild FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO grandchild SELECT n, n FROM generate_series(0, 39) AS n;
         CREATE TABLE audit (child_id int REFERENCES child); INSERT INTO audit VALUES (15);",
    )
    .await;
    let request = all()
        .delete_first("child", vec![Join::new("parent_id", "id")], None)
        .delete_first("grandchild", vec![Join::new("child_id", "id")], Some(0));

    let (total, end) = lab.run(request).await.unwrap();

    // Row 15 stays with its three children and their one row.
    assert_eq!((total.affected, total.blocked, end), (29, 1, Step::Drained));
    assert_eq!(total.dependents, 87 + 39);
    assert_eq!(lab.ids("SELECT id FROM parent").await, [15]);
    assert_eq!(lab.count("SELECT count(*) FROM grandchild").await, 1);
}

#[tokio::test]
async fn a_condition_on_tied_rows_holds_in_every_leaf() {
    let lab = family(
        "CREATE TABLE child (parent_id int, live bool);
         INSERT INTO child SELECT n, n % 10 = 5 FROM generate_series(0, 29) AS n;",
    )
    .await;
    let tied = Condition::Exists {
        table: "child".into(),
        on: vec![Join::new("parent_id", "id")],
        matching: Some(Box::new(Condition::Compare {
            column: "live".into(),
            operator: besom::request::Comparison::Equal,
            to: besom::request::Value::Boolean(true),
        })),
    };

    let (total, _) = lab.run(Request::delete("parent", tied)).await.unwrap();

    assert_eq!(total.affected, 3);
    assert_eq!(
        lab.count("SELECT count(*) FROM parent WHERE id % 10 = 5")
            .await,
        0
    );
}

#[tokio::test]
async fn rows_of_a_partitioned_table_that_refer_to_each_other_stay_and_say_so() {
    let lab = family(
        "ALTER TABLE parent ADD next int REFERENCES parent;
         UPDATE parent SET next = 13 WHERE id = 2; UPDATE parent SET next = 5 WHERE id = 4;",
    )
    .await;

    let (first, _) = lab.run(all()).await.unwrap();
    let (second, _) = lab.run(all()).await.unwrap();

    assert_eq!((first.affected + second.affected, second.blocked), (30, 0));
    assert!(first.blocked <= 2, "{first:?}");
}

#[tokio::test]
async fn a_dry_run_tells_of_every_leaf_what_the_run_does() {
    let mut lab = family(
        "CREATE TABLE child (parent_id int REFERENCES parent ON DELETE CASCADE);
         INSERT INTO child SELECT n FROM generate_series(0, 29) AS n;
         CREATE TABLE holder (parent_id int REFERENCES parent); INSERT INTO holder VALUES (7), (17);",
    )
    .await;
    lab.options.mode = besom::request::Mode::DryRun;
    let (context, _) = lab.begin().await;
    let (dry, _) = drain(&context, all()).await.unwrap();
    lab.end(&context).await;
    // The children that would have gone with rows of any leaf are gone for the next job.
    let (context, _) = lab.begin_after(context.settle().await.history).await;
    let (children, _) = drain(&context, Request::delete("child", below("parent_id", 100)))
        .await
        .unwrap();
    lab.end(&context).await;

    lab.options.mode = besom::request::Mode::Apply;
    let (real, _) = lab.run(all()).await.unwrap();

    assert_eq!(dry, real);
    assert_eq!(counts(real), (28, 28, 2));
    assert_eq!(children.affected, 2);
}

#[tokio::test]
async fn a_row_that_refers_to_one_that_goes_with_it_counts_once() {
    let mut lab = family(
        "ALTER TABLE parent ADD next int REFERENCES parent ON DELETE SET NULL;
         UPDATE parent SET next = 3 WHERE id IN (4, 14); UPDATE parent SET next = 17 WHERE id = 1;
         UPDATE parent SET next = 5, age = 5 WHERE id = 6;",
    )
    .await;
    lab.options.mode = besom::request::Mode::DryRun;
    let (dry, _) = lab.run(all()).await.unwrap();
    lab.options.mode = besom::request::Mode::Apply;

    let (total, _) = lab.run(all()).await.unwrap();

    assert_eq!(total, dry);

    // Row 4 goes with row 3; row 14 lies in a later partition and is changed before it goes; row 1
    // has gone by then; row 6 stays.
    assert_eq!(counts(total), (29, 2, 0));
    assert_eq!(lab.ids("SELECT id FROM parent").await, [6]);
}

#[tokio::test]
async fn an_update_of_every_leaf_leaves_the_rows_where_they_are() {
    let lab = family("CREATE TABLE note (id int PRIMARY KEY, parent_id int, age int); INSERT INTO note VALUES (1, 3, 7), (2, 13, 8)").await;
    let related = besom::request::Source::Related {
        table: "note".into(),
        on: vec![Join::new("parent_id", "id")],
        column: "age".into(),
    };

    let (total, _) = lab
        .run(Request::update("parent", below("age", 100)).set("age", related))
        .await
        .unwrap();

    assert_eq!(total.affected, 2);
    assert_eq!(
        lab.ids("SELECT age FROM parent WHERE age > 0").await,
        [7, 8]
    );
}

#[tokio::test]
async fn the_column_that_says_which_leaf_a_row_is_in_is_not_assigned() {
    let lab = Lab::postgres(
        "CREATE TABLE event (at int, kind text) PARTITION BY LIST (kind);
         CREATE TABLE event_a PARTITION OF event FOR VALUES IN ('a');",
    )
    .await;
    for table in ["event", "event_a"] {
        let text = besom::request::Value::Text("b".into());
        let request =
            Request::update(table, below("at", 1)).set("kind", besom::request::Source::Value(text));

        let refused = lab.run(request).await.unwrap_err();

        assert_eq!(refused.problem().code, "not-assignable", "{refused}");
        assert!(refused.to_string().contains("partition"), "{refused}");
    }
}

#[tokio::test]
async fn rows_of_the_same_partitioned_table_may_go_ahead() {
    let lab = family(
        "ALTER TABLE parent ADD next int REFERENCES parent;
         UPDATE parent SET next = 3, age = 5 WHERE id IN (14, 24);",
    )
    .await;
    let request = all().delete_first("parent", vec![Join::new("next", "id")], None);

    let (total, _) = lab.run(request).await.unwrap();

    assert_eq!(
        (total.affected, total.dependents, total.blocked),
        (28, 2, 0)
    );
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 0);
}

#[tokio::test]
async fn a_dependent_with_a_partition_that_others_hang_on_by_themselves_is_refused() {
    for rule in ["CASCADE", "SET NULL"] {
        let lab = family(&format!(
            "CREATE TABLE child (id int, parent_id int REFERENCES parent) PARTITION BY RANGE (id);
             CREATE TABLE child_1 PARTITION OF child FOR VALUES FROM (0) TO (100);
             ALTER TABLE child_1 ADD PRIMARY KEY (id);
             CREATE TABLE precious (id int PRIMARY KEY, child_id int REFERENCES child_1 ON DELETE {rule});
             INSERT INTO child VALUES (1, 3);
             INSERT INTO precious VALUES (7, 1);"
        ))
        .await;
        let request = all().delete_first("child", vec![Join::new("parent_id", "id")], None);

        let refused = lab.run(request).await.unwrap_err();

        assert!(refused.to_string().contains("precious"), "{refused}");
        assert_eq!(
            lab.ids("SELECT id FROM precious WHERE child_id = 1").await,
            [7]
        );
    }
}
