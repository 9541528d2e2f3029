//! Rows that go together: dependents, unlinked rows, chains, and updates, one situation a test.

use besom::catalog::Dialect;
use besom::request::{Batch, Comparison, Condition, Join, Mode, Request, Source, Step, Value};
use besom_tests::lab::{Lab, both};

/// Sessions with tokens, uses of tokens, and notes that may be unlinked; `pins` refuse.
const SCHEMA: &str = "
    CREATE TABLE session (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, name TEXT, note TEXT);
    CREATE TABLE token (id BIGINT PRIMARY KEY, session BIGINT NOT NULL REFERENCES session (id),
                        other BIGINT REFERENCES token (id));
    CREATE TABLE token_use (id BIGINT PRIMARY KEY, token BIGINT NOT NULL REFERENCES token (id));
    CREATE TABLE visit (id BIGINT PRIMARY KEY, session BIGINT REFERENCES session (id),
                        next_session BIGINT REFERENCES session (id));
    CREATE TABLE pin (id BIGINT PRIMARY KEY, token BIGINT NOT NULL REFERENCES token (id));
    INSERT INTO session VALUES (1, TRUE, 'a', NULL), (2, FALSE, 'b', NULL), (3, TRUE, 'c', NULL),
                               (4, TRUE, 'd', 'd');
    INSERT INTO token VALUES (10, 1, NULL), (11, 1, 10), (20, 2, NULL), (30, 3, NULL), (31, 3, 30),
                             (40, 4, NULL);
    INSERT INTO token_use VALUES (100, 10), (101, 11), (200, 20), (300, 30);
    INSERT INTO visit VALUES (1, 1, 3), (2, 2, 1), (3, NULL, NULL);
    INSERT INTO pin VALUES (1, 40);
";

fn dead() -> Condition {
    Condition::Compare {
        column: "dead".into(),
        operator: Comparison::Equal,
        to: Value::Boolean(true),
    }
}

fn sessions() -> Request {
    Request::delete("session", dead())
        .delete_first("token", vec![Join::new("session", "id")], None)
        .delete_first("token_use", vec![Join::new("token", "id")], Some(0))
        .unlink_first("visit", vec![Join::new("session", "id")], None)
        .unlink_first("visit", vec![Join::new("next_session", "id")], None)
}

async fn expect_sessions_gone(lab: &Lab, batch: Batch) {
    assert_eq!(lab.ids("SELECT id FROM session").await, [2, 4]);
    assert_eq!(lab.ids("SELECT id FROM token").await, [20, 40]);
    assert_eq!(lab.ids("SELECT id FROM token_use").await, [200]);
    assert_eq!(
        lab.ids("SELECT id FROM visit WHERE session IS NULL").await,
        [1, 3]
    );
    assert_eq!(
        lab.ids("SELECT id FROM visit WHERE next_session IS NULL")
            .await,
        [1, 2, 3]
    );
    assert_eq!((batch.affected, batch.blocked), (2, 1));
}

#[tokio::test]
async fn a_parent_goes_with_its_dependents_and_stays_where_one_is_held() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(sessions()).await.unwrap();
        lab.options.mode = Mode::Apply;
        let (batch, end) = lab.run(sessions()).await.unwrap();

        assert_eq!(end, Step::Drained);
        expect_sessions_gone(&lab, batch).await;
        // Four tokens, three uses, two visits.
        assert_eq!(batch.dependents, 9, "{:?}", lab.dialect());
        assert_eq!(dry, batch, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn dependents_go_one_parent_at_a_time_too() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.options.batch_size = 1;
        let (batch, _) = lab.run(sessions()).await.unwrap();

        expect_sessions_gone(&lab, batch).await;
    }
}

