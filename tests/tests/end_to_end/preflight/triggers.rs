//! `before-delete-trigger` and `soft-delete-trigger`.

use besom_tests::lab::both;

use super::*;

const TABLE: &str = "CREATE TABLE doc (id bigint PRIMARY KEY, dead_at bigint, gone boolean);";

fn request() -> Request {
    Request::delete("doc", dead())
}

fn trigger(body: &str) -> String {
    format!(
        "{TABLE} CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
         CREATE TRIGGER \"Soft\" BEFORE DELETE ON doc FOR EACH ROW EXECUTE FUNCTION look();"
    )
}

#[tokio::test]
async fn a_trigger_that_keeps_rows_is_an_error_until_it_is_taken_away() {
    let postgres = trigger("UPDATE doc SET gone = true WHERE id = OLD.id; RETURN NULL;");
    let sqlite = format!(
        "{TABLE} CREATE TRIGGER \"Soft\" BEFORE DELETE ON doc BEGIN
             UPDATE doc SET gone = 1 WHERE id = OLD.id; SELECT RAISE(IGNORE); END;"
    );
    for lab in both(&postgres, &sqlite).await {
        let finding = found(&lab, &request(), "soft-delete-trigger").await;

        assert_eq!(finding.severity, Severity::Error);
        // Whether rows are to go for good is no question for a script.
        assert!(finding.fix.is_empty());
        let (_, after) = finding.message.split_once("take it away (").unwrap();
        let (statement, _) = after.split_once(')').unwrap();
        lab.script(statement).await;
        assert!(codes(&lab, &request()).await.is_empty());
    }
}

#[tokio::test]
async fn a_trigger_that_returns_new_keeps_rows_too_because_new_is_null_then() {
    for (body, code) in [
        ("RETURN NEW;", "soft-delete-trigger"),
        (
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
            "before-delete-trigger",
        ),
        (
            "/* return null */ RETURN OLD; -- RETURN NULL",
            "before-delete-trigger",
        ),
        ("/* a */ RETURN NULL; /* b */", "soft-delete-trigger"),
    ] {
        let body = format!("{body}\n");
        let lab = Lab::postgres(&trigger(&body)).await;
        assert_eq!(codes(&lab, &request()).await, [code], "{body}");
    }
}

#[tokio::test]
async fn a_trigger_that_lets_rows_go_is_a_warning_also_where_a_cascade_fires_it() {
    let child = "CREATE TABLE page (id bigint PRIMARY KEY,
            doc bigint REFERENCES doc (id) ON DELETE CASCADE);
        CREATE INDEX page_doc ON page (doc);";
    let postgres = format!(
        "{TABLE} {child} CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RETURN OLD; END $$;
         CREATE TRIGGER look BEFORE DELETE ON page FOR EACH ROW EXECUTE FUNCTION look();"
    );
    let sqlite =
        format!("{TABLE} {child} CREATE TRIGGER look BEFORE DELETE ON page BEGIN SELECT 1; END;");
    for lab in both(&postgres, &sqlite).await {
        let finding = found(&lab, &request(), "before-delete-trigger").await;
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains(".page`"), "{}", finding.message);
    }
}

#[tokio::test]
async fn triggers_after_the_delete_and_on_other_changes_are_nobodys_business() {
    let lab = Lab::postgres(&format!(
        "{TABLE} CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER a AFTER DELETE ON doc FOR EACH ROW EXECUTE FUNCTION look();
         CREATE TRIGGER b BEFORE UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION look();
         CREATE TRIGGER c BEFORE DELETE ON doc FOR EACH STATEMENT EXECUTE FUNCTION look();"
    ))
    .await;
    assert!(codes(&lab, &request()).await.is_empty());
}
