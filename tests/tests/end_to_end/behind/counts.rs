//! What the record claims is what is gone: where the database did less, the batch is rolled back.

use besom::request::{Source, Value};

use super::*;

/// The function's source does not look like one that keeps rows.
fn keeping(event: &str, rule: &str, kept: &str) -> String {
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE {rule});
         CREATE INDEX ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ DECLARE kept tokens := NULL; BEGIN IF OLD.id = 2 THEN {kept} END IF; RETURN {}; END $$;
         CREATE TRIGGER look BEFORE {event} ON tokens FOR EACH ROW EXECUTE FUNCTION look()",
        if event == "DELETE" { "OLD" } else { "NEW" }
    )
}

#[tokio::test]
async fn a_child_that_a_trigger_keeps_from_its_cascade_rolls_the_batch_back_by_name() {
    for (event, rule) in [("DELETE", "CASCADE"), ("UPDATE", "SET NULL")] {
        let lab = Lab::postgres(&keeping(event, rule, "RETURN kept;")).await;
        let codes = crate::preflight::codes(&lab, &sessions()).await;
        assert!(
            !codes.iter().any(|code| code == "soft-delete-trigger"),
            "{codes:?}"
        );

        let fault = lab.run(sessions()).await.unwrap_err();

        assert_eq!(fault.problem().code, "not-gone", "{rule}");
        assert!(
            fault.problem().message.contains("`public.tokens`"),
            "{fault}"
        );
        assert_eq!(
            lab.ids("SELECT id FROM sessions").await,
            [1, 2, 3],
            "{rule}"
        );
        assert_eq!(
            lab.ids("SELECT session FROM tokens").await,
            [1, 2, 3],
            "{rule}"
        );
        assert_eq!(
            lab.count("SELECT count(*) FROM besom_batch").await,
            0,
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_trigger_that_lets_everything_go_changes_no_count_and_neither_do_further_rows() {
    for (event, rule) in [("DELETE", "CASCADE"), ("UPDATE", "SET NULL")] {
        let mut lab = Lab::postgres(&keeping(event, rule, "NULL;")).await;
        lab.options.batch_size = 1;
        let batch = drained(&lab, &sessions()).await;
        assert_eq!((batch.affected, batch.cascaded), (3, 3), "{rule}");
    }
    let lab = Lab::postgres(&keeping("DELETE", "CASCADE", "RETURN kept;")).await;
    lab.script(
        "DROP TRIGGER look ON tokens; SET track_counts = off; DELETE FROM tokens WHERE id = 3",
    )
    .await;
    assert_eq!(drained(&lab, &sessions()).await.cascaded, 2);
}

#[tokio::test]
async fn rows_by_several_keys_and_in_partitions_are_all_counted() {
    let lab = Lab::postgres(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint, a bigint REFERENCES sessions ON DELETE CASCADE,
             b bigint REFERENCES sessions ON DELETE SET NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE tokens_1 PARTITION OF tokens FOR VALUES FROM (0) TO (3);
         CREATE TABLE tokens_2 PARTITION OF tokens FOR VALUES FROM (3) TO (9);
         CREATE INDEX ON tokens (a); CREATE INDEX ON tokens (b);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, NULL);
         INSERT INTO tokens VALUES (1, 1, 1), (2, 3, 2), (3, 1, 2), (4, 3, 1), (5, NULL, 2);",
    )
    .await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (2, 5));
    assert_eq!(lab.ids("SELECT id FROM tokens").await, [2, 4, 5]);
}

#[tokio::test]
async fn on_sqlite_the_database_itself_refuses_what_would_dangle() {
    let lab = Lab::sqlite(
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
         CREATE TABLE tokens (id INTEGER PRIMARY KEY, session INT REFERENCES sessions ON DELETE CASCADE);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
         CREATE TRIGGER look BEFORE DELETE ON tokens WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); END",
    )
    .await;
    let finding = crate::preflight::found(&lab, &sessions(), "soft-delete-trigger").await;
    assert_eq!(finding.severity, Severity::Error);

    let _ = lab.run(sessions()).await;

    let dangling = "SELECT count(*) FROM tokens WHERE session NOT IN (SELECT id FROM sessions)";
    assert_eq!(lab.count(dangling).await, 0);
    let recorded = "SELECT coalesce(sum(affected + cascaded), 0) FROM besom_batch";
    let gone = "SELECT 6 - (SELECT count(*) FROM sessions) - (SELECT count(*) FROM tokens)";
    assert_eq!(lab.count(recorded).await, lab.count(gone).await);
}

