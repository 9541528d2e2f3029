//! How the values of each type come to a plugin.

use super::*;
use besom::request::{Timestamp, Values};

#[tokio::test]
async fn every_type_of_postgres_comes_in_a_list_of_its_kind() {
    let lab = Lab::postgres(
        "CREATE TYPE mood AS ENUM ('good', 'bad');
         CREATE TABLE t (id int PRIMARY KEY, flag boolean, small smallint, big bigint, f real, d numeric,
            word varchar(9), raw bytea, u uuid, at timestamptz, local timestamp, day date, span interval,
            j jsonb, ip inet, m mood, list int[]);
         INSERT INTO t VALUES
            (1, true, -3, 9007199254740993, 0.5, 1.10, 'ä', '\\x00ff', '01890a5d-ac96-774b-bcce-b302099a8057',
             '2023-11-14 22:13:20.123456Z', '2023-11-14 22:13:20.123456', '2023-11-14', '90 min',
             '{\"a\": 1}', '10.0.0.1', 'bad', '{1,2}'),
            (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'infinity', '-infinity', NULL, NULL, NULL,
             NULL, NULL, NULL)",
    )
    .await;
    let columns = [
        "flag", "small", "big", "f", "d", "word", "raw", "u", "at", "local", "day", "span", "j",
        "ip", "m", "list",
    ];
    let (context, reader) = open(&lab, read("t", columns, Condition::Everything)).await;
    let page = page(&reader).await;
    let batch = delete(&reader, &[0, 1]).await;
    lab.end(&context).await;

    let texts = |text: &str| Values::Texts(vec![Some(text.to_owned()), None]);
    let at = Some(Timestamp(1_700_000_000_123_456));
    let expected = [
        Values::Booleans(vec![Some(true), None]),
        Values::Integers(vec![Some(-3), None]),
        Values::Integers(vec![Some(9_007_199_254_740_993), None]),
        Values::Floats(vec![Some(0.5), None]),
        texts("1.10"),
        texts("ä"),
        Values::Blobs(vec![Some(vec![0, 255]), None]),
        texts("01890a5d-ac96-774b-bcce-b302099a8057"),
        Values::Timestamps(vec![at, None]),
        Values::Timestamps(vec![at, None]),
        texts("2023-11-14"),
        texts("PT1H30M"),
        texts("{\"a\": 1}"),
        texts("10.0.0.1"),
        texts("bad"),
        texts("{1,2}"),
    ];
    assert_eq!(page.columns, expected);
    assert_eq!(batch.affected, 2, "what was shown is recognised again");
}

#[tokio::test]
async fn sqlite_values_come_by_their_columns_and_instants_where_their_form_is_known() {
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN, n INTEGER, r REAL, word TEXT, raw BLOB,
                         any_of, at INTEGER, seen INTEGER);
         INSERT INTO t VALUES (1, 1, 7, 2, 'a' || char(0) || 'b', x'00', 'x', 1700000000123, 1700000000123),
                              (2, NULL, NULL, 0.25, NULL, NULL, NULL, 1700000000124, 1700000000124)",
    )
    .await;
    let before = Condition::OlderThan {
        column: "at".into(),
        cutoff: Timestamp(1_700_000_001_000_000),
        offset: 0,
    };
    let columns = ["flag", "n", "r", "word", "raw", "any_of", "at", "seen"];
    let (context, reader) = open(&lab, read("t", columns, before)).await;
    let page = page(&reader).await;
    lab.script("UPDATE t SET word = 'a' || char(0) || 'c' WHERE id = 1")
        .await;
    let batch = delete(&reader, &[0, 1]).await;
    lab.end(&context).await;

    let expected = [
        Values::Booleans(vec![Some(true), None]),
        Values::Integers(vec![Some(7), None]),
        Values::Floats(vec![Some(2.0), Some(0.25)]),
        Values::Texts(vec![Some("a\0b".into()), None]),
        Values::Blobs(vec![Some(vec![0]), None]),
        Values::Texts(vec![Some("x".into()), None]),
        Values::Timestamps(vec![
            Some(Timestamp(1_700_000_000_123_000)),
            Some(Timestamp(1_700_000_000_124_000)),
        ]),
        Values::Integers(vec![Some(1_700_000_000_123), Some(1_700_000_000_124)]),
    ];
    assert_eq!(page.columns, expected);
    assert_eq!(
        batch.affected, 1,
        "a text that differs behind a NUL is another text"
    );
}

