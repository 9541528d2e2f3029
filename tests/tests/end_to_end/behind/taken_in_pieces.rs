//! What triggers take in batches that go piece by piece, at their commit, or since another trigger came.

use besom::catalog::Dialect;
use besom::request::{Source, Value};

use super::taken_besides::{said, tables, trigger, with_all};
use super::*;

#[tokio::test]
async fn pieces_are_counted_each_by_itself() {
    // Of eight dead sessions 14 and 17 are refused; with 15 a live token goes.
    let rows = "INSERT INTO sessions SELECT id + 10, 1, NULL FROM eight;
        INSERT INTO tokens SELECT id + 10, id + 10 FROM eight;
        DELETE FROM uses WHERE session = 1; DELETE FROM marks WHERE session = 1;";
    let eight = |dialect| match dialect {
        Dialect::Postgres => {
            "CREATE TABLE eight AS SELECT id::bigint FROM generate_series(1, 8) AS of(id);"
                .to_owned()
        }
        Dialect::Sqlite => "CREATE TABLE eight AS WITH RECURSIVE of(id) AS (VALUES (1) UNION ALL
            SELECT id + 1 FROM of WHERE id < 8) SELECT id FROM of;"
            .to_owned(),
    };
    for (dialect, refuses, takes) in [
        (
            Dialect::Postgres,
            "IF OLD.id IN (14, 17) THEN RAISE EXCEPTION 'held'; END IF",
            "IF OLD.id = 15 THEN DELETE FROM tokens WHERE id = 3; END IF",
        ),
        (
            Dialect::Sqlite,
            "SELECT RAISE(ABORT, 'held') WHERE OLD.id IN (14, 17)",
            "DELETE FROM tokens WHERE id = 3 AND OLD.id = 15",
        ),
    ] {
        for deferred in [false, true] {
            let mut schema = tables(dialect, "") + &eight(dialect) + rows;
            schema += &trigger(dialect, "refuses", "BEFORE DELETE ON sessions", refuses);
            let mut takes = trigger(dialect, "takes", "AFTER DELETE ON sessions", takes);
            if deferred {
                takes = takes
                    .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
                    .replace("FOR EACH ROW", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW");
            }
            let lab = match dialect {
                Dialect::Postgres => Lab::postgres(&(schema + &takes)).await,
                Dialect::Sqlite if deferred => continue,
                Dialect::Sqlite => Lab::sqlite(&(schema + &takes)).await,
            };

            let (batch, said) = said(&lab, sessions()).await;

            let counted = (batch.affected, batch.blocked, batch.cascaded);
            assert_eq!(counted, (7, 2, 7 + 1), "{dialect:?} {deferred}");
            let told = "1 went that are not in the counts";
            assert!(said.contains(told), "{dialect:?} {deferred}: {said}");
        }
    }
}

