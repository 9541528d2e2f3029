//! The workers go along indexes of the reference schema, the jobs along their key.

use crate::cli::{Desk, both};

#[tokio::test]
async fn no_sweep_falls_back_to_the_key_until_its_index_is_gone() {
    for database in both().await {
        let desk = Desk::filled(database, 1000, "[plugins.queue]\n").await;
        let run = || {
            let said = desk.run(&["run", "queue", "--dry-run"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout.contains("queue/finished"));
            said.stderr
        };

        let told = run();
        assert!(!told.contains("no index serves"), "{told}");

        for order in ["shutdown_at", "last_seen_at"] {
            desk.script(&format!("DROP INDEX queue_workers_{order}"))
                .await;
            let words = format!("order-by `{order}` of ");
            let told = run();
            let told_so = |line: &str| line.contains(&words) && line.contains("no index serves");
            assert!(told.lines().any(told_so), "{order}: {told}");
        }
    }
}
