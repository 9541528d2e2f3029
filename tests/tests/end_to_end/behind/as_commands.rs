//! The same as an operator meets it: a bundled job on a table of the application's own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::cli::{Desk, Said};

const FILE: &str = "[defaults]\nbatch-size = 2\n[plugins.sessions]
settings = { profile = \"server-sessions\", sessions-table = \"app_logins\", sessions-absolute-expires-at-column = \"ends_at\" }
";

const JOB: &str = "sessions/expired";

async fn desk(rows: u32) -> Desk {
    let desk = Desk::with_file(besom_tests::postgres().await, FILE);
    desk.script(&format!(
        "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at timestamptz NOT NULL);
         CREATE INDEX ON app_logins (ends_at, id);
         CREATE TABLE orders (id bigint PRIMARY KEY, login bigint);
         CREATE INDEX ON orders (login);
         INSERT INTO app_logins SELECT n, now() - interval '30 days' FROM generate_series(1, {rows}) AS n;
         INSERT INTO orders SELECT n, n FROM generate_series(1, {rows}) AS n"
    ))
    .await;
    desk.says(&["migrate"]);
    desk
}

#[tokio::test]
async fn a_rule_that_only_marks_rows_is_told_by_check_and_stops_the_run() {
    let desk = desk(55).await;
    desk.script(
        "ALTER TABLE app_logins ADD gone_at timestamptz;
         CREATE RULE keep AS ON DELETE TO app_logins DO INSTEAD
             UPDATE app_logins SET gone_at = now() WHERE id = OLD.id RETURNING OLD.*",
    )
    .await;

    let checked = desk.run(&["check"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    let told = format!("{JOB}: error delete-rule: ");
    assert!(checked.stdout.contains(&told), "{}", checked.stdout);
    for mode in [
        &["run", JOB][..],
        &["run", JOB, "--dry-run"],
        &["explain", JOB],
    ] {
        let said = desk.run(mode);
        assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
        let text = said.stdout + &said.stderr;
        assert!(text.contains("DROP RULE \"keep\""), "{text}");
        assert!(!text.contains("--tolerate"), "{text}");
    }
    assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 0);
    assert_eq!(
        desk.count("SELECT count(*) FROM app_logins WHERE gone_at IS NULL")
            .await,
        55
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_deploy_adds_while_the_command_runs_ends_it_and_the_next_run_asks_for_the_right()
 {
    let desk = desk(6_000).await;
    let running = desk
        .command(&["run", JOB, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while desk.count("SELECT count(*) FROM besom_batch").await < 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    desk.script("ALTER TABLE orders ADD FOREIGN KEY (login) REFERENCES app_logins ON DELETE CASCADE NOT VALID")
        .await;

    let said = Said::of(
        tokio::task::spawn_blocking(|| running.wait_with_output().unwrap())
            .await
            .unwrap(),
    );
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(said.stdout.contains("\"schema-changed\""), "{report:#}");
    assert!(
        said.stderr.contains("ON DELETE CASCADE"),
        "the log names it: {}",
        said.stderr
    );
    assert_eq!(desk.count("SELECT count(*) FROM orders").await, 6_000);
    assert!(desk.count("SELECT count(*) FROM app_logins").await > 0);
    let told =
        "SELECT count(*) FROM besom_run WHERE reason = 'schema-changed' AND state = 'suspended'";
    assert_eq!(desk.count(told).await, 1);
    let gone = "SELECT 6000 - (SELECT count(*) FROM app_logins) - (SELECT sum(affected)::bigint FROM besom_batch)";
    assert_eq!(desk.count(gone).await, 0);

    let said = desk.run(&["run", JOB]);
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stderr.contains("may not delete rows of `orders`") || said.stderr.contains("orders"),
        "{}",
        said.stderr
    );
    assert_eq!(desk.count("SELECT count(*) FROM orders").await, 6_000);
}
