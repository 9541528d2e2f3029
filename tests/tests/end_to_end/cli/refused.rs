//! A job that is refused is that job's matter: the others run, and it is told.

use besom_tests::TestDatabase;
use serde_json::{Value, json};

use super::{Desk, Said, both};

/// Two plugins, with two jobs of one that are not among those that the tests look at.
pub const FILE: &str = "[plugins.tokens]\nsettings = { profile = \"mas\" }\n[plugins.recovery]\n";

/// A table that its owner has tied to password resets and recovery sessions, so that both would take rows
/// of it along: no plugin knows it, and none may.
pub async fn notes(desk: &Desk) {
    let id = desk.id();
    desk.script(&format!(
        "CREATE TABLE notes (
             id bigint PRIMARY KEY,
             password_reset_id {id} REFERENCES password_resets (id) ON DELETE CASCADE,
             recovery_id {id} REFERENCES user_recovery_sessions (user_recovery_session_id) ON DELETE CASCADE
         );
         CREATE INDEX notes_password_reset ON notes (password_reset_id);
         CREATE INDEX notes_recovery ON notes (recovery_id)"
    ))
    .await;
}

/// The jobs that are refused for it.
pub const REFUSED: [&str; 2] = ["recovery/password-resets", "recovery/recovery-sessions"];

impl Desk {
    /// The type of a key.
    fn id(&self) -> &'static str {
        match self.database.url.starts_with("postgres") {
            true => "uuid",
            false => "BLOB",
        }
    }
}

async fn desk(database: TestDatabase, file: &str) -> Desk {
    let desk = Desk::filled(database, 2_000, file).await;
    notes(&desk).await;
    desk
}

fn lines(said: &Said) -> Vec<Value> {
    serde_json::from_str(&said.stdout)
        .unwrap_or_else(|e| panic!("{e} in {}\n{}", said.stdout, said.stderr))
}

/// The jobs that ended so.
fn with<'a>(lines: &'a [Value], outcome: &str) -> Vec<&'a str> {
    let those = lines.iter().filter(|line| line["outcome"] == outcome);
    let mut jobs: Vec<_> = those.map(|line| line["job"].as_str().unwrap()).collect();
    jobs.sort_unstable();
    jobs
}

