//! A whole demo: `besom demo` on both databases against the same jobs written by hand.

use std::collections::BTreeMap;

use besom::cli::demo::kept::{self, KEPT};
use besom::cli::demo::{data, schema};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::by_hand::{self, Done};
use super::{CLEANED, NOW, ROWS};
use crate::cli::{besom, both};

/// `besom demo` on a database that stays, which must end well.
fn demo(url: &str) -> Value {
    let rows = ROWS.to_string();
    let output = besom()
        .args([
            "demo",
            "--rows",
            &rows,
            "--json",
            "--keep",
            "--database",
            url,
        ])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    assert_eq!(output.status.code(), Some(0), "{told}\n{report:#}");
    report
}

/// The jobs of a report by name, in order.
fn jobs(report: &Value) -> Vec<(String, &Value)> {
    let name = |job: &Value| job["job"].as_str().unwrap().to_owned();
    let jobs = report["jobs"].as_array().unwrap();
    jobs.iter().map(|job| (name(job), job)).collect()
}

fn place(jobs: &[(String, &Value)], name: &str) -> usize {
    jobs.iter().position(|(job, _)| job == name).unwrap()
}

/// The data, cleaned by hand, and what each job came to in this order.
async fn expected(
    order: &[(String, &Value)],
) -> anyhow::Result<(SqliteConnection, BTreeMap<String, Done>)> {
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_sqlite(&mut sqlite).await?;
    data::fill_sqlite(&mut sqlite, ROWS, NOW).await?;
    let mut expected = BTreeMap::new();
    for (job, _) in order {
        expected.insert(job.clone(), by_hand::run(&mut sqlite, job).await?);
    }
    Ok((sqlite, expected))
}

/// Tables of which every demo has the same number of rows, and two that no job takes rows of.
const ALWAYS_AS_MANY: [&str; 9] = [
    "tenants",
    "oauth2_clients",
    "queue_leader",
    "queue_schedules",
    "user_registration_tokens",
    "session_signing_keys",
    "queue_workers",
    "users",
    "user_emails",
];

/// How many rows each table has, by name.
async fn left(url: &str) -> anyhow::Result<BTreeMap<&'static str, i64>> {
    let mut left = BTreeMap::new();
    let sqlite = url.starts_with("sqlite");
    for table in CLEANED.into_iter().chain(ALWAYS_AS_MANY) {
        let count = if sqlite {
            let mut connection = SqliteConnection::connect(url).await?;
            let sql = format!("SELECT count(*) FROM {table}");
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await?
        } else {
            let mut connection = PgConnection::connect(url).await?;
            let sql = format!("SELECT count(*) FROM besom_demo.{table}");
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await?
        };
        left.insert(table, count);
    }
    Ok(left)
}

#[tokio::test]
async fn the_jobs_written_by_hand_have_work_and_keep_what_is_rightly_kept() -> anyhow::Result<()> {
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_sqlite(&mut sqlite).await?;
    data::fill_sqlite(&mut sqlite, ROWS, NOW).await?;
    let mut before = Vec::new();
    for group in &KEPT {
        before.push(kept::count_sqlite(&mut sqlite, group, NOW).await?);
    }

    for job in by_hand::jobs() {
        let done = by_hand::run(&mut sqlite, job).await?;
        println!("{job}: {done:?}");
        assert!(done.affected > 0, "{job} had nothing to do");
    }

    for (group, before) in KEPT.iter().zip(before) {
        let after = kept::count_sqlite(&mut sqlite, group, NOW).await?;
        assert_eq!(before, after, "{}", group.what);
    }
    Ok(())
}

#[tokio::test]
async fn a_demo_comes_to_what_the_same_jobs_written_by_hand_do() -> anyhow::Result<()> {
    for database in both().await {
        let url = database.url.replace("?mode=rwc", "");

        let report = demo(&url);

        let jobs = jobs(&report);
        let (mut by_hand, expected) = expected(&jobs).await?;
        for (name, job) in &jobs {
            let mut expected = expected[name];
            let count = |of: &str| job[of].as_u64().unwrap();
            if by_hand::refers_to_itself(name) {
                expected.cascaded = count("cascaded");
            }
            let done = Done {
                affected: count("affected"),
                dependents: count("dependents"),
                cascaded: count("cascaded"),
                blocked: count("blocked"),
            };
            assert_eq!(done, expected, "{name} on {url}");
            assert!(done.affected > 0, "{name} had nothing to do");
            assert_eq!(job["verified"], json!(true), "{name}");
        }
        for (table, count) in left(&url).await? {
            let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let expected: i64 = sqlx::query_scalar(sql).fetch_one(&mut by_hand).await?;
            assert_eq!(count, expected, "rows of {table} on {url}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_demo_runs_every_job_behind_those_that_it_waits_for() {
    let report = demo(&besom_tests::sqlite().url.replace("?mode=rwc", ""));

    let jobs = jobs(&report);
    let mut names: Vec<&str> = jobs.iter().map(|(name, _)| name.as_str()).collect();
    for (first, then) in [
        ("tokens/authorization-grants", "sessions/finished-oauth2"),
        ("tokens/device-code-grants", "sessions/finished-oauth2"),
        ("sessions/finished-compat", "sessions/finished-oauth2"),
        ("sessions/finished-oauth2", "sessions/finished-browser"),
        ("sessions/pre-login", "sessions/signing-keys"),
        ("sessions/expired", "sessions/signing-keys"),
        ("sessions/idle", "sessions/signing-keys"),
        ("sessions/revoked", "sessions/signing-keys"),
    ] {
        assert!(place(&jobs, first) < place(&jobs, then), "{names:?}");
    }
    names.sort_unstable();
    let mut every: Vec<&str> = by_hand::jobs().collect();
    every.sort_unstable();
    assert_eq!(names, every);
}

#[tokio::test]
async fn a_demo_has_blocked_parents_keeps_what_holds_them_and_says_why() {
    for database in both().await {
        let report = demo(&database.url.replace("?mode=rwc", ""));

        let jobs = jobs(&report);
        // By one table each, and all of them.
        let blocked = |name: &str, by: &str| {
            let job = jobs[place(&jobs, name)].1;
            let tables = job["blocked_by"].as_object().unwrap();
            let (table, rows) = tables.iter().next().unwrap();
            assert!(
                tables.len() == 1 && table.ends_with(by),
                "{name}: {tables:?}"
            );
            assert_eq!(*rows, job["blocked"], "{name}");
            rows.as_u64().unwrap()
        };
        let kept = report["kept"].as_array().unwrap();
        let stayed = |label: &str| {
            let group = kept.iter().find(|group| group["label"] == label).unwrap();
            assert_eq!(group["before"], group["after"], "{label}");
            group["after"].as_u64().unwrap()
        };
        assert_eq!(
            blocked("sessions/finished-oauth2", "oauth2_authorization_grants"),
            stayed("OAuth 2.0 sessions ended before that, held by a grant of the last 7 days")
        );
        assert_eq!(
            blocked("sessions/finished-browser", "oauth2_device_code_grant"),
            stayed(
                "browser sessions ended before that, held by nothing but a device code of the last 7 days"
            )
        );
        assert_eq!(
            blocked("tokens/compat-tokens", "compat_refresh_tokens"),
            stayed("older compatibility access tokens that a live refresh token refers to")
        );
        for group in kept {
            assert_eq!(group["before"], group["after"], "{group}");
            assert_ne!(group["before"], json!(0), "{group}");
        }
    }
}
