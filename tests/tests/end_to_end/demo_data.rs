//! The demo's data: every kind of row is there, and both databases hold the same.

mod by_hand;
mod eligible;
mod jobs;
mod whole;

use besom::cli::demo::kept::{self, KEPT};
use besom::cli::demo::{data, schema};
use sqlx::{Connection, PgConnection, SqliteConnection};

use eligible::ELIGIBLE;

/// Enough for every kind of row to occur.
const ROWS: u64 = 4000;

/// 14 November 2023; the data hangs on it, not on the clock.
const NOW: i64 = 1_700_000_000_123_456;

const HOUR: i64 = 3_600_000_000;

/// Rows whose fate a demo of up to nine minutes could change: at most this old, but not so much
/// older than a retention. None must be there.
const MARGIN: i64 = 9 * HOUR / 60;

/// Names of moments, and how long before the data's own they are.
const MOMENTS: [(&str, i64); 7] = [
    ("{now}", 0),
    ("{minutes}", HOUR / 6),
    ("{hour}", HOUR),
    ("{day}", 24 * HOUR),
    ("{week}", 168 * HOUR),
    ("{month}", 720 * HOUR),
    ("{two-months}", 1440 * HOUR),
];

fn with_times(text: &str, time: impl Fn(i64) -> String) -> String {
    MOMENTS
        .into_iter()
        .fold(text.to_owned(), |text, (name, ago)| {
            text.replace(name, &time(ago))
        })
}

fn on_postgres(text: &str, now: i64) -> sqlx::AssertSqlSafe<String> {
    let text = format!("SELECT count(*) FROM {text}");
    sqlx::AssertSqlSafe(with_times(&text, |ago| {
        format!(
            "('epoch'::timestamptz + {} * interval '1 microsecond')",
            now - ago
        )
    }))
}

fn on_sqlite(text: &str, now: i64) -> sqlx::AssertSqlSafe<String> {
    let text = format!("SELECT count(*) FROM {text}");
    sqlx::AssertSqlSafe(with_times(&text, |ago| format!("({})", now - ago)))
}

/// The tables that the bundled plugins sweep or take rows of, without the signing keys and
/// the workers, of which there are always as many.
const CLEANED: [&str; 23] = [
    "oauth2_sessions",
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "oauth2_authorization_grants",
    "oauth2_device_code_grant",
    "compat_sessions",
    "compat_access_tokens",
    "compat_refresh_tokens",
    "compat_sso_logins",
    "refresh_tokens",
    "user_sessions",
    "user_session_authentications",
    "sessions",
    "upstream_oauth_links",
    "upstream_oauth_authorization_sessions",
    "personal_sessions",
    "queue_jobs",
    "user_recovery_sessions",
    "user_recovery_tickets",
    "user_registrations",
    "user_email_authentications",
    "user_email_authentication_codes",
    "password_resets",
];

async fn filled() -> anyhow::Result<(besom_tests::TestDatabase, PgConnection, SqliteConnection)> {
    let database = besom_tests::postgres().await;
    let mut postgres = PgConnection::connect(&database.url).await?;
    schema::apply_postgres(&mut postgres).await?;
    assert!(data::fill_postgres(&mut postgres, ROWS, NOW).await?);
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_sqlite(&mut sqlite).await?;
    assert!(data::fill_sqlite(&mut sqlite, ROWS, NOW).await?);
    Ok((database, postgres, sqlite))
}

#[tokio::test]
async fn rows_that_must_stay_are_there_for_every_job_and_equal_on_both() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = filled().await?;

    for group in &KEPT {
        let in_postgres = kept::count_postgres(&mut postgres, group, NOW).await?;
        let in_sqlite = kept::count_sqlite(&mut sqlite, group, NOW).await?;
        println!("{in_postgres:6} {}", group.what);
        assert_eq!(in_postgres, in_sqlite, "{}", group.what);
        assert!(in_postgres > 0, "none: {}", group.what);
    }
    Ok(())
}

#[tokio::test]
async fn rows_to_delete_are_there_for_every_job_and_equal_on_both() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = filled().await?;

    for (job, text) in ELIGIBLE {
        let in_postgres: i64 = sqlx::query_scalar(on_postgres(text, NOW))
            .fetch_one(&mut postgres)
            .await?;
        let in_sqlite: i64 = sqlx::query_scalar(on_sqlite(text, NOW))
            .fetch_one(&mut sqlite)
            .await?;
        println!("{in_postgres:6} {job}");
        assert_eq!(in_postgres, in_sqlite, "{job}");
        assert!(in_postgres > 0, "none: {job}");
    }
    Ok(())
}

