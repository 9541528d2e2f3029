//! Heavy parents on tables with triggers: those that only note what has gone are no reason to leave a row whole.

use besom::catalog::Dialect;
use besom::preflight::Severity;
use besom::request::{Batch, Join, Request, Step};
use besom_tests::lab::{Lab, drain};

use super::dead;
use super::heavy::{MANY, schema};

fn request(by_request: bool) -> Request {
    let items = Request::delete("item", dead());
    match by_request {
        true => items.delete_first("part", vec![Join::new("item", "id")], None),
        false => items,
    }
}

fn rule(by_request: bool) -> &'static str {
    match by_request {
        true => "",
        false => "ON DELETE CASCADE",
    }
}

const AUDIT: &str = "CREATE TABLE audit (what TEXT, id BIGINT);";

fn postgres(timing: &str, body: &str) -> String {
    format!(
        "{AUDIT} CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$;
         CREATE TRIGGER note {timing} EXECUTE FUNCTION note();"
    )
}

async fn run(lab: &Lab, by_request: bool) -> Batch {
    let (batch, step) = lab.run(request(by_request)).await.unwrap();
    assert_eq!(step, Step::Drained);
    batch
}

/// Rows of the largest batch.
async fn largest(lab: &Lab) -> i64 {
    lab.count("SELECT max(affected + dependents + cascaded) FROM besom_batch")
        .await
}

const EACH: &str = "AFTER DELETE ON item FOR EACH ROW";

#[tokio::test]
async fn a_trigger_that_only_writes_down_what_has_gone_lets_a_heavy_row_be_taken_apart() {
    let bodies = [
        (
            EACH,
            "BEGIN INSERT INTO audit (what, id) VALUES ('gone', OLD.id); RETURN NULL; END",
        ),
        (
            "AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW",
            "BEGIN
               IF (TG_OP = 'DELETE') THEN
                   INSERT INTO audit SELECT 'D' || now()::text || current_user, OLD.id; -- RAISE EXCEPTION
               ELSIF (TG_OP = 'UPDATE') THEN
                   INSERT INTO audit SELECT 'U', NEW.id;
               END IF;
               RETURN NULL; /* result is ignored */
             END;",
        ),
        (
            "AFTER DELETE ON item REFERENCING OLD TABLE AS gone FOR EACH STATEMENT",
            "BEGIN INSERT INTO audit SELECT lower(TG_OP), g.id FROM gone AS g; RETURN NULL; END;",
        ),
        (
            EACH,
            "BEGIN
               RAISE NOTICE 'gone: %', OLD.id;
               INSERT INTO public.audit VALUES (row_to_json(OLD)::text, OLD.id);
               RETURN OLD;
             END",
        ),
    ];
    for by_request in [false, true] {
        for (timing, body) in bodies {
            let all = schema(1, 3, rule(by_request)) + &postgres(timing, body);
            is_taken_apart(&Lab::postgres(&all).await, by_request, body).await;
        }
        for trigger in [
            "AFTER DELETE ON item BEGIN INSERT INTO audit VALUES ('gone', OLD.id); END",
            "BEFORE DELETE ON item BEGIN INSERT INTO audit (what, id) SELECT upper('gone'), OLD.id; END",
            "AFTER DELETE ON item WHEN OLD.id > 0 BEGIN
                 INSERT INTO audit VALUES ('raise(abort)', OLD.id); -- RAISE(ABORT, 'no')
             END",
        ] {
            let all =
                schema(1, 3, rule(by_request)) + AUDIT + &format!("CREATE TRIGGER note {trigger};");
            is_taken_apart(&Lab::sqlite(&all).await, by_request, trigger).await;
        }
    }
}

