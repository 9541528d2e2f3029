//! Without a primary key.

use besom::request::{Action, Batch, Mode, Request, Source, Step, Suspension, Value};
use besom::sweep::{Sweep, Verification};
use besom_tests::lab::{Lab, drain};

use super::{below, one, rest, verified};

/// `rows` rows of which the first nine in ten are old; every row stands there twice.
async fn log(rows: u64) -> Lab {
    Lab::postgres(&format!(
        "CREATE TABLE log (age int, note text);
         INSERT INTO log SELECT n / 2 * 10 % 100, repeat('x', 40) FROM generate_series(0, {rows} - 1) AS n;"
    ))
    .await
}

fn old() -> Request {
    Request::delete("log", below("age", 90))
}

#[tokio::test]
async fn each_of_two_rows_that_are_alike_is_deleted_and_counted() {
    for size in [1, 7, 1_000, 100_000] {
        let mut lab = log(400).await;
        lab.options.batch_size = size;

        let (context, _) = lab.begin().await;
        let (total, end) = drain(&context, old()).await.unwrap();

        assert_eq!(
            (total.affected, total.examined, end),
            (360, 400, Step::Drained),
            "size {size}"
        );
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
        assert_eq!(lab.count("SELECT count(*) FROM log").await, 40);
    }
}

#[tokio::test]
async fn a_dry_run_counts_the_same_and_changes_nothing() {
    let mut lab = log(20_000).await;
    lab.options.mode = Mode::DryRun;

    let (dry, _) = lab.run(old()).await.unwrap();

    assert_eq!(lab.count("SELECT count(*) FROM log").await, 20_000);
    lab.options.mode = Mode::Apply;
    assert_eq!(lab.run(old()).await.unwrap().0, dry);
    assert_eq!((dry.affected, dry.examined), (18_000, 20_000));
}

#[tokio::test]
async fn a_window_has_about_the_size_that_was_asked_for_whether_or_not_rows_were_counted() {
    for analyze in ["", "ANALYZE log"] {
        let mut lab = log(20_000).await;
        lab.options.batch_size = 500;
        lab.script(analyze).await;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, old()).await.unwrap();

        let mut batches = 0;
        while let Step::Batch(batch) = sweep.next().await.unwrap() {
            assert!(batch.examined <= 750, "{batch:?}");
            batches += 1;
        }

        assert!((26..=60).contains(&batches), "{batches} batches");
    }
}

#[tokio::test]
async fn pages_that_others_have_emptied_are_passed_in_one_batch() {
    let mut lab = log(50_000).await;
    lab.script("DELETE FROM log WHERE ctid < (SELECT max(ctid) FROM log)")
        .await;
    lab.options.batch_size = 100;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("log", below("age", 100)))
        .await
        .unwrap();

    let (total, _) = rest(&sweep).await;

    assert_eq!((total.affected, total.examined), (1, 1));
    assert!(context.settle().await.batches <= 2);
}

#[tokio::test]
async fn rows_that_are_updated_under_the_sweep_live_as_long_as_they_are_young() {
    let mut lab = log(4_000).await;
    lab.options.batch_size = 200;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, old()).await.unwrap();
    one(&sweep).await;
    let mut application = lab.session().await;
    // Every row moves, to behind the last page: some made young, the others as old as before.
    application
        .begin("BEGIN; UPDATE log SET age = CASE WHEN age = 50 THEN 99 ELSE age END")
        .await
        .unwrap();
    let held = sweep.clone();
    let batch = tokio::spawn(async move { held.next().await });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    application.commit().await.unwrap();
    batch.await.unwrap().unwrap();

    let (_, end) = rest(&sweep).await;

    assert_eq!(end, Step::Drained);
    assert_eq!(
        lab.count("SELECT count(*) FROM log WHERE age < 90").await,
        0
    );
    // 800 rows were 90 or made young; those of the first window that were 50 had gone before.
    let young = lab.count("SELECT count(*) FROM log").await;
    assert!((760..800).contains(&young), "{young}");
    lab.end(&context).await;
    let ledger = "SELECT sum(affected)::bigint FROM besom_batch";
    assert_eq!(lab.count(ledger).await, 4_000 - young);
}

#[tokio::test]
async fn a_row_that_moves_while_the_batch_waits_for_it_is_not_deleted_in_anothers_place() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id int UNIQUE, age int);
         CREATE TABLE child (parent_id int, live bool);
         INSERT INTO parent SELECT n, 1 FROM generate_series(1, 100) AS n;
         INSERT INTO child SELECT n, false FROM generate_series(1, 100) AS n;",
    )
    .await;
    // Looked at under locks, because the condition asks for the state of other rows.
    let live = besom::request::Condition::NotExists {
        table: "child".into(),
        on: vec![besom::request::Join::new("parent_id", "id")],
        matching: Some(Box::new(besom::request::Condition::Compare {
            column: "live".into(),
            operator: besom::request::Comparison::Equal,
            to: Value::Boolean(true),
        })),
    };
    let request = Request::delete(
        "parent",
        besom::request::Condition::All(vec![below("age", 10), live]),
    );
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE parent SET age = 1 WHERE id = 50; UPDATE parent SET age = 99 WHERE id = 60")
        .await
        .unwrap();

    let (first, _) = lab.run(request.clone()).await.unwrap();
    application.commit().await.unwrap();
    let (second, _) = lab.run(request).await.unwrap();

    assert_eq!((first.affected, first.locked), (98, 2));
    assert_eq!((second.affected, second.locked), (1, 0));
    assert_eq!(lab.ids("SELECT id FROM parent").await, [60]);
}

