//! Dependents of which a condition says which are meant: rows of several tables hang on one column.

use besom::catalog::Dialect;
use besom::preflight::Severity;
use besom::request::{Batch, Comparison, Condition, Join, Mode, Request, Step, Timestamp, Value};
use besom_tests::lab::{Lab, both, everything};

/// Accounts and cards have the same ids, and notes are about either; `mark` is about notes.
const SCHEMA: &str = "
    CREATE TABLE account (id BIGINT PRIMARY KEY, over BOOLEAN NOT NULL);
    CREATE TABLE card (id BIGINT PRIMARY KEY);
    CREATE TABLE note (id BIGINT PRIMARY KEY, about_kind TEXT, about_id BIGINT, at BIGINT);
    CREATE TABLE mark (id BIGINT PRIMARY KEY, of_type TEXT, of_id BIGINT);
    CREATE INDEX note_about ON note (about_kind, about_id);
    INSERT INTO account VALUES (1, TRUE), (2, FALSE), (3, TRUE);
    INSERT INTO card VALUES (1), (2), (3);
    INSERT INTO note VALUES (10, 'account', 1, 0), (11, 'card', 1, 0), (12, 'account', 2, 0),
                            (13, 'account', 3, 0), (14, 'card', 3, 0), (15, NULL, 1, 0),
                            (16, 'Account', 1, 0);
    INSERT INTO mark VALUES (100, 'note', 10), (101, 'note', 11), (102, 'account', 10), (103, 'note', 13);
";

fn is(column: &str, to: Value) -> Condition {
    Condition::Compare {
        column: column.into(),
        operator: Comparison::Equal,
        to,
    }
}

fn over() -> Condition {
    is("over", Value::Boolean(true))
}

fn kind(kind: &str) -> Condition {
    is("about_kind", Value::Text(kind.into()))
}

fn about() -> Vec<Join> {
    vec![Join::new("about_id", "id")]
}

fn accounts() -> Request {
    Request::delete("account", over())
        .delete_first("note", about(), None)
        .where_they_meet(kind("account"))
}

/// A rehearsal of the same request sees the same.
async fn run(lab: &mut Lab, request: Request) -> Batch {
    lab.options.mode = Mode::DryRun;
    let (dry, _) = lab.run(request.clone()).await.unwrap();
    lab.options.mode = Mode::Apply;
    let (batch, end) = lab.run(request).await.unwrap();
    assert_eq!(end, Step::Drained);
    assert_eq!(dry, batch, "{:?}", lab.dialect());
    batch
}

#[tokio::test]
async fn an_account_goes_with_its_own_notes_and_with_no_cards() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let batch = run(&mut lab, accounts()).await;

        assert_eq!((batch.affected, batch.dependents, batch.blocked), (2, 2, 0));
        assert_eq!(lab.ids("SELECT id FROM account").await, [2]);
        assert_eq!(lab.ids("SELECT id FROM note").await, [11, 12, 14, 15, 16]);
        assert_eq!(lab.count("SELECT count(*) FROM card").await, 3);
    }
}

#[tokio::test]
async fn without_the_condition_the_notes_of_cards_would_go_and_preflight_says_so() {
    for lab in both(SCHEMA, SCHEMA).await {
        let unnamed = Request::delete("account", over()).delete_first("note", about(), None);

        let found = crate::preflight::found(&lab, &unnamed, "polymorphic-dependent").await;

        assert_eq!(found.severity, Severity::Warning);
        assert!(found.message.contains("`about_kind`"), "{}", found.message);
        let codes = crate::preflight::codes(&lab, &accounts()).await;
        assert!(
            !codes.contains(&"polymorphic-dependent".to_owned()),
            "{codes:?}"
        );
    }
}

