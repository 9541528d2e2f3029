//! What triggers take of the tables of a sweep, on either database: no record claims that nothing else has gone.

use besom::catalog::Dialect;
use besom::request::{Source, Value};
use besom_tests::lab::drain;

use super::*;

/// Sessions with what goes along in every way. Session 1 is dead; 2 is what tokens, uses and notes hang on that stay.
/// `rowid`: what stands behind each table that a sweep may reach.
pub(super) fn tables(dialect: Dialect, rowid: &str) -> String {
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
pub(super) fn trigger(dialect: Dialect, name: &str, when: &str, body: &str) -> String {
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
pub(super) fn with_all() -> Request {
    sessions()
        .delete_first("uses", on("session", "id"), None)
        .unlink_first("marks", on("session", "id"), None)
}

/// What a run of the request comes to, and what its verification says.
pub(super) async fn said(lab: &Lab, request: Request) -> (Batch, String) {
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
async fn it_is_told_where_no_rule_acts_too() {
    let tables = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
        CREATE TABLE uses (id bigint PRIMARY KEY, session bigint REFERENCES sessions);
        CREATE INDEX uses_session ON uses (session);
        INSERT INTO sessions VALUES (1, 1), (2, NULL), (3, NULL); INSERT INTO uses VALUES (1, 1), (2, 2);";
    for when in [
        "BEFORE DELETE ON sessions",
        "AFTER DELETE ON sessions",
        "BEFORE DELETE ON uses",
        "AFTER DELETE ON uses",
    ] {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let body = "DELETE FROM sessions WHERE id = 3 AND OLD.id = 1";
            let schema = tables.to_owned() + &trigger(dialect, "takes", when, body);
            let lab = match dialect {
                Dialect::Sqlite => Lab::sqlite(&schema).await,
                Dialect::Postgres => Lab::postgres(&schema).await,
            };
            let request = sessions().delete_first("uses", on("session", "id"), None);

            let (batch, said) = said(&lab, request).await;

            assert_eq!(
                (batch.affected, batch.dependents),
                (1, 1),
                "{when} {dialect:?}"
            );
            assert!(said.contains("1 went"), "{when} {dialect:?}: {said}");
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
