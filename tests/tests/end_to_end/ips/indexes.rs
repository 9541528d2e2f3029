//! Every job goes along an index of the reference schema, which holds the rows that have an address.

use super::*;

use crate::cli::Desk;

#[tokio::test]
async fn no_sweep_falls_back_to_the_key_until_its_index_is_gone() {
    for database in crate::cli::both().await {
        let desk = Desk::filled(database, 1000, "[plugins.ips]\n").await;
        let run = || {
            let said = desk.run(&["run", "ips", "--dry-run"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout.contains("ips/server-sessions"));
            said.stderr
        };

        let told = run();
        assert!(!told.contains("no index serves"), "{told}");

        for (_, table) in JOBS {
            desk.script(&format!("DROP INDEX {table}_ip_last_active_at"))
                .await;
            let told = run();
            // As text or as JSON, with the schema or without.
            let of_the_table =
                |line: &str| line.contains(table) && line.contains("no index serves");
            assert!(told.lines().any(of_the_table), "{table}: {told}");
        }
    }
}
