//! Situations that once deleted, counted or recorded something wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

use besom::request::{Comparison, Condition, Join, Mode, Request, Step, Timestamp, Value};
use besom::scope::Grants;
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain, everything};

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600_000_000;

fn older(column: &str, at: i64) -> Condition {
    Condition::OlderThan {
        column: column.into(),
        cutoff: Timestamp(at),
        offset: 0,
    }
}

fn compare(column: &str, operator: Comparison, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator,
        to,
    }
}

async fn granted(lab: &Lab, change: impl FnOnce(&mut Grants)) -> Grants {
    let catalog = lab.catalog().await;
    let mut grants = everything(&catalog);
    change(&mut grants);
    grants
}

fn is(value: i64) -> BTreeMap<String, Value> {
    BTreeMap::from([("tenant".to_owned(), Value::Integer(value))])
}

#[tokio::test]
async fn a_text_in_a_boolean_column_is_neither_true_nor_false() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, live BOOLEAN);
         INSERT INTO item VALUES (1, 1), (2, 0), (3, 'true'), (4, NULL), (5, 7);",
    )
    .await;
    let not_live = Condition::Not(Box::new(compare(
        "live",
        Comparison::Equal,
        Value::Boolean(true),
    )));
    lab.run(Request::delete("item", not_live)).await.unwrap();
    assert!(lab.ids("SELECT id FROM item").await.contains(&3));
}

#[tokio::test]
async fn a_column_called_rowid_is_not_the_rowid() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT PRIMARY KEY, rowid INTEGER, age INTEGER);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
         SELECT 'k' || n, CASE WHEN n % 2 THEN n % 10 END, 5 FROM s;",
    )
    .await;
    lab.options.batch_size = 10;
    let (total, end) = lab
        .run(Request::delete(
            "item",
            compare("age", Comparison::Greater, Value::Integer(1)),
        ))
        .await
        .unwrap();
    assert_eq!((total.affected, end), (100, Step::Drained));
}

#[tokio::test]
async fn a_column_called_rowid_does_not_hide_a_protected_child() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT PRIMARY KEY, rowid INTEGER, tenant INTEGER,
            up TEXT REFERENCES item ON DELETE SET NULL);
         INSERT INTO item VALUES ('a', 1, 1, NULL), ('b', 1, 2, 'a');",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.get_mut("item").unwrap().filter = is(1);
        })
        .await,
    );
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!(
        lab.count("SELECT count(*) FROM item WHERE up = 'a'").await,
        1,
        "{total:?}"
    );
}

#[tokio::test]
async fn a_childs_own_collation_does_not_hide_it() {
    let mut lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT COLLATE NOCASE PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id TEXT REFERENCES item ON DELETE CASCADE, tenant INTEGER);
         INSERT INTO item VALUES ('A');
         INSERT INTO note VALUES (1, 'a', 2);",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.get_mut("note").unwrap().filter = is(1);
        })
        .await,
    );
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM note").await, [1], "{total:?}");
}

#[tokio::test]
async fn a_restricting_child_of_another_collation_blocks() {
    let lab = Lab::sqlite(
        "CREATE TABLE item (id TEXT COLLATE NOCASE PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id TEXT REFERENCES item ON DELETE RESTRICT);
         INSERT INTO item VALUES ('A'), ('B');
         INSERT INTO note VALUES (1, 'a');",
    )
    .await;
    let (total, _) = lab
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    assert_eq!((total.affected, total.blocked), (1, 1));
}

#[tokio::test]
async fn what_on_update_carries_on_needs_a_grant() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY, item_id INTEGER UNIQUE REFERENCES item ON DELETE SET NULL);
         CREATE TABLE deep (id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES note (item_id) ON UPDATE CASCADE);
         INSERT INTO item VALUES (1);
         INSERT INTO note VALUES (1, 1);
         INSERT INTO deep VALUES (1, 1);";
    for mut lab in both(schema, schema).await {
        lab.grants = Some(
            granted(&lab, |grants| {
                grants.tables.remove("deep");
            })
            .await,
        );
        let done = lab
            .run(Request::delete("item", Condition::Everything))
            .await;
        assert_eq!(
            lab.count("SELECT count(*) FROM deep WHERE item_id = 1")
                .await,
            1,
            "{:?} {done:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_child_that_arrives_while_the_batch_waits_is_in_the_ledger() {
    let mut worst = (0, 0, 0);
    for pause in [2, 4, 6, 8, 10, 12] {
        let lab = Lab::postgres(
            "CREATE TABLE item (id bigint PRIMARY KEY);
             CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE);
             CREATE INDEX ON note (item_id);
             INSERT INTO item SELECT n FROM generate_series(1, 10) AS n;
             INSERT INTO note SELECT n, n FROM generate_series(1, 10) AS n;",
        )
        .await;
        let mut application = lab.session().await;
        application
            .begin("BEGIN; INSERT INTO note VALUES (100, 5)")
            .await
            .unwrap();
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", Condition::Everything))
            .await
            .unwrap();
        let batch = tokio::spawn(async move { sweep.next().await });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        application.commit().await.unwrap();
        let Step::Batch(batch) = batch.await.unwrap().unwrap() else {
            panic!("a batch")
        };
        let gone = 11 - lab.count("SELECT count(*) FROM note").await;
        if gone as u64 != batch.cascaded {
            worst = (pause, gone, batch.cascaded);
        }
    }
    assert_eq!(worst, (0, 0, 0), "pause, gone, counted");
}