#[tokio::test]
async fn what_can_run_runs_and_what_cannot_is_told() {
    for database in both().await {
        let desk = desk(database, FILE).await;
        let resets = "SELECT count(*) FROM password_resets";
        let before = desk.count(resets).await;

        let said = desk.run(&["run", "tokens", "recovery", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let lines = lines(&said);
        assert_eq!(with(&lines, "refused"), REFUSED);
        let drained = with(&lines, "drained");
        for job in ["tokens/revoked-access", "recovery/registrations"] {
            assert!(drained.contains(&job), "{drained:?}");
        }
        assert_eq!(drained.len() + REFUSED.len(), lines.len(), "{lines:#?}");
        for job in REFUSED {
            let line = lines.iter().find(|line| line["job"] == job).unwrap();
            assert_eq!(line["codes"], json!(["denied"]));
            let why = line["refused"].as_str().unwrap();
            assert!(why.contains("`notes`"), "{why}");
            let told = said.stderr.lines().filter(|told| told.contains(job));
            assert_eq!(told.count(), 1, "{job} once in\n{}", said.stderr);
        }
        assert_eq!(desk.count(resets).await, before);
        assert!(before > 0);

        // Nothing ran, and the file is at fault: what that code has always said.
        let alone = desk.run(&["run", REFUSED[0]]);
        assert_eq!(
            (alone.code, alone.stdout.as_str()),
            (2, ""),
            "{}",
            alone.stderr
        );
        assert!(alone.stderr.contains("`notes`"), "{}", alone.stderr);
    }
}

#[tokio::test]
async fn a_setting_at_fault_is_the_matter_of_the_job_that_it_is_for() {
    let wrong = format!(
        "{FILE}[plugins.recovery.jobs.registrations]\nsettings = {{ retentoin = \"1d\" }}\n"
    );
    for database in both().await {
        let desk = Desk::filled(database, 2_000, &wrong).await;

        let said = desk.run(&["run", "recovery", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let lines = lines(&said);
        assert_eq!(with(&lines, "refused"), ["recovery/registrations"]);
        assert_eq!(with(&lines, "drained").len(), 3);
        for words in ["besom.toml:", "did you mean `retention`?"] {
            assert!(said.stderr.contains(words), "no {words} in {}", said.stderr);
        }
    }
}

#[tokio::test]
async fn a_grant_at_fault_meets_every_job_of_its_plugin_and_is_told_once() {
    let wrong = format!(
        "{FILE}[plugins.recovery.grant.user_recovery_sesions]\nread = [\"user_recovery_session_id\"]\n"
    );
    for database in both().await {
        let desk = Desk::filled(database, 2_000, &wrong).await;

        let said = desk.run(&["run", "tokens/revoked-access", "recovery", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let lines = lines(&said);
        assert_eq!(with(&lines, "drained"), ["tokens/revoked-access"]);
        let refused = with(&lines, "refused");
        assert_eq!(refused.len(), 4);
        let why = "there is no table `user_recovery_sesions`";
        assert_eq!(said.stderr.matches(why).count(), 1, "{}", said.stderr);
        let meant = "did you mean `user_recovery_sessions`";
        assert!(said.stderr.contains(meant), "{}", said.stderr);
        for job in refused {
            assert!(said.stderr.contains(job), "{job}: {}", said.stderr);
        }
    }
}

#[tokio::test]
async fn what_the_command_line_says_wrong_is_refused_before_anything_runs() {
    for database in both().await {
        let desk = desk(database, FILE).await;

        for wrong in [
            &["run", "tokens", "recovery/registration"][..],
            &["run", "tokens", "recovery", "--set", "retentoin=1d"],
            &["run"],
            &["run", "tokens", "--all"],
            &["run", "tokens", "--due"],
            &["run", "--all", "--due"],
        ] {
            let said = desk.run(wrong);

            assert_eq!(
                (said.code, said.stdout.as_str()),
                (2, ""),
                "{wrong:?}: {}",
                said.stderr
            );
        }
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
    }
}

#[tokio::test]
async fn a_paused_job_is_skipped_and_told_and_the_others_run() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, FILE).await;
        desk.says(&["pause", "recovery/registrations", "--why", "an audit"]);

        let said = desk.run(&["run", "recovery", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let lines = lines(&said);
        assert_eq!(with(&lines, "paused"), ["recovery/registrations"]);
        assert_eq!(with(&lines, "drained").len(), 3);
        for words in ["an audit", "besom resume recovery/registrations"] {
            assert!(said.stderr.contains(words), "no {words} in {}", said.stderr);
        }
        let dry = desk.run(&["run", "recovery", "--dry-run", "--json"]);
        assert_eq!(dry.code, 0, "{}", dry.stderr);
    }
}

#[tokio::test]
async fn the_lines_that_several_refusals_print_can_be_pasted_as_they_are() {
    for database in both().await {
        let desk = desk(database, FILE).await;
        // A third job that wants a right on the same table.
        let id = desk.id();
        desk.script(&format!(
            "ALTER TABLE notes ADD COLUMN email_id {id}
                 REFERENCES user_email_authentications (user_email_authentication_id) ON DELETE CASCADE;
             CREATE INDEX notes_email ON notes (email_id);
             INSERT INTO notes (id, password_reset_id)
                 SELECT 1, id FROM password_resets WHERE used_at IS NOT NULL LIMIT 1"
        ))
        .await;

        let refused = desk.run(&["run", "tokens", "recovery", "--json"]);

        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(with(&lines(&refused), "refused").len() >= 3);
        let printed = pasted(&refused.stderr).to_owned();
        let block = "[plugins.recovery.grant.notes]";
        assert_eq!(
            refused.stderr.matches(block).count(),
            1,
            "{}",
            refused.stderr
        );
        let path = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{printed}")).unwrap();
        let said = desk.run(&["run", "recovery", "--json"]);
        assert_eq!(said.code, 0, "{}\n{printed}", said.stderr);
        assert_eq!(with(&lines(&said), "drained").len(), 4);
        assert_eq!(
            desk.count("SELECT count(*) FROM notes").await,
            0,
            "it went along"
        );
    }
}

/// What an operator takes from the screen: everything from the first table on.
pub fn pasted(stderr: &str) -> &str {
    let first = stderr
        .find("\n[plugins.")
        .unwrap_or_else(|| panic!("no lines in {stderr}"));
    &stderr[first..]
}
