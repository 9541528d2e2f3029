//! Errors of the database in mid run: whose they are, what happened, and the way out; and what had gone is recorded.

use besom::database::{Database, DatabaseOptions};
use besom::request::Fault;
use besom::sweep::Sweep;
use besom_tests::lab::both;

use super::*;

const ROLE: &str = "besom_causes";

/// Six dead sessions with a token each, which go with them.
const TABLES: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY, dead_at bigint);
    CREATE TABLE tokens (id bigint PRIMARY KEY, session bigint REFERENCES sessions ON DELETE CASCADE);
    CREATE INDEX tokens_session ON tokens (session);
    INSERT INTO sessions VALUES (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1);
    INSERT INTO tokens VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6);";

/// The fault that ends a run after whose first batch of two rows `change` was made by the owner.
async fn fault_after(lab: &mut Lab, owner: Option<&Database>, change: &str) -> Fault {
    lab.options.batch_size = 2;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, sessions()).await.unwrap();
    assert!(matches!(sweep.next().await, Ok(Step::Batch(batch)) if batch.affected == 2));
    let owner = owner.unwrap_or(&lab.database);
    let mut session = owner.session().await.unwrap();
    session.run_script(change).await.unwrap();

    let fault = sweep.next().await.expect_err(change);

    let progress = context.settle().await;
    assert_eq!(
        (progress.totals.affected, progress.totals.cascaded),
        (2, 2),
        "{change}"
    );
    let of = "SELECT count(*) FROM besom_batch WHERE affected = 2 AND cascaded = 2";
    assert_eq!(count(owner, of).await, 1, "{change}");
    for (table, rows) in [("sessions", 4), ("tokens", 4)] {
        let left = format!("SELECT count(*) FROM {table}");
        assert_eq!(count(owner, &left).await, rows, "{change}");
    }
    fault
}

async fn count(database: &Database, sql: &str) -> i64 {
    let mut statement = besom::database::Statement::new(database.dialect());
    statement.push(sql);
    let mut session = database.session().await.unwrap();
    let row = session.fetch_one(&statement).await.unwrap();
    row.get(0).as_integer().unwrap()
}

fn says(fault: &Fault, code: &str, words: &[&str]) {
    let problem = fault.problem();
    assert_eq!(problem.code, code, "{problem:?}");
    for word in words {
        assert!(
            problem.message.contains(word),
            "`{word}` is not in: {}",
            problem.message
        );
    }
}

/// A lab whose runs have a role of few rights, and the owner's own way to it.
async fn with_a_role() -> (Lab, Database) {
    let mut lab = Lab::postgres(&format!(
        "{TABLES}
         DO $$ BEGIN CREATE ROLE {ROLE}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         GRANT SELECT, DELETE, UPDATE ON sessions TO {ROLE};
         GRANT SELECT, DELETE, UPDATE ON tokens TO {ROLE};
         DO $$ DECLARE t regclass; BEGIN
             FOR t IN SELECT oid FROM pg_class WHERE relname LIKE 'besom\\_%' AND relkind = 'r' LOOP
                 EXECUTE format('GRANT ALL ON %s TO {ROLE}', t); END LOOP; END $$"
    ))
    .await;
    let sign = if lab.home.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{sign}options[role]={ROLE}", lab.home.url);
    let narrow = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();
    let owner = std::mem::replace(&mut lab.database, narrow);
    (lab, owner)
}

#[tokio::test]
async fn a_right_that_is_taken_away_in_mid_run_is_named_with_its_grant() {
    for (change, words) in [
        (
            format!("REVOKE DELETE ON sessions FROM {ROLE}"),
            ["`public.sessions`", "DELETE", "GRANT DELETE ON"],
        ),
        (
            format!("REVOKE SELECT ON tokens FROM {ROLE}"),
            ["`public.tokens`", "SELECT", "GRANT SELECT"],
        ),
        (
            format!("REVOKE UPDATE ON tokens FROM {ROLE}"),
            ["`public.tokens`", "UPDATE", "GRANT UPDATE"],
        ),
    ] {
        let (mut lab, owner) = with_a_role().await;
        let fault = fault_after(&mut lab, Some(&owner), &change).await;
        says(&fault, "42501", &words);
        says(&fault, "42501", &[ROLE, "since the run began"]);
    }
}

