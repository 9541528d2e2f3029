//! Children that a trigger ties again to a row that is gone: no batch commits that, and preflight tells of it.

use besom_tests::lab::both;

use super::*;

/// `rule`: what becomes of the tokens of a session that goes. `body`: what their trigger does, which fires when they
/// change.
fn tables(rule: &str, of: &str, body: &str) -> String {
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, pad int,
             session bigint DEFAULT 9 REFERENCES sessions ON DELETE {rule});
         CREATE INDEX ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (9, NULL);
         INSERT INTO tokens VALUES (1, 0, 1), (2, 0, 2), (3, 0, 3);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE was tokens := OLD; BEGIN {body} END $$;
         CREATE TRIGGER look BEFORE UPDATE {of} ON tokens FOR EACH ROW EXECUTE FUNCTION look();"
    )
}

const DANGLING: &str =
    "SELECT count(*) FROM tokens AS t WHERE NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.id = t.session)
         AND session IS NOT NULL";

/// The run fails by name, and nothing is gone or recorded.
async fn rolled_back(lab: &Lab, request: Request, case: &str) {
    let fault = lab.run(request).await.expect_err(case);

    assert_eq!(fault.problem().code, "not-gone", "{case}");
    assert!(fault.problem().message.contains("tokens`"), "{fault}");
    assert_eq!(
        lab.ids("SELECT id FROM sessions").await,
        [1, 2, 3, 9],
        "{case}"
    );
    assert_eq!(
        lab.ids("SELECT session FROM tokens").await,
        [1, 2, 3],
        "{case}"
    );
    assert_eq!(
        lab.count("SELECT count(*) FROM besom_batch").await,
        0,
        "{case}"
    );
}

/// The server counts no rows that are deleted or changed.
async fn without_counts(lab: &mut Lab) {
    lab.script(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_counts = off', current_database()); END $$",
    )
    .await;
    let options = lab.database.options().clone();
    lab.database = besom::database::Database::connect(&lab.home.url, options)
        .await
        .unwrap();
    let off = "SELECT (current_setting('track_counts') = 'off')::int";
    assert_eq!(lab.count(off).await, 1);
}

#[tokio::test]
async fn what_a_trigger_assigns_back_is_an_error_before_the_run_and_rolls_it_back() {
    for (of, body) in [
        ("", "NEW.session := OLD.session; RETURN NEW;"),
        (
            "",
            "IF NEW.session IS DISTINCT FROM OLD.session THEN new . session = was.session; END IF; RETURN NEW;",
        ),
        ("OF session", "NEW.\"session\" := OLD.session; RETURN NEW;"),
        (
            "",
            "SELECT 5, OLD.session INTO NEW.pad, NEW.session; RETURN NEW;",
        ),
        ("", "NEW := OLD; RETURN NEW;"),
        ("", "SELECT was.* INTO NEW; RETURN NEW;"),
    ] {
        for rule in ["SET NULL", "SET DEFAULT"] {
            let lab = Lab::postgres(&tables(rule, of, body)).await;
            let finding = crate::preflight::found(&lab, &sessions(), "undoing-trigger").await;
            assert_eq!(finding.severity, Severity::Error, "{body}");
        }
        let lab = Lab::postgres(&tables("SET NULL", of, body)).await;
        rolled_back(&lab, sessions(), body).await;
    }
}

#[tokio::test]
async fn a_trigger_that_does_so_unseen_rolls_the_batch_back_all_the_same() {
    for body in [
        "RETURN was;",
        "IF OLD.id = 2 THEN RETURN was; END IF; RETURN NEW;",
    ] {
        let lab = Lab::postgres(&tables("SET NULL", "", body)).await;
        rolled_back(&lab, sessions(), body).await;
    }
    // Without the server's own counts as well.
    let mut lab = Lab::postgres(&tables("SET NULL", "", "RETURN was;")).await;
    without_counts(&mut lab).await;
    rolled_back(&lab, sessions(), "track_counts").await;
}

#[tokio::test]
async fn postgres_itself_looks_again_where_a_default_was_to_be_set() {
    let kept = "IF OLD.id = 2 THEN RETURN was; END IF; RETURN NEW;";
    let lab = Lab::postgres(&tables("SET DEFAULT", "", kept)).await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.blocked), (2, 1));
    assert_eq!(lab.count(DANGLING).await, 0);
    assert_eq!(lab.ids("SELECT session FROM tokens").await, [2, 9, 9]);
}

