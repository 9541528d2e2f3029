//! `besom run --all` and `--due`: jobs by their schedules, without a service.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::service::until;
use super::killed::fill;
use super::refused::{REFUSED, notes};
use super::{Desk, Said, absent, both};

const MINUTE: i64 = 60_000_000;

/// One job of each kind: due each minute, once a year, on request, switched off; and opt-in, which the
/// file does not name.
const FILE: &str = "\
[plugins.tokens]
enabled = false
[plugins.tokens.jobs.revoked-access]
enabled = true
schedule = \"* * * * *\"
[plugins.tokens.jobs.expired-access]
enabled = true
schedule = \"0 0 1 1 *\"
[plugins.upstream-oauth]
enabled = false
[plugins.upstream-oauth.jobs.backfill-user-session]
enabled = true
";

fn jobs(lines: &Value) -> Vec<&str> {
    let lines = lines.as_array().unwrap().iter();
    lines.map(|line| line["job"].as_str().unwrap()).collect()
}

/// Puts what has been considered of a job so far back, as if nobody had looked since.
async fn looked_at(desk: &Desk, job: &str, micros_ago: i64) {
    let time = match desk.database.url.starts_with("postgres") {
        true => format!("now() - interval '{micros_ago} microseconds'"),
        false => format!("unixepoch() * 1000000 - {micros_ago}"),
    };
    desk.script(&format!(
        "INSERT INTO besom_schedule (plugin, job, considered) VALUES ('tokens', '{job}', {time})
         ON CONFLICT (plugin, job) DO UPDATE SET considered = excluded.considered"
    ))
    .await;
}

#[tokio::test]
async fn all_is_every_job_with_a_schedule_whether_it_is_due_or_not() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, FILE).await;

        let dry = desk.json(&["run", "--all", "--dry-run", "--json"]);
        let done = desk.json(&["run", "--all", "--json"]);

        let both = ["tokens/revoked-access", "tokens/expired-access"];
        assert_eq!(jobs(&dry), both);
        assert_eq!(jobs(&done), both);
        assert!(done[0]["affected"].as_u64() > Some(0), "{done:#}");
    }
}

#[tokio::test]
async fn a_due_time_is_run_once_and_the_next_one_when_it_has_come() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, FILE).await;
        let due = ["run", "--due", "--json"];
        // Not since the last minute, and not since the last New Year's.
        looked_at(&desk, "revoked-access", 0).await;
        looked_at(&desk, "expired-access", 0).await;
        let schedule = "SELECT count(*) FROM besom_queue";

        let nothing = desk.run(&["run", "--due", "--dry-run"]);
        // The minute may have turned over meanwhile.
        if nothing.stdout == "nothing is due\n" {
            assert_eq!(nothing.code, 0);
        } else {
            assert!(
                nothing.stdout.contains("revoked-access"),
                "{}",
                nothing.stdout
            );
        }

        looked_at(&desk, "revoked-access", 3 * MINUTE).await;
        let dry = desk.json(&["run", "--due", "--dry-run", "--json"]);
        assert_eq!(jobs(&dry), ["tokens/revoked-access"]);
        assert_eq!(desk.count(schedule).await, 0, "a dry run changes nothing");
        let done = desk.json(&due);
        assert_eq!(jobs(&done), ["tokens/revoked-access"]);
        assert!(done[0]["affected"].as_u64() > Some(0), "{done:#}");

        let on_record =
            "SELECT count(*) FROM besom_run WHERE cause = 'schedule' AND due_at IS NOT NULL
             AND state = 'drained'";
        assert_eq!(desk.count(on_record).await, 1);
        let left = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
        assert_eq!(desk.count(left).await, 0);
        // Another minute, another due time, and no other.
        looked_at(&desk, "expired-access", 366 * 24 * 60 * MINUTE).await;
        let later = desk.json(&due);
        assert!(jobs(&later).contains(&"tokens/expired-access"), "{later:#}");
        assert_eq!(
            desk.count("SELECT count(DISTINCT due_at) FROM besom_queue")
                .await,
            desk.count(schedule).await
        );
    }
}

#[tokio::test]
async fn a_job_that_nobody_has_looked_at_is_due_where_no_run_followed_its_last_due_time() {
    for database in both().await {
        let yearly = FILE.replace("* * * * *", "0 0 1 1 *");
        let desk = Desk::filled(database, 2_000, &yearly).await;
        // It ran after the last New Year's; the other never did.
        desk.says(&["run", "tokens/revoked-access"]);

        let dry = desk.json(&["run", "--due", "--dry-run", "--json"]);
        let done = desk.json(&["run", "--due", "--json"]);
        let again = desk.json(&["run", "--due", "--json"]);

        assert_eq!(jobs(&dry), ["tokens/expired-access"]);
        assert_eq!(jobs(&done), ["tokens/expired-access"]);
        assert_eq!(jobs(&again), [""; 0]);
    }
}

