//! Held sessions in front of free ones, through the bundled plugin and the binary.

use besom_tests::TestDatabase;
use serde_json::Value;

use crate::cli::{Desk, both};

/// Finished browser sessions, the older ones with a session below them, and `free` newer ones without.
async fn desk(database: TestDatabase, held: u64, free: u64) -> Desk {
    let desk = Desk::filled(database, 2_000, "[plugins.sessions]\n").await;
    let all = held + free;
    let postgres = desk.database.url.starts_with("postgres");
    desk.script(&match postgres {
        true => format!(
            "UPDATE user_sessions SET finished_at = NULL;
             CREATE TEMP TABLE s AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, {all}) n;
             INSERT INTO user_sessions (user_session_id, user_id, created_at, finished_at)
                 SELECT s.id, (SELECT user_id FROM users LIMIT 1), now() - interval '200 days',
                        now() - interval '100 days' + n * interval '1 second' FROM s;
             INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, device_id, created_at)
                 SELECT gen_random_uuid(), (SELECT user_id FROM users LIMIT 1), id, 'd' || n, now() FROM s WHERE n <= {held};
             ANALYZE user_sessions; ANALYZE compat_sessions"
        ),
        false => format!(
            "UPDATE user_sessions SET finished_at = NULL;
             CREATE TEMP TABLE s AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {all})
                 SELECT randomblob(16) AS id, n FROM s;
             INSERT INTO user_sessions (user_session_id, user_id, created_at, finished_at)
                 SELECT s.id, (SELECT user_id FROM users LIMIT 1), (unixepoch() - 17280000) * 1000000,
                        (unixepoch() - 8640000 + n) * 1000000 FROM s;
             INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, device_id, created_at)
                 SELECT randomblob(16), (SELECT user_id FROM users LIMIT 1), id, 'd' || n, unixepoch() * 1000000
                 FROM s WHERE n <= {held}"
        ),
    })
    .await;
    desk
}

fn run(desk: &Desk, host: &str) -> Value {
    let said = desk
        .command(&[
            "run",
            "sessions/finished-browser",
            "--deadline",
            "1s",
            "--json",
        ])
        .env("BESOM_HOST__NAME", host)
        .output()
        .unwrap();
    serde_json::from_slice(&said.stdout).unwrap()
}

#[tokio::test]
async fn a_thousand_free_sessions_behind_thirty_thousand_held_ones_go_though_no_run_has_time_for_all()
 {
    for database in both().await {
        let desk = desk(database, 30_000, 1_000).await;
        let finished = "SELECT count(*) FROM user_sessions WHERE finished_at IS NOT NULL";

        // How many runs that takes is the machine's: how many rows they look at is not.
        let mut examined = 0;
        for host in ["one", "two"].into_iter().cycle().take(60) {
            let report = run(&desk, host);
            examined += report[0]["examined"].as_u64().unwrap();
            if report[0]["outcome"] == "drained" {
                assert_eq!(report[0]["verified"], true, "{report:#}");
                break;
            }
            assert_eq!(report[0]["reason"], "deadline", "{report:#}");
        }
        assert!(examined <= 2 * 31_000, "{examined}");

        assert_eq!(desk.count(finished).await, 30_000);
    }
}