async fn is_taken_apart(lab: &Lab, by_request: bool, case: &str) {
    let codes = crate::preflight::codes(lab, &request(by_request)).await;
    assert!(!codes.contains(&"not-taken-apart".to_owned()), "{case}");

    let batch = run(lab, by_request).await;

    let with = batch.dependents + batch.cascaded;
    assert_eq!((batch.affected, with), (4, MANY + 3), "{case}");
    let largest = largest(lab).await;
    assert!(largest <= 20_004, "{largest}: {case}");
    assert_eq!(lab.count("SELECT count(*) FROM audit").await, 4, "{case}");
}

#[tokio::test]
async fn a_trigger_that_may_refuse_or_is_not_understood_leaves_it_whole_and_is_named() {
    let into = "INSERT INTO audit VALUES ('gone', OLD.id);";
    let raise = "IF OLD.id < 0 THEN RAISE EXCEPTION 'held'; END IF;";
    let bodies = [
        (EACH, format!("BEGIN {raise} {into} RETURN NULL; END")),
        (EACH, format!("BEGIN RAISE 'held' USING ERRCODE = 'LH001'; {into} RETURN NULL; END").replace("RAISE", "IF OLD.id < 0 THEN RAISE").replace("'LH001';", "'LH001'; END IF;")),
        (EACH, format!("BEGIN ASSERT OLD.id > 0; {into} RETURN NULL; END")),
        (EACH, format!("BEGIN PERFORM held(OLD.id); {into} RETURN NULL; END")),
        (EACH, "BEGIN INSERT INTO audit VALUES (held(OLD.id), OLD.id); RETURN NULL; END".to_owned()),
        (EACH, "BEGIN INSERT INTO audit VALUES (\"held\"(OLD.id), OLD.id); RETURN NULL; END".to_owned()),
        (EACH, "BEGIN EXECUTE 'INSERT INTO audit SELECT $1, $2' USING 'gone', OLD.id; RETURN NULL; END".to_owned()),
        (EACH, "BEGIN INSERT INTO guarded VALUES ('gone', OLD.id); RETURN NULL; END".to_owned()),
        (EACH, "BEGIN INSERT INTO tied VALUES (OLD.id); RETURN NULL; END".to_owned()),
        (EACH, "BEGIN INSERT INTO part SELECT 1, NULL, 1 WHERE false; RETURN NULL; END".to_owned()),
        (EACH, format!("BEGIN WITH d AS (DELETE FROM part WHERE id < 0 RETURNING id) {into} RETURN NULL; END")),
        ("BEFORE DELETE ON item FOR EACH ROW", format!("BEGIN {into} RETURN OLD; END")),
    ];
    for (timing, body) in bodies {
        let more = "CREATE FUNCTION held(bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'gone'; END $$;
            CREATE TABLE guarded (what TEXT, id BIGINT);
            CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
            CREATE TRIGGER guard BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
            CREATE TABLE tied (item BIGINT REFERENCES item DEFERRABLE INITIALLY DEFERRED);
            CREATE INDEX tied_item ON tied (item);";
        let all = schema(0, 1, rule(false)) + more + &postgres(timing, &body);
        is_told(&Lab::postgres(&all).await, &body).await;
    }
    for trigger in [
        "AFTER DELETE ON item BEGIN SELECT RAISE(ABORT, 'held') WHERE OLD.id < 0; END",
        "AFTER DELETE ON item BEGIN INSERT INTO audit SELECT raise (ABORT, 'held'), 1 WHERE OLD.id < 0; END",
        "AFTER DELETE ON item BEGIN UPDATE part SET tenant = 2 WHERE item = OLD.id; END",
        "AFTER DELETE ON item BEGIN INSERT INTO part VALUES (-OLD.id, NULL, 1); END",
        "AFTER DELETE ON item BEGIN INSERT INTO guarded VALUES ('gone', OLD.id); END",
        "AFTER DELETE ON item BEGIN INSERT INTO audit VALUES ('gone', OLD.id); DELETE FROM audit WHERE id < 0; END",
        "AFTER DELETE ON item BEGIN INSERT OR REPLACE INTO audit VALUES ('gone', OLD.id); END",
    ] {
        let more = "CREATE TABLE guarded (what TEXT, id BIGINT);
            CREATE TRIGGER guard BEFORE INSERT ON guarded BEGIN SELECT 1; END;";
        let all =
            schema(0, 1, rule(false)) + AUDIT + more + &format!("CREATE TRIGGER note {trigger};");
        is_told(&Lab::sqlite(&all).await, trigger).await;
    }
}

