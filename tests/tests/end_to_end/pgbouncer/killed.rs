//! A host killed in mid run behind PgBouncer, and one whose connections are cut.

use std::time::Duration;

use super::{left, one_connection, untouched};
use crate::cli::{Desk, Said};

const ROWS: i64 = 8_000;

const RUN: [&str; 2] = ["run", "tokens/revoked-access"];

/// As many revoked tokens of one session. Small batches, so that there are many moments to be killed at.
async fn revoked() -> Option<Desk> {
    let home = besom_tests::behind_pgbouncer(one_connection()).await?;
    let desk = Desk::filled(home, 2_000, "[plugins.tokens]\nbatch-size = 5\n").await;
    desk.script(&format!(
        "DELETE FROM oauth2_refresh_tokens; DELETE FROM oauth2_access_tokens;
         INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, created_at, expires_at, revoked_at)
         SELECT gen_random_uuid(), (SELECT oauth2_session_id FROM oauth2_sessions LIMIT 1), 't' || n,
                now() - interval '2 days', now() - interval '1 day', now() - interval '1 day'
         FROM generate_series(1, {ROWS}) AS n"
    ))
    .await;
    Some(desk)
}

async fn there(desk: &Desk) -> i64 {
    desk.count("SELECT count(*) FROM oauth2_access_tokens")
        .await
}

async fn recorded(desk: &Desk) -> i64 {
    desk.count("SELECT coalesce(sum(affected), 0)::bigint FROM besom_batch")
        .await
}

#[tokio::test]
async fn a_killed_host_leaves_no_half_batch_and_the_next_run_resumes_it() {
    let Some(desk) = revoked().await else { return };
    let mut at_work = 0;
    for _ in 0..4 {
        let before = there(&desk).await;
        let mut host = desk.command(&RUN).spawn().unwrap();
        // At work, whatever the machine needs to get there.
        let mut patience = 400;
        while there(&desk).await == before && patience > 0 {
            patience -= 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        host.kill().unwrap();
        host.wait().unwrap();
        // The lease ends, and PgBouncer has noticed that its client is gone.
        tokio::time::sleep(Duration::from_millis(2_300)).await;

        let gone = ROWS - there(&desk).await;
        assert_eq!(recorded(&desk).await, gone);
        at_work += i32::from(gone > ROWS - before && gone < ROWS);
    }
    assert!(
        at_work >= 2,
        "only {at_work} of four kills met a run at work"
    );

    let done = desk.json(&["run", "tokens/revoked-access", "--json"]);

    assert_eq!(done[0]["outcome"], "drained");
    assert_eq!((there(&desk).await, recorded(&desk).await), (0, ROWS));
    assert!(desk.count("SELECT max(token) FROM besom_run").await > 1);
    assert_eq!(left(&desk.database).await, untouched(&desk.database).await);
}

#[tokio::test]
async fn a_host_whose_connections_are_cut_on_the_far_side_goes_on() {
    let Some(desk) = revoked().await else { return };
    let before = there(&desk).await;
    let host = desk
        .command(&["run", "tokens/revoked-access", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut cut = 0;
    while cut < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = there(&desk).await;
        assert!(now > 0, "drained after {cut} cuts");
        if now < before {
            cut += desk
                .count(
                    "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS x",
                )
                .await
                .min(1);
        }
    }

    let said = Said::of(host.wait_with_output().unwrap());

    let done: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(done[0]["outcome"], "drained", "{}", said.stdout);
    assert_eq!((there(&desk).await, recorded(&desk).await), (0, ROWS));
}
