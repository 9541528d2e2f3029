//! Relations whose columns are equal in one direction and not in the other: the one that a foreign key
//! takes is what decides which rows are tied.

use super::*;
use besom::request::{Dependent, Fate, Join, Mode, Request};
use besom::sweep::Reader;
use besom_tests::lab::Lab;

/// The child refers to its parent in other letters, or with blanks behind them; and one parent has none.
async fn families(foreign_key: bool) -> Vec<Lab> {
    let rule = |refers: &str| match foreign_key {
        true => refers.to_owned(),
        false => String::new(),
    };
    let schema = |parent: &str, child: &str, refers: &str, given: &str| {
        format!(
            "CREATE TABLE parent (id {parent} PRIMARY KEY, dead BOOLEAN NOT NULL);
             CREATE TABLE child (id BIGINT PRIMARY KEY, parent_id {child} {refers}, live BOOLEAN NOT NULL);
             CREATE INDEX child_parent ON child (parent_id);
             INSERT INTO parent VALUES ('A', TRUE), ('B', TRUE);
             INSERT INTO child VALUES (1, '{given}', TRUE), (2, 'B', FALSE);"
        )
    };
    let refers = rule("REFERENCES parent ON DELETE CASCADE");
    vec![
        Lab::sqlite(&schema("TEXT COLLATE NOCASE", "TEXT", &refers, "a")).await,
        Lab::sqlite(&schema("TEXT COLLATE RTRIM", "TEXT", &refers, "A  ")).await,
        Lab::postgres(&schema("char(3)", "text", &refers, "A ")).await,
    ]
}

fn related(exists: bool, table: &str, on: Join, matching: Option<Condition>) -> Condition {
    let (table, on, matching) = (table.to_owned(), vec![on], matching.map(Box::new));
    match exists {
        true => Condition::Exists {
            table,
            on,
            matching,
        },
        false => Condition::NotExists {
            table,
            on,
            matching,
        },
    }
}

fn live(value: bool) -> Condition {
    compare("live", Comparison::Equal, Value::Boolean(value))
}

fn without_a_live_child() -> Condition {
    let on = Join::new("parent_id", "id");
    related(false, "child", on, Some(live(true)))
}

fn with_a_parent(exists: bool) -> Condition {
    related(exists, "parent", Join::new("id", "parent_id"), None)
}

#[tokio::test]
async fn a_live_child_that_cascade_would_take_keeps_its_parent() {
    for mut lab in families(true).await {
        let request = Request::delete("parent", without_a_live_child());
        lab.options.mode = Mode::DryRun;
        let (dry, _) = lab.run(request.clone()).await.unwrap();
        lab.options.mode = Mode::Apply;

        let (batch, _) = lab.run(request).await.unwrap();

        let (dialect, children) = (lab.dialect(), lab.ids("SELECT id FROM child").await);
        assert_eq!(children, [1], "{dialect:?}");
        assert_eq!((batch.affected, batch.cascaded), (1, 1), "{dialect:?}");
        assert_eq!(dry, batch, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_child_whose_parent_the_key_finds_is_no_orphan() {
    for lab in families(true).await {
        let request = Request::delete("child", with_a_parent(false));

        let (batch, _) = lab.run(request).await.unwrap();

        assert_eq!(batch.affected, 0, "{:?}", lab.dialect());
    }
}

#[tokio::test]
async fn where_no_key_says_which_equality_is_meant_a_row_counts_as_there_by_either() {
    for lab in families(false).await {
        let dialect = lab.dialect();
        let orphans = Request::delete("child", with_a_parent(false));
        let parents = Request::delete("parent", without_a_live_child());

        let (orphans, _) = lab.run(orphans).await.unwrap();
        let (parents, _) = lab.run(parents).await.unwrap();

        assert_eq!(orphans.affected, 0, "{dialect:?}");
        assert_eq!(parents.affected, 1, "{dialect:?}");
        let kept = lab.count("SELECT count(*) FROM parent WHERE id = 'A'");
        assert_eq!(kept.await, 1, "{dialect:?}");
    }
}

#[tokio::test]
async fn where_no_key_says_which_equality_is_meant_a_row_is_there_for_certain_by_both() {
    for lab in families(false).await {
        let dialect = lab.dialect();
        let on = Join::new("parent_id", "id");
        let of_a_child = related(true, "child", on, None);

        // Both ways round: neither takes the pair that one equality alone ties.
        let (children, _) = lab
            .run(Request::delete("child", with_a_parent(true)))
            .await
            .unwrap();
        lab.script("INSERT INTO child VALUES (2, 'B', FALSE)").await;
        let (parents, _) = lab
            .run(Request::delete("parent", of_a_child))
            .await
            .unwrap();

        assert_eq!((children.affected, parents.affected), (1, 1), "{dialect:?}");
        assert_eq!(lab.ids("SELECT id FROM child").await, [1, 2], "{dialect:?}");
        let kept = lab.count("SELECT count(*) FROM parent WHERE id = 'A'");
        assert_eq!(kept.await, 1, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_reader_is_not_shown_a_parent_of_a_live_child() {
    for lab in families(true).await {
        let request = Request::read("parent", vec!["id".to_owned()], without_a_live_child());
        let (context, _) = lab.begin().await;
        let reader = Reader::open(&context, request).await.unwrap();

        let page = match reader.next().await.unwrap() {
            besom::request::Reading::Page(page) => page,
            end => panic!("{end:?}"),
        };

        assert_eq!(page.length, 1, "{:?}", lab.dialect());
        lab.end(&context).await;
    }
}

#[tokio::test]
async fn a_sibling_of_a_family_is_found_by_either_columns_letters() {
    let schema = |one: &str, other: &str, given: &str| {
        format!(
            "CREATE TABLE token (id BIGINT PRIMARY KEY, family {one} NOT NULL, of_family {other} NOT NULL,
                                 revoked BOOLEAN NOT NULL);
             INSERT INTO token VALUES (1, 'F', 'F', TRUE), (2, '{given}', '{given}', FALSE),
                                      (3, 'G', 'G', TRUE);"
        )
    };
    let labs = [
        Lab::sqlite(&schema("TEXT COLLATE NOCASE", "TEXT", "f")).await,
        Lab::postgres(&schema("char(3)", "text", "F ")).await,
    ];
    for lab in labs {
        for (foreign, local) in [("family", "of_family"), ("of_family", "family")] {
            let revoked = |value| compare("revoked", Comparison::Equal, Value::Boolean(value));
            let none_live = related(
                false,
                "token",
                Join::new(foreign, local),
                Some(revoked(false)),
            );
            let request = Request::delete("token", Condition::All(vec![revoked(true), none_live]));

            lab.run(request).await.unwrap();

            let left = lab.ids("SELECT id FROM token").await;
            assert_eq!(left, [1, 2], "{:?} {foreign}", lab.dialect());
        }
    }
}

#[tokio::test]
async fn a_dependent_that_no_key_ties_hangs_on_its_parent_as_a_key_would_tie_it() {
    for lab in families(false).await {
        let dialect = lab.dialect();
        let mut request = Request::delete(
            "parent",
            compare("dead", Comparison::Equal, Value::Boolean(true)),
        );
        request
            .add_dependent(Dependent {
                table: "child".into(),
                on: vec![Join::new("parent_id", "id")],
                parent: None,
                matching: None,
                fate: Fate::Delete,
            })
            .unwrap();

        let (batch, _) = lab.run(request).await.unwrap();

        // Tied as a foreign key would tie it: no child is left without its parent.
        assert_eq!((batch.affected, batch.dependents), (2, 2), "{dialect:?}");
    }
}
