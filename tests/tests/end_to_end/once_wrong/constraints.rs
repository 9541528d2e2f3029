//! Constraints other than a foreign key's, and what they did to rows besides.

use super::*;
use besom::request::{Condition, Request, Source, Value};
use besom_tests::lab::{Lab, both};

fn dead() -> Condition {
    compare("dead", Comparison::Equal, Value::Boolean(true))
}

#[tokio::test]
async fn an_update_deletes_no_row_that_holds_its_value_already() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL,
                            name TEXT UNIQUE ON CONFLICT REPLACE);
         INSERT INTO item VALUES (1, FALSE, 'gone'), (2, TRUE, 'b'), (3, TRUE, 'c');",
    )
    .await;
    let gone = Source::Value(Value::Text("gone".into()));

    let (batch, _) = lab
        .run(Request::update("item", dead()).set("name", gone))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM item").await, [1, 2, 3]);
    assert_eq!((batch.affected, batch.blocked), (0, 2));
}

#[tokio::test]
async fn a_row_whose_new_value_a_constraint_refuses_is_passed_over() {
    const SCHEMA: &str = "
        CREATE TABLE item (id BIGINT PRIMARY KEY, a TEXT NOT NULL, b TEXT, CHECK (a <> 'bad'));
        INSERT INTO item VALUES (1, 'x', 'y'), (2, 'x', NULL), (3, 'x', 'bad'), (4, 'x', 'z');";
    for lab in both(SCHEMA, SCHEMA).await {
        let request = Request::update("item", Condition::Everything);
        let (batch, _) = lab
            .run(request.set("a", Source::Column("b".into())))
            .await
            .unwrap();

        assert_eq!((batch.affected, batch.blocked), (2, 1), "{batch:?}");
        assert_eq!(lab.ids("SELECT id FROM item WHERE a = 'x'").await, [2, 3]);
    }
}

#[tokio::test]
async fn a_child_that_must_not_lose_its_parent_blocks_that_parent_alone() {
    const SCHEMA: &str = "
        CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        CREATE TABLE child (id BIGINT PRIMARY KEY,
                            parent BIGINT NOT NULL REFERENCES parent (id) ON DELETE SET NULL);
        INSERT INTO parent VALUES (1, TRUE), (2, TRUE), (3, TRUE);
        INSERT INTO child VALUES (1, 2);";
    for lab in both(SCHEMA, SCHEMA).await {
        let (batch, _) = lab.run(Request::delete("parent", dead())).await.unwrap();

        assert_eq!(lab.ids("SELECT id FROM parent").await, [2]);
        assert_eq!((batch.affected, batch.blocked), (2, 1), "{batch:?}");
    }
}

#[tokio::test]
async fn a_column_that_a_referenced_one_is_computed_from_is_not_assigned() {
    const SCHEMA: &str = "
        CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT,
                           key TEXT GENERATED ALWAYS AS (name || '!') STORED UNIQUE);
        CREATE TABLE other (id BIGINT PRIMARY KEY,
                            item TEXT REFERENCES item (key) ON UPDATE CASCADE);
        INSERT INTO item (id, name) VALUES (1, 'a');
        INSERT INTO other VALUES (1, 'a!');";
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.grants = Some(
            granted(&lab, |grants| {
                grants.tables.remove("other");
            })
            .await,
        );
        let request = Request::update("item", Condition::Everything);
        let refused = lab
            .run(request.set("name", Source::Value(Value::Null)))
            .await;

        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(lab.ids("SELECT id FROM other WHERE item = 'a!'").await, [1]);
    }
}

#[tokio::test]
async fn a_trigger_that_puts_rows_back_ends_the_batch_all_the_same() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL,
                            next INTEGER REFERENCES item (id) ON DELETE RESTRICT);
         CREATE TRIGGER back AFTER DELETE ON item BEGIN
             INSERT INTO item VALUES (old.id, TRUE, NULL);
         END;
         INSERT INTO item VALUES (1, TRUE, NULL), (2, TRUE, 1);",
    )
    .await;
    let run = lab.run(Request::delete("item", dead()));
    let limit = std::time::Duration::from_secs(10);

    assert!(tokio::time::timeout(limit, run).await.is_ok());
}

#[tokio::test]
async fn a_dry_run_after_one_that_sets_defaults_is_an_estimate() {
    const SCHEMA: &str = "
        CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        CREATE TABLE child (id BIGINT PRIMARY KEY,
                            parent BIGINT DEFAULT 0 REFERENCES parent (id) ON DELETE SET DEFAULT);
        INSERT INTO parent VALUES (0, FALSE), (1, TRUE);
        INSERT INTO child VALUES (1, 1);";
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.options.mode = besom::request::Mode::DryRun;
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, Request::delete("parent", dead()))
            .await
            .unwrap();

        assert!(context.settle().await.estimated);
    }
}
