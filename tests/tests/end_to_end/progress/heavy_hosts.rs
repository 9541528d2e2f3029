//! Heavy parents under the binary: a host that is killed, and a role that may not take what a rule takes.

use std::time::Duration;

use besom::database::{Database, DatabaseOptions};
use besom::request::{Request, Step};
use besom_tests::TestDatabase;
use besom_tests::lab::{Lab, drain};

use super::dead;
use super::heavy::{MANY, schema};
use crate::cli::{Desk, both};

const FILE: &str = "[plugins.sessions]\n";

/// The reference schema with `sessions` finished compatibility sessions of so many tokens each.
async fn desk(database: TestDatabase, sessions: u64, tokens: u64, more: &str) -> Desk {
    let desk = Desk::filled(database, 2_000, &format!("{FILE}{more}")).await;
    desk.script(
        "DELETE FROM compat_refresh_tokens; DELETE FROM compat_access_tokens; DELETE FROM compat_sso_logins",
    )
    .await;
    let postgres = desk.database.url.starts_with("postgres");
    let count = tokens;
    desk.script(&match postgres {
        true => format!(
            "UPDATE compat_sessions SET finished_at = NULL;
             UPDATE compat_sessions SET finished_at = now() - interval '90 days' WHERE compat_session_id IN
                 (SELECT compat_session_id FROM compat_sessions ORDER BY 1 LIMIT {sessions});
             INSERT INTO compat_access_tokens (compat_access_token_id, compat_session_id, access_token, created_at)
                 SELECT gen_random_uuid(), s.compat_session_id, s.compat_session_id || '-' || n, now()
                 FROM compat_sessions s, generate_series(1, {count}) n WHERE s.finished_at IS NOT NULL"
        ),
        false => format!(
            "UPDATE compat_sessions SET finished_at = NULL;
             UPDATE compat_sessions SET finished_at = (unixepoch() - 7776000) * 1000000 WHERE compat_session_id IN
                 (SELECT compat_session_id FROM compat_sessions ORDER BY 1 LIMIT {sessions});
             WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
             INSERT INTO compat_access_tokens (compat_access_token_id, compat_session_id, access_token, created_at)
                 SELECT randomblob(16), c.compat_session_id, hex(c.compat_session_id) || '-' || n, unixepoch() * 1000000
                 FROM compat_sessions c, s WHERE c.finished_at IS NOT NULL"
        ),
    })
    .await;
    desk
}

async fn recorded(desk: &Desk) -> i64 {
    desk.count(
        "SELECT CAST(coalesce(sum(affected + dependents + cascaded), 0) AS bigint) FROM besom_batch",
    )
    .await
}

#[tokio::test]
async fn a_host_that_is_killed_inside_a_heavy_parent_leaves_a_ledger_of_what_is_gone() {
    for database in both().await {
        let desk = desk(database, 2, 60_000, "").await;
        let rows = "SELECT (SELECT count(*) FROM compat_sessions) + (SELECT count(*) FROM compat_access_tokens)";
        let before = desk.count(rows).await;
        let run = ["run", "sessions/finished-compat"];
        let mut inside = 0;
        for _ in 0..4 {
            let mut host = desk.command(&run).spawn().unwrap();
            let known = recorded(&desk).await;
            // Killed after some piece of this run, wherever that is.
            let began = std::time::Instant::now();
            while recorded(&desk).await == known && began.elapsed() < Duration::from_secs(20) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            host.kill().unwrap();
            host.wait().unwrap();
            tokio::time::sleep(Duration::from_millis(2_300)).await;

            let gone = before - desk.count(rows).await;
            assert_eq!(recorded(&desk).await, gone);
            inside += i32::from(gone > 0 && gone < 120_000);
            let orphans = "SELECT count(*) FROM compat_access_tokens WHERE compat_session_id NOT IN \
                           (SELECT compat_session_id FROM compat_sessions)";
            assert_eq!(desk.count(orphans).await, 0);
        }
        assert!(inside > 0, "no kill met a run at work");

        let done = desk.json(&["run", "sessions/finished-compat", "--json"]);
        assert_eq!(done[0]["verified"], true, "{done:#}");
        assert_eq!(recorded(&desk).await, 120_002);
        assert_eq!(before - desk.count(rows).await, 120_002);
    }
}

#[tokio::test]
async fn what_the_role_may_not_delete_by_itself_goes_by_its_rule_all_at_once() {
    let mut lab = Lab::postgres(&schema(1, 10, "ON DELETE CASCADE")).await;
    lab.script(
        "DO $$ BEGIN CREATE ROLE besom_narrow; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
             END $$;
         GRANT SELECT, DELETE, UPDATE ON item TO besom_narrow;
         GRANT SELECT, UPDATE (tenant) ON part TO besom_narrow;
         GRANT SELECT, INSERT, UPDATE, DELETE ON besom_run, besom_batch, besom_lease, besom_slot, besom_queue
             TO besom_narrow",
    )
    .await;
    let sign = if lab.home.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{sign}options[role]=besom_narrow", lab.home.url);
    lab.database = Database::connect(&url, DatabaseOptions::default())
        .await
        .unwrap();

    let (context, _) = lab.begin().await;
    let (batch, step) = drain(&context, Request::delete("item", dead()))
        .await
        .unwrap();

    assert_eq!(step, Step::Drained);
    assert_eq!((batch.affected, batch.cascaded), (11, MANY + 10));
}