#[tokio::test]
async fn a_trigger_that_leaves_the_column_alone_keeps_nobody() {
    for rule in ["SET NULL", "SET DEFAULT"] {
        for (of, body) in [
            ("", "NEW.pad := 7; RETURN NEW;"),
            (
                "",
                "IF NEW.session = OLD.session THEN NEW.pad := 8; END IF; RETURN NEW;",
            ),
            ("OF pad", "NEW.session := OLD.session; RETURN NEW;"),
            (
                "",
                "NEW.pad := 7; -- NEW.session := OLD.session;\n RETURN NEW;",
            ),
        ] {
            let lab = Lab::postgres(&tables(rule, of, body)).await;
            let codes = crate::preflight::codes(&lab, &sessions()).await;
            assert!(
                !codes.iter().any(|code| code == "undoing-trigger"),
                "{body}: {codes:?}"
            );
            let batch = drained(&lab, &sessions()).await;
            assert_eq!((batch.affected, batch.cascaded), (3, 3), "{body}");
            assert_eq!(lab.count(DANGLING).await, 0, "{body}");
        }
    }
}

#[tokio::test]
async fn a_trigger_that_gives_the_child_another_living_parent_keeps_nobody() {
    let lab = Lab::postgres(&tables("SET NULL", "", "NEW.session := 9; RETURN NEW;")).await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (3, 3));
    assert_eq!(lab.ids("SELECT session FROM tokens").await, [9, 9, 9]);
}

#[tokio::test]
async fn a_function_that_cannot_be_read_is_told_of() {
    let lab = Lab::postgres(&tables("SET NULL", "", "RETURN NEW;")).await;
    lab.script(
        "DROP TRIGGER look ON tokens;
         CREATE FUNCTION unread() RETURNS trigger LANGUAGE internal AS 'suppress_redundant_updates_trigger';
         CREATE TRIGGER unread BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION unread()",
    )
    .await;
    let finding = crate::preflight::found(&lab, &sessions(), "undoing-trigger").await;
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.contains("`unread`"), "{finding:?}");
    assert_eq!(drained(&lab, &sessions()).await.cascaded, 3);
}

#[tokio::test]
async fn children_of_children_and_composite_keys_are_looked_at_too() {
    let lab = Lab::postgres(
        "CREATE TABLE sessions (org int, id bigint, dead_at bigint, PRIMARY KEY (org, id));
         CREATE TABLE devices (id text PRIMARY KEY, org int, session bigint,
             FOREIGN KEY (org, session) REFERENCES sessions ON DELETE CASCADE);
         CREATE INDEX ON devices (org, session);
         CREATE TABLE tokens (id bigint PRIMARY KEY, device text REFERENCES devices ON DELETE SET NULL);
         CREATE INDEX ON tokens (device);
         INSERT INTO sessions VALUES (1, 1, 1), (1, 2, 1), (1, 3, NULL);
         INSERT INTO devices VALUES ('a', 1, 1), ('it''s', 1, 2), ('c', 1, 3);
         INSERT INTO tokens VALUES (1, 'a'), (2, 'it''s'), (3, 'c'), (4, NULL);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ DECLARE was tokens := OLD; BEGIN IF OLD.id = 2 THEN RETURN was; END IF; RETURN NEW; END $$;
         CREATE TRIGGER look BEFORE UPDATE ON tokens FOR EACH ROW EXECUTE FUNCTION look();",
    )
    .await;
    let fault = lab.run(sessions()).await.unwrap_err();
    assert_eq!(fault.problem().code, "not-gone");
    assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 3);
    assert_eq!(
        lab.count("SELECT count(*) FROM tokens WHERE device IS NOT NULL")
            .await,
        3
    );

    lab.script("DROP TRIGGER look ON tokens").await;
    let batch = drained(&lab, &sessions()).await;
    assert_eq!((batch.affected, batch.cascaded), (2, 4));
}

#[tokio::test]
async fn a_partitions_own_trigger_is_looked_for_behind_the_whole_childs() {
    let lab = Lab::postgres(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint, session bigint REFERENCES sessions ON DELETE SET NULL) PARTITION BY RANGE (id);
         CREATE TABLE tokens_1 PARTITION OF tokens FOR VALUES FROM (0) TO (9);
         CREATE INDEX ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (9, NULL); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ DECLARE was tokens_1 := OLD; BEGIN RETURN was; END $$;
         CREATE TRIGGER look BEFORE UPDATE ON tokens_1 FOR EACH ROW EXECUTE FUNCTION look();",
    )
    .await;
    rolled_back(&lab, sessions(), "partition").await;
}

