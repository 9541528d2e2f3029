//! What triggers take of the tables of a sweep, on either database: no record claims that nothing else has gone.

use besom::catalog::Dialect;
use besom::request::{Source, Value};
use besom_tests::lab::drain;

use super::*;

/// Sessions with what goes along in every way. Session 1 is dead; 2 is what tokens, uses and notes hang on that stay.
/// `rowid`: what stands behind each table that a sweep may reach.
fn tables(dialect: Dialect, rowid: &str) -> String {
    let names = [
        ("sessions", "dead_at bigint, note text"),
        (
            "tokens",
            "session bigint REFERENCES sessions ON DELETE CASCADE",
        ),
        ("uses", "session bigint REFERENCES sessions"),
        (
            "notes",
            "session bigint REFERENCES sessions ON DELETE SET NULL, touched int",
        ),
        ("marks", "session bigint REFERENCES sessions"),
        ("visits", "session bigint"),
        ("audit", "what text"),
        ("counters", "n bigint"),
    ];
    let create = names.iter().map(|(name, columns)| {
        let id = match dialect {
            Dialect::Sqlite => "id INTEGER PRIMARY KEY",
            Dialect::Postgres => "id bigint PRIMARY KEY",
        };
        let rowid = match *name {
            "audit" | "counters" => "",
            _ => rowid,
        };
        format!("CREATE TABLE {name} ({id}, {columns}) {rowid};")
    });
    let create: String = create.collect();
    let index = ["tokens", "uses", "notes", "marks", "visits"]
        .map(|name| format!("CREATE INDEX {name}_session ON {name} (session);"));
    let fill = ["tokens", "uses", "notes", "marks", "visits"].map(|name| {
        format!("INSERT INTO {name} (id, session) VALUES (1, 1), (2, 2), (3, 2), (4, NULL);")
    });
    format!(
        "{create}{}INSERT INTO sessions VALUES (1, 1, NULL), (2, NULL, NULL), (3, NULL, NULL);{}
         INSERT INTO audit VALUES (-1, 'old'); INSERT INTO counters VALUES (-1, 0);",
        index.concat(),
        fill.concat()
    )
}

/// A trigger that runs `body` once a row.
fn trigger(dialect: Dialect, name: &str, when: &str, body: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("CREATE TRIGGER {name} {when} BEGIN {body}; END;"),
        Dialect::Postgres => format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN {body}; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;
             CREATE TRIGGER {name} {when} FOR EACH ROW EXECUTE FUNCTION {name}();"
        ),
    }
}

/// Uses go first, marks are let go.
fn with_all() -> Request {
    sessions()
        .delete_first("uses", on("session", "id"), None)
        .unlink_first("marks", on("session", "id"), None)
}

/// What a run of the request comes to, and what its verification says.
async fn said(lab: &Lab, request: Request) -> (Batch, String) {
    let (context, _) = lab.begin().await;
    let (batch, end) = drain(&context, request).await.unwrap();
    assert_eq!(end, Step::Drained);
    let ended = context.settle().await.ended;
    let remains = besom::sweep::verify(&lab.database, &ended).await;
    let said = besom::sweep::Verification::of(&remains).to_ledger();
    lab.end(&context).await;
    (batch, said.unwrap())
}

async fn labs(triggers: &[(&str, &str)]) -> Vec<(String, Lab)> {
    let mut labs = Vec::new();
    for (dialect, rowid) in [
        (Dialect::Sqlite, ""),
        (Dialect::Sqlite, "WITHOUT ROWID"),
        (Dialect::Postgres, ""),
    ] {
        let mut schema = tables(dialect, rowid);
        for (place, (when, body)) in triggers.iter().enumerate() {
            schema += &trigger(dialect, &format!("t{place}"), when, body);
        }
        let lab = match dialect {
            Dialect::Sqlite => Lab::sqlite(&schema).await,
            Dialect::Postgres => Lab::postgres(&schema).await,
        };
        labs.push((format!("{dialect:?} {rowid} {triggers:?}"), lab));
    }
    labs
}

#[tokio::test]
async fn what_a_trigger_takes_of_any_table_of_the_sweep_leaves_the_run_unverified() {
    for (triggers, beside) in [
        // Of the swept table, after it and before it.
        (
            vec![(
                "AFTER DELETE ON sessions",
                "DELETE FROM sessions WHERE id = 3",
            )],
            1,
        ),
        (
            vec![(
                "BEFORE DELETE ON sessions",
                "DELETE FROM sessions WHERE id = 3 AND OLD.id = 1",
            )],
            1,
        ),
        // A dependent's, one that is let go, a cascaded child's, and one that a rule clears.
        (
            vec![("AFTER DELETE ON uses", "DELETE FROM uses WHERE id = 3")],
            1,
        ),
        (
            vec![("BEFORE DELETE ON uses", "DELETE FROM tokens WHERE id > 2")],
            2,
        ),
        (
            vec![(
                "AFTER UPDATE OF session ON marks",
                "DELETE FROM marks WHERE id = 3",
            )],
            1,
        ),
        (
            vec![(
                "AFTER DELETE ON tokens",
                "DELETE FROM sessions WHERE id = 3",
            )],
            1,
        ),
        (
            vec![(
                "AFTER UPDATE ON notes",
                "DELETE FROM tokens WHERE id IN (2, 3)",
            )],
            2,
        ),
        (
            vec![("AFTER UPDATE ON notes", "DELETE FROM notes WHERE id = 3")],
            1,
        ),
        // By way of tables that the request does not name.
        (
            vec![
                (
                    "AFTER DELETE ON sessions",
                    "INSERT INTO audit VALUES (7, 'x')",
                ),
                ("AFTER INSERT ON audit", "UPDATE counters SET n = n + 1"),
                ("AFTER UPDATE ON counters", "DELETE FROM uses WHERE id = 3"),
            ],
            1,
        ),
        // Another session, with what hangs on it.
        (
            vec![(
                "AFTER DELETE ON sessions",
                "DELETE FROM uses WHERE session = 2; UPDATE marks SET session = NULL WHERE session = 2; DELETE FROM sessions WHERE id = 2",
            )],
            2 + 2 + 1 + 2 + 2,
        ),
    ] {
        for (case, lab) in labs(&triggers).await {
            let (batch, said) = said(&lab, with_all()).await;

            let counted = (batch.affected, batch.dependents, batch.cascaded);
            assert_eq!(counted, (1, 2, 2), "{case}");
            let told = format!("{beside} went that are not in the counts");
            assert!(said.contains(&told), "{case}: {said}");
        }
    }
}

