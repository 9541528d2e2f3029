//! How much of a page comes into the host, and how fast.

use super::*;
use besom::request::Value;

#[tokio::test]
async fn one_large_value_does_not_come_into_the_host() {
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY,
                         b BLOB GENERATED ALWAYS AS (zeroblob(600000000)) VIRTUAL);
         INSERT INTO t VALUES (1)",
    )
    .await;
    let (context, reader) = open(&lab, read("t", ["b"], Condition::Everything)).await;
    let fault = reader.next().await.unwrap_err();
    lab.end(&context).await;
    assert_eq!(code(&fault), "page-bytes", "{fault}");
}

#[tokio::test]
async fn keys_and_orders_count_towards_the_bytes_of_a_page() {
    let postgres = Lab::postgres(
        "CREATE TABLE t (id bigint PRIMARY KEY, o text NOT NULL);
         INSERT INTO t SELECT n, n || repeat('x', 200000) FROM generate_series(1, 40) AS n",
    )
    .await;
    let sqlite = Lab::sqlite(
        "CREATE TABLE t (id INTEGER NOT NULL, o TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
         INSERT INTO t SELECT i, i || printf('%.200000c', 'x') FROM n",
    )
    .await;
    for lab in [postgres, sqlite] {
        let mut request = read("t", ["id"], Condition::Everything);
        request.order_by = Some("o".into());
        let (context, reader) = open(&lab, request).await;
        let length = page(&reader).await.length;
        lab.end(&context).await;
        assert!(
            length < 6,
            "{length} keys of 200 kB are in the host's memory"
        );
    }
}

#[tokio::test]
async fn a_page_that_is_cut_by_its_bytes_goes_on_where_it_ended() {
    // By bytes `B` comes before `a`; the table's own order has it the other way round.
    let body = |id: u32, name: &str| {
        format!("INSERT INTO t VALUES ({id}, '{name}', printf('%.400000c', 'x'));")
    };
    let mut rows = String::new();
    for (id, name) in [(1, "a"), (2, "B"), (3, "c"), (4, "D"), (5, "e"), (6, "F")] {
        rows.push_str(&body(id, name));
    }
    let sqlite = Lab::sqlite(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL, body TEXT); {rows}"
    ))
    .await;
    let postgres = Lab::postgres(&format!(
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE t (id bigint PRIMARY KEY, name text COLLATE any_case NOT NULL, body text); {}",
        rows.replace("printf('%.400000c', 'x')", "repeat('x', 400000)")
    ))
    .await;
    for lab in [sqlite, postgres] {
        let mut request = read("t", ["id", "body"], Condition::Everything);
        request.order_by = Some("name".into());
        assert_eq!(emptied(&lab, request).await, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn values_behind_the_end_of_a_page_are_not_read() {
    // Read or sorted, a page would take gigabytes and minutes.
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, o INTEGER NOT NULL,
                         b BLOB GENERATED ALWAYS AS (zeroblob(1000000 + id - id)) VIRTUAL);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO t SELECT i, i % 7 FROM n",
    )
    .await;
    let mut request = read("t", ["id", "b"], Condition::Everything);
    request.order_by = Some("o".into());
    let (context, reader) = open(&lab, request).await;
    assert_eq!(integers(&page(&reader).await, 0), [7]);
    assert_eq!(integers(&page(&reader).await, 0), [14]);
    lab.end(&context).await;
}

#[tokio::test]
async fn many_columns_of_many_rows_are_changed_in_a_moment() {
    let columns: Vec<_> = (0..60)
        .map(|i| format!("c{i} BIGINT NOT NULL DEFAULT 0"))
        .collect();
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, {});
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t (id) SELECT i FROM n",
        columns.join(", ")
    ))
    .await;
    let (context, reader) = open(&lab, read("t", ["id"], Condition::Everything)).await;
    page(&reader).await;
    let rows = (0..1000).map(|row| {
        let values = (0..60).map(|i| (format!("c{i}"), Value::Integer(i64::from(row) + i)));
        (row, values.collect())
    });
    let begun = std::time::Instant::now();
    let batch = reader.act(Change::Update(rows.collect())).await.unwrap();
    let took = begun.elapsed();
    lab.end(&context).await;
    assert_eq!(batch.affected, 1000);
    assert!(took.as_millis() < 6000, "{took:?}");
}
