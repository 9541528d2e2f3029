//! Rows of a page that are deleted, by their positions.

use super::*;
use besom::catalog::Dialect;
use besom::request::{Comparison, Join, Mode, Suspension, Value};
use besom_tests::lab::both;

const ROWS: &str =
    "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, state TEXT NOT NULL, note TEXT, n BIGINT);
    INSERT INTO row VALUES (1, 'old', 'a', 0), (2, 'old', NULL, 0), (3, 'old', 'c', 0),
                           (4, 'old', 'd', 0), (5, 'old', 'e', 0), (6, 'new', 'f', 0);";

fn old() -> Condition {
    Condition::Compare {
        column: "state".into(),
        operator: Comparison::Equal,
        to: Value::Text("old".into()),
    }
}

#[tokio::test]
async fn a_row_goes_only_while_it_matches_and_is_what_was_shown() {
    for lab in both(ROWS, ROWS).await {
        let (context, reader) = open(&lab, read("row", ["id", "note"], old())).await;
        assert_eq!(integers(&page(&reader).await, 0), [1, 2, 3, 4, 5]);

        // No longer matching; another note; a note where there was none; a column that was not read.
        lab.script(
            "UPDATE row SET state = 'new' WHERE id = 1; UPDATE row SET note = '' WHERE id = 2;
             UPDATE row SET note = 'C' WHERE id = 3; UPDATE row SET n = 1 WHERE id = 4;",
        )
        .await;
        let batch = delete(&reader, &[0, 1, 2, 3]).await;
        lab.end(&context).await;

        assert_eq!((batch.examined, batch.affected), (4, 1));
        assert_eq!(lab.ids("SELECT id FROM row").await, [1, 2, 3, 5, 6]);
    }
}

#[tokio::test]
async fn positions_count_from_the_page_in_hand_and_others_are_refused() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.batch_size = 2;
        let (context, reader) = open(&lab, read("row", ["id"], old())).await;
        let act = |rows: Vec<u32>| reader.act(Change::Delete(rows));

        let early = act(vec![0]).await.unwrap_err();
        page(&reader).await;
        assert_eq!(integers(&page(&reader).await, 0), [3, 4]);
        let beyond = act(vec![1, 2]).await.unwrap_err();
        let batch = delete(&reader, &[1, 1, 1]).await;
        let none = delete(&reader, &[]).await;
        let gone = delete(&reader, &[1]).await;
        assert_eq!(integers(&page(&reader).await, 0), [5]);
        assert_eq!(reader.next().await.unwrap(), Reading::Drained);
        let after = act(vec![0]).await.unwrap_err();
        lab.end(&context).await;

        for (fault, words) in [
            (early, "call `next` first"),
            (beyond, "it has the rows 0 to 1"),
            (after, "call `next` first"),
        ] {
            assert_eq!(code(&fault), "position");
            assert!(fault.to_string().contains(words), "{fault}");
        }
        assert_eq!(
            (batch.affected, none, gone.affected),
            (1, Batch::default(), 0)
        );
        assert_eq!(lab.ids("SELECT id FROM row").await, [1, 2, 3, 5, 6]);
    }
}

