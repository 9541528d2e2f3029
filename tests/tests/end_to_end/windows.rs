//! Windows: they end, they miss nothing, they stop where they must.

use std::time::Duration;

use besom::catalog::Dialect;
use besom::request::{Batch, Comparison, Condition, Request, Step, Suspension, Timestamp, Value};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain};

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600_000_000;

fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
        offset: 0,
    }
}

/// `rows` rows; `at` is what `expression` of n says, in microseconds from `NOW`.
async fn timed(dialect: Dialect, rows: u64, expression: &str) -> Lab {
    match dialect {
        Dialect::Postgres => {
            Lab::postgres(&format!(
                "CREATE TABLE item (id bigint PRIMARY KEY, at timestamptz);
                 CREATE INDEX item_at ON item (at);
                 INSERT INTO item SELECT n, timestamptz '2026-01-01Z' + make_interval(secs => 0) + (({expression}) || ' microseconds')::interval
                 FROM generate_series(1, {rows}) AS n; ANALYZE item;"
            ))
            .await
        }
        Dialect::Sqlite => {
            Lab::sqlite(&format!(
                "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER) STRICT;
                 CREATE INDEX item_at ON item (at);
                 INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows})
                 SELECT n, {NOW} + ({expression}) FROM s;"
            ))
            .await
        }
    }
}

async fn both_timed(rows: u64, expression: &str) -> [Lab; 2] {
    [
        timed(Dialect::Postgres, rows, expression).await,
        timed(Dialect::Sqlite, rows, expression).await,
    ]
}

#[tokio::test]
async fn a_million_equal_timestamps_go_by_key_within_their_group() {
    for mut lab in both_timed(1_000_000, "0").await {
        lab.options.batch_size = 10_000;
        let request = Request::delete("item", older("at", NOW + 1)).order_by("at");
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, request).await.unwrap();
        let mut total = Batch::default();
        let mut largest = 0;
        while let Step::Batch(batch) = sweep.next().await.unwrap() {
            largest = largest.max(batch.affected);
            total += batch;
        }
        assert_eq!((total.affected, total.examined), (1_000_000, 1_000_000));
        assert!(largest <= 10_000, "a batch of {largest}");
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
    }
}

#[tokio::test]
async fn groups_larger_and_smaller_than_a_window_are_each_visited_once() {
    // Groups of 1, 30 and 500 rows with one timestamp each, in turn.
    let expression = "CASE WHEN n % 1000 < 500 THEN n / 1000 * 10 WHEN n % 1000 < 530 THEN n / 1000 * 10 + 1 \
                      ELSE n / 1000 * 10 + 2 + (n % 1000) END";
    for mut lab in both_timed(5_000, expression).await {
        for size in [1, 7, 100, 249, 250] {
            lab.options.batch_size = size;
            lab.options.mode = besom::request::Mode::DryRun;
            let (total, end) = lab
                .run(Request::delete("item", older("at", NOW + 20_000)).order_by("at"))
                .await
                .unwrap();
            assert_eq!(
                (total.affected, total.examined, end),
                (5_000, 5_000, Step::Drained),
                "size {size}"
            );
        }
        lab.options.mode = besom::request::Mode::Apply;
        lab.options.batch_size = 100;
        let (total, _) = lab
            .run(Request::delete("item", older("at", NOW + 20_000)).order_by("at"))
            .await
            .unwrap();
        assert_eq!(total.affected, 5_000);
    }
}

#[tokio::test]
async fn a_row_is_old_one_microsecond_before_the_cutoff_and_not_at_it() {
    for lab in both_timed(3, "n - 2").await {
        let (total, _) = lab
            .run(Request::delete("item", older("at", NOW)).order_by("at"))
            .await
            .unwrap();
        assert_eq!(total.affected, 1);
        assert_eq!(lab.ids("SELECT id FROM item").await, [2, 3]);
    }
}

#[tokio::test]
async fn a_sweep_along_a_time_column_does_not_walk_young_rows() {
    for lab in both_timed(10_000, "(n - 100) * 1000").await {
        let (total, _) = lab
            .run(Request::delete("item", older("at", NOW)).order_by("at"))
            .await
            .unwrap();
        assert_eq!((total.affected, total.examined), (99, 99));
    }
}

