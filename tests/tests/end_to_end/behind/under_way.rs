//! A schema that changes while a run is under way: each batch holds it against what its plan takes for given.

use std::sync::Arc;

use besom::request::{Condition, Source, Suspension, Value};
use besom::sweep::{RunContext, Sweep, Verification, verify};
use besom_tests::lab::both;

use super::*;

const CHANGED: Step = Step::Suspended(Suspension::SchemaChanged);

/// Six dead sessions and an order for each, which no key ties yet.
fn tables(token: &str) -> String {
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint, note text);
         CREATE TABLE users (id bigint PRIMARY KEY);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions {token});
         CREATE INDEX tokens_session ON tokens (session);
         CREATE TABLE orders (id bigint PRIMARY KEY, session bigint, token bigint);
         INSERT INTO sessions (id, dead_at) VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1);
         INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);
         INSERT INTO orders VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5), (6, 6, 6);"
    )
}

/// A run of which one batch of two rows is done before the change.
async fn begun(lab: &mut Lab, request: Request) -> (Arc<RunContext>, Sweep) {
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request).await.unwrap();
    let Step::Batch(batch) = sweep.next().await.unwrap() else {
        panic!("no batch");
    };
    assert_eq!(batch.affected, 2);
    (context, sweep)
}

/// The run goes no further, nothing but its first batch is gone, and the next run knows the new schema.
async fn is_suspended(lab: &mut Lab, request: Request, change: &str) {
    let (context, sweep) = begun(lab, request.clone()).await;
    lab.script(change).await;

    assert_eq!(sweep.next().await, Ok(CHANGED), "{change}");

    assert_eq!(sweep.next().await, Ok(CHANGED), "{change}");
    assert_eq!(
        lab.count("SELECT count(*) FROM orders").await,
        6,
        "{change}"
    );
    assert_eq!(
        lab.count("SELECT count(*) FROM sessions WHERE dead_at IS NOT NULL")
            .await,
        4,
        "{change}"
    );
    let progress = context.settle().await;
    assert_eq!(
        progress.suspended,
        Some(Suspension::SchemaChanged),
        "{change}"
    );
    assert_eq!(progress.totals.affected, 2, "{change}");
    lab.end(&context).await;
}

async fn goes_on(lab: &mut Lab, request: Request, change: &str) {
    let (context, sweep) = begun(lab, request).await;
    lab.script(change).await;
    let mut affected = 2;
    loop {
        match sweep.next().await.unwrap() {
            Step::Batch(batch) => affected += batch.affected,
            end => {
                assert_eq!((affected, end), (6, Step::Drained), "{change}");
                break;
            }
        }
    }
    let progress = context.settle().await;
    let remains = verify(&lab.database, &progress.ended).await;
    assert_eq!(
        Verification::of(&remains),
        Verification::Verified,
        "{change}"
    );
}

#[tokio::test]
async fn a_foreign_key_that_a_deploy_adds_takes_nothing_that_was_not_granted() {
    let key = |table: &str, column: &str, parent: &str, rule: &str| {
        format!(
            "ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {parent} {rule} NOT VALID"
        )
    };
    for token in ["ON DELETE CASCADE", "ON DELETE SET NULL", "DEFERRABLE"] {
        for rule in [
            "ON DELETE CASCADE",
            "ON DELETE SET NULL",
            "ON DELETE RESTRICT",
            "",
        ] {
            let mut lab = Lab::postgres(&tables(token)).await;
            if token == "DEFERRABLE" {
                lab.script("DELETE FROM tokens").await;
            }
            let change = key("orders", "session", "sessions", rule);
            is_suspended(&mut lab, sessions(), &change).await;
        }
    }
    // Further down a cascade, and at a dependent.
    let mut lab = Lab::postgres(&tables("ON DELETE CASCADE")).await;
    let change = key("orders", "token", "tokens", "ON DELETE CASCADE");
    is_suspended(&mut lab, sessions(), &change).await;
    let mut lab = Lab::postgres(&tables("")).await;
    let with_tokens = sessions().delete_first("tokens", on("session", "id"), None);
    is_suspended(&mut lab, with_tokens, &change).await;
}