#[tokio::test]
async fn what_holds_a_blocked_row_is_named() {
    for lab in both(SCHEMA, SCHEMA).await {
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, sessions()).await.unwrap();

        let progress = context.settle().await;

        let held: Vec<_> = progress.blocked_by.into_iter().collect();
        assert_eq!(held, [("pin".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn rows_behind_a_cascade_are_counted_and_dependents_not_twice() {
    const CASCADES: &str = "
        CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
        CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id));
        CREATE TABLE leaf (id BIGINT PRIMARY KEY, child BIGINT REFERENCES child (id) ON DELETE CASCADE);
        CREATE TABLE hint (id BIGINT PRIMARY KEY, child BIGINT REFERENCES child (id) ON DELETE SET NULL,
                           parent BIGINT REFERENCES parent (id));
        INSERT INTO parent VALUES (1, TRUE), (2, FALSE);
        INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);
        INSERT INTO leaf VALUES (1, 1), (2, 1), (3, 2), (4, 3);
        INSERT INTO hint VALUES (1, 1, 1), (2, 2, 2), (3, 3, NULL);
    ";
    for mut lab in both(CASCADES, CASCADES).await {
        let request = Request::delete("parent", dead())
            .delete_first("child", vec![Join::new("parent", "id")], None)
            .delete_first("hint", vec![Join::new("parent", "id")], None);
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(request.clone()).await.unwrap();
        lab.options.mode = Mode::Apply;
        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(lab.ids("SELECT id FROM leaf").await, [4]);
        assert_eq!(lab.ids("SELECT id FROM hint").await, [2, 3]);
        assert_eq!(batch.dependents, 3);
        assert_eq!(batch.cascaded, 4, "three leaves and a hint");
        assert_eq!(dry, batch);
    }
}

/// PostgreSQL looks at every foreign key of a row again that its transaction has changed before:
/// here it finds that of `other`, whose row has gone by the cascade, before that key's own rule has
/// set it to NULL.
#[tokio::test]
async fn what_postgresql_itself_refuses_is_passed_over_and_said() {
    let lab = Lab::postgres(
        "CREATE TABLE a (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         CREATE TABLE b (id BIGINT PRIMARY KEY, a BIGINT REFERENCES a (id));
         CREATE TABLE c (id BIGINT PRIMARY KEY, b BIGINT REFERENCES b (id) ON DELETE CASCADE);
         CREATE TABLE note (id BIGINT PRIMARY KEY, a BIGINT REFERENCES a (id),
                            copy BIGINT REFERENCES a (id) ON DELETE SET NULL,
                            other BIGINT REFERENCES c (id) ON DELETE SET NULL);
         INSERT INTO a VALUES (1, TRUE), (2, TRUE), (3, TRUE);
         INSERT INTO b VALUES (1, 1);
         INSERT INTO c VALUES (1, 1);
         INSERT INTO note VALUES (1, 1, 1, 1), (2, 2, 2, NULL);",
    )
    .await;
    let request = Request::delete("a", dead())
        .unlink_first("note", vec![Join::new("a", "id")], None)
        .delete_first("b", vec![Join::new("a", "id")], None);
    let (context, _) = lab.begin().await;

    let (batch, end) = besom_tests::lab::drain(&context, request).await.unwrap();

    assert_eq!(end, Step::Drained);
    assert_eq!(lab.ids("SELECT id FROM a").await, [1]);
    assert_eq!((batch.affected, batch.blocked), (2, 1));
    let held: Vec<_> = context.settle().await.blocked_by.into_iter().collect();
    let [(why, 1)] = held.as_slice() else {
        panic!("{held:?}");
    };
    assert!(why.starts_with("(refused by the database: "), "{why}");
}

#[tokio::test]
async fn an_update_leaves_rows_that_hold_the_values_already() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let request =
            || Request::update("session", dead()).set("note", Source::Column("name".into()));
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(request()).await.unwrap();
        lab.options.mode = Mode::Apply;
        let (batch, _) = lab.run(request()).await.unwrap();
        assert_eq!((batch.affected, dry.affected), (2, 2));
        let (again, _) = lab.run(request()).await.unwrap();
        assert_eq!(again.affected, 0);

        let (nulled, _) = lab
            .run(
                Request::update("session", dead())
                    .set("note", Source::Value(Value::Null))
                    .set("name", Source::Value(Value::Text("gone".into()))),
            )
            .await
            .unwrap();
        assert_eq!(nulled.affected, 3);
        assert_eq!(
            lab.count("SELECT count(*) FROM session WHERE note IS NULL AND name = 'gone'")
                .await,
            3
        );
    }
}

#[tokio::test]
async fn a_value_from_a_related_row_needs_exactly_one() {
    const RELATED: &str = "
        CREATE TABLE item (id BIGINT PRIMARY KEY, owner TEXT);
        CREATE TABLE link (id BIGINT PRIMARY KEY, item BIGINT NOT NULL REFERENCES item (id), owner TEXT);
        INSERT INTO item VALUES (1, NULL), (2, NULL), (3, NULL), (4, 'x');
        INSERT INTO link VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 2, 'b'), (4, 4, 'd');
    ";
    for lab in both(RELATED, RELATED).await {
        let request = Request::update("item", Condition::Everything).set(
            "owner",
            Source::Related {
                table: "link".into(),
                on: vec![Join::new("item", "id")],
                column: "owner".into(),
            },
        );
        let (batch, _) = lab.run(request.clone()).await.unwrap();
        assert_eq!(batch.affected, 2);
        assert_eq!(
            lab.ids("SELECT id FROM item WHERE owner IN ('a', 'd')")
                .await,
            [1, 4]
        );
        assert_eq!(lab.run(request).await.unwrap().0.affected, 0);
    }
}