#[tokio::test]
async fn what_is_unlinked_and_tied_again_rolls_the_batch_back() {
    let unlinked = || sessions().unlink_first("tokens", on("session", "id"), None);
    // No key of the database's own would refuse it.
    let postgres = tables("SET NULL", "", "NEW.session := OLD.session; RETURN NEW;")
        + "ALTER TABLE tokens DROP CONSTRAINT tokens_session_fkey;";
    let sqlite = "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
         CREATE TABLE tokens (id INTEGER PRIMARY KEY, session INT); CREATE INDEX t ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (9, NULL); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
         CREATE TRIGGER look AFTER UPDATE ON tokens WHEN OLD.id = 2 BEGIN
             UPDATE tokens SET session = OLD.session WHERE id = OLD.id; END;";
    for lab in both(&postgres, sqlite).await {
        rolled_back(&lab, unlinked(), "unlink").await;
    }
    let ignoring = sqlite.replace("AFTER UPDATE", "BEFORE UPDATE").replace(
        "UPDATE tokens SET session = OLD.session WHERE id = OLD.id;",
        "SELECT RAISE(IGNORE);",
    );
    rolled_back(&Lab::sqlite(&ignoring).await, unlinked(), "ignored").await;
}

#[tokio::test]
async fn on_sqlite_the_database_itself_refuses_what_would_be_tied_to_nothing() {
    for rule in ["SET NULL", "SET DEFAULT"] {
        for (when, does) in [
            (
                "AFTER",
                "UPDATE tokens SET session = OLD.session WHERE id = OLD.id",
            ),
            ("BEFORE", "SELECT RAISE(IGNORE)"),
        ] {
            let lab = Lab::sqlite(&format!(
                "CREATE TABLE sessions (id INTEGER PRIMARY KEY, dead_at INT);
                 CREATE TABLE tokens (id INTEGER PRIMARY KEY,
                     session INT DEFAULT 9 REFERENCES sessions ON DELETE {rule});
                 INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (9, NULL);
                 INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
                 CREATE TRIGGER look {when} UPDATE ON tokens WHEN OLD.id = 2 AND OLD.session = 2 BEGIN {does}; END"
            ))
            .await;

            let _ = lab.run(sessions()).await;

            assert_eq!(lab.count(DANGLING).await, 0, "{rule} {when}");
            let recorded = "SELECT coalesce(sum(affected), 0) FROM besom_batch";
            let gone = 4 - lab.count("SELECT count(*) FROM sessions").await;
            assert_eq!(lab.count(recorded).await, gone, "{rule} {when}");
            let cleared =
                lab.count("SELECT count(*) FROM tokens WHERE session IS NULL OR session = 9");
            let recorded = "SELECT coalesce(sum(cascaded), 0) FROM besom_batch";
            assert_eq!(lab.count(recorded).await, cleared.await, "{rule} {when}");
        }
    }
}

#[tokio::test]
async fn a_heavy_row_whose_children_a_trigger_keeps_is_not_taken_apart_for_ever() {
    let lab = Lab::postgres(
        &(tables("SET NULL", "", "RETURN was;")
            + "INSERT INTO tokens SELECT n, 0, 1 FROM generate_series(10, 25000) AS n;"),
    )
    .await;
    let done = tokio::time::timeout(std::time::Duration::from_secs(60), lab.run(sessions())).await;
    let fault = done.expect("the run ends").unwrap_err();
    assert_eq!(fault.problem().code, "not-gone");
    assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 4);
    assert_eq!(lab.count(DANGLING).await, 0);
}

#[tokio::test]
async fn a_cascade_that_a_trigger_keeps_is_found_without_the_servers_counts() {
    let mut lab = Lab::postgres(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE INDEX ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (9, NULL); INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ DECLARE kept tokens := NULL; BEGIN IF OLD.id = 2 THEN RETURN kept; END IF; RETURN OLD; END $$;
         CREATE TRIGGER look BEFORE DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION look();",
    )
    .await;
    without_counts(&mut lab).await;
    rolled_back(&lab, sessions(), "cascade").await;
}