#[tokio::test]
async fn values_of_mixed_kinds_are_refused_and_named() {
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, any_of);
         INSERT INTO t VALUES (1, 1, 1), (2, 'two', 'two')",
    )
    .await;
    for column in ["n", "any_of"] {
        let (context, reader) = open(&lab, read("t", [column], Condition::Everything)).await;
        let fault = reader.next().await.unwrap_err();
        lab.end(&context).await;

        assert_eq!(code(&fault), "mixed-representation");
        assert!(
            fault.to_string().contains(&format!("`{column}`")),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn the_first_and_last_years_that_the_database_knows_are_shown_as_none() {
    let lab = Lab::postgres(
        "CREATE TABLE t (id bigint PRIMARY KEY, a timestamptz, l timestamp);
         INSERT INTO t VALUES (1, '294276-12-31 23:59:59.999999Z', '294276-12-31 23:59:59.999999'),
                              (2, '4713-01-01 BC', '4713-01-01 BC')",
    )
    .await;
    let (context, reader) = open(&lab, read("t", ["a", "l"], Condition::Everything)).await;
    let page = page(&reader).await;
    lab.end(&context).await;
    for column in &page.columns {
        let Values::Timestamps(list) = column else {
            panic!("{column:?}")
        };
        assert_eq!(list, &[None, None]);
    }
}

#[tokio::test]
async fn truth_values_in_words_come_as_truth_values_and_their_rows_are_recognised_again() {
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN);
         INSERT INTO t VALUES (1, 't'), (2, 'FALSE'), (3, 1), (4, 0), (5, 'True'), (6, 'f'), (7, NULL)",
    )
    .await;
    let (context, reader) = open(&lab, read("t", ["flag"], Condition::Everything)).await;
    let page = page(&reader).await;
    // One of them says the other now.
    lab.script("UPDATE t SET flag = 'f' WHERE id = 1").await;
    let batch = delete(&reader, &[0, 1, 2, 3, 4, 5, 6]).await;
    lab.end(&context).await;

    let flags = [true, false, true, false, true, false].map(Some);
    let flags = [flags.to_vec(), vec![None]].concat();
    assert_eq!(page.columns, [Values::Booleans(flags)]);
    assert_eq!(batch.affected, 6);
    assert_eq!(lab.ids("SELECT id FROM t").await, [1]);
}

#[tokio::test]
async fn a_reader_by_a_truth_value_reads_words_and_leaves_what_is_none() {
    let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN);
         INSERT INTO t VALUES (1, 't'), (2, 'FALSE'), (3, 1), (4, 0), (5, 'perhaps'), (6, ''), (7, 2), (8, NULL)";
    for (value, expected) in [(true, vec![1, 3]), (false, vec![2, 4])] {
        let lab = Lab::sqlite(schema).await;
        let is = Condition::Compare {
            column: "flag".into(),
            operator: besom::request::Comparison::Equal,
            to: besom::request::Value::Boolean(value),
        };
        let shown = pages(&lab, read("t", ["id"], is)).await;
        assert_eq!(shown, [(0, expected)]);
    }
}

#[tokio::test]
async fn a_row_with_a_word_that_is_no_truth_value_is_left_off() {
    let lab = Lab::sqlite(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN);
         INSERT INTO t VALUES (1, 't'), (2, 'perhaps')",
    )
    .await;
    let (context, reader) = open(&lab, read("t", ["flag"], Condition::Everything)).await;
    let page = page(&reader).await;
    lab.end(&context).await;
    assert_eq!(page.columns, [Values::Booleans(vec![Some(true)])]);
}

#[tokio::test]
async fn a_reader_that_asks_for_a_value_does_not_show_what_may_be_none() {
    let schema = "CREATE TABLE t (id bigint PRIMARY KEY, ended bigint);
                  INSERT INTO t VALUES (1, 0), (2, -1), (3, NULL)";
    let set = Condition::IsNotNull {
        column: "ended".into(),
    };
    for lab in besom_tests::lab::both(schema, schema).await {
        assert!(pages(&lab, read("t", ["id"], set.clone())).await.is_empty());
        lab.script("INSERT INTO t VALUES (4, 1735689600), (5, 1735689601)")
            .await;
        let shown = pages(&lab, read("t", ["id", "ended"], set.clone())).await;
        assert_eq!(shown, [(0, vec![4, 5])]);
    }
}
