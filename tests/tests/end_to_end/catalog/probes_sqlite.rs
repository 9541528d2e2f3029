//! What columns of a SQLite table are found to hold.

use std::collections::BTreeMap;

use besom::catalog::{Catalog, IdForm, IdShape, ProbeError, TimeForm, TimeProbe, Times};
use sqlx::SqliteConnection;

use super::{NOW, sqlite_with, table};

async fn time_form(
    connection: &mut SqliteConnection,
    column: &str,
) -> Result<TimeProbe, ProbeError> {
    let catalog = Catalog::load_sqlite(connection).await.unwrap();
    let table = table(&catalog, "t");
    Catalog::time_form_sqlite(connection, table, table.column(column).unwrap(), &table.id).await
}

async fn id_form(connection: &mut SqliteConnection, column: &str) -> Result<IdForm, ProbeError> {
    let catalog = Catalog::load_sqlite(connection).await.unwrap();
    let table = table(&catalog, "t");
    Catalog::id_form_sqlite(
        connection,
        table,
        table.column(column).unwrap(),
        &table.id,
        NOW,
    )
    .await
}

#[tokio::test]
async fn the_form_of_instants_is_told_from_a_sample() {
    let mut connection = sqlite_with(
        "CREATE TABLE t (us INTEGER, ms INTEGER, s INTEGER, rfc TEXT, txt DATETIME, sparse INTEGER,
                         ns INTEGER, r REAL, digits TEXT, go TEXT, day DATE, odd DATETIME);
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
         INSERT INTO t SELECT 1700000000000000 + n, 1700000000000 + n, 1700000000 + n,
             strftime('%Y-%m-%dT%H:%M:%SZ', 1700000000 + n, 'unixepoch'),
             datetime(1700000000 + n, 'unixepoch'), CASE n WHEN 250 THEN 1700000000000 END,
             (1700000000 + n) * 1000000000, 1700000000.5 + n, CAST(1700000000 + n AS TEXT),
             strftime('%Y-%m-%d %H:%M:%S.999999999 -0800 PST m=+0.125', 1700000000 + n, 'unixepoch'),
             date(1700000000 + n, 'unixepoch'),
             datetime(1700000000 + n, 'unixepoch') || CASE n WHEN 250 THEN ' PDT' ELSE '' END FROM n",
    )
    .await;

    for (column, form) in [
        ("us", TimeForm::UnixUs),
        ("ms", TimeForm::UnixMs),
        ("s", TimeForm::UnixS),
        ("rfc", TimeForm::Rfc3339),
        ("txt", TimeForm::SqlText),
        ("sparse", TimeForm::UnixMs),
        ("r", TimeForm::UnixS),
        ("digits", TimeForm::UnixS),
        ("go", TimeForm::Rfc3339),
        ("day", TimeForm::Date),
        // one stranger among many is left alone, row by row
        ("odd", TimeForm::SqlText),
    ] {
        let found = time_form(&mut connection, column).await.unwrap();
        assert_eq!(
            found,
            TimeProbe {
                times: Times::found(form),
                assumed: false
            },
            "{column}"
        );
    }
    // An id that is made from a time of its own is of that size, too: nobody said that these are times.
    let ns = time_form(&mut connection, "ns").await.unwrap_err();
    assert!(ns.to_string().contains("\"t.ns\" = \"unix-ns\""), "{ns}");
}

#[tokio::test]
async fn values_of_several_forms_are_refused_and_shown_with_what_would_read_them() {
    let mut connection = sqlite_with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c, d, e INTEGER, f BLOB, g INTEGER,
                         apple REAL, ticks INTEGER);
         INSERT INTO t (a, b, c, d, e, f, g, apple, ticks) VALUES
             (1700000000, '2026-01-31 12:00:00', 1700000000000, 'soon', 'x1', x'01', 12,
              786240000.5, 638000000000000000);
         INSERT INTO t (a, b, c) VALUES
             (1700000000000, '2026-01-31T12:00:00Z', 'soon')",
    )
    .await;

    for (column, code, shown) in [
        (
            "a",
            "mixed-representation",
            "1700000000 (unix-s) and 1700000000000 (unix-ms)",
        ),
        (
            "a",
            "mixed-representation",
            "\"t.a\" = [\"unix-s\", \"unix-ms\"]",
        ),
        (
            "b",
            "mixed-representation",
            "\"t.b\" = [\"sql-text\", \"rfc3339\"]",
        ),
        ("c", "mixed-representation", "'soon' (no known form)"),
        ("c", "mixed-representation", "No form that besom knows"),
        ("d", "unknown-time-form", "a value is 'soon'"),
        ("e", "unknown-time-form", "a value is 'x1'"),
        ("f", "unknown-time-form", "its type holds none"),
        ("g", "unknown-time-form", "a value is 12"),
        // seconds since 2001, and tenths of microseconds since the year 1
        ("apple", "unknown-time-form", "before 2000"),
        ("ticks", "unknown-time-form", "before 2000"),
        ("ticks", "unknown-time-form", "No form that besom knows"),
    ] {
        let error = time_form(&mut connection, column).await.unwrap_err();
        assert_eq!(error.code(), code, "{column}: {error}");
        assert!(error.to_string().contains(shown), "{column}: {error}");
    }
}