#[tokio::test]
async fn what_the_database_refuses_while_the_next_sweep_is_opened_is_told_as_well() {
    let old = Condition::OlderThan {
        column: "dead_at".to_owned(),
        cutoff: besom::request::Timestamp(1_700_000_000_000_000),
        offset: 0,
    };
    let by_time = Request::delete("sessions", old);
    let fraction = besom::config::Fraction::new(0.5);
    for (code, request, max_fraction) in [
        ("probe-failed", by_time, None),
        (
            "42501",
            Request::delete("sessions", Condition::Everything),
            fraction,
        ),
    ] {
        let (mut lab, owner) = with_a_role().await;
        lab.options.max_fraction = max_fraction;
        let (context, _) = lab.begin().await;
        let mut session = owner.session().await.unwrap();
        let revoke = format!("REVOKE SELECT ON sessions FROM {ROLE}");
        session.run_script(&revoke).await.unwrap();

        let fault = Sweep::open(&context, request).await.unwrap_err();

        let words = [
            "`public.sessions`",
            "GRANT SELECT",
            ROLE,
            "since the run began",
            "No batch",
        ];
        says(&fault, code, &words);
        context.settle().await;
    }
}

#[tokio::test]
async fn row_security_that_is_switched_on_in_mid_run_hides_no_row_and_is_named() {
    for table in ["sessions", "tokens"] {
        let change = format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
             CREATE POLICY few ON {table} USING (id = 3)"
        );
        let (mut lab, owner) = with_a_role().await;
        let fault = fault_after(&mut lab, Some(&owner), &change).await;
        let named = format!("`public.{table}`");
        says(
            &fault,
            "42501",
            &[
                &named,
                "row-level security",
                "BYPASSRLS",
                "DISABLE ROW LEVEL SECURITY",
            ],
        );
    }
}

