//! Rows that only an attempt shows to be refused, by a constraint or a trigger, with free ones among and behind
//! them.

use std::time::{Duration, Instant};

use besom::request::{Batch, Join, Request, Source, Step, Suspension, Value};
use besom_tests::lab::{Lab, both, drain};

use super::{dead, numbers};

const PARENTS: &str = "CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);";

/// 3 000 dead parents and the children of two in three of the first 2 400 and of the last 400; 2 000 in all.
fn rows(child: &str) -> String {
    format!(
        "INSERT INTO parent SELECT n, TRUE FROM {all};
         INSERT INTO child {child} FROM {all} WHERE (n <= 2400 AND n % 3 > 0) OR n > 2600;
         CREATE INDEX child_parent ON child (parent);",
        all = numbers(3000)
    )
}

/// A run to its end, and what it says of rows that stay.
async fn run(lab: &Lab, request: Request) -> (Batch, Vec<(String, u64)>) {
    let (context, _) = lab.begin().await;
    let began = Instant::now();
    let (batch, end) = drain(&context, request).await.unwrap();
    let took = began.elapsed();
    let progress = context.settle().await;
    lab.end(&context).await;
    assert_eq!(end, Step::Drained);
    let passed = progress.ended[0].passed;
    assert_eq!(passed.refused + passed.blocked, batch.blocked);
    let refused: u64 = progress.blocked_by.values().sum();
    assert!(
        passed.refused <= refused,
        "{passed:?} {:?}",
        progress.blocked_by
    );
    assert!(
        took < Duration::from_secs(120),
        "{took:?} on {:?}",
        lab.dialect()
    );
    (batch, progress.blocked_by.into_iter().collect())
}

async fn free_ones_go(lab: &Lab, why: &str) {
    let (batch, told) = run(lab, Request::delete("parent", dead())).await;

    assert_eq!((batch.affected, batch.blocked), (1000, 2000), "{batch:?}");
    assert_eq!(batch.examined, 3000);
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 2000);
    assert_eq!(lab.count("SELECT count(*) FROM child").await, 2000);
    let lost = "SELECT count(*) FROM child WHERE parent NOT IN (SELECT id FROM parent)";
    assert_eq!(lab.count(lost).await, 0);
    let [(reason, 2000)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert!(
        reason.starts_with("(refused by the database: ") && reason.contains(why),
        "{reason}"
    );
}

#[tokio::test]
async fn a_check_over_several_columns_that_set_null_violates() {
    let schema = format!(
        "{PARENTS}
         CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id) ON DELETE SET NULL,
                             guest TEXT, CONSTRAINT parent_or_guest CHECK (parent IS NOT NULL OR guest IS NOT NULL));
         {}",
        rows("SELECT n, n, NULL")
    );
    for lab in both(&schema, &schema).await {
        free_ones_go(&lab, "parent_or_guest").await;
    }
}

#[tokio::test]
async fn a_unique_index_with_an_expression_that_set_null_violates() {
    let schema = format!(
        "{PARENTS}
         CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id) ON DELETE SET NULL);
         CREATE UNIQUE INDEX one_orphan ON child (coalesce(parent, 0));
         INSERT INTO child VALUES (0, NULL);
         {}
         DELETE FROM child WHERE id = 3000;",
        rows("SELECT n, n")
    );
    for lab in both(&schema, &schema).await {
        let (batch, told) = run(&lab, Request::delete("parent", dead())).await;

        assert_eq!((batch.affected, batch.blocked), (1001, 1999), "{batch:?}");
        assert!(
            told.len() == 1 && told[0].0.contains("one_orphan"),
            "{told:?}"
        );
    }
}

/// A trigger before each delete of a row of `table` that raises where the row is held.
fn hold(table: &str, held: &str) -> [String; 2] {
    [
        format!(
            "CREATE FUNCTION legal_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF {held} THEN RAISE EXCEPTION 'row % is on legal hold', OLD.id; END IF;
                 RETURN OLD; END $$;
             CREATE TRIGGER legal_hold BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION legal_hold();"
        ),
        format!(
            "CREATE TRIGGER legal_hold BEFORE DELETE ON {table} WHEN {held}
             BEGIN SELECT RAISE(ABORT, 'row 1 is on legal hold'); END;"
        ),
    ]
}

#[tokio::test]
async fn a_trigger_that_raises_for_some_of_the_swept_rows() {
    let rows = format!(
        "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id) ON DELETE CASCADE); {}",
        rows("SELECT n, n")
    );
    let held = "(OLD.id <= 2400 AND OLD.id % 3 > 0) OR OLD.id > 2600";
    let [postgres, sqlite] = hold("parent", held).map(|hold| format!("{PARENTS}{rows}{hold}"));
    for lab in both(&postgres, &sqlite).await {
        free_ones_go(&lab, "row … is on legal hold").await;
    }
}