#[tokio::test]
async fn a_child_that_hangs_on_two_keys_is_counted_once() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);
         CREATE TABLE note (id INTEGER PRIMARY KEY,
            a INTEGER REFERENCES item ON DELETE CASCADE, b INTEGER REFERENCES item ON DELETE CASCADE);
         INSERT INTO item VALUES (1), (2);
         INSERT INTO note VALUES (1, 1, 1), (2, 1, 2);";
    for lab in both(schema, schema).await {
        let (total, _) = lab
            .run(Request::delete("item", Condition::Everything))
            .await
            .unwrap();
        let gone = 2 - lab.count("SELECT count(*) FROM note").await;
        assert_eq!(total.cascaded, gone as u64, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn a_checkpoint_of_another_order_is_not_resumed() {
    let postgres = format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, at bigint NOT NULL);
         CREATE INDEX item_at ON item (at);
         INSERT INTO item SELECT n, {NOW} + n FROM generate_series(1, 100) AS n;"
    );
    let sqlite = format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, b INTEGER);
         CREATE INDEX item_at ON item (at, b);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100)
         SELECT n, {NOW} + n, 0 FROM s;"
    );
    for mut lab in both(&postgres, &sqlite).await {
        lab.options.batch_size = 10;
        lab.lease = Duration::ZERO;
        let request = || {
            Request::delete(
                "item",
                compare("at", Comparison::Greater, Value::Integer(0)),
            )
            .order_by("at")
        };
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, request()).await.unwrap();
        sweep.next().await.unwrap();
        drop((sweep, context));
        lab.script("DROP INDEX item_at").await;
        let (context, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let (total, end) = drain(&context, request()).await.unwrap();
        assert_eq!(
            (total.affected, end),
            (90, Step::Drained),
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn a_value_of_another_form_in_mid_table_is_not_old() {
    // Milliseconds; one row in the middle was written in seconds a moment ago, one holds zero.
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER) STRICT;
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
         SELECT n, CASE n WHEN 500 THEN {NOW} / 1000000 WHEN 501 THEN 0 ELSE {NOW} / 1000 END FROM s;"
    ))
    .await;
    let (total, _) = lab
        .run(Request::delete("item", older("at", NOW - 1_000_000)))
        .await
        .unwrap();
    assert_eq!(total.affected, 0);
}

#[tokio::test]
async fn a_key_on_one_partition_of_a_cascaded_child_needs_a_grant() {
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY);
         CREATE TABLE note (id bigint, item_id bigint REFERENCES item ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (100);
         CREATE TABLE precious (id bigint PRIMARY KEY, note_id bigint REFERENCES note_1 (id) ON DELETE CASCADE);
         INSERT INTO item VALUES (1);
         INSERT INTO note VALUES (1, 1);
         INSERT INTO precious VALUES (1, 1);",
    )
    .await;
    lab.grants = Some(
        granted(&lab, |grants| {
            grants.tables.remove("precious");
        })
        .await,
    );
    let done = lab
        .run(Request::delete("item", Condition::Everything))
        .await;
    assert_eq!(lab.ids("SELECT id FROM precious").await, [1], "{done:?}");
}

#[tokio::test]
async fn ids_in_a_numeric_collation_are_compared_by_their_characters() {
    let lab = Lab::postgres(
        "CREATE COLLATION by_value (provider = icu, locale = 'en-u-kn-true');
         CREATE TABLE item (id text COLLATE by_value PRIMARY KEY);
         INSERT INTO item VALUES ('01KDVDNA02AAAAAAAAAAAAAAAA'), ('01KDVDNA03AAAAAAAAAAAAAAAA');",
    )
    .await;
    // Both are younger by a millisecond or two. By value the bound's 1 and its zeros are a large number.
    let old = Condition::IdOlderThan {
        column: "id".into(),
        cutoff: Timestamp(NOW + 1_000),
    };
    let (total, _) = lab.run(Request::delete("item", old)).await.unwrap();
    assert_eq!(total.affected, 0);
}

