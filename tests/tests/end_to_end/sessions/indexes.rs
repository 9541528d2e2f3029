//! Every job of MAS's goes along an index of its schema; certctl has one for the absolute end only.

use std::collections::BTreeSet;

use crate::cli::{Desk, both};

/// What SQLite cannot tell while nothing has been finished yet.
const FORMS: &str = "[time-forms]\n\
    \"compat_sessions.finished_at\" = \"unix-us\"\n\
    \"oauth2_sessions.finished_at\" = \"unix-us\"\n\
    \"user_sessions.finished_at\" = \"unix-us\"\n";

#[tokio::test]
async fn no_sweep_falls_back_to_the_key_while_there_is_an_index() {
    for database in both().await {
        let forms = match database.url.starts_with("sqlite") {
            true => FORMS,
            false => "",
        };
        let file = format!(
            "[plugins.sessions.jobs.expire-inactive]\nsettings = {{ ttl = \"30d\" }}\n{forms}"
        );
        let desk = Desk::filled(database, 1000, &file).await;
        let run = || {
            let said = desk.run(&["run", "sessions", "--dry-run"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            assert!(said.stdout.contains("sessions/expire-inactive"));
            said.stderr
        };

        const ORDERS: [&str; 7] = [
            "created_at",
            "finished_at",
            "idle_expires_at",
            "last_active_at",
            "retired_at",
            "revoked_at",
            "absolute_expires_at",
        ];
        let by_key = |told: &str| -> BTreeSet<&str> {
            let lines = told.lines().filter(|line| line.contains("no index serves"));
            let of = |line: &str| {
                let by = |order: &&str| line.contains(&format!("order-by `{order}` of "));
                ORDERS.into_iter().find(by)
            };
            lines.map(|line| of(line).unwrap()).collect()
        };

        let left_out = ["created_at", "idle_expires_at", "retired_at", "revoked_at"];
        assert_eq!(by_key(&run()), left_out.into());

        desk.script(&crate::job_indexes::worth_building(&desk.database.url).concat())
            .await;
        assert_eq!(by_key(&run()), [].into());

        for (index, order) in [
            ("user_sessions_finished_at_idx", "finished_at"),
            ("oauth2_sessions_last_active_at_idx", "last_active_at"),
            ("oauth2_sessions_inactive_ips_idx", "last_active_at"),
            ("idx_sessions_absolute_expires_at", "absolute_expires_at"),
        ] {
            desk.script(&format!("DROP INDEX {index}")).await;
            if index != "oauth2_sessions_last_active_at_idx" {
                assert!(by_key(&run()).contains(order), "{index}");
            }
        }
    }
}