#[tokio::test]
async fn a_table_that_is_written_anew_under_the_sweep_is_swept_from_its_first_page_again() {
    let mut lab = log(10_000).await;
    lab.options.batch_size = 300;
    lab.lease = std::time::Duration::ZERO;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("log", below("age", 80)))
        .await
        .unwrap();
    for _ in 0..10 {
        one(&sweep).await;
    }
    // What stood behind the cursor now stands at the very front, and in another order.
    lab.script(
        "INSERT INTO log SELECT 5, 'front' FROM generate_series(1, 500);
         CREATE INDEX log_note ON log (note); CLUSTER log USING log_note; DROP INDEX log_note",
    )
    .await;

    let (_, end) = rest(&sweep).await;

    assert_eq!(end, Step::Drained);
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
    assert_eq!(lab.count("SELECT count(*) FROM log").await, 2_000);
}

#[tokio::test]
async fn a_resumed_run_goes_on_at_its_page_and_after_vacuum_full_at_the_first() {
    for full in [false, true] {
        let mut lab = log(10_000).await;
        lab.options.batch_size = 1_000;
        lab.lease = std::time::Duration::ZERO;
        let (context, first) = lab.begin().await;
        let sweep = Sweep::open(&context, old()).await.unwrap();
        let mut before = one(&sweep).await;
        before += one(&sweep).await;
        context.settle().await;
        drop((sweep, context));
        if full {
            lab.script("VACUUM FULL log").await;
        }
        // Behind the cursor there is room again, and it is left to the next run.
        lab.script("VACUUM log").await;
        lab.script("INSERT INTO log SELECT 0, 'late' FROM generate_series(1, 300)")
            .await;

        let (context, second) = lab.begin().await;
        assert_eq!(first.fence.run, second.fence.run);
        let (after, end) = drain(&context, old()).await.unwrap();

        assert_eq!(end, Step::Drained);
        let left = lab.count("SELECT count(*) FROM log").await;
        match full {
            true => assert_eq!((before.affected + after.affected, left), (9_300, 1_000)),
            false => {
                assert!(after.examined < 8_500, "{after:?}");
                assert!((1_001..=1_300).contains(&left), "{left}");
            }
        }
    }
}

#[tokio::test]
async fn the_row_budget_is_kept_to_the_row_within_a_page() {
    let mut lab = log(2_500).await;
    lab.options.max_rows = 1_234;

    let (total, end) = lab.run(old()).await.unwrap();

    assert_eq!(
        (total.affected, end),
        (1_234, Step::Suspended(Suspension::RowBudget))
    );
    assert_eq!(lab.count("SELECT count(*) FROM log").await, 1_266);
    let (total, end) = lab.run(old()).await.unwrap();
    assert_eq!((total.affected, end), (1_016, Step::Drained));
}

#[tokio::test]
async fn one_row_in_the_way_is_found_among_its_neighbours_and_the_others_go() {
    let mut lab = log(200).await;
    lab.script(
        "ALTER TABLE log ADD n serial;
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF old.n = 77 THEN RAISE foreign_key_violation; END IF; RETURN old; END $$;
         CREATE TRIGGER keep BEFORE DELETE ON log FOR EACH ROW EXECUTE FUNCTION keep();",
    )
    .await;
    lab.options.batch_size = 100;

    let (total, end) = lab
        .run(Request::delete("log", below("n", 1_000)))
        .await
        .unwrap();

    assert_eq!(
        (total.affected, total.blocked, end),
        (199, 1, Step::Drained)
    );
    assert_eq!(lab.ids("SELECT n FROM log").await, [77]);
}

#[tokio::test]
async fn an_update_meets_each_row_once_though_it_moves_them_all() {
    let mut lab = log(5_000).await;
    lab.options.batch_size = 100;
    let request =
        Request::update("log", below("age", 90)).set("note", Source::Value(Value::Text("".into())));
    assert!(matches!(request.action, Action::Update(_)));

    let (total, end) = lab.run(request.clone()).await.unwrap();
    let (again, _) = lab.run(request).await.unwrap();

    assert_eq!((total.affected, end), (4_500, Step::Drained));
    assert!(total.examined <= 5_500, "{total:?}");
    assert_eq!(again.affected, 0);
}

#[tokio::test]
async fn a_later_job_of_a_dry_run_sees_the_table_as_the_earlier_would_leave_it() {
    let mut lab = log(1_000).await;
    lab.options.mode = Mode::DryRun;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("log", below("age", 50)))
        .await
        .unwrap();
    lab.end(&context).await;
    let history = context.settle().await.history;

    let (context, _) = lab.begin_after(history).await;
    let (total, _) = drain(&context, old()).await.unwrap();
    lab.end(&context).await;

    let expected = Batch {
        examined: 500,
        affected: 400,
        ..Batch::default()
    };
    assert_eq!(total, expected);
}

#[tokio::test]
async fn an_update_that_would_not_be_the_same_twice_is_refused() {
    let lab =
        Lab::postgres("CREATE TABLE pair (a int, b int); INSERT INTO pair VALUES (1, 2)").await;
    let swap = Request::update("pair", below("a", 10))
        .set("a", Source::Column("b".into()))
        .set("b", Source::Column("a".into()));

    let refused = lab.run(swap).await.unwrap_err();

    assert_eq!(refused.problem().code, "not-assignable", "{refused}");
}
