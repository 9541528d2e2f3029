//! What preflight finds, one test a finding, on the databases where it can be found: the statements
//! that a finding prints are run, and it is gone.

mod as_commands;
mod clocks;
mod foreign_partitions;
mod indexes;
mod keys;
mod ledger;
mod never_eligible;
mod reads;
mod rights;
mod server_zones;
mod times;
mod triggers;
mod weights;
mod zoned_triggers;
mod zones;

use std::sync::Arc;

use besom::catalog::Catalog;
use besom::preflight::{self, Finding, Rehearsed, Severity};
use besom::request::{Action, Condition, Join, Request};
use besom::runner::weigh;
use besom::scope::Subject;
use besom::sweep::{Reader, RunContext, Sweep};
use besom_tests::lab::{Lab, all_granted, job};

/// What preflight says to a job that asks for these sweeps.
pub(crate) async fn findings(lab: &Lab, requests: &[Request]) -> Vec<Finding> {
    let (catalog, rehearsed) = rehearsed(lab, requests).await;
    let deadline = std::time::Duration::from_secs(300);
    let weights = weigh(&lab.database, &catalog, &rehearsed, 1_000, deadline).await;
    preflight::findings(&catalog, &rehearsed, &weights)
}

/// What a job asks for that asks for these sweeps.
pub(crate) async fn rehearsed(lab: &Lab, requests: &[Request]) -> (Arc<Catalog>, Rehearsed) {
    let catalog = lab.catalog().await;
    let context = RunContext::rehearsal(
        lab.database.clone(),
        Arc::clone(&catalog),
        Arc::new(all_granted(&catalog)),
        Subject {
            job: job(),
            bundled: false,
        },
        lab.database.now().await.unwrap(),
        lab.options.clone(),
    );
    for request in requests {
        if let Action::Read(_) = request.action {
            if let Ok(reader) = Reader::open(&context, request.clone()).await {
                assert_eq!(reader.next().await, Ok(besom::request::Reading::Drained));
            }
            continue;
        }
        // A refusal is a finding, too.
        if let Ok(sweep) = Sweep::open(&context, request.clone()).await {
            assert_eq!(sweep.next().await, Ok(besom::request::Step::Drained));
        }
    }
    let progress = context.settle().await;
    let rehearsed = Rehearsed {
        plans: progress.drained,
        refused: progress.refused,
        looked: progress.looked,
        given: Default::default(),
    };
    (catalog, rehearsed)
}

/// The one finding of that code.
pub(crate) async fn found(lab: &Lab, request: &Request, code: &str) -> Finding {
    let all = findings(lab, std::slice::from_ref(request)).await;
    let mut found: Vec<_> = all.iter().filter(|finding| finding.code == code).collect();
    assert_eq!(found.len(), 1, "{code} in {all:?}");
    found.remove(0).clone()
}

/// The codes of what is found.
pub(crate) async fn codes(lab: &Lab, request: &Request) -> Vec<String> {
    let all = findings(lab, std::slice::from_ref(request)).await;
    all.into_iter().map(|finding| finding.code).collect()
}

/// Runs what a finding prints, one statement at a time, as `psql` does.
async fn mend(lab: &Lab, finding: &Finding) {
    assert!(!finding.fix.is_empty(), "{finding:?}");
    for statement in &finding.fix {
        lab.script(statement).await;
    }
}

/// Rows that are not live.
fn dead() -> Condition {
    Condition::IsNotNull {
        column: "dead_at".to_owned(),
    }
}

fn on(foreign: &str, local: &str) -> Vec<Join> {
    vec![Join {
        foreign: foreign.to_owned(),
        local: local.to_owned(),
    }]
}

/// Rows that refer to nothing, so many that an index gains something.
fn rows(table: &str) -> String {
    format!(
        "INSERT INTO {table} (id) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000) \
         SELECT n FROM s;"
    )
}