#[tokio::test]
async fn a_trigger_that_raises_for_children_that_cascade_takes() {
    let rows = format!(
        "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id) ON DELETE CASCADE); {}",
        rows("SELECT n, n")
    );
    let [postgres, sqlite] =
        hold("child", "OLD.id > 0").map(|hold| format!("{PARENTS}{rows}{hold}"));
    for lab in both(&postgres, &sqlite).await {
        free_ones_go(&lab, "row … is on legal hold").await;
    }
}

#[tokio::test]
async fn a_trigger_that_raises_for_dependents_keeps_them_with_their_parent() {
    let rows = format!(
        "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id)); {}
         INSERT INTO child SELECT 10000 + n, n FROM {} WHERE n % 3 = 0 AND n <= 2400;",
        rows("SELECT n, n"),
        numbers(3000)
    );
    let [postgres, sqlite] =
        hold("child", "OLD.id < 10000").map(|hold| format!("{PARENTS}{rows}{hold}"));
    for lab in both(&postgres, &sqlite).await {
        let request = Request::delete("parent", dead()).delete_first(
            "child",
            vec![Join::new("parent", "id")],
            None,
        );
        let (batch, _) = run(&lab, request).await;

        let counts = (batch.affected, batch.dependents, batch.blocked);
        assert_eq!(counts, (1000, 800, 2000), "{:?}", lab.dialect());
        assert_eq!(lab.count("SELECT count(*) FROM parent").await, 2000);
        assert_eq!(lab.count("SELECT count(*) FROM child").await, 2000);
    }
}

#[tokio::test]
async fn a_code_of_the_triggers_own_and_an_error_in_its_code_are_of_the_row_too() {
    let body = "IF OLD.id = 2 THEN RAISE EXCEPTION 'held' USING ERRCODE = 'LH001'; END IF;
         IF OLD.id = 4 THEN PERFORM 1 / (OLD.id - 4); END IF;
         IF OLD.id = 6 THEN UPDATE parent SET dead = TRUE WHERE id = 6; END IF;";
    let lab = Lab::postgres(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN OLD; END $$;
         CREATE TRIGGER hold BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION hold();",
        numbers(10)
    ))
    .await;

    let (batch, told) = run(&lab, Request::delete("parent", dead())).await;

    assert_eq!((batch.affected, batch.blocked), (7, 3));
    assert_eq!(lab.ids("SELECT id FROM parent").await, [2, 4, 6]);
    assert_eq!(told.len(), 3, "{told:?}");
}

#[tokio::test]
async fn a_trigger_at_the_commit_that_raises_for_one_row() {
    let lab = Lab::postgres(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF OLD.id % 100 = 7 THEN RAISE EXCEPTION 'held'; END IF; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER hold AFTER DELETE ON parent DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION hold();",
        numbers(3000)
    ))
    .await;

    let (batch, _) = run(&lab, Request::delete("parent", dead())).await;

    assert_eq!((batch.affected, batch.blocked), (2970, 30));
}

#[tokio::test]
async fn a_trigger_that_takes_the_whole_transaction_back_keeps_its_row_alone() {
    let lab = Lab::sqlite(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE TRIGGER hold BEFORE DELETE ON parent WHEN OLD.id IN (7, 8, 55)
         BEGIN SELECT RAISE(ROLLBACK, 'held'); END;",
        numbers(100)
    ))
    .await;

    let (batch, _) = run(&lab, Request::delete("parent", dead())).await;

    assert_eq!((batch.affected, batch.blocked), (97, 3));
    assert_eq!(lab.ids("SELECT id FROM parent").await, [7, 8, 55]);
}

#[tokio::test]
async fn an_update_that_a_check_refuses_for_two_rows_in_three() {
    let schema = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, ip TEXT, kind BIGINT,
                            CONSTRAINT known CHECK (ip IS NOT NULL OR kind = 0));
         INSERT INTO item SELECT n, TRUE, 'a', n % 3 FROM {};",
        numbers(3000)
    );
    for lab in both(&schema, &schema).await {
        let request = Request::update("item", dead()).set("ip", Source::Value(Value::Null));
        let (batch, told) = run(&lab, request).await;

        assert_eq!((batch.affected, batch.blocked), (1000, 2000));
        let cleared = "SELECT count(*) FROM item WHERE ip IS NULL AND kind = 0";
        assert_eq!(lab.count(cleared).await, 1000);
        assert!(told[0].0.contains("known"), "{told:?}");
    }
}