#[tokio::test]
async fn a_trigger_that_names_what_is_not_there_is_named_itself() {
    for (on, body, code) in [
        ("sessions", "INSERT INTO audit VALUES (OLD.id)", "42P01"),
        ("tokens", "INSERT INTO audit VALUES (OLD.id)", "42P01"),
        ("sessions", "PERFORM gone(OLD.id)", "42883"),
    ] {
        let mut lab = Lab::postgres(&format!(
            "{TABLES} CREATE TABLE audit (id bigint);
             CREATE FUNCTION gone(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1';
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$;
             CREATE TRIGGER noting AFTER DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION note();"
        ))
        .await;
        let change = "ALTER TABLE audit RENAME TO was; DROP FUNCTION gone";
        let fault = fault_after(&mut lab, None, change).await;
        let table = format!("`public.{on}`");
        says(
            &fault,
            code,
            &["`noting`", &table, "note()", "DISABLE TRIGGER"],
        );
    }
    let mut lab = Lab::sqlite(&format!(
        "{TABLES} CREATE TABLE audit (id bigint);
         CREATE TRIGGER noting AFTER DELETE ON tokens BEGIN INSERT INTO audit VALUES (OLD.id); END;"
    ))
    .await;
    let fault = fault_after(&mut lab, None, "DROP TABLE audit").await;
    says(
        &fault,
        "1",
        &["`noting`", "tokens", "audit", "DROP TRIGGER"],
    );
}

#[tokio::test]
async fn a_right_that_only_a_trigger_lacks_is_the_triggers() {
    let (mut lab, owner) = with_a_role().await;
    let mut session = owner.session().await.unwrap();
    session
        .run_script(&format!(
            "CREATE TABLE audit (id bigint); GRANT INSERT ON audit TO {ROLE};
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 INSERT INTO audit VALUES (OLD.id); RETURN NULL; END $$;
             CREATE TRIGGER noting AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION note();"
        ))
        .await
        .unwrap();
    let change = format!("REVOKE INSERT ON audit FROM {ROLE}");

    let fault = fault_after(&mut lab, Some(&owner), &change).await;

    says(
        &fault,
        "42501",
        &["audit", "`noting`", "`public.sessions`", "SECURITY DEFINER"],
    );
}

#[tokio::test]
async fn row_security_that_only_a_trigger_meets_is_told_with_what_lets_it() {
    let (mut lab, owner) = with_a_role().await;
    let mut session = owner.session().await.unwrap();
    session
        .run_script(&format!(
            "CREATE TABLE audit (id bigint); GRANT SELECT, UPDATE ON audit TO {ROLE};
             CREATE POLICY own ON audit TO {ROLE} USING (id > 0);
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE audit SET id = id WHERE id = OLD.id; RETURN NULL; END $$;
             CREATE TRIGGER noting AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION note();"
        ))
        .await
        .unwrap();
    let change = "ALTER TABLE audit ENABLE ROW LEVEL SECURITY";

    let fault = fault_after(&mut lab, Some(&owner), change).await;

    let way_out = "SET row_security = on";
    says(&fault, "42501", &["audit", "`noting`", way_out]);
    session
        .run_script("ALTER FUNCTION note() SET row_security = on")
        .await
        .unwrap();
    let mut narrow = lab.database.session().await.unwrap();
    let delete = "DELETE FROM sessions WHERE id = 6";
    narrow.run_script(delete).await.unwrap();
}

#[tokio::test]
async fn a_table_that_a_deploy_renames_in_mid_run_suspends_and_nothing_else() {
    for lab in &mut both(TABLES, TABLES).await {
        lab.options.batch_size = 2;
        for renamed in ["tokens", "sessions"] {
            let (context, _) = lab.begin().await;
            let sweep = Sweep::open(&context, sessions()).await.unwrap();
            assert!(matches!(sweep.next().await, Ok(Step::Batch(batch)) if batch.affected == 2));
            lab.script(&format!("ALTER TABLE {renamed} RENAME TO was"))
                .await;

            let next = sweep.next().await;

            let changed = Step::Suspended(besom::request::Suspension::SchemaChanged);
            assert_eq!(next, Ok(changed), "{renamed} {:?}", lab.dialect());
            assert_eq!(context.settle().await.totals.affected, 2);
            lab.end(&context).await;
            lab.script(&format!("ALTER TABLE was RENAME TO {renamed}"))
                .await;
        }
        assert_eq!(lab.count("SELECT count(*) FROM sessions").await, 2);
    }
}

#[tokio::test]
async fn a_table_that_a_deploy_renames_before_its_sweep_opens_suspends_the_run_too() {
    use besom::request::{Reading, Suspension, Timestamp};
    let tables = format!(
        "{TABLES} CREATE TABLE codes (id bigint PRIMARY KEY, ends_at bigint, dead_at bigint);
         INSERT INTO codes VALUES (1, 1700000000, 1), (2, 1700000001, 1);"
    );
    // The values tell how the column holds times, and how many rows there are; or nothing is looked at ahead.
    let over = Condition::OlderThan {
        column: "ends_at".to_owned(),
        cutoff: Timestamp(1_700_000_000_500_000),
        offset: 0,
    };
    for fraction in [None, besom::config::Fraction::new(0.5)] {
        for condition in [over.clone(), dead()] {
            for mut lab in both(&tables, &tables).await {
                lab.options.max_fraction = fraction;
                let (context, _) = lab.begin().await;
                lab.script("ALTER TABLE codes RENAME TO was").await;
                let case = format!("{fraction:?} {condition:?} {:?}", lab.dialect());

                let sweep =
                    Sweep::open(&context, Request::delete("codes", condition.clone())).await;
                let next = sweep.expect(&case).next().await;
                let read = Request::read("codes", vec!["id".to_owned()], condition.clone());
                let reader = besom::sweep::Reader::open(&context, read).await;
                let shown = reader.expect(&case).next().await;

                let changed = Suspension::SchemaChanged;
                assert_eq!(next, Ok(Step::Suspended(changed)), "{case}");
                assert_eq!(shown, Ok(Reading::Suspended(changed)), "{case}");
                assert_eq!(context.settle().await.suspended, Some(changed), "{case}");
                lab.end(&context).await;
            }
        }
    }
}
