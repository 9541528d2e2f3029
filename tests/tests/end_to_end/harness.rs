//! The harness itself: databases are separate, and no server is left behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, SqliteConnection};

/// Stopping at once takes well under a second; a loaded machine gets half a minute.
const SERVER_MUST_BE_GONE_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn two_postgres_databases_are_separate_and_empty() -> anyhow::Result<()> {
    let (one, other) = tokio::join!(besom_tests::postgres(), besom_tests::postgres());
    let mut in_one = PgConnection::connect(&one.url).await?;
    let mut in_other = PgConnection::connect(&other.url).await?;

    sqlx::raw_sql("CREATE TABLE broom (twig integer)")
        .execute(&mut in_one)
        .await?;

    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let count_one: i64 = sqlx::query_scalar(tables).fetch_one(&mut in_one).await?;
    let count_other: i64 = sqlx::query_scalar(tables).fetch_one(&mut in_other).await?;
    assert_eq!((count_one, count_other), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_dropped_postgres_database_is_gone_though_a_connection_is_open() -> anyhow::Result<()> {
    let kept = besom_tests::postgres().await;
    let dropped = besom_tests::postgres().await;
    let mut observer = PgConnection::connect(&kept.url).await?;
    let mut inside = PgConnection::connect(&dropped.url).await?;
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut inside)
        .await?;

    drop(dropped);

    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut observer)
            .await?;
    assert!(!there, "{name} is still there");
    Ok(())
}

#[tokio::test]
async fn two_sqlite_databases_are_separate_and_removed() -> anyhow::Result<()> {
    let (one, other) = (besom_tests::sqlite(), besom_tests::sqlite());
    let mut in_one = SqliteConnection::connect(&one.url).await?;
    let mut in_other = SqliteConnection::connect(&other.url).await?;

    sqlx::raw_sql("CREATE TABLE broom (twig INTEGER) STRICT")
        .execute(&mut in_one)
        .await?;

    let tables = "SELECT count(*) FROM sqlite_schema";
    let count_other: i64 = sqlx::query_scalar(tables).fetch_one(&mut in_other).await?;
    assert_eq!(count_other, 0);
    let file: String =
        sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
            .fetch_one(&mut in_one)
            .await?;
    assert!(Path::new(&file).exists());
    in_one.close().await?;
    drop(one);
    assert!(!Path::new(&file).exists(), "{file} is still there");
    Ok(())
}

#[test]
fn the_server_is_gone_after_its_process_was_killed() -> anyhow::Result<()> {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_hold_database"))
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = holder
        .stdout
        .take()
        .ok_or_else(|| anyhow::anyhow!("no stdout"))?;
    let mut lines = BufReader::new(stdout).lines();
    let lines: Vec<String> = lines.by_ref().take(2).collect::<Result<_, _>>()?;
    let folder = PathBuf::from(&lines[0]);
    let pid: u32 = lines[1].trim().parse()?;
    assert!(folder.join("data/postmaster.pid").exists() && is_running(pid)?);
    assert!(holder.try_wait()?.is_none(), "the holder ended by itself");

    // On Unix this is SIGKILL: no destructor and no exit handler runs.
    holder.kill()?;
    holder.wait()?;

    let killed_at = Instant::now();
    while folder.exists() || is_running(pid)? {
        assert!(
            killed_at.elapsed() < SERVER_MUST_BE_GONE_WITHIN,
            "process {pid} or {} is still there",
            folder.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn a_dropped_cluster_leaves_nothing() -> anyhow::Result<()> {
    let cluster = besom_tests::Cluster::start()?;
    let folder = cluster.folder().to_owned();
    assert!(folder.exists());

    drop(cluster);

    assert!(!folder.exists());
    Ok(())
}

/// Whether a process of this id is there, whoever owns it.
fn is_running(pid: u32) -> anyhow::Result<bool> {
    let listed = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()?;
    let state = String::from_utf8_lossy(&listed.stdout);
    // A zombie has ended; in a container without an init process nobody may ever collect it.
    Ok(!state.trim().is_empty() && !state.trim().starts_with('Z'))
}
