//! Foreign keys of every rule, narrowings and dry runs on random data, with exact accounts.

use super::*;
use besom::request::{Comparison, Condition, Join, Mode, Request, Value};
use besom_tests::lab::{Lab, both};

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
