//! A cut-off that is yet to come makes rows old that are not.

use besom::request::{Fault, Join, Timestamp};
use besom_tests::lab::{Lab, both};

use super::*;

const POSTGRES: &str = "CREATE TABLE row (id uuid PRIMARY KEY, at timestamptz NOT NULL)";
const SQLITE: &str = "CREATE TABLE row (id BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT;";

const HOUR: i64 = 3_600_000_000;

async fn code(lab: &Lab, condition: Condition) -> Option<String> {
    let done = lab.run(Request::delete("row", condition)).await;
    done.err().map(|fault: Fault| fault.problem().code.clone())
}

fn not_from(operator: Comparison, at: Timestamp) -> Condition {
    Condition::Not(Box::new(Condition::Compare {
        column: "at".into(),
        operator,
        to: Value::Timestamp(at),
    }))
}

#[tokio::test]
async fn a_cutoff_ahead_of_the_run_is_refused_however_it_is_said() {
    for lab in both(POSTGRES, SQLITE).await {
        let now = lab.database.now().await.unwrap();
        let ahead = Timestamp(now.0 + HOUR);
        let older = |cutoff, offset| Condition::OlderThan {
            column: "at".into(),
            cutoff,
            offset,
        };
        let refused = [
            older(ahead, 0),
            // An hour of grace taken away instead of given.
            older(now, -HOUR),
            Condition::IdOlderThan {
                column: "id".into(),
                cutoff: ahead,
            },
            Condition::Compare {
                column: "at".into(),
                operator: Comparison::Less,
                to: Value::Timestamp(ahead),
            },
            Condition::Any(vec![older(now, 0), older(ahead, 0)]),
            // "Not after an instant that is yet to come" says the same.
            not_from(Comparison::GreaterOrEqual, ahead),
            not_from(Comparison::Greater, ahead),
            Condition::Not(Box::new(Condition::Not(Box::new(older(ahead, 0))))),
            Condition::Not(Box::new(Condition::All(vec![Condition::Not(Box::new(
                older(ahead, 0),
            ))]))),
        ];
        for condition in refused {
            let shown = format!("{condition:?}");
            assert_eq!(
                code(&lab, condition).await.as_deref(),
                Some("future-cutoff"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn the_present_and_what_only_relations_and_negations_say_are_fair() {
    for lab in both(POSTGRES, SQLITE).await {
        lab.script("CREATE TABLE child (id BIGINT PRIMARY KEY, row BIGINT)")
            .await;
        let now = lab.database.now().await.unwrap();
        let older = |cutoff, offset| Condition::OlderThan {
            column: "at".into(),
            cutoff,
            offset,
        };
        let ahead = Timestamp(now.0 + HOUR);
        let fair = [
            not_from(Comparison::Less, ahead),
            not_from(Comparison::GreaterOrEqual, now),
            older(now, 0),
            older(Timestamp(now.0 + HOUR), HOUR),
            Condition::Not(Box::new(older(Timestamp(now.0 + HOUR), 0))),
            Condition::All(vec![
                older(now, 0),
                Condition::NotExists {
                    table: "row".into(),
                    on: vec![Join::new("id", "id")],
                    matching: Some(Box::new(Condition::Not(Box::new(older(
                        Timestamp(now.0 + HOUR),
                        0,
                    ))))),
                },
            ]),
        ];
        for condition in fair {
            let shown = format!("{condition:?}");
            assert_eq!(code(&lab, condition).await, None, "{shown}");
        }
    }
}
