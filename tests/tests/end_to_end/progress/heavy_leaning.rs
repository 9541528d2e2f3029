//! Heavy parents whose condition looks at other rows.

use std::time::Duration;

use besom::request::{Comparison, Condition, Join, Request, Step, Value};
use besom_tests::lab::{Lab, both, drain};

use super::heavy::{MANY, schema};
use super::{dead, numbers};

fn of_tenant(tenant: i64) -> Condition {
    Condition::Compare {
        column: "tenant".into(),
        operator: Comparison::Equal,
        to: Value::Integer(tenant),
    }
}

fn part(matching: Option<Condition>) -> Condition {
    Condition::Exists {
        table: "part".into(),
        on: vec![Join::new("item", "id")],
        matching: matching.map(Box::new),
    }
}

fn no_part(matching: Condition) -> Condition {
    Condition::NotExists {
        table: "part".into(),
        on: vec![Join::new("item", "id")],
        matching: Some(Box::new(matching)),
    }
}

/// Besides being dead.
fn items(also: Condition) -> Request {
    Request::delete("item", Condition::All(vec![dead(), also]))
}

fn asked(request: Request) -> Request {
    request.delete_first("part", vec![Join::new("item", "id")], None)
}

/// One of the heavy item's parts, the first to be met, is of another tenant, and the item is due only
/// as long as it is there.
#[tokio::test]
async fn a_parent_that_is_due_because_of_its_children_goes_whole_or_keeps_them_all() {
    let owner = |matching: Condition| Condition::Exists {
        table: "owner".into(),
        on: vec![Join::new("item", "id")],
        matching: Some(Box::new(matching)),
    };
    let other = || part(Some(of_tenant(2)));
    let within = || Condition::Exists {
        table: "part".into(),
        on: vec![Join::new("item", "item")],
        matching: Some(Box::new(of_tenant(2))),
    };
    let conditions = [
        other(),
        Condition::Not(Box::new(no_part(of_tenant(2)))),
        Condition::Any(vec![other(), Condition::Not(Box::new(dead()))]),
        owner(within()),
        Condition::NotExists {
            table: "owner".into(),
            on: vec![Join::new("item", "id")],
            matching: Some(Box::new(Condition::Not(Box::new(within())))),
        },
    ];
    for (rule, by_request) in [("ON DELETE CASCADE", false), ("", true)] {
        for condition in &conditions {
            let all = schema(1, 10, rule);
            for lab in both(&all, &all).await {
                lab.script(
                    "CREATE TABLE owner (id BIGINT PRIMARY KEY, item BIGINT);
                     CREATE INDEX owner_item ON owner (item);
                     INSERT INTO owner VALUES (1, 1);
                     UPDATE part SET tenant = 2 WHERE id = 1;",
                )
                .await;
                let request = match by_request {
                    true => asked(items(condition.clone())),
                    false => items(condition.clone()),
                };
                let (context, _) = lab.begin().await;

                let (batch, step) = drain(&context, request).await.unwrap();

                let case = format!("{:?} {rule} {condition:?}", lab.dialect());
                assert_eq!(step, Step::Drained, "{case}");
                let light = 10 * u64::from(batch.affected > 1);
                let gone = batch.dependents + batch.cascaded;
                assert_eq!(gone, MANY + light, "{case}");
                let of = "SELECT (SELECT count(*) FROM item WHERE id = 1) + (SELECT count(*) FROM part WHERE item = 1)";
                assert_eq!(lab.count(of).await, 0, "{case}");
            }
        }
    }
}

/// What must not be there does not appear when children go.
#[tokio::test]
async fn a_parent_that_is_due_without_live_children_is_taken_apart_as_ever() {
    for request in [
        asked(items(no_part(of_tenant(2)))),
        items(no_part(of_tenant(2))).unlink_first("part", vec![Join::new("item", "id")], None),
    ] {
        let all = schema(1, 10, "");
        for lab in both(&all, &all).await {
            let (batch, step) = lab.run(request.clone()).await.unwrap();

            assert_eq!(step, Step::Drained);
            assert_eq!((batch.affected, batch.dependents), (11, MANY + 10));
            let most = "SELECT max(dependents) FROM besom_batch";
            assert!(lab.count(most).await <= 20_001);
        }
    }
}

