//! Every job goes along an index of the reference schema.

use crate::cli::{Desk, both};

/// What SQLite cannot tell while nothing has been finished yet.
const FORMS: &str = "[time-forms]\n\
    \"compat_sessions.finished_at\" = \"unix-us\"\n\
    \"oauth2_sessions.finished_at\" = \"unix-us\"\n\
    \"user_sessions.finished_at\" = \"unix-us\"\n";

#[tokio::test]
async fn no_sweep_falls_back_to_the_key_until_its_index_is_gone() {
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

        let told = run();
        assert!(!told.contains("no index serves"), "{told}");

        for (index, order) in [
            ("user_sessions_finished_at", "finished_at"),
            ("oauth2_sessions_open_last_active_at", "last_active_at"),
            ("sessions_pre_login_created_at", "created_at"),
        ] {
            desk.script(&format!("DROP INDEX {index}")).await;
            let words = format!("order-by `{order}` of ");
            let told = run();
            let told_so = |line: &str| line.contains(&words) && line.contains("no index serves");
            assert!(told.lines().any(told_so), "{index}: {told}");
        }
    }
}