#[tokio::test]
async fn a_sweep_that_was_refused_does_not_leave_a_finished_run() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);";
    for mut lab in both(schema, schema).await {
        lab.grants = Some(Grants::default());
        let (context, _) = lab.begin().await;
        Sweep::open(&context, Request::delete("item", Condition::Everything))
            .await
            .unwrap_err();
        let progress = context.settle().await;
        assert!(progress.unfinished, "this run would be called drained");
    }
}

#[tokio::test]
async fn an_outcome_is_not_recorded_twice_nor_claimed_by_the_one_who_lost_the_run() {
    let schema = "CREATE TABLE item (id INTEGER PRIMARY KEY);";
    for mut lab in both(schema, schema).await {
        lab.lease = Duration::ZERO;
        let (context, _) = lab.begin().await;
        let (_later, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let ending = besom::ledger::Ending {
            state: "drained",
            reason: None,
            error: None,
            verification: None,
            dry_run: None,
        };
        let fence = context.settle().await.fence;
        let done = besom::ledger::finish(&lab.database, &fence, Mode::Apply, &ending).await;
        assert!(done.is_err(), "{done:?}");
    }
}

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
async fn a_text_differs_from_no_instant() {
    let lab = Lab::sqlite(&format!(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, at INTEGER);
         INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
         SELECT n, CASE n WHEN 500 THEN 'never' ELSE {NOW} / 1000000 END FROM s;"
    ))
    .await;
    lab.run(Request::delete(
        "item",
        compare(
            "at",
            Comparison::NotEqual,
            Value::Timestamp(Timestamp(NOW + 1)),
        ),
    ))
    .await
    .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [500]);
}