#[tokio::test]
async fn what_a_trigger_does_elsewhere_or_to_the_same_rows_leaves_the_run_verified() {
    for triggers in [
        vec![
            (
                "AFTER DELETE ON sessions",
                "INSERT INTO audit VALUES (OLD.id, 'gone')",
            ),
            (
                "BEFORE DELETE ON tokens",
                "INSERT INTO audit VALUES (OLD.id + 10, 'gone')",
            ),
            (
                "AFTER DELETE ON uses",
                "UPDATE counters SET n = n + 1; DELETE FROM audit WHERE id < 0",
            ),
        ],
        // What it takes has gone already, or goes anyway.
        vec![(
            "AFTER DELETE ON sessions",
            "DELETE FROM uses WHERE session = OLD.id",
        )],
        // Only where rows are changed.
        vec![("AFTER UPDATE ON sessions", "DELETE FROM sessions")],
    ] {
        for (case, lab) in labs(&triggers).await {
            let (batch, said) = said(&lab, with_all()).await;
            let counted = (batch.affected, batch.dependents, batch.cascaded);
            assert_eq!(counted, (1, 2, 2), "{case}");
            assert_eq!(said, "verified", "{case}");
        }
    }
    // SQLite has no other way to touch the row, and tells rows apart by their rowids.
    let touches = [(
        "AFTER UPDATE OF session ON notes",
        "UPDATE notes SET touched = 1 WHERE id = NEW.id",
    )];
    for (case, lab) in labs(&touches).await {
        let (_, said) = said(&lab, with_all()).await;
        match case.starts_with("Sqlite  ") {
            true => assert_eq!(said, "verified", "{case}"),
            false => assert!(said.contains("1 went"), "{case}: {said}"),
        }
    }
}

#[tokio::test]
async fn sqlites_shortcuts_hide_no_row() {
    for body in [
        // Without a WHERE the pages are dropped as they are, where no key and no trigger is in the way.
        "DELETE FROM visits",
        "DELETE FROM uses",
        // Nothing tells of what is replaced.
        "INSERT OR REPLACE INTO uses VALUES (2, NULL), (3, NULL), (4, NULL)",
    ] {
        for rowid in ["", "WITHOUT ROWID"] {
            let takes = trigger(Dialect::Sqlite, "takes", "AFTER DELETE ON sessions", body);
            let lab = Lab::sqlite(&(tables(Dialect::Sqlite, rowid) + &takes)).await;
            let request = with_all().delete_first("visits", on("session", "id"), None);

            let (batch, said) = said(&lab, request).await;

            assert_eq!((batch.affected, batch.dependents), (1, 3), "{body} {rowid}");
            assert!(said.contains("3 went"), "{body} {rowid}: {said}");
        }
    }
}

/// What is written to another table without a rowid cannot be told from rows of the sweep's own.
#[tokio::test]
async fn where_sqlite_tells_no_row_from_another_the_run_is_unverified_on_a_doubt() {
    for (rowid, verified) in [("", true), ("WITHOUT ROWID", false)] {
        let log = "CREATE TABLE log (id INTEGER PRIMARY KEY) WITHOUT ROWID;";
        let body = "INSERT INTO log VALUES (OLD.id)";
        let notes = trigger(Dialect::Sqlite, "notes", "AFTER DELETE ON sessions", body);
        let lab = Lab::sqlite(&(tables(Dialect::Sqlite, rowid) + log + &notes)).await;
        let (_, said) = said(&lab, with_all()).await;
        assert_eq!(said == "verified", verified, "{rowid}: {said}");
    }
}

#[tokio::test]
async fn tables_that_the_sweep_does_not_reach_are_the_triggers_own_affair() {
    let takes = [("AFTER DELETE ON tokens", "DELETE FROM audit WHERE id < 5")];
    for (case, lab) in labs(&takes).await {
        let (_, said) = said(&lab, with_all()).await;
        assert_eq!(said, "verified", "{case}");
        assert_eq!(lab.count("SELECT count(*) FROM audit").await, 0, "{case}");
    }
}

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

#[tokio::test]
async fn an_update_that_takes_rows_is_told() {
    let update = || {
        Request::update("sessions", dead())
            .set("note", Source::Value(Value::Text("over".to_owned())))
    };
    for (body, verified) in [
        ("DELETE FROM sessions WHERE id = 3", false),
        ("INSERT INTO audit VALUES (7, 'x')", true),
    ] {
        for when in ["AFTER UPDATE ON sessions", "BEFORE UPDATE ON sessions"] {
            for (case, lab) in labs(&[(when, body)]).await {
                let (batch, said) = said(&lab, update()).await;
                assert_eq!(batch.affected, 1, "{case}");
                assert_eq!(said == "verified", verified, "{case}: {said}");
            }
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