#[tokio::test]
async fn dependents_of_dependents_have_conditions_of_their_own() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let request = accounts()
            .delete_first("mark", vec![Join::new("of_id", "id")], Some(0))
            .where_they_meet(is("of_type", Value::Text("note".into())));

        let batch = run(&mut lab, request).await;

        assert_eq!((batch.affected, batch.dependents), (2, 4));
        // Of a note that stays, and of an account that has a note's id.
        assert_eq!(lab.ids("SELECT id FROM mark").await, [101, 102]);
    }
}

#[tokio::test]
async fn rows_of_the_one_kind_are_unlinked() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let request = Request::delete("account", over())
            .unlink_first("note", about(), None)
            .where_they_meet(kind("account"));

        let batch = run(&mut lab, request).await;

        assert_eq!((batch.affected, batch.dependents), (2, 2));
        assert_eq!(
            lab.ids("SELECT id FROM note WHERE about_id IS NULL").await,
            [10, 13]
        );
        assert_eq!(lab.count("SELECT count(*) FROM note").await, 7);
    }
}

#[tokio::test]
async fn one_table_may_go_by_one_kind_and_be_unlinked_by_another() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let request = accounts()
            .unlink_first("note", about(), None)
            .where_they_meet(Condition::OneOf {
                column: "about_kind".into(),
                values: vec![Value::Text("Account".into()), Value::Text("person".into())],
            });

        let batch = run(&mut lab, request).await;

        assert_eq!((batch.affected, batch.dependents), (2, 3));
        assert_eq!(
            lab.ids("SELECT id FROM note WHERE about_id IS NULL").await,
            [16]
        );
        assert_eq!(lab.ids("SELECT id FROM note").await, [11, 12, 14, 15, 16]);
    }
}

#[tokio::test]
async fn a_condition_may_be_on_a_time() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        // One note of the kind is newer than the cut-off. SQLite has milliseconds.
        lab.script(match lab.dialect() {
            Dialect::Postgres => {
                "ALTER TABLE note DROP COLUMN at; ALTER TABLE note ADD COLUMN at timestamptz;
                 UPDATE note SET at = CASE id WHEN 13 THEN '2025-10-09Z' ELSE '2023-11-14Z' END::timestamptz"
            }
            Dialect::Sqlite => {
                "UPDATE note SET at = CASE id WHEN 13 THEN 1760000000000 ELSE 1700000000000 END"
            }
        })
        .await;
        let old = Condition::OlderThan {
            column: "at".into(),
            cutoff: Timestamp(1_750_000_000_000_000),
            offset: 0,
        };
        let request = Request::delete("account", over())
            .delete_first("note", about(), None)
            .where_they_meet(Condition::All(vec![kind("account"), old]));

        let batch = run(&mut lab, request).await;

        assert_eq!((batch.affected, batch.dependents), (2, 1));
        assert_eq!(
            lab.ids("SELECT id FROM note").await,
            [11, 12, 13, 14, 15, 16]
        );
    }
}

/// The same with a foreign key, as where ids are one table's after all.
fn keyed(rule: &str) -> String {
    SCHEMA.replace(
        "about_id BIGINT,",
        &format!("about_id BIGINT REFERENCES account (id) {rule},"),
    )
}

#[tokio::test]
async fn a_row_of_another_kind_that_a_foreign_key_ties_holds_its_account() {
    for rule in [
        "",
        "ON DELETE RESTRICT",
        "ON DELETE CASCADE",
        "ON DELETE SET NULL",
    ] {
        for mut lab in both(&keyed(rule), &keyed(rule)).await {
            // Of the two accounts that are over one has notes of its own kind only.
            lab.script("DELETE FROM note WHERE id = 14").await;

            let batch = run(&mut lab, accounts()).await;

            let counts = (
                batch.affected,
                batch.dependents,
                batch.blocked,
                batch.cascaded,
            );
            assert_eq!(counts, (1, 1, 1, 0), "{rule} {:?}", lab.dialect());
            assert_eq!(lab.ids("SELECT id FROM account").await, [1, 2]);
            assert_eq!(lab.ids("SELECT id FROM note").await, [10, 11, 12, 15, 16]);
            let tied = "SELECT count(*) FROM note WHERE about_id IS NOT NULL";
            assert_eq!(lab.count(tied).await, 5, "{rule}");
        }
    }
}

