//! Rows that a trigger keeps without a word have not arrived since.

use besom::request::{Condition, Request, Source};

use super::*;

/// A trigger of each kind of database that keeps rows of `item` which meet `when`, and one that keeps none.
async fn labs(event: &str, when: &str) -> Vec<Lab> {
    let postgres = format!(
        "{ITEMS}
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN IF {when} THEN RETURN NULL; END IF; RETURN {row}; END $$;
         CREATE TRIGGER legal_hold BEFORE {event} ON item FOR EACH ROW EXECUTE FUNCTION keep();
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN {row}; END $$;
         CREATE TRIGGER look BEFORE {event} ON item FOR EACH ROW EXECUTE FUNCTION look();",
        row = if event == "DELETE" { "OLD" } else { "NEW" }
    );
    let sqlite = format!(
        "{ITEMS}
         CREATE TRIGGER legal_hold BEFORE {event} ON item WHEN {when} BEGIN SELECT RAISE(IGNORE); END;
         CREATE TRIGGER look BEFORE {event} ON item BEGIN SELECT 1; END;"
    );
    both(&postgres, &sqlite).await
}

fn kept(rows: u64) -> Remains {
    Remains {
        left: rows,
        kept: rows,
        kept_by: ["legal_hold".to_owned()].into(),
        ..item()
    }
}

#[tokio::test]
async fn rows_that_a_trigger_keeps_are_told_by_its_name() {
    let deletes = Request::delete("item", dead());
    let updates = Request::update("item", dead()).set("dead", Source::Value(Value::Integer(2)));
    for (event, request) in [("DELETE", deletes), ("UPDATE", updates)] {
        for lab in labs(event, "OLD.id IN (2, 5)").await {
            let (context, _) = lab.begin().await;
            let (batch, _) = drain(&context, request.clone()).await.unwrap();

            let found = of_the_one(&lab, &context).await;

            assert_eq!((batch.affected, batch.revived), (3, 2), "{event} {batch:?}");
            assert_eq!(found, kept(2), "{event} {:?}", lab.dialect());
            assert_eq!(Verification::of(&[found]), Verification::Left(2));
        }
    }
}

#[tokio::test]
async fn so_are_those_of_a_batch_that_locks_first_or_skips_what_is_locked() {
    let at_all = Condition::Exists {
        table: "item".into(),
        on: vec![Join::new("id", "id")],
        matching: None,
    };
    let locking = Condition::All(vec![dead(), at_all]);
    for (condition, holds) in [(locking, false), (dead(), true)] {
        for lab in labs("DELETE", "OLD.id = 5").await {
            let mut holder = lab.session().await;
            let holds = holds && lab.dialect() == Dialect::Postgres;
            if holds {
                let row = "BEGIN; SELECT * FROM item WHERE id = 2 FOR UPDATE";
                holder.begin(row).await.unwrap();
            }
            let (context, _) = lab.begin().await;
            let request = Request::delete("item", condition.clone());
            drain(&context, request).await.unwrap();

            let found = of_the_one(&lab, &context).await;

            let expected = Remains {
                left: 1 + u64::from(holds),
                locked: u64::from(holds),
                ..kept(1)
            };
            assert_eq!(found, expected, "{:?}", lab.dialect());
            if holds {
                holder.rollback().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_row_that_commits_behind_the_cursor_is_told_apart_from_them() {
    for mut lab in labs("DELETE", "OLD.id = 2").await {
        lab.options.batch_size = 3;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("item", dead()))
            .await
            .unwrap();
        sweep.next().await.unwrap();
        lab.script("INSERT INTO item VALUES (0, 1)").await;
        while sweep.next().await.unwrap() != Step::Drained {}

        let found = of_the_one(&lab, &context).await;

        let expected = Remains {
            left: 2,
            arrived: 1,
            ..kept(1)
        };
        assert_eq!(found, expected, "{:?}", lab.dialect());
    }
}