#[tokio::test]
async fn on_sqlite_dependents_that_a_trigger_keeps_roll_the_batch_back_by_name() {
    let lab = Lab::sqlite(
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
         CREATE TABLE uses (id INTEGER PRIMARY KEY, session INT);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1); INSERT INTO uses VALUES (1, 1), (2, 2), (3, 3);
         CREATE TRIGGER look BEFORE DELETE ON uses WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); END",
    )
    .await;
    let request = sessions().delete_first("uses", on("session", "id"), None);

    let fault = lab.run(request).await.unwrap_err();

    assert_eq!(fault.problem().code, "not-gone");
    assert!(fault.problem().message.contains("`main.uses`"), "{fault}");
    assert_eq!(lab.ids("SELECT id FROM sessions").await, [1, 2, 3]);
    assert_eq!(lab.ids("SELECT id FROM uses").await, [1, 2, 3]);
    assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 0);
}

#[tokio::test]
async fn a_trigger_that_may_undo_a_change_is_an_error_where_the_change_fires_it() {
    let schema = |body: &str, of: &str| {
        format!(
            "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
             CREATE TABLE tokens (id bigint PRIMARY KEY, pad int,
                 session bigint REFERENCES sessions ON DELETE SET NULL);
             CREATE INDEX tokens_session ON tokens (session);
             CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
             CREATE TRIGGER look BEFORE UPDATE {of} ON tokens FOR EACH ROW EXECUTE FUNCTION look();"
        )
    };
    for (body, of, told) in [
        ("RETURN NULL;", "", true),
        ("RETURN OLD;", "", true),
        ("RETURN OLD;", "OF session", true),
        ("RETURN OLD;", "OF pad", false),
        ("RETURN NEW;", "", false),
        (
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
            "",
            false,
        ),
    ] {
        let lab = Lab::postgres(&schema(body, of)).await;
        let codes = crate::preflight::codes(&lab, &sessions()).await;
        assert_eq!(
            codes.iter().any(|c| c == "undoing-trigger"),
            told,
            "{body} {of}: {codes:?}"
        );
    }
    let sqlite = |of: &str| {
        format!(
            "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
             CREATE TABLE tokens (id INTEGER PRIMARY KEY, pad INT, session INT REFERENCES sessions ON DELETE SET NULL);
             CREATE INDEX tokens_session ON tokens (session);
             CREATE TRIGGER look BEFORE UPDATE {of} ON tokens BEGIN SELECT RAISE(IGNORE); END"
        )
    };
    for (of, told) in [("", true), ("OF pad, \"session\"", true), ("OF pad", false)] {
        let lab = Lab::sqlite(&sqlite(of)).await;
        let codes = crate::preflight::codes(&lab, &sessions()).await;
        assert_eq!(
            codes.iter().any(|c| c == "undoing-trigger"),
            told,
            "{of}: {codes:?}"
        );
    }
}

#[tokio::test]
async fn a_partitions_own_trigger_is_found_beside_the_whole_tables() {
    let own = "CREATE TABLE parts (id bigint, dead_at bigint) PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER look BEFORE DELETE ON parts_1 FOR EACH ROW EXECUTE FUNCTION look();";
    let lab = Lab::postgres(own).await;
    let request = Request::delete("parts", dead());
    let finding = crate::preflight::found(&lab, &request, "soft-delete-trigger").await;
    assert!(finding.message.contains("`public.parts_1`"), "{finding:?}");
}

/// Sessions whose tokens go along, and a trigger that takes further tokens by itself.
const TAKING: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
    CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
    CREATE INDEX ON tokens (session);
    INSERT INTO sessions VALUES (1, 1), (2, NULL); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 2);
    CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN DELETE FROM tokens WHERE id = 3; RETURN NULL; END $$;";

