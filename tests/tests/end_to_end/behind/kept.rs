//! Rows that a BEFORE DELETE trigger keeps: what hangs on them stays with them, and no count says otherwise.

use besom::catalog::Dialect;
use besom_tests::lab::both;

use super::*;

/// A trigger that keeps rows of `table` which meet `when` (written of `OLD`), for either database.
fn keeps(table: &str, when: &str) -> (String, String) {
    let postgres = format!(
        "CREATE FUNCTION keep_{table}() RETURNS trigger LANGUAGE plpgsql AS
             $$ DECLARE kept {table} := NULL; BEGIN IF {when} THEN RETURN kept; END IF; RETURN OLD; END $$;
         CREATE TRIGGER keep BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION keep_{table}();"
    );
    let sqlite = format!(
        "CREATE TRIGGER keep_{table} BEFORE DELETE ON {table} WHEN {when} BEGIN SELECT RAISE(IGNORE); END;"
    );
    (postgres, sqlite)
}

/// The same tables and triggers in both databases.
async fn labs(tables: &str, triggers: &[(&str, &str)]) -> Vec<Lab> {
    let (mut postgres, mut sqlite) = (tables.to_owned(), tables.to_owned());
    for (table, when) in triggers {
        let (on_postgres, on_sqlite) = keeps(table, when);
        postgres += &on_postgres;
        sqlite += &on_sqlite;
    }
    both(&postgres, &sqlite).await
}

/// Sessions with a use each, tied by a key or not.
fn sessions_with_uses(key: &str, rows: u32) -> String {
    let rows: Vec<_> = (1..=rows).map(|n| format!("({n}, {n})")).collect();
    let rows = rows.join(", ");
    format!(
        "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE uses (id bigint PRIMARY KEY, session bigint {key});
         CREATE INDEX uses_session ON uses (session);
         INSERT INTO sessions VALUES {rows}; INSERT INTO uses VALUES {rows};"
    )
}

/// The ledger says what is gone, and no more.
async fn as_recorded(lab: &Lab, column: &str, table: &str, rows: i64) {
    let recorded = format!("SELECT CAST(coalesce(sum({column}), 0) AS bigint) FROM besom_batch");
    let left = lab.count(&format!("SELECT count(*) FROM {table}")).await;
    assert_eq!(lab.count(&recorded).await, rows - left, "{table}");
}

#[tokio::test]
async fn a_swept_row_that_is_kept_keeps_its_dependents() {
    for key in ["REFERENCES sessions", ""] {
        for lab in labs(&sessions_with_uses(key, 5), &[("sessions", "OLD.id = 2")]).await {
            let request = sessions().delete_first("uses", on("session", "id"), None);

            let batch = drained(&lab, &request).await;

            let told = (batch.affected, batch.dependents, batch.blocked);
            assert_eq!(told, (4, 4, 1), "{key} {:?}", lab.dialect());
            assert_eq!(lab.ids("SELECT id FROM sessions").await, [2]);
            assert_eq!(lab.ids("SELECT id FROM uses").await, [2]);
            as_recorded(&lab, "affected", "sessions", 5).await;
            as_recorded(&lab, "dependents", "uses", 5).await;
        }
    }
}

#[tokio::test]
async fn a_swept_row_that_is_kept_stays_tied_to_what_was_to_let_go() {
    for key in ["REFERENCES sessions", ""] {
        for lab in labs(&sessions_with_uses(key, 5), &[("sessions", "OLD.id = 2")]).await {
            let request = sessions().unlink_first("uses", on("session", "id"), None);

            let batch = drained(&lab, &request).await;

            let told = (batch.affected, batch.dependents, batch.blocked);
            assert_eq!(told, (4, 4, 1), "{key} {:?}", lab.dialect());
            let tied = "SELECT id FROM uses WHERE session IS NOT NULL";
            assert_eq!(lab.ids(tied).await, [2]);
        }
    }
}

#[tokio::test]
async fn many_that_are_kept_hold_up_none_of_the_others() {
    let kept = [("sessions", "OLD.id % 50 = 7")];
    for mut lab in labs(&sessions_with_uses("REFERENCES sessions", 600), &kept).await {
        lab.options.batch_size = 100;
        let request = sessions().delete_first("uses", on("session", "id"), None);

        let batch = drained(&lab, &request).await;

        let told = (batch.affected, batch.dependents, batch.blocked);
        assert_eq!(told, (588, 588, 12), "{:?}", lab.dialect());
        let apart = "SELECT count(*) FROM sessions JOIN uses ON session = sessions.id";
        assert_eq!(lab.count(apart).await, 12);
        as_recorded(&lab, "dependents", "uses", 600).await;
    }
}

#[tokio::test]
async fn the_run_says_that_a_trigger_keeps_them() {
    let kept = [("sessions", "OLD.id = 2")];
    for lab in labs(&sessions_with_uses("", 3), &kept).await {
        let request = sessions().delete_first("uses", on("session", "id"), None);
        let (context, _) = lab.begin().await;

        besom_tests::lab::drain(&context, request).await.unwrap();

        let held: Vec<_> = context.settle().await.blocked_by.into_iter().collect();
        let [(why, 1)] = held.as_slice() else {
            panic!("{held:?}");
        };
        assert!(why.contains("trigger") && why.contains("sessions"), "{why}");
    }
}