const KEEP: &str =
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;";

#[tokio::test]
async fn triggers_rules_heirs_and_keys_that_are_switched_off_suspend_a_run_of_deletes() {
    let cascade = "ON DELETE CASCADE";
    for (token, change) in [
        ("", "CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()"),
        (cascade, "CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()"),
        (cascade, "CREATE TRIGGER keep BEFORE DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION keep()"),
        (cascade, "CREATE TRIGGER keep AFTER DELETE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION keep()"),
        ("ON DELETE SET NULL", "CREATE TRIGGER keep BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION keep()"),
        ("", "CREATE RULE keep AS ON DELETE TO sessions DO INSTEAD NOTHING"),
        ("", "CREATE RULE keep AS ON DELETE TO sessions DO INSTEAD
              UPDATE sessions SET note = 'gone' WHERE id = OLD.id RETURNING OLD.*"),
        (cascade, "CREATE RULE keep AS ON DELETE TO sessions DO INSTEAD
              UPDATE sessions SET note = 'gone' WHERE id = OLD.id RETURNING OLD.*"),
        (cascade, "CREATE RULE keep AS ON DELETE TO tokens DO ALSO NOTHING"),
        ("", "CREATE TABLE heir () INHERITS (sessions)"),
        ("", "ALTER TABLE sessions DISABLE TRIGGER ALL"),
        (cascade, "ALTER TABLE sessions DISABLE TRIGGER ALL"),
        (cascade, "ALTER TABLE tokens DROP CONSTRAINT tokens_session_fkey"),
        ("", "ALTER TABLE tokens DROP CONSTRAINT tokens_session_fkey, ADD FOREIGN KEY (session) REFERENCES sessions
              ON DELETE CASCADE"),
        ("", "ALTER TABLE sessions RENAME TO was; CREATE TABLE sessions (LIKE was INCLUDING ALL);
              INSERT INTO sessions SELECT * FROM was"),
        ("", "ALTER TABLE tokens DISABLE TRIGGER ALL"),
        // A function is replaced without a lock on the table.
        ("", "CREATE OR REPLACE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"),
        // The same trigger of the same function, for other rows.
        ("", "CREATE OR REPLACE TRIGGER look BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.id > 3)
              EXECUTE FUNCTION look()"),
    ] {
        let mut lab = Lab::postgres(&(tables(token) + KEEP)).await;
        lab.script(
            "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
             CREATE TRIGGER look BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION look()",
        )
        .await;
        if token.is_empty() {
            lab.script("DELETE FROM tokens").await;
        }
        is_suspended(&mut lab, sessions(), change).await;
    }
}

#[tokio::test]
async fn what_bears_on_updates_suspends_a_run_of_updates() {
    let request = || {
        let left = Condition::All(vec![dead()]);
        Request::update("sessions", left).set("dead_at", Source::Value(Value::Null))
    };
    for change in [
        "CREATE TRIGGER keep BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE RULE keep AS ON UPDATE TO sessions DO INSTEAD NOTHING",
        "ALTER TABLE sessions ADD UNIQUE (dead_at, id);
         ALTER TABLE orders ADD COLUMN dead bigint,
             ADD FOREIGN KEY (dead, session) REFERENCES sessions (dead_at, id) ON UPDATE CASCADE",
    ] {
        let mut lab = Lab::postgres(&(tables("") + KEEP)).await;
        is_suspended(&mut lab, request(), change).await;
    }
}

#[tokio::test]
async fn what_changes_nothing_about_the_deletes_does_not_suspend_the_run() {
    for change in [
        "CREATE INDEX late ON sessions (note)",
        "ALTER TABLE sessions ADD COLUMN later int DEFAULT 5",
        "CREATE TABLE unrelated (id int PRIMARY KEY, other int REFERENCES users ON DELETE CASCADE)",
        "ALTER TABLE sessions ADD COLUMN owner bigint REFERENCES users",
        "CREATE TRIGGER keep BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE TRIGGER keep BEFORE INSERT ON tokens FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE RULE keep AS ON INSERT TO sessions DO ALSO NOTHING",
        "ANALYZE sessions",
    ] {
        for token in ["ON DELETE CASCADE", "ON DELETE SET NULL"] {
            let mut lab = Lab::postgres(&(tables(token) + KEEP)).await;
            goes_on(&mut lab, sessions(), change).await;
        }
    }
}

#[tokio::test]
async fn a_childs_new_partition_suspends_a_run_only_where_it_brings_something_along() {
    let schema = tables("")
        + "DELETE FROM tokens;
        CREATE TABLE uses (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE)
            PARTITION BY RANGE (id);
        CREATE TABLE uses_1 PARTITION OF uses FOR VALUES FROM (0) TO (10); CREATE INDEX ON uses (session);
        INSERT INTO uses VALUES (1, 1), (5, 5);"
        + KEEP;
    let plain = "CREATE TABLE uses_2 PARTITION OF uses FOR VALUES FROM (10) TO (20);
        INSERT INTO uses VALUES (11, 6)";
    let mut lab = Lab::postgres(&schema).await;
    goes_on(&mut lab, sessions(), plain).await;

    for more in [
        "CREATE TRIGGER keep BEFORE DELETE ON uses_2 FOR EACH ROW EXECUTE FUNCTION keep()",
        "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES uses_2 ON DELETE CASCADE NOT VALID",
        "ALTER TABLE uses_1 DISABLE TRIGGER ALL",
    ] {
        let mut lab = Lab::postgres(&schema).await;
        let change = format!("{plain}; {more}");
        // A trigger for inserts and updates alone says nothing of deletes.
        match more.contains("DISABLE") {
            true => goes_on(&mut lab, sessions(), &change).await,
            false => is_suspended(&mut lab, sessions(), &change).await,
        }
    }
}

#[tokio::test]
async fn the_leaves_of_a_swept_table_are_held_against_what_its_root_is_given() {
    let schema =
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint) PARTITION BY RANGE (id);
        CREATE TABLE sessions_1 PARTITION OF sessions FOR VALUES FROM (0) TO (5);
        CREATE TABLE sessions_2 PARTITION OF sessions FOR VALUES FROM (5) TO (9);
        CREATE TABLE orders (id bigint PRIMARY KEY, session bigint);
        INSERT INTO sessions SELECT n, 1 FROM generate_series(1, 6) AS n;
        INSERT INTO orders SELECT n, n FROM generate_series(1, 6) AS n;";
    for change in [
        "ALTER TABLE orders ADD FOREIGN KEY (session) REFERENCES sessions ON DELETE CASCADE",
        "ALTER TABLE orders ADD FOREIGN KEY (session) REFERENCES sessions_1 ON DELETE CASCADE NOT VALID",
        "CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()",
        "CREATE TRIGGER keep BEFORE DELETE ON sessions_1 FOR EACH ROW EXECUTE FUNCTION keep()",
    ] {
        let mut lab = Lab::postgres(&(schema.to_owned() + KEEP)).await;
        // What orders refer to is there when the key comes.
        lab.script("UPDATE orders SET session = 6 WHERE id < 3")
            .await;
        is_suspended(&mut lab, sessions(), change).await;
    }
    let mut lab = Lab::postgres(schema).await;
    let more = "CREATE TABLE sessions_3 PARTITION OF sessions FOR VALUES FROM (9) TO (20)";
    goes_on(&mut lab, sessions(), more).await;
}

#[tokio::test]
async fn on_sqlite_a_table_or_a_trigger_made_in_mid_run_suspends_it_and_an_index_does_not() {
    let order = "DROP TABLE orders; CREATE TABLE orders (id INTEGER PRIMARY KEY, token INT,";
    let rows = "INSERT INTO orders (id, token) SELECT id, id FROM (SELECT 3 AS id UNION SELECT 4 UNION SELECT 5 UNION
        SELECT 6 UNION SELECT 7 UNION SELECT 8);";
    for token in [
        "ON DELETE CASCADE",
        "ON DELETE SET NULL",
        "ON DELETE RESTRICT",
    ] {
        let begun = || async {
            let lab = Lab::sqlite(&tables(token)).await;
            if token == "ON DELETE RESTRICT" {
                lab.script("DELETE FROM tokens").await;
            }
            lab
        };
        let mut suspending = vec![
            format!("{order} session INT REFERENCES sessions ON DELETE CASCADE); {rows}"),
            format!("{order} session INT REFERENCES Sessions ON DELETE SET NULL); {rows}"),
            "CREATE TRIGGER keep BEFORE DELETE ON sessions BEGIN SELECT RAISE(IGNORE); END"
                .to_owned(),
            "CREATE TRIGGER more AFTER DELETE ON sessions BEGIN DELETE FROM orders; END".to_owned(),
        ];
        if token == "ON DELETE CASCADE" {
            suspending.push(format!(
                "{order} FOREIGN KEY (token) REFERENCES tokens ON DELETE CASCADE); {}",
                "INSERT INTO orders SELECT id, id FROM (SELECT 3 AS id UNION SELECT 4 UNION SELECT 5 UNION SELECT 6);
                 INSERT INTO orders VALUES (7, NULL), (8, NULL)"
            ));
            suspending.push(
                "CREATE TRIGGER more BEFORE DELETE ON tokens BEGIN DELETE FROM orders; END"
                    .to_owned(),
            );
        }
        for change in suspending {
            let mut lab = begun().await;
            is_suspended(&mut lab, sessions(), &change).await;
        }
        for change in [
            "CREATE INDEX late ON sessions (note)",
            "CREATE TABLE unrelated (id INTEGER PRIMARY KEY, owner INT REFERENCES users ON DELETE CASCADE)",
            "CREATE TRIGGER t BEFORE UPDATE ON sessions BEGIN SELECT 1; END",
            "ALTER TABLE sessions ADD COLUMN later INT",
            "ANALYZE",
            "VACUUM",
        ] {
            let mut lab = begun().await;
            goes_on(&mut lab, sessions(), change).await;
        }
    }
}

#[tokio::test]
async fn rows_that_a_plugin_chose_by_reading_are_held_back_as_well() {
    for lab in both(&tables("ON DELETE CASCADE"), &tables("ON DELETE CASCADE")).await {
        let (context, _) = lab.begin().await;
        let look = Request::read("sessions", vec!["id".to_owned()], dead());
        let reader = besom::sweep::Reader::open(&context, look).await.unwrap();
        reader.next().await.unwrap();
        lab.script(match lab.dialect() {
            besom::catalog::Dialect::Postgres => {
                "ALTER TABLE orders ADD FOREIGN KEY (session) REFERENCES sessions ON DELETE CASCADE NOT VALID"
            }
            besom::catalog::Dialect::Sqlite => {
                "CREATE TABLE bills (id INTEGER PRIMARY KEY, session INT REFERENCES sessions ON DELETE CASCADE)"
            }
        })
        .await;

        let done = reader
            .act(besom::sweep::Change::Delete(vec![0, 1]))
            .await
            .unwrap();

        assert_eq!(done.affected, 0);
        let next = reader.next().await.unwrap();
        assert_eq!(
            next,
            besom::request::Reading::Suspended(Suspension::SchemaChanged)
        );
        assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 6);
        assert_eq!(lab.count("SELECT count(*) FROM orders").await, 6);
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn an_heir_that_comes_after_the_last_batch_is_not_verified_away() {
    let lab = Lab::postgres(&tables("ON DELETE CASCADE")).await;
    let (context, _) = lab.begin().await;
    let (_, end) = besom_tests::lab::drain(&context, sessions()).await.unwrap();
    assert_eq!(end, Step::Drained);
    lab.script("CREATE TABLE heir () INHERITS (sessions); INSERT INTO heir VALUES (9, 1)")
        .await;

    let progress = context.settle().await;
    let remains = verify(&lab.database, &progress.ended).await;

    let found = Verification::of(&remains);
    assert!(
        matches!(&found, Verification::Unverified(why) if why.contains("heirs")),
        "{found:?}"
    );
}
