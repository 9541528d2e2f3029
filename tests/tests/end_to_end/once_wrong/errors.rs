//! Requests that failed without need or without a way out.

use super::*;
use besom::request::{Comparison, Condition, Join, Mode, Request, Value};
use besom_tests::lab::{Lab, both};

#[tokio::test]
async fn a_join_of_columns_that_never_meet_is_refused() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id BLOB PRIMARY KEY) STRICT;
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id TEXT) STRICT;
         INSERT INTO item VALUES (x'0123');
         INSERT INTO note VALUES (1, '0123');",
    )
    .await;
    let childless = Condition::NotExists {
        table: "note".into(),
        on: vec![Join {
            foreign: "item_id".into(),
            local: "id".into(),
        }],
        matching: None,
    };
    let done = lab.run(Request::delete("item", childless)).await;
    assert_eq!(lab.count("SELECT count(*) FROM item").await, 1, "{done:?}");
}

#[tokio::test]
async fn a_long_list_is_no_error() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, a INTEGER);
        INSERT INTO item VALUES (1, 1);";
    for lab in both(schema, schema).await {
        let of = (0..2_000)
            .map(|n| compare("a", Comparison::Equal, Value::Integer(n)))
            .collect();
        let done = lab.run(Request::delete("item", Condition::Any(of))).await;
        assert_eq!(
            done.map(|(total, _)| total.affected),
            Ok(1),
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_locking_batch_takes_keys_of_every_type() {
    for (declared, values) in [
        ("interval", "make_interval(days => n, secs => n * 0.1)"),
        ("\"char\"", "(n + 64)::\"char\""),
        ("char(5)", "n::text"),
        ("bytea", "decode(lpad(n::text, 4, '0'), 'hex')"),
        ("inet", "('10.0.0.' || n)::inet"),
        ("numeric", "n / 3.0"),
        ("float4", "n / 3.0::float4"),
        ("float8", "n / 3.0::float8"),
        ("date", "date '2025-01-01' + n"),
        (
            "timestamp",
            "timestamp '2025-01-01 00:00:00.123456' + n * interval '1 day'",
        ),
        (
            "timestamptz",
            "timestamptz '2025-01-01 00:00:00.123456Z' + n * interval '1 day'",
        ),
        ("money", "n::text::money"),
        ("int4range", "int4range(n, n + 1)"),
        ("bigint[]", "ARRAY[n, n]"),
        ("jsonb", "to_jsonb('{}, \"' || n)"),
        ("bit varying", "n::bit(8)::bit varying"),
        ("bit(8)", "n::bit(8)"),
        ("short", "'k' || n"),
        (
            "\"Odd\".\"M,ood\"",
            "('{a,\"b,\",c}'::text[])[1 + n % 3]::\"Odd\".\"M,ood\"",
        ),
        ("text", "E'\\\\ \"{},' || n"),
    ] {
        let rows = if declared.contains("M,ood") { 3 } else { 40 };
        let mut lab = Lab::postgres(&format!(
            "CREATE DOMAIN short AS varchar(10);
             CREATE SCHEMA \"Odd\"; CREATE TYPE \"Odd\".\"M,ood\" AS ENUM ('a', 'b,', 'c');
             CREATE TABLE item (id {declared} PRIMARY KEY, n int);
             CREATE TABLE note (id bigint PRIMARY KEY, n int, live boolean);
             INSERT INTO item SELECT {values}, n FROM generate_series(1, {rows}) AS n;
             INSERT INTO note VALUES (1, 2, true);"
        ))
        .await;
        lab.options.batch_size = 7;
        let idle = Condition::NotExists {
            table: "note".into(),
            on: vec![Join {
                foreign: "n".into(),
                local: "n".into(),
            }],
            matching: Some(Box::new(compare(
                "live",
                Comparison::Equal,
                Value::Boolean(true),
            ))),
        };
        let done = lab.run(Request::delete("item", idle)).await;
        let (total, _) = done.unwrap_or_else(|fault| panic!("{declared}: {fault}"));
        assert_eq!(
            (total.affected, total.revived, total.locked),
            (rows - 1, 0, 0),
            "{declared}"
        );
    }
}

#[tokio::test]
async fn a_list_as_long_as_a_plugin_may_send_is_no_error() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY, a INTEGER);
        CREATE TABLE note (id INTEGER PRIMARY KEY,
            a INTEGER REFERENCES item ON DELETE CASCADE, b INTEGER REFERENCES item ON DELETE SET NULL,
            c INTEGER REFERENCES item ON DELETE CASCADE, d INTEGER REFERENCES item,
            e INTEGER REFERENCES item ON DELETE CASCADE);
        INSERT INTO item VALUES (1, 1);";
    for mut lab in both(schema, schema).await {
        for mode in [Mode::DryRun, Mode::Apply] {
            lab.options.mode = mode;
            let values = (0..9_990).map(Value::Integer).collect();
            let one_of = Condition::OneOf {
                column: "a".into(),
                values,
            };
            let done = lab.run(Request::delete("item", one_of)).await;
            assert_eq!(
                done.map(|(total, _)| total.affected),
                Ok(1),
                "{:?} {mode:?}",
                lab.dialect()
            );
        }
    }
}

#[tokio::test]
async fn a_child_in_a_schema_that_the_role_may_not_use_is_named_with_the_way_out() {
    let lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY);
         INSERT INTO item VALUES (1), (2);
         CREATE SCHEMA hidden;
         CREATE TABLE hidden.note (id bigint PRIMARY KEY, item_id bigint REFERENCES public.item);
         INSERT INTO hidden.note VALUES (1, 1);
         DO $$ BEGIN CREATE ROLE besom_blind; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$;
         GRANT ALL ON ALL TABLES IN SCHEMA public TO besom_blind;
         GRANT USAGE ON SCHEMA public TO besom_blind;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET role = besom_blind', current_database()); END $$;",
    )
    .await;
    let database = besom::database::Database::connect(
        &lab.home.url,
        besom::database::DatabaseOptions::default(),
    )
    .await
    .unwrap();
    let blind = Lab {
        home: besom_tests::sqlite(), // held by the first
        database,
        options: lab.options.clone(),
        grants: None,
        access: None,
        lease: lab.lease,
        times: Default::default(),
        zone: None,
    };
    let refused = blind
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("USAGE"), "{refused}");
}
