//! Jobs go along indexes that hold the rows that have an address, where the products have one.

use super::*;

use crate::cli::Desk;

#[tokio::test]
async fn no_sweep_falls_back_to_the_key_while_there_is_an_index() {
    for database in crate::cli::both().await {
        let desk = Desk::filled(database, 1000, "[plugins.ips]\n").await;
        let run = || {
            let said = desk.run(&["run", "ips", "--dry-run"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout.contains("ips/server-sessions"));
            said.stderr
        };

        // As text or as JSON, with the schema or without.
        let by_key = |told: &str| -> Vec<&str> {
            let lines = told.lines().filter(|line| line.contains("no index serves"));
            let of = |line: &str| JOBS.into_iter().find(|(_, table)| line.contains(table));
            lines.map(|line| of(line).unwrap().1).collect()
        };

        // These two the products left without.
        assert_eq!(by_key(&run()), ["personal_sessions", "sessions"]);

        desk.script(&crate::job_indexes::worth_building(&desk.database.url).concat())
            .await;
        assert_eq!(by_key(&run()), [""; 0]);

        for table in ["oauth2_sessions", "compat_sessions", "user_sessions"] {
            desk.script(&format!(
                "DROP INDEX {table}_inactive_ips_idx; DROP INDEX {table}_last_active_at_idx"
            ))
            .await;
            assert!(by_key(&run()).contains(&table), "{table}");
        }
    }
}
