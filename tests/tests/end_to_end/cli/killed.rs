//! A host killed in mid run, ten times at random moments.

use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use besom_tests::TestDatabase;

use super::{Desk, both};

/// Enough for a run to outlast ten kills: a batch of PostgreSQL's takes several times as long.
fn rows(desk: &Desk) -> i64 {
    match desk.database.url.starts_with("postgres") {
        true => 8_000,
        false => 20_000,
    }
}

/// Small batches, so that a run has thousands of moments to be killed at.
const FILE: &str = "[plugins.tokens]\nbatch-size = 5\n";

/// As many revoked tokens of one session, and ten live ones.
async fn tokens(database: TestDatabase) -> Desk {
    let desk = Desk::filled(database, 2_000, FILE).await;
    fill(&desk, rows(&desk)).await;
    desk
}

/// Only so many revoked tokens of one session, and ten live ones.
pub async fn fill(desk: &Desk, revoked: i64) {
    desk.script("DELETE FROM oauth2_refresh_tokens; DELETE FROM oauth2_access_tokens")
        .await;
    let postgres = desk.database.url.starts_with("postgres");
    let rows = if postgres {
        format!(
            "SELECT gen_random_uuid(), (SELECT oauth2_session_id FROM oauth2_sessions LIMIT 1), 't' || n, \
         now() - interval '2 days', now() - interval '1 day', CASE WHEN n > 10 THEN now() - interval '1 day' END \
         FROM generate_series(1, {revoked} + 10) AS n"
        )
    } else {
        format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {revoked} + 10) \
         SELECT randomblob(16), (SELECT oauth2_session_id FROM oauth2_sessions LIMIT 1), 't' || n, \
         (unixepoch() - 172800) * 1000000, (unixepoch() - 86400) * 1000000, \
         CASE WHEN n > 10 THEN (unixepoch() - 86400) * 1000000 END FROM s"
        )
    };
    desk.script(&format!(
        "INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, created_at, expires_at, revoked_at) {rows}"
    ))
    .await;
}

const LEFT: &str = "SELECT count(*) FROM oauth2_access_tokens";

/// Waits until the host has deleted something, or is at its end. Asked of the database: how long a host takes to
/// begin is the machine's affair.
async fn is_at_work(desk: &Desk, host: &mut Child, before: i64) {
    let patience = Instant::now() + Duration::from_secs(120);
    while desk.count(LEFT).await >= before && host.try_wait().unwrap().is_none() {
        assert!(Instant::now() < patience, "the host does nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_host_killed_ten_times_leaves_a_ledger_that_equals_what_is_gone_and_the_next_run_finishes()
 {
    for database in both().await {
        let desk = tokens(database).await;
        let run = ["run", "tokens/revoked-access"];
        let mut killed_at_work = 0;
        let mut gone_before = 0;
        for _ in 0..10 {
            let mut host = desk.command(&run).spawn().unwrap();
            is_at_work(&desk, &mut host, rows(&desk) + 10 - gone_before).await;
            let nanos = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .subsec_nanos();
            tokio::time::sleep(Duration::from_millis(u64::from(nanos % 200))).await;
            host.kill().unwrap();
            host.wait().unwrap();
            // A statement whose client is gone may still commit.
            tokio::time::sleep(Duration::from_millis(2_300)).await;

            let gone = rows(&desk) + 10 - desk.count(LEFT).await;
            let recorded = desk
                .count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_batch")
                .await;
            assert_eq!(recorded, gone);
            killed_at_work += i32::from(gone > gone_before && gone < rows(&desk));
            gone_before = gone;
        }
        assert!(
            killed_at_work >= 3,
            "only {killed_at_work} of ten kills met a run at work"
        );

        let done = desk.json(&["run", "tokens/revoked-access", "--json"]);
        assert_eq!(done[0]["outcome"], "drained");
        assert_eq!(done[0]["verified"], true);
        assert_eq!(desk.count(LEFT).await, 10, "the live ones");
        let recorded = desk
            .count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_batch")
            .await;
        assert_eq!(recorded, rows(&desk));
        let resumed = desk.count("SELECT max(token) FROM besom_run").await;
        assert!(resumed > 1, "a run was taken over");
    }
}