#[tokio::test]
async fn what_hangs_on_a_row_goes_with_it_or_keeps_it() {
    const FAMILY: &str = "
        CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);
        CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parent (id));
        CREATE TABLE pin (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL REFERENCES parent (id));
        CREATE TABLE leaf (id BIGINT NOT NULL PRIMARY KEY,
                           parent BIGINT NOT NULL REFERENCES parent (id) ON DELETE CASCADE);
        CREATE INDEX child_parent ON child (parent); CREATE INDEX pin_parent ON pin (parent);
        CREATE INDEX leaf_parent ON leaf (parent);
        INSERT INTO parent VALUES (1), (2), (3), (4);
        INSERT INTO child VALUES (1, 1), (2, 1), (3, 4);
        INSERT INTO pin VALUES (1, 2);
        INSERT INTO leaf VALUES (1, 3), (2, 1), (3, 2), (4, 4);";
    for mut lab in both(FAMILY, FAMILY).await {
        let mut request = read("parent", ["id"], Condition::Everything);
        request.dependents = besom::request::Request::delete("parent", Condition::Everything)
            .delete_first("child", vec![Join::new("parent", "id")], None)
            .dependents;
        let mut counts = Vec::new();
        for mode in [Mode::DryRun, Mode::Apply] {
            lab.options.mode = mode;
            let (context, reader) = open(&lab, request.clone()).await;
            page(&reader).await;
            counts.push(delete(&reader, &[0, 1, 2]).await);
            let progress = context.settle().await;
            assert_eq!(progress.blocked_by.get("pin"), Some(&1), "{mode:?}");
            lab.end(&context).await;
        }

        assert_eq!(lab.ids("SELECT id FROM parent").await, [2, 4]);
        assert_eq!(lab.ids("SELECT id FROM child").await, [3]);
        assert_eq!(lab.ids("SELECT id FROM leaf").await, [3, 4]);
        let batch = counts[1];
        let all = (
            batch.affected,
            batch.dependents,
            batch.cascaded,
            batch.blocked,
        );
        assert_eq!(all, (2, 2, 2, 1), "{:?}", lab.dialect());
        assert_eq!(counts[0], batch, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_row_that_another_transaction_holds_is_left_to_it() {
    let lab = Lab::postgres(ROWS).await;
    let mut other = lab.session().await;
    other
        .begin("BEGIN; SELECT 1 FROM row WHERE id = 2 FOR UPDATE")
        .await
        .unwrap();
    let (context, reader) = open(&lab, read("row", ["id"], old())).await;
    page(&reader).await;

    let batch = delete(&reader, &[0, 1, 2]).await;
    other.rollback().await.unwrap();
    lab.end(&context).await;

    assert_eq!((batch.affected, batch.locked), (2, 1));
    assert_eq!(lab.ids("SELECT id FROM row").await, [2, 4, 5, 6]);
}

#[tokio::test]
async fn a_condition_on_other_rows_is_asked_again_under_lock() {
    const TIED: &str = "CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);
        CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, parent BIGINT NOT NULL, live BOOLEAN NOT NULL);
        CREATE INDEX child_parent ON child (parent);
        INSERT INTO parent VALUES (1), (2), (3);
        INSERT INTO child VALUES (1, 1, FALSE), (2, 2, FALSE), (3, 3, FALSE);";
    let childless = || Condition::NotExists {
        table: "child".into(),
        on: vec![Join::new("parent", "id")],
        matching: Some(Box::new(Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(true),
        })),
    };
    for lab in both(TIED, TIED).await {
        let (context, reader) = open(&lab, read("parent", ["id"], childless())).await;
        assert_eq!(integers(&page(&reader).await, 0), [1, 2, 3]);
        lab.script("UPDATE child SET live = TRUE WHERE id = 2")
            .await;

        let batch = delete(&reader, &[0, 1, 2]).await;
        lab.end(&context).await;

        assert_eq!(batch.affected, 2);
        assert_eq!(lab.ids("SELECT id FROM parent").await, [2]);
    }
}

#[tokio::test]
async fn the_ledger_has_what_went_and_the_row_budget_is_kept() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.max_rows = 3;
        let (context, reader) = open(&lab, read("row", ["id"], old())).await;
        page(&reader).await;

        let first = delete(&reader, &[0, 1]).await;
        let second = delete(&reader, &[2, 3, 4]).await;
        let end = reader.next().await.unwrap();
        let progress = context.settle().await;
        lab.end(&context).await;

        assert_eq!((first.affected, second.affected), (2, 1));
        assert_eq!(end, Reading::Drained, "nothing is left to show");
        assert_eq!(progress.suspended, Some(Suspension::RowBudget));
        assert_eq!(lab.ids("SELECT id FROM row").await, [4, 5, 6]);
        let recorded = lab
            .count("SELECT CAST(sum(affected) AS BIGINT) FROM besom_batch")
            .await;
        assert_eq!(recorded, 3);
    }
}

#[tokio::test]
async fn a_used_up_budget_suspends_a_read_that_has_more_rows() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.max_rows = 1;
        lab.options.batch_size = 2;
        let (context, reader) = open(&lab, read("row", ["id"], old())).await;
        page(&reader).await;
        delete(&reader, &[0, 1]).await;

        let end = reader.next().await.unwrap();
        lab.end(&context).await;

        assert_eq!(end, Reading::Suspended(Suspension::RowBudget));
        assert_eq!(lab.ids("SELECT id FROM row").await, [2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn a_refused_row_is_passed_over_and_the_others_go() {
    // The catalog knows no such refusal beforehand.
    let lab = Lab::postgres(&format!(
        "{ROWS}
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.id = 3 THEN RAISE foreign_key_violation USING MESSAGE = 'no'; END IF;
             RETURN OLD; END $$;
         CREATE TRIGGER keep BEFORE DELETE ON row FOR EACH ROW EXECUTE FUNCTION keep();"
    ))
    .await;
    let (context, reader) = open(&lab, read("row", ["id"], old())).await;
    page(&reader).await;

    let batch = delete(&reader, &[0, 1, 2, 3, 4]).await;
    lab.end(&context).await;

    assert_eq!((batch.affected, batch.blocked), (4, 1));
    assert_eq!(lab.ids("SELECT id FROM row").await, [3, 6]);
}

#[tokio::test]
async fn a_dry_run_counts_and_keeps_everything() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.mode = Mode::DryRun;
        let (context, reader) = open(&lab, read("row", ["id"], old())).await;
        page(&reader).await;

        let batch = delete(&reader, &[0, 2, 4]).await;
        let progress = context.settle().await;
        lab.end(&context).await;

        assert_eq!((batch.affected, progress.estimated), (3, true));
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 6);
    }
}

