//! Which rows a page shows, and in what order.

use super::*;
use besom::catalog::Dialect;
use besom::request::{Comparison, Value};
use besom_tests::lab::{Lab, both};

const ROWS: &str =
    "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, rank BIGINT NOT NULL, maybe BIGINT);
    INSERT INTO row VALUES (1, 5, NULL), (2, 5, 1), (3, 7, 1), (4, 5, NULL), (5, 1, 2), (6, 9, 3);";

fn ranked(at_most: i64) -> Condition {
    Condition::Compare {
        column: "rank".into(),
        operator: Comparison::LessOrEqual,
        to: Value::Integer(at_most),
    }
}

#[tokio::test]
async fn pages_go_by_key_and_tell_how_many_rows_came_before() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.batch_size = 2;
        let read = read("row", ["id"], ranked(7));

        assert_eq!(
            pages(&lab, read).await,
            [(0, vec![1, 2]), (2, vec![3, 4]), (4, vec![5])]
        );
    }
}

#[tokio::test]
async fn an_order_with_ties_shows_each_row_once_from_either_end() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.batch_size = 2;
        let mut upwards = read("row", ["id"], Condition::Everything);
        upwards.order_by = Some("rank".into());
        let downwards = newest_first(read("row", ["id"], Condition::Everything), "rank");

        let up: Vec<_> = pages(&lab, upwards)
            .await
            .into_iter()
            .flat_map(|p| p.1)
            .collect();
        let down: Vec<_> = pages(&lab, downwards)
            .await
            .into_iter()
            .flat_map(|p| p.1)
            .collect();

        assert_eq!(up, [5, 1, 2, 4, 3, 6]);
        assert_eq!(down, [6, 3, 4, 2, 1, 5]);
    }
}

#[tokio::test]
async fn the_key_itself_is_an_order_and_a_page_fits_the_rows_exactly() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.batch_size = 3;
        let read = newest_first(read("row", ["id"], Condition::Everything), "id");

        assert_eq!(
            pages(&lab, read).await,
            [(0, vec![6, 5, 4]), (3, vec![3, 2, 1])]
        );
    }
}

#[tokio::test]
async fn keys_of_several_columns_and_of_text_are_gone_through_once() {
    const COMPOSITE: &str =
        "CREATE TABLE pair (a TEXT NOT NULL, b BIGINT NOT NULL, n BIGINT NOT NULL,
                                                PRIMARY KEY (a, b))";
    let fill = "INSERT INTO pair VALUES ('x', 1, 1), ('x', 2, 2), ('it''s', 1, 3), ('', 7, 4), ('ä', 1, 5)";
    let postgres = format!("{COMPOSITE}; {fill}");
    let sqlite = format!("{COMPOSITE} WITHOUT ROWID; {fill}");
    for mut lab in both(&postgres, &sqlite).await {
        lab.options.batch_size = 2;
        let by_key = read("pair", ["n"], Condition::Everything);
        let by_first = newest_first(by_key.clone(), "a");

        for request in [by_key, by_first] {
            let mut all: Vec<_> = pages(&lab, request)
                .await
                .into_iter()
                .flat_map(|p| p.1)
                .collect();
            all.sort_unstable();
            assert_eq!(all, [1, 2, 3, 4, 5]);
        }
    }
}

#[tokio::test]
async fn an_order_that_would_hide_rows_is_refused() {
    for lab in both(ROWS, ROWS).await {
        let hiding = newest_first(read("row", ["id"], Condition::Everything), "maybe");
        let mut set = hiding.clone();
        set.matching = Condition::IsNotNull {
            column: "maybe".into(),
        };

        assert_eq!(code(&refused(&lab, hiding).await), "order-by-null");
        assert_eq!(pages(&lab, set).await, [(0, vec![6, 5, 3, 2])]);
    }
}