#[tokio::test]
async fn what_a_trigger_takes_besides_leaves_the_run_unverified() {
    for (trigger, verified) in [
        (
            "CREATE TRIGGER take AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION take()",
            false,
        ),
        (
            "CREATE TRIGGER take AFTER DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION take()",
            false,
        ),
        (
            "CREATE TRIGGER take AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION take()",
            true,
        ),
    ] {
        let lab = Lab::postgres(&format!("{TAKING}{trigger}")).await;
        let (context, _) = lab.begin().await;
        let (batch, end) = besom_tests::lab::drain(&context, sessions()).await.unwrap();
        assert_eq!((end, batch.affected, batch.cascaded), (Step::Drained, 1, 1));
        let ended = context.settle().await.ended;
        let remains = besom::sweep::verify(&lab.database, &ended).await;
        let said = besom::sweep::Verification::of(&remains)
            .to_ledger()
            .unwrap();
        assert_eq!(said == "verified", verified, "{trigger}: {said}");
        assert!(
            verified || said.contains("1 went that are not in the counts"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_row_that_two_keys_let_go_counts_once_and_raises_no_alarm() {
    let tables = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
        CREATE TABLE tokens (id bigint PRIMARY KEY, a bigint REFERENCES sessions ON DELETE SET NULL,
            b bigint REFERENCES sessions ON DELETE SET NULL);
        CREATE INDEX tokens_a ON tokens (a); CREATE INDEX tokens_b ON tokens (b);
        INSERT INTO sessions VALUES (1, 1), (2, 1); INSERT INTO tokens VALUES (1, 1, 1), (2, 1, 2);";
    for lab in besom_tests::lab::both(tables, tables).await {
        let batch = drained(&lab, &sessions()).await;
        assert_eq!(
            (batch.affected, batch.cascaded),
            (2, 2),
            "{:?}",
            lab.dialect()
        );
    }
}

#[tokio::test]
async fn what_a_trigger_takes_of_the_table_itself_leaves_the_run_unverified() {
    const OWN: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint, note text);
        INSERT INTO sessions VALUES (1, 1), (2, NULL);
        CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF pg_trigger_depth() = 1 THEN DELETE FROM sessions WHERE id = 2; END IF; RETURN NULL; END $$;
        CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF pg_trigger_depth() = 1 THEN UPDATE sessions SET note = note WHERE id = 1; END IF;
               RETURN NULL; END $$;";
    let update = || {
        Request::update("sessions", dead())
            .set("note", Source::Value(Value::Text("over".to_owned())))
    };
    for (trigger, request, verified) in [
        (
            "CONSTRAINT TRIGGER take AFTER DELETE ON sessions DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION take()",
            sessions(),
            false,
        ),
        (
            "TRIGGER take AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION take()",
            sessions(),
            false,
        ),
        (
            "TRIGGER take AFTER DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION take()",
            sessions(),
            false,
        ),
        (
            "TRIGGER take AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION take()",
            update(),
            false,
        ),
        (
            "TRIGGER take AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION again()",
            update(),
            true,
        ),
        (
            "TRIGGER take AFTER UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION take()",
            sessions(),
            true,
        ),
    ] {
        let in_parts = OWN.replacen(
            "note text)",
            "note text) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF sessions DEFAULT",
            1,
        );
        for tables in [OWN, in_parts.as_str()] {
            // Of a whole that is swept by its parts no trigger FOR EACH STATEMENT fires.
            let fires = tables == OWN || !trigger.contains("FOR EACH STATEMENT");
            let verified = verified || !fires;
            let lab = Lab::postgres(&format!("{tables} CREATE {trigger}")).await;
            let (context, _) = lab.begin().await;
            let swept = besom_tests::lab::drain(&context, request.clone()).await;
            let (batch, end) = swept.unwrap();
            let case = format!("{trigger}: {tables}");
            assert_eq!((end, batch.affected), (Step::Drained, 1), "{case}");
            let ended = context.settle().await.ended;
            let remains = besom::sweep::verify(&lab.database, &ended).await;
            let said = besom::sweep::Verification::of(&remains).to_ledger();
            let said = said.unwrap();
            assert_eq!(said == "verified", verified, "{said}: {case}");
        }
    }
}