#[tokio::test]
async fn a_locked_row_is_passed_over_without_waiting_and_taken_by_the_next_run() {
    let lab = timed(Dialect::Postgres, 3_000, "0").await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE item SET at = at WHERE id IN (5, 2500)")
        .await
        .unwrap();

    let began = std::time::Instant::now();
    let (total, end) = lab
        .run(Request::delete("item", older("at", NOW + 1)))
        .await
        .unwrap();

    assert_eq!(
        (total.affected, total.locked, end),
        (2_998, 2, Step::Drained)
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    application.commit().await.unwrap();
    let (total, _) = lab
        .run(Request::delete("item", older("at", NOW + 1)))
        .await
        .unwrap();
    assert_eq!((total.affected, total.locked), (2, 0));
}

#[tokio::test]
async fn a_row_revived_while_the_batch_waits_for_it_survives() {
    let lab = timed(Dialect::Postgres, 100, "0").await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE item SET at = now() WHERE id = 50")
        .await
        .unwrap();
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("item", older("at", NOW + 1)))
        .await
        .unwrap();

    let batch = tokio::spawn(async move { sweep.next().await });
    // Within the fast pass's 20 ms, or after it: the row lives either way.
    tokio::time::sleep(Duration::from_millis(8)).await;
    application.commit().await.unwrap();

    let Step::Batch(batch) = batch.await.unwrap().unwrap() else {
        panic!("a batch")
    };
    assert_eq!(batch.affected, 99);
    assert_eq!(lab.ids("SELECT id FROM item").await, [50]);
}

#[tokio::test]
async fn the_row_budget_is_kept_to_the_row() {
    for mut lab in both_timed(2_500, "n").await {
        lab.options.max_rows = 1_234;
        for order in [None, Some("at")] {
            let mut request = Request::delete("item", older("at", NOW + 1_000_000));
            request.order_by = order.map(str::to_owned);
            let before = lab.count("SELECT count(*) FROM item").await as u64;
            let (total, end) = lab.run(request).await.unwrap();
            assert_eq!(total.affected, before.min(1_234), "{order:?}");
            match before > 1_234 {
                true => assert_eq!(end, Step::Suspended(Suspension::RowBudget)),
                false => assert_eq!(end, Step::Drained),
            }
        }
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 32);
        // As many as the budget allows, and none left: that is drained.
        lab.options.max_rows = 32;
        let (total, end) = lab
            .run(Request::delete("item", older("at", NOW + 1_000_000)))
            .await
            .unwrap();
        assert_eq!((total.affected, end), (32, Step::Drained));
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_suspends_before_the_next_batch() {
    for mut lab in both_timed(10, "0").await {
        lab.options.deadline = Duration::ZERO;
        let (total, end) = lab
            .run(Request::delete("item", older("at", NOW + 1)))
            .await
            .unwrap();
        assert_eq!(
            (total.affected, end),
            (0, Step::Suspended(Suspension::Deadline))
        );
    }
}

#[tokio::test]
async fn a_host_that_shuts_down_suspends_after_the_batch_in_hand() {
    for lab in both_timed(3_000, "0").await {
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", older("at", NOW + 1)))
            .await
            .unwrap();
        sweep.next().await.unwrap();
        lab.options.stop.cancel();
        assert_eq!(
            sweep.next().await.unwrap(),
            Step::Suspended(Suspension::ShuttingDown)
        );
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 2_000);
    }
}

#[tokio::test]
async fn an_order_that_would_never_visit_null_rows_is_refused() {
    for lab in both_timed(10, "0").await {
        let any = Condition::Compare {
            column: "id".into(),
            operator: Comparison::Greater,
            to: Value::Integer(0),
        };
        let refused = lab
            .run(Request::delete("item", any.clone()).order_by("at"))
            .await
            .unwrap_err();
        assert_eq!(refused.problem().code, "order-by-null", "{refused}");
        let set = Condition::All(vec![
            any,
            Condition::IsNotNull {
                column: "at".into(),
            },
        ]);
        assert_eq!(
            lab.run(Request::delete("item", set).order_by("at"))
                .await
                .unwrap()
                .0
                .affected,
            10
        );
    }
}

#[tokio::test]
async fn composite_text_and_quoted_keys_are_walked_in_the_databases_own_order() {
    let postgres = "CREATE TABLE \"My Item\" (\"Tenant\" text, \"n,\"\"x\" bigint, age int, PRIMARY KEY (\"Tenant\", \"n,\"\"x\"));
        INSERT INTO \"My Item\" SELECT chr(97 + n % 26) || CASE WHEN n % 2 = 0 THEN 'Ä' ELSE 'a' END, n, n % 10 FROM generate_series(1, 2000) AS n;";
    let sqlite = "CREATE TABLE \"My Item\" (\"Tenant\" TEXT, \"n,\"\"x\" INTEGER, age INTEGER, PRIMARY KEY (\"Tenant\", \"n,\"\"x\")) STRICT, WITHOUT ROWID;
        INSERT INTO \"My Item\" WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000)
        SELECT char(97 + n % 26) || CASE WHEN n % 2 = 0 THEN 'Ä' ELSE 'a' END, n, n % 10 FROM s;";
    for mut lab in both(postgres, sqlite).await {
        lab.options.batch_size = 33;
        let young = Condition::Compare {
            column: "age".into(),
            operator: Comparison::Less,
            to: Value::Integer(9),
        };
        let (total, end) = lab.run(Request::delete("My Item", young)).await.unwrap();
        assert_eq!(
            (total.affected, total.examined, end),
            (1_800, 2_000, Step::Drained)
        );
    }
}

