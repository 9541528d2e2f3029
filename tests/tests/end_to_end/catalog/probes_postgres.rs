//! What columns of a PostgreSQL table are found to hold.

use std::collections::BTreeMap;

use besom::catalog::{Catalog, IdForm, IdShape, ProbeError, TimeForm};
use sqlx::PgConnection;

use super::{NOW, postgres_with, table};

/// `ulid(at, n)`: the bytes of an id made at `at`, with `n` for its random part; `v7` the same with
/// version and variant; `crockford` writes one as text.
const SCHEMA: &str = "
CREATE FUNCTION ulid(at timestamptz, n int) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(lpad(to_hex((extract(epoch FROM at) * 1000)::int8), 12, '0')
                  || lpad(to_hex(n), 20, '0'), 'hex') $$;
CREATE FUNCTION v7(at timestamptz, n int) RETURNS uuid LANGUAGE sql AS $$
    SELECT encode(set_byte(set_byte(ulid(at, n), 6, 112), 8, 128), 'hex')::uuid $$;
CREATE FUNCTION crockford(id bytea) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',
                             1 + substr(bits, 1 + 5 * i, 5)::bit(5)::int, 1), '' ORDER BY i)
    FROM (SELECT '00' || string_agg(get_byte(id, j)::bit(8)::text, '' ORDER BY j) AS bits
          FROM generate_series(0, 15) j) b, generate_series(0, 25) i $$;
CREATE FUNCTION at(n int) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT timestamptz '2025-06-01 00:00 UTC' + n * interval '1 hour' $$;
CREATE TABLE t (
    u uuid UNIQUE, seven uuid UNIQUE, txt text UNIQUE, low text UNIQUE, hyphens text UNIQUE,
    bytes bytea UNIQUE, plain uuid, n int UNIQUE, empty text);
CREATE TABLE few (seven uuid UNIQUE);
CREATE TABLE blank (u uuid UNIQUE, txt text UNIQUE, bytes bytea UNIQUE);
INSERT INTO t
SELECT encode(ulid(at(n), n), 'hex')::uuid, v7(at(n), n), crockford(ulid(at(n), n)),
       lower(crockford(ulid(at(n), n))), v7(at(n), n)::text, ulid(at(n), n), v7(at(n), n), n
FROM generate_series(1, 2000) n;
INSERT INTO few SELECT seven FROM t LIMIT 5";

async fn probe(
    connection: &mut PgConnection,
    name: &str,
    column: &str,
) -> Result<IdForm, ProbeError> {
    let catalog = Catalog::load_postgres(connection).await.unwrap();
    let table = table(&catalog, name);
    Catalog::id_form_postgres(
        connection,
        table,
        table.column(column).unwrap(),
        &table.id,
        NOW,
    )
    .await
}

#[tokio::test]
async fn every_shape_of_id_is_told() {
    let (mut connection, _database) = postgres_with(SCHEMA).await;

    for (name, column, shape, version7) in [
        ("t", "u", IdShape::Uuid, false),
        ("t", "seven", IdShape::Uuid, true),
        ("t", "plain", IdShape::Uuid, true),
        ("t", "txt", IdShape::Crockford { upper: true }, false),
        ("t", "low", IdShape::Crockford { upper: false }, false),
        ("t", "hyphens", IdShape::UuidText, true),
        ("t", "bytes", IdShape::Bytes, false),
        ("t", "empty", IdShape::Crockford { upper: true }, false),
        ("few", "seven", IdShape::Uuid, true),
        ("blank", "u", IdShape::Uuid, true),
        ("blank", "txt", IdShape::Crockford { upper: true }, false),
        ("blank", "bytes", IdShape::Bytes, true),
    ] {
        let form = probe(&mut connection, name, column).await.unwrap();
        assert_eq!(
            form,
            IdForm {
                shape,
                version7,
                stray: None
            },
            "{name}.{column}"
        );
    }
}