#[tokio::test]
async fn a_root_that_is_kept_keeps_the_rows_below_it_and_one_below_keeps_its_root() {
    const TABLES: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint,
             parent bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE INDEX sessions_parent ON sessions (parent);
         INSERT INTO sessions VALUES (1, 1, NULL), (2, NULL, 1), (3, 1, NULL), (4, NULL, 3), (5, 1, NULL), (6, NULL, 5);";
    for lab in labs(TABLES, &[("sessions", "OLD.id = 1 OR OLD.id = 4")]).await {
        let batch = drained(&lab, &sessions()).await;

        let told = (batch.affected, batch.cascaded, batch.blocked);
        assert_eq!(told, (1, 1, 2), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn children_of_a_row_that_is_kept_do_not_count_as_gone() {
    const TABLES: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE TABLE notes (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE SET NULL);
         CREATE INDEX tokens_session ON tokens (session); CREATE INDEX notes_session ON notes (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1);
         INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 2), (4, 3); INSERT INTO notes VALUES (1, 1), (2, 2), (3, NULL);";
    for lab in labs(TABLES, &[("sessions", "OLD.id = 2")]).await {
        let batch = drained(&lab, &sessions()).await;

        let told = (batch.affected, batch.cascaded, batch.revived);
        assert_eq!(told, (2, 3, 1), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM tokens").await, [2, 3]);
        assert_eq!(
            lab.ids("SELECT id FROM notes WHERE session IS NOT NULL")
                .await,
            [2]
        );
    }
}

#[tokio::test]
async fn nor_where_other_rows_are_refused_and_the_batch_goes_in_pieces() {
    const TABLES: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
         CREATE INDEX tokens_session ON tokens (session);
         INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (4, 1);
         INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 2), (4, 3), (5, 4);";
    for lab in labs(TABLES, &[("sessions", "OLD.id = 2")]).await {
        lab.script(match lab.dialect() {
            Dialect::Postgres => {
                "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN IF OLD.id = 4 THEN RAISE 'on hold'; END IF; RETURN OLD; END $$;
                 CREATE TRIGGER hold BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION hold();"
            }
            Dialect::Sqlite => {
                "CREATE TRIGGER hold BEFORE DELETE ON sessions WHEN OLD.id = 4 BEGIN SELECT RAISE(ABORT, 'on hold'); END;"
            }
        })
        .await;

        let batch = drained(&lab, &sessions()).await;

        let told = (batch.affected, batch.cascaded, batch.revived, batch.blocked);
        assert_eq!(told, (2, 2, 1, 1), "{:?}", lab.dialect());
        assert_eq!(lab.ids("SELECT id FROM tokens").await, [2, 3, 5]);
    }
}

#[tokio::test]
async fn a_dependent_that_is_kept_without_a_key_is_not_left_alone() {
    for mut lab in labs(&sessions_with_uses("", 3), &[("uses", "OLD.id = 2")]).await {
        for batch_size in [1, 1000] {
            lab.options.batch_size = batch_size;
            let request = sessions().delete_first("uses", on("session", "id"), None);

            let _ = lab.run(request).await;

            let alone = "SELECT count(*) FROM uses WHERE session NOT IN (SELECT id FROM sessions)";
            assert_eq!(lab.count(alone).await, 0, "{:?}", lab.dialect());
            as_recorded(&lab, "dependents", "uses", 3).await;
        }
    }
}

#[tokio::test]
async fn a_dependent_that_is_kept_keeps_what_goes_before_it_where_its_parent_is_one_of_several() {
    // By a column that is not unique: that the family has others left says nothing of the token's own uses.
    const TABLES: &str =
        "CREATE TABLE sessions (id bigint PRIMARY KEY, family bigint, dead_at bigint);
         CREATE TABLE tokens (id bigint PRIMARY KEY, family bigint);
         CREATE TABLE uses (id bigint PRIMARY KEY, token bigint REFERENCES tokens);
         CREATE INDEX tokens_family ON tokens (family); CREATE INDEX uses_token ON uses (token);
         INSERT INTO sessions VALUES (1, 10, 1), (2, 10, NULL), (3, 30, 1);
         INSERT INTO tokens VALUES (1, 10), (2, 30); INSERT INTO uses VALUES (1, 1), (2, 2);";
    for lab in labs(TABLES, &[("tokens", "OLD.id = 1")]).await {
        let request = sessions()
            .delete_first("tokens", on("family", "family"), None)
            .delete_first("uses", on("token", "id"), Some(0));

        let _ = lab.run(request).await;

        assert_eq!(
            lab.ids("SELECT id FROM uses WHERE token = 1").await,
            [1],
            "{:?}",
            lab.dialect()
        );
        assert!(lab.ids("SELECT id FROM sessions").await.contains(&1));
    }
}