#[tokio::test]
async fn nine_minutes_of_demo_change_no_row_s_fate() -> anyhow::Result<()> {
    let (_database, _postgres, mut sqlite) = filled().await?;

    for (job, text) in ELIGIBLE {
        let mut counts: Vec<i64> = Vec::new();
        for now in [NOW, NOW + MARGIN] {
            let count = sqlx::query_scalar(on_sqlite(text, now))
                .fetch_one(&mut sqlite)
                .await?;
            counts.push(count);
        }
        assert_eq!(counts[0], counts[1], "{job}");
    }
    Ok(())
}

#[tokio::test]
async fn every_key_and_token_is_the_same_on_both() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = filled().await?;

    for (table, key, text) in [
        (
            "oauth2_access_tokens",
            "oauth2_access_token_id",
            "access_token",
        ),
        (
            "oauth2_refresh_tokens",
            "next_oauth2_refresh_token_id",
            "refresh_token",
        ),
        (
            "oauth2_authorization_grants",
            "oauth2_authorization_grant_id",
            "authorization_code",
        ),
        (
            "compat_refresh_tokens",
            "compat_access_token_id",
            "refresh_token",
        ),
        ("refresh_tokens", "family_id", "token_hash"),
        ("refresh_tokens", "id", "token_hash"),
        ("compat_sso_logins", "compat_session_id", "login_token"),
        (
            "upstream_oauth_authorization_sessions",
            "user_session_id",
            "state",
        ),
        ("sessions", "signing_key_id", "id"),
        ("session_signing_keys", "tenant_id", "id"),
        ("upstream_oauth_links", "upstream_oauth_link_id", "subject"),
        ("user_registrations", "email_authentication_id", "username"),
        ("user_recovery_tickets", "user_email_id", "ticket"),
        ("password_resets", "id", "token_hash"),
    ] {
        let in_postgres: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT coalesce(replace({key}::text, '-', ''), '') || {text} || \
                 (1000000 * extract(epoch FROM created_at))::bigint FROM {table} ORDER BY {text}"
        )))
        .fetch_all(&mut postgres)
        .await?;
        let in_sqlite: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT CASE typeof({key}) WHEN 'blob' THEN lower(hex({key})) \
                 ELSE coalesce(replace({key}, '-', ''), '') END || {text} || created_at \
             FROM {table} ORDER BY {text}"
        )))
        .fetch_all(&mut sqlite)
        .await?;
        assert_eq!(in_postgres, in_sqlite, "{table}.{key}");
    }
    Ok(())
}

#[tokio::test]
async fn the_cleaned_tables_hold_as_many_rows_as_asked_for() -> anyhow::Result<()> {
    let (_database, _postgres, mut sqlite) = filled().await?;
    let mut sum = 0;
    for table in CLEANED {
        let count: i64 = sqlx::query_scalar(on_sqlite(table, NOW))
            .fetch_one(&mut sqlite)
            .await?;
        sum += count;
    }
    assert_eq!(u64::try_from(sum)?, ROWS);
    Ok(())
}

#[tokio::test]
async fn a_database_that_was_filled_is_left_alone() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = filled().await?;

    assert!(!data::fill_postgres(&mut postgres, ROWS * 2, NOW).await?);
    assert!(!data::fill_sqlite(&mut sqlite, ROWS * 2, NOW).await?);
    assert_eq!(schema::apply_sqlite(&mut sqlite).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_fill_that_fails_leaves_nothing_and_no_transaction() -> anyhow::Result<()> {
    let database = besom_tests::postgres().await;
    let mut postgres = PgConnection::connect(&database.url).await?;
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_postgres(&mut postgres).await?;
    schema::apply_sqlite(&mut sqlite).await?;
    sqlx::raw_sql("DROP TABLE refresh_tokens")
        .execute(&mut postgres)
        .await?;
    sqlx::raw_sql("DROP TABLE refresh_tokens")
        .execute(&mut sqlite)
        .await?;

    assert!(data::fill_postgres(&mut postgres, ROWS, NOW).await.is_err());
    assert!(data::fill_sqlite(&mut sqlite, ROWS, NOW).await.is_err());

    for statement in ["BEGIN", "SELECT count(*) FROM users", "COMMIT"] {
        sqlx::raw_sql(statement).execute(&mut postgres).await?;
        sqlx::raw_sql(statement).execute(&mut sqlite).await?;
    }
    let users = "SELECT count(*) FROM users";
    let in_postgres: i64 = sqlx::query_scalar(users).fetch_one(&mut postgres).await?;
    let in_sqlite: i64 = sqlx::query_scalar(users).fetch_one(&mut sqlite).await?;
    assert_eq!((in_postgres, in_sqlite), (0, 0));
    Ok(())
}
