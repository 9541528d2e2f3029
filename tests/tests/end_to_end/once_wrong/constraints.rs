//! Constraints other than a foreign key's, and what they did to rows besides.

use super::*;
use std::time::Duration;

use besom::database::{Database, DatabaseOptions};
use besom::request::{Condition, Join, Request, Source, Step, Value};
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
async fn what_a_statement_in_a_trigger_says_of_conflicts_holds_under_an_update() {
    for (says, left) in [
        (
            "INSERT OR IGNORE INTO touched VALUES (new.person, 'new')",
            [2],
        ),
        (
            "INSERT OR REPLACE INTO touched VALUES (new.person, 'new')",
            [2],
        ),
        (
            "UPDATE OR IGNORE touched SET person = new.person WHERE person > 6",
            [3],
        ),
    ] {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL, person INT, ip TEXT,
                                name TEXT UNIQUE ON CONFLICT REPLACE);
             CREATE TABLE touched (person INTEGER PRIMARY KEY, how TEXT);
             INSERT INTO item VALUES (1, TRUE, 1, 'a', 'a'), (2, TRUE, 1, 'b', 'b'), (3, TRUE, 2, 'c', 'c');
             INSERT INTO touched VALUES (1, 'old');
             CREATE TRIGGER touch AFTER UPDATE ON item BEGIN {says}; END;
             {}",
            match says.starts_with("UPDATE") {
                true => "INSERT INTO touched VALUES (2, 'old'), (7, 'old')",
                false => "",
            }
        ))
        .await;
        let clear =
            |column: &str| Request::update("item", dead()).set(column, Source::Value(Value::Null));

        let (batch, _) = lab.run(clear("ip")).await.unwrap();

        assert_eq!((batch.affected, batch.blocked), (3, 0), "{says}");
        assert_eq!(lab.count("SELECT count(*) FROM touched").await, left[0]);
        assert_eq!(lab.count("SELECT count(ip) FROM item").await, 0);
    }
}

#[tokio::test]
async fn a_computed_column_that_settles_conflicts_deletes_no_row_either() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL, name TEXT,
                            slug TEXT AS (name || '!') UNIQUE ON CONFLICT REPLACE);
         INSERT INTO item (id, dead, name) VALUES (1, FALSE, 'gone'), (2, TRUE, 'b');",
    )
    .await;
    let gone = Source::Value(Value::Text("gone".into()));

    let (batch, _) = lab
        .run(Request::update("item", dead()).set("name", gone))
        .await
        .unwrap();

    assert_eq!(lab.ids("SELECT id FROM item").await, [1, 2]);
    assert_eq!((batch.affected, batch.blocked), (0, 1));
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

#[tokio::test]
async fn a_new_value_too_long_or_too_large_keeps_its_row_and_no_other() {
    let lab = Lab::postgres(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, a VARCHAR(3), b TEXT, c SMALLINT, d BIGINT);
         INSERT INTO item VALUES (1, 'x', 'abc', 1, 2), (2, 'x', 'abcdef', 1, 70000),
                                 (3, 'x', 'y', 1, 3);",
    )
    .await;
    for (to, from) in [("a", "b"), ("c", "d")] {
        let request = Request::update("item", Condition::Everything);
        let (batch, _) = lab
            .run(request.set(to, Source::Column(from.into())))
            .await
            .unwrap();
        assert_eq!((batch.affected, batch.blocked), (2, 1), "{to}");
    }
}

#[tokio::test]
async fn a_row_with_which_too_much_goes_along_is_passed_over_and_the_rest_goes() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
         CREATE FUNCTION heavy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.item = 7 THEN PERFORM pg_sleep(5); END IF; RETURN OLD; END $$;
         CREATE TRIGGER heavy BEFORE DELETE ON part FOR EACH ROW EXECUTE FUNCTION heavy();
         INSERT INTO item SELECT n, TRUE FROM generate_series(1, 50) n;
         INSERT INTO part SELECT n, n FROM generate_series(1, 50) n;",
    )
    .await;
    let options = DatabaseOptions {
        statement_timeout: Duration::from_millis(300),
        ..DatabaseOptions::default()
    };
    lab.database = Database::connect(&lab.home.url, options).await.unwrap();
    let request =
        Request::delete("item", dead()).delete_first("part", vec![Join::new("item", "id")], None);
    let (context, _) = lab.begin().await;

    let (batch, end) = besom_tests::lab::drain(&context, request).await.unwrap();

    assert_eq!(end, Step::Drained);
    assert_eq!(lab.ids("SELECT id FROM item").await, [7]);
    assert_eq!(
        (batch.affected, batch.dependents, batch.blocked),
        (49, 49, 1)
    );
    let held: Vec<_> = context.settle().await.blocked_by.into_iter().collect();
    assert_eq!(held, [("(too much goes along)".to_owned(), 1)]);
}

#[tokio::test]
async fn a_parent_that_a_trigger_keeps_is_not_counted_as_gone() {
    const TABLES: &str = "
        CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id));
        INSERT INTO item VALUES (1, TRUE), (2, TRUE), (3, TRUE);
        INSERT INTO part VALUES (1, 1), (2, 2);";
    let postgres = format!(
        "{TABLES}
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD; END $$;
         CREATE TRIGGER keep BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION keep();"
    );
    let sqlite = format!(
        "{TABLES}
         CREATE TRIGGER keep BEFORE DELETE ON item WHEN OLD.id = 3 BEGIN SELECT RAISE(IGNORE); END;"
    );
    for lab in both(&postgres, &sqlite).await {
        let request = Request::delete("item", dead()).delete_first(
            "part",
            vec![Join::new("item", "id")],
            None,
        );
        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(lab.ids("SELECT id FROM item").await, [3]);
        let told = (batch.affected, batch.dependents, batch.blocked);
        assert_eq!(told, (2, 2, 1), "{:?}", lab.dialect());
    }
}
