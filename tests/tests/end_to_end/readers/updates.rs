//! Rows of a page that get values of their own.

use super::*;
use besom::catalog::Dialect;
use besom::request::{Timestamp, Value};
use besom_tests::lab::both;

const ROWS: &str =
    "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, name TEXT, n BIGINT NOT NULL, m BIGINT);
    INSERT INTO row VALUES (1, 'a', 1, 1), (2, 'b', 2, 2), (3, 'c', 3, 3), (4, 'd', 4, 4);";

fn set<const N: usize>(row: u32, values: [(&str, Value); N]) -> (u32, Vec<(String, Value)>) {
    (
        row,
        values.map(|(column, to)| (column.to_owned(), to)).to_vec(),
    )
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[tokio::test]
async fn each_row_gets_its_own_values_and_keeps_the_rest() {
    for lab in both(ROWS, ROWS).await {
        let (context, reader) =
            open(&lab, read("row", ["id", "name"], Condition::Everything)).await;
        page(&reader).await;
        lab.script("UPDATE row SET name = 'elsewhere' WHERE id = 3")
            .await;

        let change = Change::Update(vec![
            set(3, [("n", Value::Integer(40)), ("name", text("it's \"D\""))]),
            set(0, [("name", Value::Null)]),
            set(1, [("n", Value::Integer(2))]),
            set(2, [("n", Value::Integer(30))]),
        ]);
        let batch = reader.act(change).await.unwrap();
        lab.end(&context).await;

        assert_eq!(
            (batch.examined, batch.affected),
            (4, 2),
            "{:?}",
            lab.dialect()
        );
        for row in [
            "id = 1 AND name IS NULL AND n = 1 AND m = 1",
            "id = 2 AND name = 'b' AND n = 2",
            "id = 3 AND name = 'elsewhere' AND n = 3",
            "id = 4 AND name = 'it''s \"D\"' AND n = 40 AND m = 4",
        ] {
            let count = format!("SELECT count(*) FROM row WHERE {row}");
            assert_eq!(lab.count(&count).await, 1, "{row}");
        }
        let batches = lab.count("SELECT count(*) FROM besom_batch").await;
        assert_eq!(batches, 1, "one statement a page");
    }
}

#[tokio::test]
async fn values_of_every_kind_arrive_as_they_are() {
    let lab = Lab::postgres(
        "CREATE TYPE mood AS ENUM ('good', 'bad');
         CREATE TABLE row (a text, b bigint, flag boolean, f float8, d numeric, at timestamptz, u uuid,
                           j jsonb, bytes bytea, m mood, ip inet, PRIMARY KEY (a, b));
         INSERT INTO row (a, b) VALUES ('1:x', 12), ('1', 112)",
    )
    .await;
    let (context, reader) = open(&lab, read("row", ["b"], Condition::Everything)).await;
    assert_eq!(integers(&page(&reader).await, 0), [112, 12]);

    let all = |flag| {
        set(
            u32::from(flag),
            [
                ("flag", Value::Boolean(flag)),
                ("f", Value::Float(0.1)),
                ("d", Value::Decimal("-12.50".into())),
                ("at", Value::Timestamp(Timestamp(1_700_000_000_123_456))),
                (
                    "u",
                    Value::Uuid("01890a5d-ac96-774b-bcce-b302099a8057".into()),
                ),
                ("j", Value::Json("{\"a\": [1, null]}".into())),
                ("bytes", Value::Bytes(vec![0, 255])),
                ("m", Value::Other("bad".into())),
                ("ip", Value::Other("10.0.0.0/8".into())),
            ],
        )
    };
    let batch = reader
        .act(Change::Update(vec![all(true), all(false)]))
        .await
        .unwrap();
    lab.end(&context).await;

    assert_eq!(batch.affected, 2);
    let right = "SELECT count(*) FROM row WHERE flag = (b = 12) AND f = 0.1 AND d::text = '-12.50'
        AND at = '2023-11-14 22:13:20.123456Z' AND u = '01890a5d-ac96-774b-bcce-b302099a8057'
        AND j = '{\"a\": [1, null]}' AND bytes = '\\x00ff' AND m = 'bad' AND ip = '10.0.0.0/8'";
    assert_eq!(lab.count(right).await, 2);
}

#[tokio::test]
async fn sqlite_takes_blobs_reals_and_text_beside_each_other() {
    let lab = Lab::sqlite(
        "CREATE TABLE row (id INTEGER PRIMARY KEY, b BLOB, r REAL, t TEXT, any_of) ;
         INSERT INTO row (id) VALUES (1), (2), (3)",
    )
    .await;
    let (context, reader) = open(&lab, read("row", ["id", "b"], Condition::Everything)).await;
    page(&reader).await;
    let rows = vec![
        set(
            0,
            [
                ("b", Value::Bytes(vec![1, 0])),
                ("any_of", Value::Integer(7)),
            ],
        ),
        set(
            1,
            [("r", Value::Float(1e300)), ("any_of", Value::Float(0.5))],
        ),
        set(2, [("t", text("x'y")), ("any_of", text("7"))]),
    ];
    let batch = reader.act(Change::Update(rows)).await.unwrap();
    lab.end(&context).await;

    assert_eq!(batch.affected, 3);
    let right =
        "SELECT count(*) FROM row WHERE (id = 1 AND b = x'0100' AND typeof(any_of) = 'integer')
        OR (id = 2 AND r = 1e300 AND typeof(any_of) = 'real')
        OR (id = 3 AND t = 'x''y' AND typeof(any_of) = 'text')";
    assert_eq!(lab.count(right).await, 3);
}

#[tokio::test]
async fn an_update_that_cannot_be_carried_out_changes_nothing_and_says_why() {
    for lab in both(ROWS, ROWS).await {
        let mut request = read("row", ["id"], Condition::Everything);
        request.order_by = Some("n".into());
        let (context, reader) = open(&lab, request).await;
        page(&reader).await;
        let one = || ("m", Value::Integer(9));
        let cases = [
            (
                vec![set(0, [one()]), set(0, [one()])],
                "not-assignable",
                "row 0 is named twice",
            ),
            (
                vec![set(0, [one(), one()])],
                "not-assignable",
                "gets `m` twice",
            ),
            (
                vec![set(0, [one()]), set(7, [one()])],
                "position",
                "it has the rows 0 to 3",
            ),
            (
                vec![set(0, [one()]), set(1, [("nope", Value::Null)])],
                "unknown-column",
                "`nope`",
            ),
            (
                vec![set(0, [one()]), set(1, [("m", text("x"))])],
                "value",
                "`m`",
            ),
            (
                vec![set(0, [("id", Value::Integer(9))])],
                "not-assignable",
                "primary key",
            ),
            (
                vec![set(0, [("n", Value::Integer(9))])],
                "not-assignable",
                "order",
            ),
        ];
        for (rows, expected, words) in cases {
            let fault = reader.act(Change::Update(rows)).await.unwrap_err();
            assert_eq!(code(&fault), expected, "{fault}");
            assert!(fault.to_string().contains(words), "{fault}");
        }
        let nothing = reader.act(Change::Update(vec![set(0, [])])).await.unwrap();
        assert_eq!(nothing, Batch::default());
        lab.end(&context).await;
        assert_eq!(
            lab.count("SELECT count(*) FROM row WHERE m = id AND n = id")
                .await,
            4
        );
    }
}

#[tokio::test]
async fn null_is_refused_where_the_column_may_not_hold_it() {
    for lab in both(ROWS, ROWS).await {
        let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
        page(&reader).await;
        let rows = vec![
            set(0, [("n", Value::Integer(5))]),
            set(1, [("n", Value::Null)]),
        ];
        let fault = reader.act(Change::Update(rows)).await.unwrap_err();
        lab.end(&context).await;

        assert_eq!(code(&fault), "not-assignable");
        assert!(fault.to_string().contains("is NOT NULL"), "{fault}");
    }
}

#[tokio::test]
async fn a_full_page_of_updates_goes_as_one_batch() {
    const MANY: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)";
    for lab in both(MANY, MANY).await {
        let numbers = match lab.dialect() {
            Dialect::Postgres => "SELECT i, 0 FROM generate_series(1, 1000) AS i",
            Dialect::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, 0 FROM n"
            }
        };
        lab.script(&format!("INSERT INTO row {numbers}")).await;
        let (context, reader) = open(&lab, read("row", ["id"], Condition::Everything)).await;
        let shown = integers(&page(&reader).await, 0);
        let rows = shown
            .iter()
            .zip(0..)
            .map(|(id, row)| set(row, [("n", Value::Integer(id * 3))]));

        let batch = reader.act(Change::Update(rows.collect())).await.unwrap();
        lab.end(&context).await;

        assert_eq!(batch.affected, 1000);
        assert_eq!(
            lab.count("SELECT count(*) FROM row WHERE n = id * 3").await,
            1000
        );
        assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 1);
    }
}