#[tokio::test]
async fn dependents_of_both_kinds_leave_nothing_that_holds() {
    for rule in ["", "ON DELETE CASCADE"] {
        for mut lab in both(&keyed(rule), &keyed(rule)).await {
            lab.script("DELETE FROM note WHERE id IN (15, 16)").await;
            let request = accounts()
                .delete_first("note", about(), None)
                .where_they_meet(kind("card"));

            let batch = run(&mut lab, request).await;

            assert_eq!(
                (batch.affected, batch.dependents, batch.blocked),
                (2, 4, 0),
                "{rule}"
            );
            assert_eq!(lab.ids("SELECT id FROM note").await, [12]);
        }
    }
}

#[tokio::test]
async fn what_an_earlier_sweep_takes_is_gone_for_a_later_one_in_a_rehearsal_too() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.options.mode = Mode::DryRun;
        let noteless = Condition::NotExists {
            table: "note".into(),
            on: vec![Join::new("about_id", "id")],
            matching: Some(Box::new(kind("account"))),
        };
        let cards = Request::delete("card", noteless);
        let (context, _) = lab.begin().await;
        besom_tests::lab::drain(&context, accounts()).await.unwrap();
        lab.end(&context).await;
        let history = context.settle().await.drained;
        let (context, _) = lab.begin_after(history).await;

        let (batch, _) = besom_tests::lab::drain(&context, cards).await.unwrap();

        // Card 3 has lost the note about the account of its id. Card 2 has not, and the note on 1 that does
        // not say what it is about may be about an account.
        assert_eq!(batch.affected, 1, "{:?}", lab.dialect());
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn the_columns_of_the_condition_must_be_granted() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        let catalog = lab.catalog().await;
        let mut grants = everything(&catalog);
        let note = grants
            .tables
            .iter_mut()
            .find(|(name, _)| name.ends_with("note"));
        note.unwrap().1.read.remove("about_kind");
        lab.grants = Some(grants);

        let refused = lab.run(accounts()).await.unwrap_err();

        assert!(refused.to_string().contains("about_kind"), "{refused}");
        assert_eq!(lab.count("SELECT count(*) FROM note").await, 7);
    }
}

#[tokio::test]
async fn a_condition_that_looks_elsewhere_is_refused() {
    for lab in both(SCHEMA, SCHEMA).await {
        let elsewhere = Condition::NotExists {
            table: "mark".into(),
            on: vec![Join::new("of_id", "id")],
            matching: None,
        };
        let request = Request::delete("account", over())
            .delete_first("note", about(), None)
            .where_they_meet(elsewhere);

        let refused = lab.run(request).await.unwrap_err();

        assert_eq!(refused.problem().code, "dependents");
    }
}

#[tokio::test]
async fn a_note_that_becomes_another_kinds_in_the_middle_of_a_batch_stays() {
    let lab = Lab::postgres(SCHEMA).await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; UPDATE note SET about_kind = 'card' WHERE id = 10")
        .await
        .unwrap();

    let (held, _) = lab.run(accounts()).await.unwrap();
    application.commit().await.unwrap();
    let (batch, _) = lab.run(accounts()).await.unwrap();

    assert_eq!((held.affected, held.locked), (1, 1));
    assert_eq!((batch.affected, batch.dependents), (1, 0));
    assert_eq!(
        lab.ids("SELECT id FROM note").await,
        [10, 11, 12, 14, 15, 16]
    );
}