/// One session with so many tokens that it is taken apart, and a trigger on them that takes a live one.
#[tokio::test]
async fn what_goes_with_the_pieces_of_a_heavy_row_is_told() {
    for (dialect, numbers) in [
        (
            Dialect::Postgres,
            "SELECT n, 1 FROM generate_series(100, 25000) AS of(n)",
        ),
        (
            Dialect::Sqlite,
            "WITH RECURSIVE of(n) AS (VALUES (100) UNION ALL SELECT n + 1 FROM of WHERE n < 25000) SELECT n, 1 FROM of",
        ),
    ] {
        for (table, rule) in [("tokens", true), ("uses", false)] {
            for deferred in [false, true] {
                let takes = match dialect {
                    Dialect::Postgres => {
                        format!("IF OLD.id = 101 THEN DELETE FROM {table} WHERE id = 3; END IF")
                    }
                    Dialect::Sqlite => format!("DELETE FROM {table} WHERE id = 3 AND OLD.id = 101"),
                };
                let when = format!("AFTER DELETE ON {table}");
                let mut takes = trigger(dialect, "takes", &when, &takes);
                if deferred {
                    takes = takes
                        .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
                        .replace("FOR EACH ROW", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW");
                }
                let schema =
                    tables(dialect, "") + &format!("INSERT INTO {table} {numbers};") + &takes;
                let lab = match dialect {
                    Dialect::Postgres => Lab::postgres(&schema).await,
                    Dialect::Sqlite if deferred => continue,
                    Dialect::Sqlite => Lab::sqlite(&schema).await,
                };

                let (batch, said) = said(&lab, with_all()).await;

                let along = if rule {
                    batch.cascaded
                } else {
                    batch.dependents
                };
                assert_eq!(along, 24_901 + 2, "{dialect:?} {table} {deferred}");
                assert!(
                    lab.count("SELECT count(*) FROM besom_batch").await > 2,
                    "{dialect:?}"
                );
                let told = "1 went that are not in the counts";
                assert!(
                    said.contains(told),
                    "{dialect:?} {table} {deferred}: {said}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_a_deferred_trigger_takes_at_the_commit_is_told_in_every_kind_of_batch() {
    let chained = "ALTER TABLE sessions ADD next bigint REFERENCES sessions;
        INSERT INTO sessions VALUES (11, 1, NULL, NULL), (12, 1, NULL, 11), (13, 1, NULL, 12);";
    let update = || {
        Request::update("sessions", dead())
            .set("note", Source::Value(Value::Text("over".to_owned())))
    };
    for (more, table, event, request) in [
        ("", "sessions", "DELETE", with_all()),
        ("", "uses", "DELETE", with_all()),
        ("", "tokens", "DELETE", with_all()),
        ("", "marks", "UPDATE", with_all()),
        ("", "notes", "UPDATE", with_all()),
        ("", "sessions", "UPDATE", update()),
        (chained, "sessions", "DELETE", with_all()),
    ] {
        let schema = tables(Dialect::Postgres, "")
            + more
            + &trigger(
                Dialect::Postgres,
                "takes",
                &format!("AFTER {event} ON {table}"),
                "DELETE FROM sessions WHERE id = 3",
            )
            .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
            .replace("FOR EACH ROW", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW");
        for batch_size in [1000, 1] {
            let mut lab = Lab::postgres(&schema).await;
            lab.options.batch_size = batch_size;
            let (_, said) = said(&lab, request.clone()).await;
            let told = "1 went that are not in the counts";
            assert!(said.contains(told), "{more} {table} {event}: {said}");
        }
    }
}

#[tokio::test]
async fn a_trigger_that_another_one_reaches_in_mid_run_is_told_by_what_it_takes() {
    let mut lab = Lab::sqlite(
        &(tables(Dialect::Sqlite, "")
            + "UPDATE sessions SET dead_at = 1; DELETE FROM uses; DELETE FROM marks;
               CREATE TRIGGER notes AFTER DELETE ON sessions BEGIN INSERT INTO audit VALUES (OLD.id, 'x'); END;"),
    )
    .await;
    lab.options.batch_size = 1;
    let (context, _) = lab.begin().await;
    let sweep = besom::sweep::Sweep::open(&context, sessions())
        .await
        .unwrap();
    assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
    // No table of the sweep has another trigger than before.
    lab.script(
        "CREATE TRIGGER takes AFTER INSERT ON audit BEGIN DELETE FROM tokens WHERE id = 4; END",
    )
    .await;

    while let Step::Batch(_) = sweep.next().await.unwrap() {}

    let ended = context.settle().await.ended;
    let remains = besom::sweep::verify(&lab.database, &ended).await;
    let said = besom::sweep::Verification::of(&remains)
        .to_ledger()
        .unwrap();
    assert!(said.contains("1 went that are not in the counts"), "{said}");
    assert_eq!(
        lab.count("SELECT count(*) FROM tokens WHERE id = 4").await,
        0
    );
}
