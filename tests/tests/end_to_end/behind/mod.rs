//! What the database does behind a statement's back: rules, tables that inherit, keys that are switched off or cannot
//! act, publications; found before a run, and held against the database in every batch of one.

mod as_commands;
mod beside;
mod broken;
mod causes;
mod columns;
mod columns_looked_at;
mod columns_waited_for;
mod counts;
mod disabled;
mod heirs;
mod kept;
mod least_privilege;
mod match_full;
mod meeting;
mod periods;
mod publications;
mod put_back;
mod races;
mod rules;
mod settings;
mod stuck;
mod taken_besides;
mod taken_in_pieces;
mod under_way;
mod unproven;
mod zones;

use besom::preflight::Severity;
use besom::request::{Batch, Condition, Join, Request, Step};
use besom_tests::lab::Lab;

/// `dead_at` is not NULL: rows that may go.
fn dead() -> Condition {
    Condition::IsNotNull {
        column: "dead_at".to_owned(),
    }
}

fn sessions() -> Request {
    Request::delete("sessions", dead())
}

fn on(foreign: &str, local: &str) -> Vec<Join> {
    vec![Join::new(foreign, local)]
}

/// Neither `besom check` nor a run lets the request through; the code, and nothing has happened.
async fn refused(lab: &Lab, request: &Request, rows: &str) -> String {
    let before = lab.count(rows).await;
    let code = lab
        .run(request.clone())
        .await
        .expect_err(&format!("{request:?}"))
        .problem()
        .code
        .clone();
    assert_eq!(lab.count(rows).await, before, "{code}");
    let finding = crate::preflight::found(lab, request, &code).await;
    assert_eq!(finding.severity, Severity::Error, "{code}");
    code
}

/// What is tried again once the way out of a message was taken: it goes to its end.
async fn drained(lab: &Lab, request: &Request) -> Batch {
    let (batch, end) = lab.run(request.clone()).await.unwrap();
    assert_eq!(end, Step::Drained);
    batch
}
