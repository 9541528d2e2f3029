//! SQLite: `=` between two columns makes numbers of texts, and a temporary table forgets collations.

use besom::request::{Join, Mode, Request};
use besom_tests::lab::Lab;

use super::*;

/// Two parents that `=` takes for one by the child's column, of which the first is due, and a child of the second.
const PARENTS: [(&str, &str, &str, &str, &str); 4] = [
    ("TEXT", "INTEGER", "'007'", "'7'", "7"),
    ("VARCHAR(20)", "UUID", "'1e3'", "'1000'", "1000"),
    ("TEXT", "REAL", "'7'", "'7.0'", "7.0"),
    ("BLOB", "INTEGER", "'7'", "7", "7"),
];

fn schema(of: (&str, &str, &str, &str, &str), rule: &str) -> String {
    let (id, refers, due, live, child) = of;
    format!(
        "CREATE TABLE parent (id {id} PRIMARY KEY, live BOOLEAN NOT NULL);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent {refers} REFERENCES parent {rule});
         CREATE INDEX child_parent ON child (parent);
         INSERT INTO parent VALUES ({due}, FALSE), ({live}, TRUE);
         INSERT INTO child VALUES (1, {child});"
    )
}

fn dead() -> Request {
    Request::delete(
        "parent",
        compare("live", Comparison::Equal, Value::Boolean(false)),
    )
}

#[tokio::test]
async fn a_child_that_may_be_a_live_parents_holds_the_other() {
    for of in PARENTS {
        for rule in ["", "ON DELETE CASCADE", "ON DELETE SET NULL"] {
            for (first, mode) in [
                (false, Mode::Apply),
                (true, Mode::Apply),
                (true, Mode::DryRun),
            ] {
                let place = format!("{of:?} {rule} {first} {mode:?}");
                let mut lab = Lab::sqlite(&schema(of, rule)).await;
                lab.options.mode = mode;
                let request = match first {
                    true => dead().delete_first("child", vec![Join::new("parent", "id")], None),
                    false => dead(),
                };

                match lab.run(request).await {
                    Ok((batch, _)) => {
                        assert_eq!((batch.changed(), batch.blocked), (0, 1), "{place}");
                    }
                    Err(fault) => {
                        assert_eq!((fault.problem().code.as_str(), first), ("wider-join", true));
                    }
                }
                let left = "SELECT count(*) FROM child WHERE parent IS NOT NULL";
                assert_eq!(lab.count(left).await, 1, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_child_that_may_have_been_written_as_a_live_parents_stays_with_that_one() {
    for refers in ["UUID", "DATETIME", "STRING"] {
        // No key says whose the child is, and its column has made 1000 of `'1e3'`.
        let of = ("VARCHAR(20)", refers, "'1000'", "'1e3'", "'1e3'");
        for unlink in [false, true] {
            let lab = Lab::sqlite(&schema(of, "").replace("REFERENCES parent", "")).await;
            let on = vec![Join::new("parent", "id")];
            let request = match unlink {
                false => dead().delete_first("child", on, None),
                true => dead().unlink_first("child", on, None),
            };

            let (batch, _) = lab.run(request).await.unwrap();

            assert_eq!((batch.changed(), batch.blocked), (0, 1), "{refers}");
            let left = "SELECT count(*) FROM child WHERE parent = 1000";
            assert_eq!(lab.count(left).await, 1, "{refers}");
        }
    }
}

#[tokio::test]
async fn a_child_whose_text_is_no_number_goes_with_its_parent() {
    for refers in ["UUID", "STRING"] {
        let of = ("TEXT", refers, "'a7'", "'b7'", "'a7'");
        let lab = Lab::sqlite(&schema(of, "").replace("REFERENCES parent", "")).await;
        let on = vec![Join::new("parent", "id")];

        let (batch, _) = lab
            .run(dead().delete_first("child", on, None))
            .await
            .unwrap();

        assert_eq!((batch.affected, batch.dependents), (1, 1), "{refers}");
    }
}

#[tokio::test]
async fn and_goes_with_its_own_parent_and_is_counted() {
    for (id, refers, live, due, child) in PARENTS {
        let of = (id, refers, due, live, child);
        for mode in [Mode::DryRun, Mode::Apply] {
            let mut lab = Lab::sqlite(&schema(of, "ON DELETE CASCADE")).await;
            lab.options.mode = mode;

            let (batch, _) = lab.run(dead()).await.unwrap();

            assert_eq!((batch.affected, batch.cascaded), (1, 1), "{of:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn what_a_rule_takes_by_other_letters_is_counted_beside_dependents_too() {
    let schema = "CREATE TABLE parent (id TEXT COLLATE NOCASE PRIMARY KEY, live BOOLEAN NOT NULL);
         CREATE TABLE note (id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent ON DELETE CASCADE);
         CREATE TABLE answer (id TEXT COLLATE NOCASE PRIMARY KEY, child REFERENCES child ON DELETE CASCADE,
             above TEXT REFERENCES answer ON DELETE CASCADE);
         INSERT INTO parent VALUES ('abc', FALSE), ('x', TRUE);
         INSERT INTO note VALUES (1, 'ABC'), (2, 'X');
         INSERT INTO child VALUES (1, 'ABC'), (2, 'abC'), (3, 'X');
         INSERT INTO answer VALUES ('q', 1, NULL), ('r', 1, 'Q'), ('s', NULL, NULL);";
    for mode in [Mode::DryRun, Mode::Apply] {
        let mut lab = Lab::sqlite(schema).await;
        lab.options.mode = mode;
        let notes = vec![Join::new("parent", "id")];

        let (batch, _) = lab
            .run(dead().delete_first("note", notes, None))
            .await
            .unwrap();

        let counts = (batch.affected, batch.dependents, batch.cascaded);
        assert_eq!(counts, (1, 1, 4), "{mode:?}");
    }
}

#[tokio::test]
async fn a_table_whose_key_tells_more_rows_apart_than_its_columns_is_refused() {
    let lab = Lab::sqlite(
        "CREATE TABLE parent (id TEXT COLLATE NOCASE, live BOOLEAN NOT NULL,
             PRIMARY KEY (id COLLATE BINARY)) WITHOUT ROWID;
         CREATE TABLE alike (id TEXT COLLATE NOCASE PRIMARY KEY, live BOOLEAN NOT NULL) WITHOUT ROWID;
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent TEXT);
         CREATE TRIGGER noted AFTER DELETE ON parent BEGIN SELECT 1; END;
         INSERT INTO parent VALUES ('abc', FALSE), ('ABC', TRUE);
         INSERT INTO alike VALUES ('abc', FALSE);",
    )
    .await;

    let fault = lab.run(dead()).await.unwrap_err();

    assert_eq!(fault.problem().code, "not-a-table");
    assert!(fault.to_string().contains("WITHOUT ROWID"), "{fault}");
    assert_eq!(lab.count("SELECT count(*) FROM parent").await, 2);
    let alike = compare("live", Comparison::Equal, Value::Boolean(false));
    let (batch, _) = lab.run(Request::delete("alike", alike)).await.unwrap();
    assert_eq!(batch.affected, 1);
}