#[tokio::test]
async fn rows_that_come_behind_the_cursor_do_not_move_those_that_follow() {
    for mut lab in both(ROWS, ROWS).await {
        lab.options.batch_size = 3;
        let downwards = newest_first(read("row", ["id"], Condition::Everything), "id");
        let (context, reader) = open(&lab, downwards).await;

        assert_eq!(integers(&page(&reader).await, 0), [6, 5, 4]);
        lab.script("INSERT INTO row VALUES (7, 1, NULL), (8, 1, NULL)")
            .await;
        let second = page(&reader).await;

        assert_eq!((second.offset, integers(&second, 0)), (3, vec![3, 2, 1]));
        assert_eq!(reader.next().await.unwrap(), Reading::Drained);
        assert_eq!(reader.next().await.unwrap(), Reading::Drained);
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn a_partitioned_table_is_read_as_one_and_its_rows_go_wherever_they_lie() {
    let lab = Lab::postgres(
        "CREATE TABLE whole (id bigint, part bigint, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
         CREATE TABLE one PARTITION OF whole FOR VALUES IN (1);
         CREATE TABLE two PARTITION OF whole FOR VALUES IN (2);
         INSERT INTO whole SELECT n, 1 + n % 2 FROM generate_series(1, 10) AS n",
    )
    .await;
    let (context, reader) = open(
        &lab,
        newest_first(read("whole", ["id"], Condition::Everything), "id"),
    )
    .await;

    assert_eq!(
        integers(&page(&reader).await, 0),
        (1..=10).rev().collect::<Vec<_>>()
    );
    let batch = delete(&reader, &[2, 3, 4, 5, 6, 7, 8, 9]).await;
    lab.end(&context).await;

    assert_eq!((batch.examined, batch.affected), (8, 8));
    assert_eq!(lab.ids("SELECT id FROM whole").await, [9, 10]);
}

#[tokio::test]
async fn a_table_without_a_key_is_refused_and_can_be_counted() {
    let lab =
        Lab::postgres("CREATE TABLE heap (n bigint); INSERT INTO heap VALUES (1), (1), (2)").await;
    let request = read("heap", ["n"], Condition::Everything);

    assert_eq!(code(&refused(&lab, request.clone()).await), "no-key");

    let (context, _) = lab.begin().await;
    assert_eq!(besom::sweep::count(&context, request, 100).await, Ok(3));
    lab.end(&context).await;
}

#[tokio::test]
async fn rows_are_counted_no_further_than_asked() {
    for lab in both(ROWS, ROWS).await {
        let (context, _) = lab.begin().await;
        for (most, counted) in [(0, 0), (1, 1), (5, 5), (6, 5), (u64::MAX, 5)] {
            let request = read("row", [], ranked(7));
            assert_eq!(
                besom::sweep::count(&context, request, most).await,
                Ok(counted)
            );
        }
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_and_one_row_of_more_is_refused() {
    const TEXTS: &str = "CREATE TABLE note (id BIGINT NOT NULL PRIMARY KEY, body TEXT);";
    for lab in both(TEXTS, TEXTS).await {
        let text = |length: u32| match lab.dialect() {
            Dialect::Postgres => format!("repeat('x', {length})"),
            Dialect::Sqlite => format!("printf('%.{length}c', 'x')"),
        };
        let insert = |id: u32, length| format!("INSERT INTO note VALUES ({id}, {});", text(length));
        for (id, length) in [(1, 600_000), (2, 400_000), (3, 600_000), (4, 2_000_000)] {
            lab.script(&insert(id, length)).await;
        }
        let (context, reader) =
            open(&lab, read("note", ["id", "body"], Condition::Everything)).await;

        assert_eq!(integers(&page(&reader).await, 0), [1, 2]);
        assert_eq!(integers(&page(&reader).await, 0), [3]);
        let refused = reader.next().await.unwrap_err();
        lab.end(&context).await;

        assert!(matches!(refused, Fault::Exhausted(_)), "{refused:?}");
        assert_eq!(code(&refused), "page-bytes");
        assert!(
            refused.to_string().contains("read fewer columns"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_thousand_rows_are_a_page_whatever_the_batch_size() {
    let lab = Lab::postgres(
        "CREATE TABLE row (id bigint PRIMARY KEY); INSERT INTO row SELECT generate_series(1, 2500)",
    )
    .await;
    let mut lab = lab;
    lab.options.batch_size = 10_000;

    let lengths: Vec<_> = pages(&lab, read("row", ["id"], Condition::Everything))
        .await
        .into_iter()
        .map(|(_, ids)| ids.len())
        .collect();

    assert_eq!(lengths, [1000, 1000, 500]);
}

#[tokio::test]
async fn a_partition_that_comes_or_goes_between_pages_breaks_no_read() {
    let mut lab = Lab::postgres(
        "CREATE TABLE whole (id bigint, part bigint, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
         CREATE TABLE one PARTITION OF whole FOR VALUES IN (1);
         CREATE TABLE two PARTITION OF whole FOR VALUES IN (2);
         INSERT INTO whole SELECT n, 1 + n % 2 FROM generate_series(1, 10) AS n",
    )
    .await;
    lab.options.batch_size = 4;
    let (context, reader) = open(&lab, read("whole", ["id"], Condition::Everything)).await;
    page(&reader).await;
    lab.script(
        "CREATE TABLE three PARTITION OF whole FOR VALUES IN (3); INSERT INTO whole VALUES (11, 3);
         ALTER TABLE whole DETACH PARTITION two",
    )
    .await;
    let first = delete(&reader, &[0, 1, 2, 3]).await;
    let mut rest = 0;
    while let Reading::Page(page) = reader.next().await.unwrap() {
        rest += delete(&reader, &(0..page.length).collect::<Vec<_>>())
            .await
            .affected;
    }
    let progress = context.settle().await;
    lab.end(&context).await;
    assert_eq!((first.examined, first.affected), (4, 2));
    assert_eq!(rest, 3, "{progress:?}");
    assert_eq!(lab.count("SELECT count(*) FROM two").await, 5);
    assert_eq!(lab.count("SELECT count(*) FROM three").await, 1);
}

#[tokio::test]
async fn pages_of_rows_of_one_value_take_no_longer_than_others_on_sqlite() {
    let mut took = Vec::new();
    for rank in ["n", "0"] {
        let mut lab = Lab::sqlite(&format!(
            "CREATE TABLE row (id INTEGER PRIMARY KEY, rank BIGINT NOT NULL);
             WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 40000)
             INSERT INTO row SELECT n, {rank} FROM s;
             CREATE INDEX row_rank ON row (rank); ANALYZE;"
        ))
        .await;
        lab.options.batch_size = 100;
        let begun = std::time::Instant::now();
        for descending in [false, true] {
            let read = read("row", ["id"], ranked(50_000));
            let read = match descending {
                true => newest_first(read, "rank"),
                false => read.order_by("rank"),
            };
            let seen: Vec<_> = pages(&lab, read)
                .await
                .into_iter()
                .flat_map(|p| p.1)
                .collect();
            let mut all: Vec<_> = (1..=40_000).collect();
            if descending {
                all.reverse();
            }
            assert_eq!(seen, all);
        }
        took.push(begun.elapsed());
    }
    assert!(
        took[1] < took[0] * 5 + std::time::Duration::from_secs(1),
        "{took:?} of rows of many values, and of one"
    );
}