/// Rows that are let go are still there, and may then be what must not be.
#[tokio::test]
async fn a_parent_that_must_not_have_what_its_children_become_goes_whole() {
    let no_stray = Condition::NotExists {
        table: "part".into(),
        on: vec![Join::new("tenant", "id")],
        matching: Some(Box::new(Condition::IsNull {
            column: "item".into(),
        })),
    };
    let all = schema(1, 1, "");
    for lab in both(&all, &all).await {
        let request =
            items(no_stray.clone()).unlink_first("part", vec![Join::new("item", "id")], None);

        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!((batch.affected, batch.dependents), (2, MANY + 1));
    }
}

#[tokio::test]
async fn whoever_changes_what_the_parent_hangs_on_waits_for_the_piece() {
    let lab = Lab::postgres(&schema(1, 1, "ON DELETE CASCADE")).await;
    lab.script(
        "CREATE TABLE owner (item BIGINT PRIMARY KEY, gone BOOLEAN NOT NULL);
         INSERT INTO owner VALUES (1, TRUE);
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_sleep(1.5); RETURN NULL; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON part EXECUTE FUNCTION slow();",
    )
    .await;
    let request = items(Condition::Exists {
        table: "owner".into(),
        on: vec![Join::new("item", "id")],
        matching: Some(Box::new(Condition::Compare {
            column: "gone".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(true),
        })),
    });
    let (context, _) = lab.begin().await;
    let run = tokio::spawn({
        let context = std::sync::Arc::clone(&context);
        async move { drain(&context, request).await.unwrap() }
    });
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    while lab.count(asleep).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let mut other = lab.session().await;
    other
        .begin("BEGIN; SET LOCAL lock_timeout = '300ms'")
        .await
        .unwrap();
    let revived = other
        .run_script("UPDATE owner SET gone = FALSE WHERE item = 1")
        .await;

    assert!(revived.is_err(), "it waits");
    drop(other);
    let (batch, _) = run.await.unwrap();
    assert_eq!((batch.affected, batch.cascaded), (1, MANY));
}

#[tokio::test]
async fn the_part_of_a_table_that_may_go_bounds_its_own_rows_and_no_pieces() {
    let all = schema(1, 19, "");
    for mut lab in both(&all, &all).await {
        lab.options.max_fraction = besom::config::Fraction::new(0.6);
        lab.script("UPDATE item SET dead = FALSE WHERE id > 12")
            .await;
        let request = asked(Request::delete("item", dead()));

        let (batch, step) = lab.run(request).await.unwrap();

        assert_eq!((batch.affected, step), (12, Step::Drained));
        let batches = lab.count("SELECT count(*) FROM besom_batch").await;
        assert!(batches <= 10, "{batches} batches");
    }
}

/// One heavy item, which refers to none and is referred to by none, and two that refer to each other.
#[tokio::test]
async fn a_heavy_row_that_hangs_on_no_other_of_its_table_is_taken_apart() {
    let all = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, next BIGINT REFERENCES item (id));
         CREATE INDEX item_next ON item (next);
         CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT REFERENCES item (id) ON DELETE CASCADE);
         CREATE INDEX part_item ON part (item);
         INSERT INTO item VALUES (1, TRUE, NULL), (2, TRUE, NULL), (3, TRUE, 2);
         INSERT INTO part SELECT n, 1 FROM {};
         INSERT INTO part SELECT n + 1000000, 2 + n % 2 FROM {};",
        numbers(MANY),
        numbers(10)
    );
    for lab in both(&all, &all).await {
        let (batch, step) = lab.run(Request::delete("item", dead())).await.unwrap();

        let case = format!("{:?}", lab.dialect());
        assert_eq!(step, Step::Drained, "{case}");
        let counts = (batch.affected, batch.cascaded, batch.blocked);
        assert_eq!(counts, (3, MANY + 10, 0), "{case}");
        let most = "SELECT max(cascaded) FROM besom_batch";
        assert!(lab.count(most).await <= 20_001, "{case}");
    }
}
