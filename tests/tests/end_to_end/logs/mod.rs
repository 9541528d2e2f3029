//! What is logged, how, and what is not.

mod formats;
mod secrets;
mod spans;

use besom_tests::TestDatabase;

use super::cli::{Desk, killed::fill};

const JOB: &str = "tokens/revoked-access";

/// Batches of the fixture's run.
const BATCHES: usize = 5;

/// A desk whose job has a few batches to do.
async fn desk(database: TestDatabase, more: &str) -> Desk {
    let file = format!("{more}\n[plugins.tokens]\nbatch-size = 10\n");
    let desk = Desk::filled(database, 1_000, &file).await;
    fill(&desk, 50).await;
    desk
}
