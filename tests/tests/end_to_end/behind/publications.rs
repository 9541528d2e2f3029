//! Published tables without a replica identity, of which PostgreSQL refuses every delete.

use besom::request::{Source, Value};

use super::*;

/// No table but `sessions` has a key.
const TABLES: &str =
    "CREATE TABLE sessions (id int PRIMARY KEY, dead_at int, org int NOT NULL DEFAULT 1);
    CREATE TABLE log (session int, dead_at int);
    CREATE TABLE tokens (session int REFERENCES sessions ON DELETE CASCADE);
    CREATE TABLE notes (session int REFERENCES sessions ON DELETE SET NULL);
    CREATE TABLE parts (id int, dead_at int) PARTITION BY RANGE (id);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    INSERT INTO sessions VALUES (1, 1); INSERT INTO tokens VALUES (1); INSERT INTO notes VALUES (1);
    INSERT INTO log VALUES (1, 1); INSERT INTO parts VALUES (1, 1);";
const ALL: &str = "SELECT (SELECT count(*) FROM sessions) + (SELECT count(session) FROM tokens)
    + (SELECT count(session) FROM notes) + (SELECT count(*) FROM log) + (SELECT count(*) FROM parts)";

fn log() -> Request {
    Request::delete("log", dead())
}

/// Lists of columns, conditions and whole schemas are published since PostgreSQL 15.
async fn knows(lab: &Lab, publication: &str) -> bool {
    let version = "SELECT current_setting('server_version_num')::bigint";
    let young = ["(dead_at)", "WHERE", "IN SCHEMA"];
    !young.iter().any(|part| publication.contains(part)) || lab.count(version).await >= 150_000
}

#[tokio::test]
async fn a_table_that_publishes_what_it_cannot_name_is_found_before_the_run_wherever_rows_go() {
    let set = Request::update("log", dead()).set("session", Source::Value(Value::Integer(5)));
    let dependents = sessions().delete_first("log", on("session", "id"), None);
    for (publication, request) in [
        ("FOR TABLE log", log()),
        ("FOR TABLE log", set),
        ("FOR TABLE log", dependents),
        ("FOR TABLE tokens", sessions()),
        ("FOR TABLE notes", sessions()),
        ("FOR ALL TABLES", log()),
        ("FOR TABLES IN SCHEMA public", log()),
        ("FOR TABLE parts", Request::delete("parts", dead())),
        ("FOR TABLE parts_1", Request::delete("parts", dead())),
        (
            "FOR TABLE sessions WHERE (org = 1), tokens WITH (publish = 'insert, update')",
            sessions(),
        ),
        ("FOR TABLE log WITH (publish = 'delete')", log()),
    ] {
        let lab = Lab::postgres(TABLES).await;
        if !knows(&lab, publication).await {
            continue;
        }
        let filtered = publication.contains("WHERE");
        lab.script(&format!("CREATE PUBLICATION p {publication}"))
            .await;
        if filtered {
            // By a column beside the key.
            let said =
                Request::update("sessions", dead()).set("dead_at", Source::Value(Value::Null));
            assert_eq!(refused(&lab, &said, ALL).await, "no-replica-identity");
            continue;
        }
        assert_eq!(
            refused(&lab, &request, ALL).await,
            "no-replica-identity",
            "{publication}"
        );
    }
}

#[tokio::test]
async fn each_of_the_ways_out_is_one() {
    for way in [
        "ALTER TABLE log REPLICA IDENTITY FULL",
        "ALTER PUBLICATION p DROP TABLE log",
        "ALTER PUBLICATION p SET (publish = 'insert')",
        "ALTER TABLE log ADD COLUMN id serial PRIMARY KEY",
        "ALTER TABLE log ALTER session SET NOT NULL; CREATE UNIQUE INDEX own ON log (session);
         ALTER TABLE log REPLICA IDENTITY USING INDEX own",
        "ALTER TABLE log SET UNLOGGED",
    ] {
        let lab = Lab::postgres(TABLES).await;
        lab.script("CREATE PUBLICATION p FOR TABLE log").await;
        assert_eq!(refused(&lab, &log(), ALL).await, "no-replica-identity");
        if way.ends_with("UNLOGGED") {
            lab.script("DROP PUBLICATION p; CREATE PUBLICATION p FOR ALL TABLES")
                .await;
        }
        lab.script(way).await;
        assert_eq!(drained(&lab, &log()).await.affected, 1, "{way}");
    }
}

#[tokio::test]
async fn an_identity_that_does_not_serve_is_none() {
    for (table, publication) in [
        ("id int PRIMARY KEY DEFERRABLE, dead_at int", "FOR TABLE t"),
        ("id int PRIMARY KEY, dead_at int", "FOR TABLE t (dead_at)"),
        (
            "id int PRIMARY KEY, dead_at int",
            "FOR TABLE t WHERE (dead_at > 0)",
        ),
    ] {
        let lab = Lab::postgres(&format!(
            "CREATE TABLE t ({table}); INSERT INTO t VALUES (1, 1)"
        ))
        .await;
        if !knows(&lab, publication).await {
            continue;
        }
        lab.script(&format!("CREATE PUBLICATION p {publication}"))
            .await;
        let request = Request::delete("t", dead());
        let code = refused(&lab, &request, "SELECT count(*) FROM t").await;
        assert_eq!(code, "no-replica-identity", "{publication}");
        // It is what the database itself does.
        let mut session = lab.session().await;
        assert!(
            session.run_script("DELETE FROM t").await.is_err(),
            "{publication}"
        );
    }
}
