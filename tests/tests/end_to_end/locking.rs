//! Conditions on other rows: a parent whose child turns live between the look and the act stays.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use besom::request::{Comparison, Condition, Join, Mode, Request, Step, Value};
use besom::scope::{Subject, authorize};
use besom::sql::{Forms, Plan, Technique};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, all_granted, job};

/// Items whose notes go with them, or forbid it, as `rule` says.
fn schema(rule: &str, items: u32) -> String {
    format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, pad int DEFAULT 7);
         CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint {rule}, live boolean NOT NULL);
         CREATE INDEX note_item ON note (item_id);
         INSERT INTO item SELECT n FROM generate_series(1, {items}) AS n;
         INSERT INTO note SELECT n, n, false FROM generate_series(1, {items}) AS n;"
    )
}

const CASCADE: &str = "REFERENCES item ON DELETE CASCADE";
const SET_NULL: &str = "REFERENCES item ON DELETE SET NULL";
const NO_ACTION: &str = "REFERENCES item";
const NONE: &str = "";

fn without_live_notes() -> Condition {
    let live = Condition::Compare {
        column: "live".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(true),
    };
    no_note(Some(live))
}

fn no_note(matching: Option<Condition>) -> Condition {
    Condition::NotExists {
        table: "note".into(),
        on: vec![Join {
            foreign: "item_id".into(),
            local: "id".into(),
        }],
        matching: matching.map(Box::new),
    }
}

async fn technique(lab: &Lab, matching: Condition) -> Technique {
    let catalog = lab.catalog().await;
    let subject = Subject {
        job: job(),
        bundled: false,
    };
    let now = lab.database.now().await.unwrap();
    let request = Request::delete("item", matching);
    let authorized = authorize(request, &all_granted(&catalog), &subject, &catalog, now).unwrap();
    Plan::new(authorized, catalog, Forms::default(), Vec::new())
        .unwrap()
        .technique()
        .0
}

#[tokio::test]
async fn the_catalog_and_the_condition_decide_whether_a_batch_locks_first() {
    let plain = Condition::IsNotNull {
        column: "pad".into(),
    };
    for (rule, condition, expected) in [
        (CASCADE, plain.clone(), Technique::LockThenCheck),
        (CASCADE, no_note(None), Technique::LockThenCheck),
        (SET_NULL, no_note(None), Technique::LockThenCheck),
        (NO_ACTION, no_note(None), Technique::OneStatement),
        (NO_ACTION, without_live_notes(), Technique::LockThenCheck),
        (NONE, no_note(None), Technique::LockThenCheck),
        (NONE, plain, Technique::OneStatement),
    ] {
        let lab = Lab::postgres(&schema(rule, 1)).await;
        assert_eq!(
            technique(&lab, condition.clone()).await,
            expected,
            "{rule} {condition:?}"
        );
    }
}