async fn is_told(lab: &Lab, case: &str) {
    let all = crate::preflight::findings(lab, &[request(false)]).await;
    let mut found = all.iter().filter(|of| of.code == "not-taken-apart");
    let finding = found.next().unwrap_or_else(|| panic!("{case}: {all:?}"));
    assert_eq!(finding.severity, Severity::Info, "{case}");
    // It is the same in every run, and not worth a line each time.
    assert!(finding.borne, "{case}");
    let table = match lab.dialect() {
        Dialect::Postgres => "`public.item`",
        Dialect::Sqlite => "`main.item`",
    };
    assert!(
        finding.message.contains("`note`") && finding.message.contains(table),
        "{finding:?}"
    );
    assert!(found.next().is_none(), "{case}");
}

#[tokio::test]
async fn a_heavy_row_under_a_trigger_that_is_not_understood_goes_whole_or_stays_with_all_of_it() {
    let body = "BEGIN INSERT INTO audit VALUES (held(OLD.id), OLD.id); RETURN NULL; END";
    let held = "CREATE FUNCTION held(bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        IF $1 = 1 THEN RAISE EXCEPTION 'on hold'; END IF; RETURN 'gone'; END $$;";
    let all = schema(1, 3, rule(false)) + held + &postgres(EACH, body);
    let lab = Lab::postgres(&all).await;

    let batch = run(&lab, false).await;

    assert_eq!((batch.affected, batch.cascaded, batch.blocked), (3, 3, 1));
    assert_eq!(lab.count("SELECT count(*) FROM part").await as u64, MANY);
}

#[tokio::test]
async fn where_the_role_may_not_write_what_the_trigger_writes_the_row_stays_whole() {
    let noted = "BEGIN INSERT INTO audit VALUES ('gone', OLD.id); RETURN NULL; END";
    let role = "besom_heavy_triggers";
    let mut lab = Lab::postgres(&format!(
        "{} {}
         DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         GRANT SELECT, DELETE, UPDATE ON item, part TO {role};
         DO $$ DECLARE t regclass; BEGIN
             FOR t IN SELECT oid FROM pg_class WHERE relname LIKE 'besom\\_%' AND relkind = 'r' LOOP
                 EXECUTE format('GRANT ALL ON %s TO {role}', t); END LOOP; END $$",
        schema(1, 1, "ON DELETE CASCADE"),
        postgres(EACH, noted)
    ))
    .await;
    let sign = if lab.home.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{sign}options[role]={role}", lab.home.url);
    let narrow = besom::database::Database::connect(&url, Default::default())
        .await
        .unwrap();
    let owner = std::mem::replace(&mut lab.database, narrow);

    let (context, _) = lab.begin().await;
    let fault = drain(&context, request(false)).await.unwrap_err();
    lab.end_as(&context, "failed").await;

    assert_eq!(fault.problem().code, "42501", "{fault}");
    let narrow = std::mem::replace(&mut lab.database, owner);
    let parts = lab.count("SELECT count(*) FROM part").await;
    assert_eq!(parts as u64, MANY + 1);
    // With the rights of the function's owner it may.
    lab.script("ALTER FUNCTION note() SECURITY DEFINER").await;
    let owner = std::mem::replace(&mut lab.database, narrow);
    let batch = run(&lab, false).await;
    lab.database = owner;
    assert_eq!((batch.affected, batch.cascaded), (2, MANY + 1));
    assert!(largest(&lab).await <= 20_002);
}