#[tokio::test]
async fn one_random_uuid_among_ulids_is_caught() {
    let (mut connection, _database) = postgres_with(SCHEMA).await;
    sqlx::raw_sql("INSERT INTO t (u) VALUES ('919108f7-52d1-4320-9bac-f847db4148a8')")
        .execute(&mut connection)
        .await
        .unwrap();

    let error = probe(&mut connection, "t", "u").await.unwrap_err();

    assert_eq!(error.code(), "not-time-ordered");
    let message = error.to_string();
    for part in [
        "`public.t.u`",
        "919108f7-52d1-4320-9bac-f847db4148a8",
        "7041-11-06T22:31:51.761",
        "time column",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn an_id_of_a_clock_that_runs_ahead_is_tolerated_for_a_day() {
    let (mut connection, _database) = postgres_with(SCHEMA).await;
    let add = "INSERT INTO t (u) VALUES (encode(ulid('2026-01-02 00:00 UTC', 1), 'hex')::uuid)";
    sqlx::raw_sql(add).execute(&mut connection).await.unwrap();
    assert!(probe(&mut connection, "t", "u").await.is_ok());

    let add =
        "INSERT INTO t (u) VALUES (encode(ulid('2026-01-02 00:00:00.001 UTC', 1), 'hex')::uuid)";
    sqlx::raw_sql(add).execute(&mut connection).await.unwrap();

    let error = probe(&mut connection, "t", "u").await.unwrap_err();
    assert_eq!(error.code(), "not-time-ordered");
}

#[tokio::test]
async fn ids_of_two_shapes_and_values_that_are_no_ids_are_refused() {
    let (mut connection, _database) = postgres_with(SCHEMA).await;
    sqlx::raw_sql(
        "CREATE TABLE cases (t text COLLATE \"C\" UNIQUE, hyphens text UNIQUE, words text UNIQUE,
                             short bytea UNIQUE, big text UNIQUE, digits text UNIQUE);
         INSERT INTO cases (t, hyphens) SELECT txt, hyphens FROM t WHERE n < 100;
         INSERT INTO cases (t, hyphens) SELECT lower(txt), txt FROM t WHERE n = 100;
         INSERT INTO cases (words, short) VALUES ('apple', '\\x01'), ('pear', '\\x0102');
         INSERT INTO cases (big) SELECT upper(hyphens) FROM t WHERE n < 9;
         INSERT INTO cases (digits) VALUES ('01000000000000000000000000'), ('01abc00000000000000000000z')",
    )
    .execute(&mut connection)
    .await
    .unwrap();

    for (column, code) in [
        ("t", "mixed-representation"),
        ("hyphens", "mixed-representation"),
        ("words", "unknown-id-form"),
        ("short", "unknown-id-form"),
        ("big", "unknown-id-form"),
    ] {
        let error = probe(&mut connection, "cases", column).await.unwrap_err();
        assert_eq!(error.code(), code, "{column}: {error}");
    }
    let digits = probe(&mut connection, "cases", "digits").await.unwrap();
    assert_eq!(digits.shape, IdShape::Crockford { upper: false });
    assert_eq!(
        probe(&mut connection, "t", "n").await.unwrap_err().code(),
        "unknown-id-form"
    );
}

async fn form(
    connection: &mut PgConnection,
    catalog: &Catalog,
    column: &str,
) -> Result<Vec<TimeForm>, ProbeError> {
    let table = table(catalog, "t");
    let found =
        Catalog::time_form_postgres(connection, table, table.column(column).unwrap(), &table.id)
            .await?;
    Ok(found.times.forms().to_vec())
}

#[tokio::test]
async fn instants_are_native_or_as_the_operator_says_and_never_guessed() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE t (tz timestamptz, d date, ms int8, txt text, flag bool, sec int8);
         INSERT INTO t (sec) SELECT 1700000000 + n FROM generate_series(1, 500) AS n",
    )
    .await;
    let forms = BTreeMap::from([(("t".to_owned(), "ms".to_owned()), TimeForm::UnixMs.into())]);
    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();
    let told = catalog.clone().with_time_forms(&forms).unwrap();

    for (catalog, column, expected) in [
        (&catalog, "tz", TimeForm::Native),
        (&catalog, "d", TimeForm::Native),
        (&told, "ms", TimeForm::UnixMs),
    ] {
        let found = form(&mut connection, catalog, column).await.unwrap();
        assert_eq!(found, [expected], "{column}");
    }
    for (column, shown) in [
        (
            "ms",
            "[time-forms]\n\"public.t.ms\" = …   # one of \"unix-ns\", \"unix-us\"",
        ),
        // of what is there only the form that all of it has
        ("sec", "[time-forms]\n\"public.t.sec\" = \"unix-s\"\n"),
        ("txt", "\"rfc3339\", \"sql-text\""),
        ("flag", "no form fits this type"),
    ] {
        let error = form(&mut connection, &catalog, column).await.unwrap_err();
        assert_eq!(error.code(), "unknown-time-form");
        assert!(error.to_string().contains(shown), "{error}");
    }
}

#[tokio::test]
async fn the_word_on_a_partitioned_table_holds_in_its_partitions() {
    let (mut connection, _database) = postgres_with(
        "CREATE TABLE whole (id int8, at int8) PARTITION BY RANGE (id);
         CREATE TABLE t PARTITION OF whole FOR VALUES FROM (0) TO (10)",
    )
    .await;
    let place = ("whole".to_owned(), "at".to_owned());
    let catalog = Catalog::load_postgres(&mut connection).await.unwrap();
    let forms = BTreeMap::from([(place, TimeForm::UnixMs.into())]);
    let catalog = catalog.with_time_forms(&forms).unwrap();

    let found = form(&mut connection, &catalog, "at").await.unwrap();

    assert_eq!(found, [TimeForm::UnixMs]);
}