#[tokio::test]
async fn a_value_from_a_row_of_the_same_batch_is_the_one_it_had() {
    const TREE: &str = "
        CREATE TABLE item (id BIGINT PRIMARY KEY, above BIGINT, name TEXT);
        INSERT INTO item VALUES (1, 4, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, 3, 'd');
    ";
    for lab in both(TREE, TREE).await {
        let request = Request::update("item", Condition::Everything).set(
            "name",
            Source::Related {
                table: "item".into(),
                on: vec![Join::new("id", "above")],
                column: "name".into(),
            },
        );
        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(batch.affected, 4);
        for (id, name) in [(1, 'd'), (2, 'a'), (3, 'b'), (4, 'c')] {
            let holds = format!("SELECT id FROM item WHERE name = '{name}'");
            assert_eq!(lab.ids(&holds).await, [id], "{:?}", lab.dialect());
        }
    }
}

#[tokio::test]
async fn an_address_keeps_its_network_in_text_and_in_inet() {
    for mut lab in both(
        "CREATE TABLE visit (id BIGINT PRIMARY KEY, ip INET, text_ip TEXT)",
        "CREATE TABLE visit (id BIGINT PRIMARY KEY, ip TEXT, text_ip TEXT)",
    )
    .await
    {
        lab.script(
            "INSERT INTO visit VALUES
               (1, '192.0.2.77', '192.0.2.77'), (2, '2001:db8:1:2::3', '2001:db8:1:2::3'),
               (3, NULL, 'unknown'), (4, '192.0.2.0', '192.0.2.0'),
               (5, '::ffff:192.0.2.9', NULL)",
        )
        .await;
        let request = || {
            let network = || Source::Network {
                ipv4_prefix: 24,
                ipv6_prefix: 48,
            };
            Request::update("visit", Condition::Everything)
                .set("ip", network())
                .set("text_ip", network())
        };
        lab.options.mode = Mode::DryRun;
        assert_eq!(lab.run(request()).await.unwrap().0.affected, 3);
        lab.options.mode = Mode::Apply;
        assert_eq!(lab.run(request()).await.unwrap().0.affected, 3);
        assert_eq!(lab.run(request()).await.unwrap().0.affected, 0);
        let host = match lab.dialect() {
            Dialect::Postgres => "host(ip)",
            Dialect::Sqlite => "ip",
        };
        let holds =
            |column: &str, value: &str| format!("SELECT id FROM visit WHERE {column} = '{value}'");
        assert_eq!(lab.ids(&holds(host, "192.0.2.0")).await, [1, 4]);
        assert_eq!(lab.ids(&holds(host, "2001:db8:1::")).await, [2]);
        assert_eq!(lab.ids(&holds(host, "::ffff:192.0.2.0")).await, [5]);
        assert_eq!(lab.ids(&holds("text_ip", "192.0.2.0")).await, [1, 4]);
        assert_eq!(lab.ids(&holds("text_ip", "unknown")).await, [3]);
    }
}

#[tokio::test]
async fn a_chain_goes_whole_or_not_at_all() {
    for rule in ["NO ACTION", "RESTRICT"] {
        let schema = format!(
            "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL,
                                next BIGINT REFERENCES item (id) ON DELETE {rule})"
        );
        for mut lab in both(&schema, &schema).await {
            lab.options.batch_size = 7;
            // 1 <- 2 <- … <- 100, and 200 <- 201 <- 202, whose last row is alive.
            for id in 1..=100 {
                let next = if id == 1 {
                    "NULL".to_owned()
                } else {
                    (id - 1).to_string()
                };
                lab.script(&format!("INSERT INTO item VALUES ({id}, TRUE, {next})"))
                    .await;
            }
            lab.script(
                "INSERT INTO item VALUES (200, TRUE, NULL), (201, TRUE, 200), (202, FALSE, 201)",
            )
            .await;
            let (batch, end) = lab.run(Request::delete("item", dead())).await.unwrap();

            assert_eq!(end, Step::Drained);
            assert_eq!(lab.ids("SELECT id FROM item").await, [200, 201, 202]);
            assert_eq!((batch.affected, batch.blocked), (100, 2));
        }
    }
}
