//! Tables that are unlike others: keys of every type, orders of every collation, names in use.

use super::*;
use besom::request::Value;

/// Types of keys on PostgreSQL, each with three values.
const KEYS: [(&str, [&str; 3]); 26] = [
    ("text", ["''", "'it''s \"a\" \\ :b'", "'Ä'"]),
    ("citext", ["'a'", "'B'", "'c'"]),
    ("word", ["'a'", "'B'", "'c'"]),
    ("varchar(3)", ["'a'", "'b '", "'b'"]),
    ("char(4)", ["'a'", "'b'", "''"]),
    ("bpchar", ["'a'", "'b'", "''"]),
    ("name", ["'a'", "'b'", "''"]),
    ("\"char\"", ["'a'", "'b'", "''"]),
    ("numeric", ["1.00", "-0.5", "'NaN'"]),
    ("numeric(10,2)", ["1.00", "-0.5", "7"]),
    ("float8", ["0.1", "'-Infinity'", "'NaN'"]),
    ("float4", ["0.1", "1e30", "0"]),
    ("boolean", ["TRUE", "FALSE", "NULL"]),
    ("bytea", ["'\\x00'", "'\\x5c78'", "''"]),
    ("mood", ["'it''s, so'", "'bad'", "'Good'"]),
    ("int4range", ["'[1,2)'", "'empty'", "'(,5]'"]),
    ("integer[]", ["'{1,2}'", "'{}'", "'{{1,2},{3,NULL}}'"]),
    ("text[]", ["'{a,\"b,c\"}'", "'{}'", "'{NULL,\"NULL\"}'"]),
    ("jsonb", ["'{\"a\": [1]}'", "'null'", "'\"x\"'"]),
    (
        "timestamptz",
        ["'2024-10-27 01:30Z'", "'infinity'", "'2024-10-27 00:30Z'"],
    ),
    ("date", ["'2024-02-29'", "'infinity'", "'0044-03-15 BC'"]),
    ("interval", ["'1 mon 3 days'", "'-1 hour'", "'0'"]),
    ("inet", ["'10.0.0.1'", "'10.0.0.0/8'", "'::1'"]),
    ("bit varying", ["'101'", "'1'", "'0'"]),
    ("both", ["'(1,\"a,b\")'", "'(2,)'", "'(,)'"]),
    ("oid", ["1", "2", "4294967295"]),
];

const TYPES: &str = "CREATE EXTENSION citext;
    CREATE TYPE mood AS ENUM ('it''s, so', 'bad', 'Good');
    CREATE DOMAIN word AS citext CHECK (VALUE <> 'x');
    CREATE TYPE \"both\" AS (n int, t text);";

#[tokio::test]
async fn a_key_of_any_type_tells_its_row() {
    let mut lab = Lab::postgres(TYPES).await;
    lab.options.batch_size = 2;
    for (index, (sql_type, values)) in KEYS.into_iter().enumerate() {
        let values: Vec<_> = values
            .into_iter()
            .filter(|value| *value != "NULL")
            .collect();
        for (form, key) in [("one", "k"), ("two", "k, n")] {
            let sql_type = match sql_type {
                "both" => "\"both\"",
                other => other,
            };
            let table = format!("{form}_{index}");
            lab.script(&format!(
                "CREATE TABLE {table} (k {sql_type}, n bigint, v bigint NOT NULL DEFAULT 0, PRIMARY KEY ({key}))"
            ))
            .await;
            for (n, value) in values.iter().enumerate() {
                lab.script(&format!("INSERT INTO {table} VALUES ({value}, {n})"))
                    .await;
            }
            let request = read(&table, ["n", "k"], Condition::Everything);
            let (context, reader) = open(&lab, request).await;
            let mut shown = 0;
            while let Reading::Page(page) = reader
                .next()
                .await
                .unwrap_or_else(|fault| panic!("{sql_type}, {form}: {fault}"))
            {
                let rows = integers(&page, 0).into_iter().zip(0..);
                let marked =
                    rows.map(|(n, row)| (row, vec![("v".to_owned(), Value::Integer(n + 10))]));
                let marked = reader
                    .act(Change::Update(marked.collect()))
                    .await
                    .unwrap_or_else(|fault| panic!("{sql_type}, {form}: {fault}"));
                assert_eq!(
                    marked.affected,
                    u64::from(page.length),
                    "{sql_type}, {form}"
                );
                let gone = delete(&reader, &[0]).await;
                assert_eq!(gone.affected, 1, "{sql_type}, {form}");
                shown += page.length;
            }
            lab.end(&context).await;
            assert_eq!(shown as usize, values.len(), "{sql_type}, {form}");
            let right = format!("SELECT count(*) FROM {table} WHERE v = n + 10");
            assert_eq!(lab.count(&right).await, 1, "{sql_type}, {form}");
        }
    }
}