#[tokio::test]
async fn what_is_due_waits_for_its_window_and_for_the_end_of_a_pause() {
    for database in both().await {
        // Open for an hour that is half a day away.
        let hour = desk_hour(&database).await;
        let closed = format!("{:02}:00-{:02}:00 UTC", (hour + 12) % 24, (hour + 13) % 24);
        let file = format!("{FILE}[defaults]\nwindow = \"{closed}\"\n");
        let desk = Desk::filled(database, 2_000, &file).await;
        looked_at(&desk, "revoked-access", 3 * MINUTE).await;

        let due = ["run", "--due", "--json"];
        assert_eq!(
            jobs(&desk.json(&["run", "--due", "--dry-run", "--json"])),
            [""; 0]
        );
        assert_eq!(jobs(&desk.json(&due)), [""; 0]);
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);

        let path = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(&closed, "00:00-24:00")).unwrap();
        desk.says(&["pause", "tokens", "--why", "an audit"]);
        let held = desk.run(&due);
        assert_eq!(
            (held.code, held.stdout.trim()),
            (0, "[]"),
            "{}",
            held.stderr
        );
        assert!(held.stderr.contains("an audit"), "{}", held.stderr);
        desk.says(&["resume", "tokens"]);
        let done = desk.json(&due);
        assert!(jobs(&done).contains(&"tokens/revoked-access"), "{done:#}");
    }
}

/// The hour of the day by the database's clock.
async fn desk_hour(database: &besom_tests::TestDatabase) -> i64 {
    let pool = super::connect(database).await;
    let now = pool.now().await.unwrap().0;
    pool.close().await;
    now / 3_600_000_000 % 24
}

#[tokio::test]
async fn a_due_time_of_a_job_that_is_refused_is_on_record_and_the_others_run() {
    let file = "[defaults]\ntimezone = \"UTC\"\n[plugins.recovery]\n";
    for database in both().await {
        let desk = Desk::filled(database, 2_000, file).await;
        notes(&desk).await;

        let said = desk.run(&["run", "--due", "--json"]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        let lines: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(jobs(&lines).len(), 4, "{lines:#}");
        let failed =
            "SELECT count(*) FROM besom_run WHERE state = 'failed' AND error LIKE '%notes%'";
        assert_eq!(desk.count(failed).await, 2, "{REFUSED:?}");
        let drained = "SELECT count(*) FROM besom_run WHERE state = 'drained'";
        assert_eq!(desk.count(drained).await, 2);
        let left = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL";
        assert_eq!(
            desk.count(left).await,
            0,
            "what is on record is not due again"
        );
    }
}

#[tokio::test]
async fn a_due_time_of_a_job_that_is_absent_is_passed_by() {
    let each_minute = "[plugins.tokens]\nenabled = false\n\
        [plugins.tokens.jobs.revoked-access]\nenabled = true\n\
        [plugins.tokens.jobs.refresh-tokens]\nenabled = true\n";
    for database in both().await {
        let desk = absent::desk(database, each_minute).await;

        let said = desk.run(&["run", "--due", "--json"]);

        assert_eq!(said.code, 0, "{}", said.stderr);
        let words = "`tokens/revoked-access` is absent and left out";
        assert!(said.stderr.contains(words), "{}", said.stderr);
        let lines: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(lines[0]["job"], "tokens/refresh-tokens");
        assert_eq!(lines[1]["outcome"], "absent");
        let passed =
            "SELECT count(*) FROM besom_queue WHERE outcome = 'absent' AND done_at IS NOT NULL";
        assert_eq!(desk.count(passed).await, 1);
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 1);
        let all = desk.run(&["run", "--all", "--json"]);
        assert_eq!(all.code, 0, "{}", all.stderr);
        assert!(all.stderr.contains(words), "{}", all.stderr);
    }
}

#[tokio::test]
async fn a_command_that_is_stopped_lays_its_run_by_and_the_next_one_goes_on_with_it() {
    for database in both().await {
        let small = FILE.replacen("enabled = false", "enabled = false\nbatch-size = 5", 1);
        let desk = Desk::filled(database, 2_000, &small).await;
        fill(&desk, 5_000).await;
        looked_at(&desk, "revoked-access", 3 * MINUTE).await;
        looked_at(&desk, "expired-access", 0).await;
        let rows = "SELECT count(*) FROM oauth2_access_tokens";
        let mut command = desk.command(&["run", "--due", "--json"]);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        until("rows to go", async || desk.count(rows).await < 4_900).await;

        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
        assert!(sent.unwrap().success());
        let stopped = Said::of(child.wait_with_output().unwrap());

        assert_eq!(stopped.code, 3, "{}", stopped.stderr);
        let first: Value = serde_json::from_str(&stopped.stdout).unwrap();
        assert_eq!(first[0]["reason"], "shutting-down", "{first:#}");
        let left = desk.count(rows).await;
        assert!((11..4_900).contains(&left), "{left}");
        let second = desk.json(&["run", "--due", "--json"]);
        assert_eq!(second[0]["run"], first[0]["run"]);
        assert_eq!(second[0]["affected"], 5_000);
        assert_eq!(desk.count(rows).await, 10);
    }
}