#[tokio::test]
async fn pairs_of_columns_are_known_by_the_names_that_frameworks_give_them() {
    for (id, kind, warned) in [
        ("commentable_id", "commentable_type", true),
        ("object_id", "content_type_id", true),
        ("subject_uuid", "subject_class", true),
        ("\"targetId\"", "\"targetType\"", true),
        ("about", "about_kind", true),
        ("account_id", "token_type", false),
        ("account_id", "kind", false),
        ("ref", "kind", true),
        ("model_id", "model", true),
        ("source_id", "type", true),
        ("session_id", "type", false),
    ] {
        let schema = format!(
            "CREATE TABLE account (id BIGINT PRIMARY KEY, over BOOLEAN NOT NULL);
             CREATE TABLE note (id BIGINT PRIMARY KEY, {kind} TEXT, {id} BIGINT);"
        );
        for lab in both(&schema, &schema).await {
            let on = vec![Join::new(id.trim_matches('"'), "id")];
            let request = Request::delete("account", over()).delete_first("note", on, None);
            let codes = crate::preflight::codes(&lab, &request).await;
            let found = codes.contains(&"polymorphic-dependent".to_owned());
            assert_eq!(found, warned, "{id} {kind} {codes:?}");
        }
    }
}

#[tokio::test]
async fn an_index_by_kind_and_id_leads_to_rows_of_one_kind() {
    const ROWS: u32 = 120_000;
    let filled = |dialect| {
        let numbers = match dialect {
            Dialect::Postgres => {
                format!("SELECT n, 'card', n FROM generate_series(1000, {ROWS}) AS n")
            }
            Dialect::Sqlite => format!(
                "WITH RECURSIVE s(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM s WHERE n < {ROWS}) \
                 SELECT n, 'card', n FROM s"
            ),
        };
        format!("{SCHEMA} INSERT INTO note (id, about_kind, about_id) {numbers}; ANALYZE;")
    };
    for mut lab in both(&filled(Dialect::Postgres), &filled(Dialect::Sqlite)).await {
        let codes = crate::preflight::codes(&lab, &accounts()).await;
        assert!(
            !codes.contains(&"unindexed-relation".to_owned()),
            "{codes:?}"
        );
        let batch = run(&mut lab, accounts()).await;
        assert_eq!((batch.affected, batch.dependents), (2, 2));

        lab.script("DROP INDEX note_about; CREATE INDEX note_a ON note (about_id) WHERE about_kind = 'account'")
            .await;
        let codes = crate::preflight::codes(&lab, &accounts()).await;
        assert!(
            !codes.contains(&"unindexed-relation".to_owned()),
            "{codes:?}"
        );
        lab.script(
            "DROP INDEX note_a; CREATE INDEX note_c ON note (about_id) WHERE about_kind = 'card'",
        )
        .await;
        let found = crate::preflight::found(&lab, &accounts(), "unindexed-relation").await;
        assert!(found.message.contains("note_c"), "{}", found.message);
    }
}

#[tokio::test]
async fn a_row_that_is_taken_apart_keeps_what_is_not_meant() {
    for lab in both(SCHEMA, SCHEMA).await {
        // More than go along with one row at once.
        lab.script(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 25000)
             INSERT INTO note SELECT 100 + n, 'account', 1, 0 FROM n;
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 25000)
             INSERT INTO note SELECT 100000 + n, 'card', 1, 0 FROM n",
        )
        .await;

        let (batch, end) = lab.run(accounts()).await.unwrap();

        assert_eq!(end, Step::Drained);
        assert_eq!((batch.affected, batch.dependents), (2, 25_002));
        let others = "SELECT count(*) FROM note WHERE id > 100000 AND about_kind = 'card'";
        assert_eq!(lab.ids(others).await, [25_000], "{:?}", lab.dialect());
        let small = "SELECT id FROM note WHERE id <= 100 ORDER BY id";
        assert_eq!(lab.ids(small).await, [11, 12, 14, 15, 16]);
    }
}