#[tokio::test]
async fn a_child_that_is_turning_live_keeps_its_parent() {
    for rule in [CASCADE, SET_NULL, NONE] {
        let lab = Lab::postgres(&schema(rule, 10)).await;
        let mut application = lab.session().await;
        application
            .begin("BEGIN; UPDATE note SET live = true WHERE id = 4")
            .await
            .unwrap();

        let (total, end) = lab
            .run(Request::delete("item", without_live_notes()))
            .await
            .unwrap();
        assert_eq!(
            (total.affected, total.locked, end),
            (9, 1, Step::Drained),
            "{rule}"
        );
        application.commit().await.unwrap();

        let (total, _) = lab
            .run(Request::delete("item", without_live_notes()))
            .await
            .unwrap();
        assert_eq!((total.affected, total.locked), (0, 0), "{rule}");
        assert_eq!(lab.ids("SELECT id FROM item").await, [4], "{rule}");
        assert_eq!(
            lab.ids("SELECT item_id FROM note WHERE live").await,
            [4],
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_child_that_is_being_inserted_keeps_its_parent() {
    for rule in [CASCADE, SET_NULL, NO_ACTION] {
        let lab = Lab::postgres(&schema(rule, 10)).await;
        lab.script("DELETE FROM note").await;
        let mut application = lab.session().await;
        application
            .begin("BEGIN; INSERT INTO note VALUES (99, 4, true)")
            .await
            .unwrap();

        let (total, _) = lab
            .run(Request::delete("item", without_live_notes()))
            .await
            .unwrap();
        assert_eq!((total.affected, total.locked), (9, 1), "{rule}");
        application.commit().await.unwrap();

        lab.run(Request::delete("item", without_live_notes()))
            .await
            .unwrap();
        assert_eq!(lab.ids("SELECT id FROM item").await, [4], "{rule}");
        assert_eq!(lab.ids("SELECT item_id FROM note").await, [4], "{rule}");
    }
}

#[tokio::test]
async fn rows_that_others_refer_to_are_blocked_and_fail_no_batch() {
    let lab = Lab::postgres(&schema(NO_ACTION, 100)).await;
    lab.script("DELETE FROM note WHERE id % 10 <> 0").await;
    let all = || {
        Request::delete(
            "item",
            Condition::IsNotNull {
                column: "pad".into(),
            },
        )
    };

    let mut dry = Lab::postgres(&schema(NO_ACTION, 100)).await;
    dry.script("DELETE FROM note WHERE id % 10 <> 0").await;
    dry.options.mode = Mode::DryRun;
    let counted = dry.run(all()).await.unwrap();

    let (total, end) = lab.run(all()).await.unwrap();
    assert_eq!(
        (total.affected, total.blocked, total.locked, end.clone()),
        (90, 10, 0, Step::Drained)
    );
    assert_eq!((total, end), counted);
}

#[tokio::test]
async fn rows_that_a_foreign_keys_rule_takes_are_counted() {
    for (rule, left) in [(CASCADE, 0), (SET_NULL, 100)] {
        let mut lab = Lab::postgres(&schema(rule, 100)).await;
        let all = || {
            Request::delete(
                "item",
                Condition::IsNotNull {
                    column: "pad".into(),
                },
            )
        };
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(all()).await.unwrap();
        lab.options.mode = Mode::Apply;
        let (total, _) = lab.run(all()).await.unwrap();
        assert_eq!((total.affected, total.cascaded), (100, 100), "{rule}");
        assert_eq!(total, dry);
        assert_eq!(lab.count("SELECT count(*) FROM note").await, left);
    }
}

/// Writers turn notes live beside a run, thousands of times, each under the lock that a careful
/// application takes. No item whose note was turned live may go, and no live note with it.
#[tokio::test(flavor = "multi_thread")]
async fn no_item_goes_whose_note_turned_live_beside_the_run() {
    for rule in [CASCADE, SET_NULL] {
        const ITEMS: u32 = 3_000;
        let mut lab = Lab::postgres(&schema(rule, ITEMS)).await;
        lab.options.batch_size = 25;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", without_live_notes()))
            .await
            .unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..3_u32)
            .map(|writer| {
                let (database, done) = (lab.database.clone(), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut live = BTreeSet::new();
                    let mut session = database.session().await.unwrap();
                    let mut n = writer;
                    while !done.load(Ordering::SeqCst) {
                        n = (n + 7 * (writer + 1)) % ITEMS;
                        let mut w = besom::database::Statement::new(besom::catalog::Dialect::Postgres);
                        w.push("WITH parent AS (SELECT id FROM item WHERE id = ").bind(i64::from(n));
                        w.push(" FOR KEY SHARE) UPDATE note SET live = true FROM parent WHERE item_id = parent.id RETURNING item_id");
                        let rows = session.fetch(&w).await.unwrap();
                        live.extend(rows.iter().filter_map(|row| row.get(0).as_integer()));
                        tokio::time::sleep(Duration::from_micros(300)).await;
                    }
                    live
                })
            })
            .collect();
        let mut affected = 0;
        loop {
            match sweep.next().await.unwrap() {
                Step::Batch(batch) => affected += batch.affected,
                end => {
                    assert_eq!(end, Step::Drained);
                    break;
                }
            }
        }
        done.store(true, Ordering::SeqCst);
        let mut live = BTreeSet::new();
        for writer in writers {
            live.extend(writer.await.unwrap());
        }
        context.settle().await;

        assert!(
            affected > 100 && live.len() > 20,
            "{affected} gone, {} live",
            live.len()
        );
        let items = lab.ids("SELECT id FROM item").await;
        let notes = lab.ids("SELECT item_id FROM note WHERE live").await;
        assert!(
            live.iter().all(|n| items.contains(n)),
            "an item with a live note went ({rule})"
        );
        assert!(
            live.iter().all(|n| notes.contains(n)),
            "a live note went or lost its item ({rule})"
        );
        let recorded = lab
            .count("SELECT sum(affected)::bigint FROM besom_batch")
            .await;
        assert_eq!(recorded, i64::from(ITEMS) - items.len() as i64);
    }
}

/// A session's token is due where the session has no live one: two relations below one another.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_row_that_is_being_inserted_below_a_related_row_keeps_what_hangs_on_it() {
    let lab = Lab::postgres(
        "CREATE TABLE session (id bigint PRIMARY KEY);
         CREATE TABLE token (id bigint PRIMARY KEY, session bigint REFERENCES session, live boolean NOT NULL);
         CREATE INDEX token_session ON token (session);
         INSERT INTO session VALUES (1), (2);
         INSERT INTO token VALUES (1, 1, false), (2, 2, false);",
    )
    .await;
    let live = |live: bool| Condition::Compare {
        column: "live".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(live),
    };
    let none_live = Condition::NotExists {
        table: "token".into(),
        on: vec![Join::new("session", "id")],
        matching: Some(Box::new(live(true))),
    };
    let request = Request::delete(
        "token",
        Condition::All(vec![
            live(false),
            Condition::Exists {
                table: "session".into(),
                on: vec![Join::new("id", "session")],
                matching: Some(Box::new(none_live)),
            },
        ]),
    );
    let mut application = lab.session().await;
    application
        .begin("BEGIN; INSERT INTO token VALUES (3, 1, true)")
        .await
        .unwrap();

    let (batch, _) = lab.run(request).await.unwrap();
    application.commit().await.unwrap();

    assert_eq!(lab.ids("SELECT id FROM token").await, [1, 3]);
    assert_eq!((batch.affected, batch.locked), (1, 1));
}