#[tokio::test]
async fn a_trigger_that_refuses_every_statement_ends_the_run_at_once_and_is_named() {
    let lab = Lab::postgres(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE FUNCTION frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'the table is frozen'; END $$;
         CREATE TRIGGER frozen BEFORE DELETE ON parent EXECUTE FUNCTION frozen();",
        numbers(3000)
    ))
    .await;
    let began = Instant::now();

    let fault = lab
        .run(Request::delete("parent", dead()))
        .await
        .unwrap_err();

    let said = fault.to_string();
    assert!(
        said.contains("the table is frozen") && said.contains("FOR EACH STATEMENT"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 3000);
}

#[tokio::test]
async fn what_is_wrong_with_the_statement_still_fails_the_run() {
    let lab = Lab::postgres(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM no_such_function(OLD.id); RETURN OLD; END $$;
         CREATE TRIGGER broken BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION broken();",
        numbers(3000)
    ))
    .await;

    let fault = lab
        .run(Request::delete("parent", dead()))
        .await
        .unwrap_err();

    assert_eq!(fault.problem().code, "42883");
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 3000);
}

#[tokio::test]
async fn a_run_that_meets_nothing_but_refused_rows_is_suspended_and_the_next_goes_on_behind_them() {
    let lab = Lab::sqlite(&format!(
        "{PARENTS} INSERT INTO parent SELECT n, TRUE FROM {};
         CREATE TRIGGER hold BEFORE DELETE ON parent WHEN OLD.id <= 12000
         BEGIN SELECT RAISE(ABORT, 'held'); END;",
        numbers(13_000)
    ))
    .await;

    let (first, end) = lab.run_as_it_ends(Request::delete("parent", dead())).await;

    assert_eq!(end, Step::Suspended(Suspension::Refused));
    assert_eq!(first.affected, 0);
    assert!((10_000..11_000).contains(&first.blocked), "{first:?}");
    let (second, _) = lab.run_as_it_ends(Request::delete("parent", dead())).await;
    assert_eq!(second.affected, 1000);
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 12_000);
}

#[tokio::test]
async fn rows_of_a_table_that_refers_to_itself_are_refused_one_by_one_and_keep_what_they_refer_to()
{
    let table = format!(
        "CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, reply_to BIGINT REFERENCES parent (id));
         CREATE INDEX parent_reply_to ON parent (reply_to);
         INSERT INTO parent SELECT n, TRUE, NULL FROM {all};
         INSERT INTO parent SELECT 1000 + n, TRUE, n FROM {all} WHERE n <= 300;",
        all = numbers(900)
    );
    // 300 that refer to one another's forerunner, of which 100 are held, and 200 of the rest.
    let held = "(OLD.id > 1000 AND OLD.id % 3 = 0) OR (OLD.id > 700 AND OLD.id <= 900)";
    let [postgres, sqlite] = hold("parent", held).map(|hold| format!("{table}{hold}"));
    for lab in both(&postgres, &sqlite).await {
        let (batch, told) = run(&lab, Request::delete("parent", dead())).await;

        assert_eq!(batch.affected, 1200 - 200 - 100 - 100, "{told:?}");
        assert_eq!(batch.blocked, 200 + 100 + 100, "{told:?}");
        let lost = "SELECT count(*) FROM parent WHERE reply_to NOT IN (SELECT id FROM parent)";
        assert_eq!(lab.count(lost).await, 0);
        assert_eq!(lab.count("SELECT count(*) FROM parent").await, 400);
    }
}

#[tokio::test]
async fn rows_that_go_together_or_not_at_all_are_each_counted_where_one_is_refused() {
    let table = format!(
        "CREATE TABLE parent (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL, reply_to BIGINT REFERENCES parent (id));
         CREATE INDEX parent_reply_to ON parent (reply_to);
         INSERT INTO parent SELECT n, TRUE, NULL FROM {};
         UPDATE parent SET reply_to = id % 50 + 1 WHERE id <= 50;",
        numbers(60)
    );
    let [postgres, sqlite] = hold("parent", "OLD.id = 7").map(|hold| format!("{table}{hold}"));
    for lab in both(&postgres, &sqlite).await {
        let (batch, told) = run(&lab, Request::delete("parent", dead())).await;

        assert_eq!((batch.affected, batch.blocked), (10, 50), "{told:?}");
        let [(reason, 50)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert!(reason.starts_with("(refused by the database"), "{reason}");
    }
}
