//! Jobs go along their key, and workers too, unless somebody has built them an index.

use crate::cli::{Desk, both};

#[tokio::test]
async fn only_workers_fall_back_to_the_key_until_they_have_an_index() {
    for database in both().await {
        let desk = Desk::filled(database, 1000, "[plugins.queue]\n").await;
        let run = || {
            let said = desk.run(&["run", "queue", "--dry-run"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout.contains("queue/finished"));
            said.stderr
        };

        let by_key = |told: &str| -> Vec<String> {
            let lines = told.lines().filter(|line| line.contains("no index serves"));
            lines.map(str::to_owned).collect()
        };

        let told = by_key(&run());
        assert_eq!(told.len(), 2, "{told:#?}");
        for (line, order) in told.iter().zip(["shutdown_at", "last_seen_at"]) {
            assert!(line.contains(&format!("order-by `{order}` of ")), "{line}");
            assert!(line.contains("queue_workers"), "{line}");
        }

        desk.script(&crate::job_indexes::worth_building(&desk.database.url).concat())
            .await;
        assert_eq!(by_key(&run()), [""; 0]);
    }
}
