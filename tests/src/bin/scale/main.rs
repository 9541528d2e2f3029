//! How the time of a run grows with what is in its way.
//!
//! `cargo run -p besom-tests --bin scale -- MEASURE [--sqlite] [ROWS …]`, with 10 000, 100 000 and 1 000 000
//! rows where none are named. `docs/performance.md` has what it found.

mod chains;
mod heavy;
mod held;

use std::time::{Duration, Instant};

use besom::request::{Batch, Request, Step};
use besom_tests::lab::{Lab, drain};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

#[tokio::main]
async fn main() {
    besom_tests::on_disk();
    let mut measure = None;
    let (mut sqlite, mut sizes) = (false, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.replace('_', "").parse() {
            Ok(rows) => sizes.push(rows),
            Err(_) if argument == "--sqlite" => sqlite = true,
            Err(_) => measure = Some(argument),
        }
    }
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    match measure.as_deref() {
        Some("chains") => chains::measure(sqlite, &sizes).await,
        Some("held") => held::measure(sqlite, &sizes).await,
        Some("heavy") => heavy::measure(sqlite, &sizes).await,
        _ => {
            eprintln!("scale chains|held|heavy [--sqlite] [ROWS …]");
            std::process::exit(2);
        }
    }
}

/// An empty database; on PostgreSQL with commits that wait for the disk.
async fn database(sqlite: bool, schema: &str) -> Lab {
    if sqlite {
        return Lab::sqlite(schema).await;
    }
    let lab = Lab::postgres("").await;
    // Without besom's own statement timeout.
    let mut filling = PgConnection::connect(&lab.home.url).await.unwrap();
    for words in [
        "ALTER SYSTEM SET fsync = on",
        "ALTER SYSTEM SET synchronous_commit = on",
        "ALTER SYSTEM SET full_page_writes = on",
        "ALTER SYSTEM SET max_wal_size = '4GB'",
        "SELECT pg_reload_conf()",
        schema,
        "VACUUM ANALYZE",
        "CHECKPOINT",
    ] {
        let words = sqlx::raw_sql(AssertSqlSafe(words.to_owned()));
        words.execute(&mut filling).await.unwrap();
    }
    filling.close().await.unwrap();
    lab
}

/// `n` from one to `count`, as either database knows it.
fn numbers(count: u64) -> String {
    format!(
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) AS s"
    )
}

/// One run to its end: what it did, its batches, and how long it took.
async fn run(lab: &Lab, request: Request) -> (Batch, u64, Duration) {
    let (context, _) = lab.begin().await;
    let began = Instant::now();
    let (batch, step) = drain(&context, request).await.unwrap();
    let took = began.elapsed();
    assert_eq!(step, Step::Drained);
    let batches = context.settle().await.batches;
    lab.end(&context).await;
    (batch, batches, took)
}

/// Rows a second.
fn rate(rows: u64, took: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss)] // a few millions
    let rows = rows as f64;
    rows / took.as_secs_f64()
}