#[tokio::test]
async fn random_uuids_among_ulids_are_found_before_anything_is_deleted() {
    let old = "018bcfe5-6800-0000-0000-0000000000";
    let postgres = format!(
        "CREATE TABLE item (id uuid PRIMARY KEY);
         INSERT INTO item SELECT ('{old}' || lpad(n::text, 2, '0'))::uuid FROM generate_series(0, 50) AS n;
         INSERT INTO item SELECT gen_random_uuid() FROM generate_series(1, 20);"
    );
    let sqlite = format!(
        "CREATE TABLE item (id BLOB PRIMARY KEY) STRICT;
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM s WHERE n < 60)
         SELECT unhex(replace('{old}', '-', '') || n) FROM s;
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20) SELECT randomblob(16) FROM s;"
    );
    for lab in both(&postgres, &sqlite).await {
        let old = Condition::IdOlderThan {
            column: "id".into(),
            cutoff: Timestamp(NOW),
        };
        let refused = lab.run(Request::delete("item", old)).await.unwrap_err();
        assert_eq!(refused.problem().code, "not-time-ordered", "{refused}");
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 71);
    }
}

#[tokio::test]
async fn text_never_meets_an_integer_column_on_sqlite() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER, any_at);
         INSERT INTO item VALUES (1, 5, 5), (2, 'soon', 'soon'), (3, NULL, NULL), (4, x'00', x'00');",
    )
    .await;
    let text = |column: &str, operator| Condition::Compare {
        column: column.into(),
        operator,
        to: Value::Text("zzz".into()),
    };
    let refused = lab
        .run(Request::delete("item", text("at", Comparison::NotEqual)))
        .await
        .unwrap_err();
    assert_eq!(refused.problem().code, "value");
    // The column's type says nothing: only rows that hold text may differ from a text.
    lab.run(Request::delete(
        "item",
        text("any_at", Comparison::NotEqual),
    ))
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [1, 3, 4]);
    // A number is never greater than what is no number, in either sense.
    let number = |operator| Condition::Compare {
        column: "at".into(),
        operator,
        to: Value::Integer(100),
    };
    let not = Condition::Not(Box::new(number(Comparison::Less)));
    let (total, _) = lab
        .run(Request::delete(
            "item",
            Condition::Any(vec![number(Comparison::Greater), not]),
        ))
        .await
        .unwrap();
    assert_eq!(total.affected, 0);
}

#[tokio::test]
async fn every_time_form_on_sqlite_is_exact_at_the_cutoff() {
    // Half a second past NOW, and the cut-offs on either side of it.
    let cases = [
        ("INTEGER", "1767225600500000", 1),
        ("INTEGER", "1767225600500", 1),
        ("INTEGER", "1767225600", -499_999),
        ("TEXT", "'2026-01-01T00:00:00.5Z'", 1),
        ("TEXT", "'2026-01-01T02:00:00.500000+02:00'", 1),
        ("TEXT", "'2026-01-01 00:00:00.500'", 1),
    ];
    for (declared, value, first_older) in cases {
        let lab = Lab::sqlite(&format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, at {declared}) STRICT; INSERT INTO item VALUES (1, {value});"
        ))
        .await;
        let at_half = NOW + 500_000;
        let (kept, _) = lab
            .run(Request::delete(
                "item",
                older("at", at_half + first_older - 1),
            ))
            .await
            .unwrap();
        assert_eq!(kept.affected, 0, "{value}");
        let (gone, _) = lab
            .run(Request::delete("item", older("at", at_half + first_older)))
            .await
            .unwrap();
        assert_eq!(gone.affected, 1, "{value}");
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_counts_what_the_run_then_does() {
    for mut lab in both_timed(3_000, "n % 100").await {
        let request = || Request::delete("item", older("at", NOW + 50)).order_by("at");
        lab.options.mode = besom::request::Mode::DryRun;
        let (context, _) = lab.begin().await;
        let (dry, _) = drain(&context, request()).await.unwrap();
        let again = drain(&context, request()).await.unwrap();
        lab.end(&context).await;
        assert_eq!(
            again,
            (Batch::default(), Step::Drained),
            "the same sweep again finds nothing"
        );
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 3_000);
        assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 0);

        lab.options.mode = besom::request::Mode::Apply;
        assert_eq!(lab.run(request()).await.unwrap().0, dry);
    }
}