#[tokio::test]
async fn a_column_without_values_takes_the_form_in_which_strangers_seem_young() {
    let mut connection =
        sqlite_with("CREATE TABLE t (i INTEGER, x TEXT) STRICT; INSERT INTO t VALUES (NULL, NULL)")
            .await;

    let integer = time_form(&mut connection, "i").await.unwrap();
    let text = time_form(&mut connection, "x").await.unwrap();

    assert_eq!(
        integer,
        TimeProbe {
            times: Times::found(TimeForm::UnixS),
            assumed: true
        }
    );
    assert_eq!(
        text,
        TimeProbe {
            times: Times::found(TimeForm::SqlText),
            assumed: true
        }
    );
}

#[tokio::test]
async fn the_operators_word_goes_before_the_sample() {
    let mut connection =
        sqlite_with("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (0), (1700000000)").await;
    let forms = BTreeMap::from([(("t".to_owned(), "a".to_owned()), TimeForm::UnixS.into())]);
    let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();
    let catalog = catalog.with_time_forms(&forms).unwrap();
    let t = table(&catalog, "t");

    let found = Catalog::time_form_sqlite(&mut connection, t, t.column("a").unwrap(), &t.id)
        .await
        .unwrap();

    assert_eq!(
        found,
        TimeProbe {
            times: TimeForm::UnixS.into(),
            assumed: false
        }
    );
}

#[tokio::test]
async fn ids_are_told_by_shape_whatever_the_column_was_declared() {
    let mut connection = sqlite_with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB UNIQUE, untyped, txt TEXT UNIQUE,
                         hyphens TEXT, mixed TEXT UNIQUE, random BLOB UNIQUE, empty BLOB, n INTEGER);
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
         INSERT INTO t (bytes, untyped, txt, hyphens, mixed, random)
         SELECT unhex(printf('01973a%06x7000800000000000%04x', n, n)),
                unhex(printf('01973a%06x0000000000000000%04x', n, n)),
                printf('01JY%022d', n),
                printf('01973a%02x-%04x-7000-8000-%012x', 0, n, n),
                printf('01JY%022d', n),
                unhex(printf('01973a%06x7000800000000000%04x', n, n)) FROM n;
         UPDATE t SET random = unhex(printf('9191%08x4abc9def%012x', id, id)) WHERE id % 2 = 0;
         INSERT INTO t (mixed, random) VALUES (x'0102', unhex('919108f752d143209bacf847db4148a8'))",
    )
    .await;

    for (column, shape, version7) in [
        ("bytes", IdShape::Bytes, true),
        ("untyped", IdShape::Bytes, false),
        ("txt", IdShape::Crockford { upper: true }, false),
        ("hyphens", IdShape::UuidText, true),
        ("empty", IdShape::Bytes, true),
    ] {
        let form = id_form(&mut connection, column).await.unwrap();
        assert_eq!(
            form,
            IdForm {
                shape,
                version7,
                stray: None
            },
            "{column}"
        );
    }
    for (column, code) in [
        ("mixed", "mixed-representation"),
        ("random", "not-time-ordered"),
        ("n", "unknown-id-form"),
    ] {
        let error = id_form(&mut connection, column).await.unwrap_err();
        assert_eq!(error.code(), code, "{column}: {error}");
    }
}

#[tokio::test]
async fn two_classes_are_never_equal_where_sqlite_says_so() {
    let types = [
        "TEXT", "", "BLOB", "INTEGER", "REAL", "UUID", "STRING", "ANY",
    ];
    let values = ["7", "'7'", "x'37'"];
    for (one, other) in types.iter().flat_map(|one| types.map(|other| (one, other))) {
        for (value, with) in values
            .iter()
            .flat_map(|one| values.map(|other| (one, other)))
        {
            let mut connection = sqlite_with("").await;
            let schema = format!(
                "CREATE TABLE t (c {one}); INSERT INTO t VALUES ({value});
                 CREATE TABLE far (c {other}); INSERT INTO far VALUES ({with});"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(schema))
                .execute(&mut connection)
                .await
                .unwrap();
            let equal: i64 = sqlx::query_scalar("SELECT count(*) FROM t JOIN far ON t.c = far.c")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let catalog = Catalog::load_sqlite(&mut connection).await.unwrap();
            let (here, there) = (table(&catalog, "t"), table(&catalog, "far"));
            let (left, right) = (here.column("c").unwrap(), there.column("c").unwrap());

            let classes = Catalog::classes_sqlite(&mut connection, here, left).await;
            let others = Catalog::classes_sqlite(&mut connection, there, right).await;

            let unlike = classes.unwrap().unlike(left, others.unwrap(), right);
            let place = format!("{one} {value}, {other} {with}: {unlike:?}");
            assert_eq!(unlike.is_none(), equal == 1, "{place}");
        }
    }
}