#[tokio::test]
async fn a_dry_run_after_another_leaves_inheritance_children_alone() {
    let mut lab = Lab::postgres(
        "CREATE TABLE other (id bigint PRIMARY KEY);
         INSERT INTO other VALUES (1);
         CREATE TABLE item (id bigint PRIMARY KEY);
         CREATE TABLE special () INHERITS (item);
         INSERT INTO item VALUES (1);
         INSERT INTO special VALUES (2);",
    )
    .await;
    lab.options.mode = Mode::DryRun;
    let (context, _) = lab.begin().await;
    drain(&context, Request::delete("other", Condition::Everything))
        .await
        .unwrap();
    let (total, _) = drain(&context, Request::delete("item", Condition::Everything))
        .await
        .unwrap();
    lab.end(&context).await;
    assert_eq!(total.affected, 1);
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
async fn a_row_in_the_way_does_not_keep_its_neighbour_of_the_same_instant() {
    // The key that is in the way hangs on a partition alone, so besom does not see it.
    let mut lab = Lab::postgres(
        "CREATE TABLE item (id bigint PRIMARY KEY, at timestamptz NOT NULL);
         CREATE INDEX item_at ON item (at);
         CREATE TABLE note (id bigint PRIMARY KEY, item_id bigint REFERENCES item ON DELETE CASCADE) PARTITION BY RANGE (id);
         CREATE TABLE note_1 PARTITION OF note FOR VALUES FROM (0) TO (100);
         CREATE TABLE holder (id bigint PRIMARY KEY, note_id bigint REFERENCES note_1 (id));
         INSERT INTO item SELECT n, '2025-01-01Z' FROM generate_series(1, 2) AS n;
         INSERT INTO note VALUES (1, 1);
         INSERT INTO holder VALUES (1, 1);",
    )
    .await;
    lab.options.batch_size = 16;
    let (total, _) = lab
        .run(Request::delete("item", older("at", NOW)).order_by("at"))
        .await
        .unwrap();
    assert_eq!(lab.ids("SELECT id FROM item").await, [1], "{total:?}");
    assert_eq!((total.affected, total.blocked, total.examined), (1, 1, 2));
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

/// Every row of the three tables below, as `(table, id, first key, second key)`.
async fn rows_of(lab: &Lab) -> Vec<(i64, i64, i64, i64)> {
    let mut all = Vec::new();
    for (table, sql) in [
        (
            0,
            "SELECT id, tenant * 10 + old, coalesce(up, 0), 0 FROM item",
        ),
        (
            1,
            "SELECT id, tenant * 10, coalesce(item_id, 0), coalesce(other, 0) FROM note",
        ),
        (
            2,
            "SELECT id, tenant * 10, coalesce(note_id, 0), 0 FROM deep",
        ),
    ] {
        let mut statement = besom::database::Statement::new(lab.dialect());
        statement.push(sql);
        for row in lab.session().await.fetch(&statement).await.unwrap() {
            let number = |index| row.get(index).as_integer().unwrap();
            all.push((table, number(0), number(1), number(2) * 1_000 + number(3)));
        }
    }
    all
}

#[tokio::test]
async fn rules_narrowings_and_the_ledger_agree_on_random_data() {
    let mut seed = 42_u64;
    let mut random = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    const RULES: [&str; 4] = ["NO ACTION", "RESTRICT", "SET NULL", "CASCADE"];
    for case in 0..40 {
        let rules = [random(3), random(4), random(4), random(4)].map(|at| RULES[at as usize]);
        let mut schema = format!(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, tenant INTEGER, old INTEGER, up INTEGER REFERENCES item ON DELETE {});
             CREATE TABLE note (id INTEGER PRIMARY KEY, tenant INTEGER, item_id INTEGER REFERENCES item ON DELETE {},
                other INTEGER REFERENCES item ON DELETE {});
             CREATE TABLE deep (id INTEGER PRIMARY KEY, tenant INTEGER, note_id INTEGER REFERENCES note ON DELETE {});\n",
            rules[0], rules[1], rules[2], rules[3]
        );
        for id in 1..=20 {
            let up = if random(3) == 0 {
                (1 + random(id)).to_string()
            } else {
                "NULL".into()
            };
            schema.push_str(&format!(
                "INSERT INTO item VALUES ({id}, {}, {}, {up});\n",
                1 + random(4) / 3,
                u8::from(random(4) > 0)
            ));
        }
        for id in 1..=12 {
            let mut to = || {
                if random(3) == 0 {
                    "NULL".into()
                } else {
                    (1 + random(20)).to_string()
                }
            };
            let (a, b) = (to(), to());
            schema.push_str(&format!(
                "INSERT INTO note VALUES ({id}, {}, {a}, {b});\n",
                1 + random(4) / 3
            ));
        }
        for id in 1..=6 {
            schema.push_str(&format!(
                "INSERT INTO deep VALUES ({id}, {}, {});\n",
                1 + random(4) / 3,
                1 + random(12)
            ));
        }
        let narrowed = [random(2) == 0, random(2) == 0, random(2) == 0];
        let size = [1000, 1000, 3, 1][random(4) as usize];
        let relation = random(2) == 0;
        for mut lab in both(&schema, &schema).await {
            let about = format!(
                "case {case} {:?} {rules:?} {narrowed:?} size {size} {relation}",
                lab.dialect()
            );
            lab.options.batch_size = size;
            lab.grants = Some(
                granted(&lab, |grants| {
                    for (name, narrow) in ["item", "note", "deep"].into_iter().zip(narrowed) {
                        if narrow {
                            grants.tables.get_mut(name).unwrap().filter = is(1);
                        }
                    }
                })
                .await,
            );
            let old = compare("old", Comparison::Equal, Value::Integer(1));
            let matching = match relation {
                false => old,
                true => Condition::All(vec![
                    old,
                    Condition::NotExists {
                        table: "note".into(),
                        on: vec![Join {
                            foreign: "other".into(),
                            local: "id".into(),
                        }],
                        matching: Some(Box::new(compare(
                            "tenant",
                            Comparison::Equal,
                            Value::Integer(2),
                        ))),
                    },
                ]),
            };
            let before = rows_of(&lab).await;
            lab.options.mode = Mode::DryRun;
            let (dry, _) = lab
                .run(Request::delete("item", matching.clone()))
                .await
                .unwrap_or_else(|f| panic!("{about}: {f}"));
            assert_eq!(rows_of(&lab).await, before, "{about}");
            lab.options.mode = Mode::Apply;
            let (total, _) = lab
                .run(Request::delete("item", matching.clone()))
                .await
                .unwrap_or_else(|f| panic!("{about}: {f}"));
            let after = rows_of(&lab).await;
            let (mut gone, mut cascaded) = (0, 0);
            for row in &before {
                let now = after.iter().find(|now| (now.0, now.1) == (row.0, row.1));
                if now == Some(row) {
                    continue;
                }
                assert!(
                    !narrowed[row.0 as usize] || row.2 / 10 == 1,
                    "{about}: {row:?} is protected"
                );
                match (row.0, now) {
                    (0, None) => {
                        assert_eq!(row.2 % 10, 1, "{about}: {row:?} was not asked for");
                        gone += 1;
                    }
                    _ => cascaded += 1,
                }
            }
            assert_eq!(total.affected, gone, "{about}");
            if size == 1000 {
                assert_eq!(total.cascaded, cascaded, "{about}");
                assert_eq!(dry, total, "{about}");
            } else {
                assert!(
                    total.cascaded >= cascaded,
                    "{about}: {} {cascaded}",
                    total.cascaded
                );
            }
            let batches = lab
                .count("SELECT CAST(sum(affected) AS bigint) FROM besom_batch")
                .await;
            assert_eq!(batches as u64, gone, "{about}");
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
        lease: lab.lease,
    };
    let refused = blind
        .run(Request::delete("item", Condition::Everything))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("USAGE"), "{refused}");
}