#[tokio::test]
async fn an_order_that_knows_no_case_shows_each_row_once() {
    let mut postgres = Lab::postgres(
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE t (k text COLLATE any_case PRIMARY KEY, \"O\" text COLLATE any_case NOT NULL, n bigint NOT NULL);
         INSERT INTO t VALUES ('a', 'X', 1), ('B', 'x', 2), ('c', 'X', 3), ('D', 'w', 4), ('e', 'x', 5)",
    )
    .await;
    postgres.options.batch_size = 2;
    let mut sqlite = Lab::sqlite(
        "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, \"O\" TEXT COLLATE NOCASE NOT NULL, n INTEGER NOT NULL)
             WITHOUT ROWID;
         INSERT INTO t VALUES ('a', 'X', 1), ('B', 'x', 2), ('c', 'X', 3), ('D', 'w', 4), ('e', 'x', 5)",
    )
    .await;
    sqlite.options.batch_size = 2;
    for lab in [postgres, sqlite] {
        let request = newest_first(read("t", ["n", "O"], Condition::Everything), "O");
        assert_eq!(emptied(&lab, request).await, [5, 3, 2, 1, 4]);
    }
}

#[tokio::test]
async fn names_that_the_statements_use_themselves_are_as_good_as_others() {
    const NAMES: &str = "place BIGINT NOT NULL, seen BIGINT, k0 BIGINT, e0 BIGINT, c0 BIGINT, z BIGINT, upto BIGINT,
        page BIGINT, shown BIGINT, s0 BIGINT, v0 BIGINT, r1 BIGINT, \"ROWID\" BIGINT, \"q\"\"'\" BIGINT, kept BIGINT";
    let fill = "INSERT INTO picked SELECT i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n";
    let postgres = Lab::postgres(&format!(
        "CREATE TABLE picked ({NAMES}, PRIMARY KEY (place)); WITH n AS (SELECT generate_series(1, 4) AS i) {fill}"
    ))
    .await;
    let number = "WITH n(i) AS (VALUES (1), (2), (3), (4))";
    let rowid = Lab::sqlite(&format!(
        "CREATE TABLE picked ({NAMES}, PRIMARY KEY (place)); {number} {fill}"
    ))
    .await;
    let without = Lab::sqlite(&format!(
        "CREATE TABLE picked ({NAMES}, PRIMARY KEY (place)) WITHOUT ROWID; {number} {fill}"
    ))
    .await;
    for lab in [postgres, rowid, without] {
        let columns = [
            "place", "seen", "k0", "e0", "c0", "z", "upto", "page", "shown", "s0", "v0", "r1",
            "ROWID", "q\"'",
        ];
        let mut request = read("picked", columns, Condition::Everything);
        request.order_by = Some("place".into());
        let (context, reader) = open(&lab, request).await;
        assert_eq!(integers(&page(&reader).await, 0), [1, 2, 3, 4]);
        let set = |row, n| (row, vec![("kept".to_owned(), Value::Integer(n))]);
        let updated = reader
            .act(Change::Update(vec![set(1, 20), set(0, 10)]))
            .await
            .unwrap();
        assert_eq!(updated.affected, 2);
        assert_eq!(delete(&reader, &[0, 3]).await.affected, 2);
        lab.end(&context).await;
        assert_eq!(lab.ids("SELECT place FROM picked").await, [2, 3]);
        assert_eq!(
            lab.count("SELECT count(*) FROM picked WHERE kept = 20 AND place = 2")
                .await,
            1
        );
    }
}

#[tokio::test]
async fn a_table_with_very_many_columns_and_no_key_is_read_like_any_other() {
    let columns: Vec<_> = (0..1500).map(|i| format!("c{i} INTEGER")).collect();
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE t ({}); INSERT INTO t (c0, c1499) VALUES (1, 1), (2, 1)",
        columns.join(", ")
    ))
    .await;
    let (context, reader) = open(&lab, read("t", ["c0"], Condition::Everything)).await;
    assert_eq!(integers(&page(&reader).await, 0), [1, 2]);
    lab.script("UPDATE t SET c1499 = 2 WHERE c0 = 1").await;
    let batch = delete(&reader, &[0, 1]).await;
    lab.end(&context).await;

    assert_eq!(batch.affected, 1);
    assert_eq!(lab.ids("SELECT c0 FROM t").await, [1]);
}