#[tokio::test]
async fn all_but_the_newest_ten_go_and_a_second_run_begins_at_the_first_row() {
    const DATA: &str = "CREATE TABLE data (id BIGINT NOT NULL PRIMARY KEY)";
    for mut lab in both(DATA, DATA).await {
        let numbers = match lab.dialect() {
            Dialect::Postgres => "SELECT generate_series(1, 57)",
            Dialect::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 57) SELECT i FROM n"
            }
        };
        lab.script(&format!("INSERT INTO data {numbers}")).await;
        lab.options.batch_size = 8;
        for (budget, expected) in [
            (20, (28..=60).collect::<Vec<_>>()),
            (1000, (51..=60).collect()),
        ] {
            lab.options.max_rows = budget;
            let request = newest_first(read("data", ["id"], Condition::Everything), "id");
            let (context, reader) = open(&lab, request).await;
            let mut first = true;
            while let Reading::Page(page) = reader.next().await.unwrap() {
                if std::mem::take(&mut first) && budget == 20 {
                    lab.script("INSERT INTO data VALUES (58), (59), (60)").await;
                }
                let old = (0..page.length).filter(|row| page.offset + u64::from(*row) >= 10);
                delete(&reader, &old.collect::<Vec<_>>()).await;
            }
            lab.end(&context).await;
            // The oldest of those beyond the newest ten are left, and the ten.
            let left = lab.ids("SELECT id FROM data").await;
            if budget == 20 {
                assert_eq!(left.len(), 40);
                assert!((48..=60).all(|id| left.contains(&id)), "{left:?}");
            } else {
                assert_eq!(left, expected);
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_was_taken_over_changes_nothing_more() {
    for lab in both(ROWS, ROWS).await {
        let (context, reader) = open(&lab, read("row", ["id"], old())).await;
        page(&reader).await;
        lab.script("UPDATE besom_run SET token = token + 1").await;

        let fault = reader.act(Change::Delete(vec![0])).await.unwrap_err();
        context.settle().await;

        assert_eq!(code(&fault), "lease-lost");
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 6);
    }
}

/// Writers change rows of each page while it is acted on: whatever the order, a row goes only as it
/// was shown.
#[tokio::test]
async fn rows_that_writers_change_under_a_reader_stay() {
    let lab = Lab::postgres(
        "CREATE TABLE row (id bigint PRIMARY KEY, state text NOT NULL, version bigint NOT NULL);
         CREATE TABLE changed (id bigint PRIMARY KEY);
         INSERT INTO row SELECT n, 'old', 0 FROM generate_series(1, 3000) AS n",
    )
    .await;
    let url = lab.home.url.clone();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (url, done) = (url.clone(), std::sync::Arc::clone(&done));
            tokio::spawn(async move {
                let database = besom::database::Database::connect(&url, Default::default()).await;
                let mut session = database.unwrap().session().await.unwrap();
                let mut n: i64 = writer;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    n = (n * 7919 + 13) % 3000;
                    let column = if n % 2 == 0 {
                        "state = 'new'"
                    } else {
                        "version = 1"
                    };
                    // The mark is written together with the change, and never goes with a row.
                    let sql = format!(
                        "WITH changed AS (UPDATE row SET {column} WHERE id = {n} + 1 RETURNING id)
                         INSERT INTO changed SELECT id FROM changed ON CONFLICT DO NOTHING"
                    );
                    session.run_script(&sql).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut lab = lab;
    lab.options.batch_size = 100;
    let (context, reader) = open(&lab, read("row", ["id", "version"], old())).await;
    let mut gone = 0;
    while let Reading::Page(page) = reader.next().await.unwrap() {
        gone += delete(&reader, &(0..page.length).collect::<Vec<_>>())
            .await
            .affected;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    lab.end(&context).await;

    let left = lab.count("SELECT count(*) FROM row").await;
    assert_eq!(i64::try_from(gone).unwrap() + left, 3000);
    // A row may have been shown with its new version; one that is not old any more never goes.
    let lost = "SELECT count(*) FROM changed WHERE id % 2 = 1
                AND NOT EXISTS (SELECT 1 FROM row WHERE row.id = changed.id)";
    assert_eq!(lab.count(lost).await, 0);
    assert!(lab.count("SELECT count(*) FROM changed").await > 0);
}

#[tokio::test]
async fn what_is_done_to_pages_leaves_a_file_to_other_writers_now_and_then() {
    let mut lab = Lab::sqlite(&format!(
        "{ROWS} CREATE TABLE some (n BIGINT); CREATE TABLE noted (n BIGINT);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100) INSERT INTO some SELECT n FROM s;
         INSERT INTO row SELECT 10 + n, 'old', NULL, 0 FROM some WHERE n <= 20;
         CREATE TRIGGER takes_long AFTER DELETE ON row
         BEGIN INSERT INTO noted SELECT count(*) FROM some AS a, some AS b, some AS c WHERE a.n + b.n + c.n = 0; END;"
    ))
    .await;
    lab.options.batch_size = 5;
    let (context, reader) = open(&lab, read("row", ["id"], old())).await;

    while let Reading::Page(page) = reader.next().await.unwrap() {
        let rows: Vec<u32> = (0..).take(integers(&page, 0).len()).collect();
        delete(&reader, &rows).await;
    }

    let throttled = context.settle().await.throttled;
    assert!(throttled.get("writers") > Some(&0), "{throttled:?}");
    lab.end(&context).await;
}
