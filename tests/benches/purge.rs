//! Deleting revoked access tokens by the `tokens` plugin, beside the CTE loop that auth servers
//! run: `SELECT … LIMIT 1000 FOR UPDATE` joined to DELETE. Same server, same rows, durability on.
//!
//! `cargo bench -p besom-tests --bench purge`, with `BESOM_BENCH_ROWS` for other than a million.

use std::path::Path;
use std::time::{Duration, Instant};

use besom::cli::demo::schema;
use besom::config::{Config, Environment, Rules};
use besom::request::{JobName, Mode};
use besom::runner::{Host, JobOptions, Outcome};
use besom_tests::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const LOOP: &str = "WITH doomed AS (SELECT oauth2_access_token_id FROM oauth2_access_tokens \
     WHERE revoked_at < now() - interval '1 hour' LIMIT 1000 FOR UPDATE) \
     DELETE FROM oauth2_access_tokens t USING doomed WHERE t.oauth2_access_token_id = doomed.oauth2_access_token_id";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let rows: u64 = std::env::var("BESOM_BENCH_ROWS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    besom_tests::on_disk();
    let cluster = Cluster::start().unwrap();
    let mut admin = PgConnection::connect(&cluster.url("postgres"))
        .await
        .unwrap();
    for setting in [
        "fsync = on",
        "synchronous_commit = on",
        "full_page_writes = on",
        "max_wal_size = '4GB'",
    ] {
        run(&mut admin, &format!("ALTER SYSTEM SET {setting}")).await;
    }
    run(&mut admin, "SELECT pg_reload_conf()").await;
    run(&mut admin, "CREATE DATABASE filled TEMPLATE template0").await;
    let mut filled = PgConnection::connect(&cluster.url("filled")).await.unwrap();
    schema::apply_postgres(&mut filled).await.unwrap();
    fill(&mut filled, rows).await;
    filled.close().await.unwrap();

    println!("{rows} revoked access tokens, batches of 1000, five indexes");
    for (what, change) in [
        (
            "with the incoming foreign key of oauth2_refresh_tokens (SET NULL)",
            "SELECT 1",
        ),
        (
            "without it",
            "ALTER TABLE oauth2_refresh_tokens DROP CONSTRAINT oauth2_refresh_tokens_oauth2_access_token_id_fkey",
        ),
    ] {
        let mut filled = PgConnection::connect(&cluster.url("filled")).await.unwrap();
        run(&mut filled, change).await;
        filled.close().await.unwrap();
        println!("{what}:");
        let mut ratios = Vec::new();
        for round in 1..=3 {
            let theirs = timed(&mut admin, &cluster, by_loop(&cluster), rows).await;
            let ours = timed(&mut admin, &cluster, by_besom(&cluster), rows).await;
            let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
            println!(
                "  round {round}: CTE loop {:.0} rows/s, besom {:.0} rows/s, ratio {ratio:.2}",
                rows as f64 / theirs.as_secs_f64(),
                rows as f64 / ours.as_secs_f64()
            );
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!("  median ratio {:.2}", ratios[1]);
    }
}

/// A fresh copy of the filled database, the work on it, and a look at what is left.
async fn timed(
    admin: &mut PgConnection,
    cluster: &Cluster,
    work: impl Future<Output = Duration>,
    rows: u64,
) -> Duration {
    run(admin, "DROP DATABASE IF EXISTS work WITH (FORCE)").await;
    run(admin, "CREATE DATABASE work TEMPLATE filled").await;
    run(admin, "CHECKPOINT").await;
    let took = work.await;
    let mut left = PgConnection::connect(&cluster.url("work")).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth2_access_tokens")
        .fetch_one(&mut left)
        .await
        .unwrap();
    assert_eq!(count, 1000, "of {rows}, only the live ones stay");
    left.close().await.unwrap();
    took
}

async fn by_loop(cluster: &Cluster) -> Duration {
    let mut connection = PgConnection::connect(&cluster.url("work")).await.unwrap();
    let began = Instant::now();
    while sqlx::query(LOOP)
        .execute(&mut connection)
        .await
        .unwrap()
        .rows_affected()
        > 0
    {}
    let took = began.elapsed();
    connection.close().await.unwrap();
    took
}

async fn by_besom(cluster: &Cluster) -> Duration {
    let text = format!(
        "[database]\nurl = \"{}\"\n[defaults]\nmax-rows-per-run = 1_000_000_000\ndeadline = \"1d\"\n[plugins.tokens]\n",
        cluster.url("work")
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &["tokens"],
    };
    let host = Host::open(Config::parse(&text, Path::new("besom.toml"), &rules).unwrap())
        .await
        .unwrap();
    besom::ledger::migrate(host.database()).await.unwrap();
    let catalog = host.catalog().await.unwrap();
    let job = JobName::new("tokens", "revoked-access");
    let prepared = host.prepare(&job, &[], &catalog).await.unwrap();
    let options = JobOptions {
        mode: Mode::Apply,
        set: Vec::new(),
        tolerate: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: Default::default(),
        queued: None,
        cause: besom::ledger::Cause::Command,
    };
    let began = Instant::now();
    let report = host
        .run(&prepared, &options, &mut Vec::new(), |_| {})
        .await
        .unwrap();
    let took = began.elapsed();
    assert_eq!(report.outcome, Outcome::Drained, "{:?}", report.error);
    host.database().close().await;
    took
}

async fn fill(connection: &mut PgConnection, rows: u64) {
    let user = "INSERT INTO users (user_id, username, created_at) VALUES ('01890000-0000-0000-0000-000000000001', 'u', now())";
    for sql in [
        user.to_owned(),
        "INSERT INTO oauth2_clients (oauth2_client_id, grant_type_authorization_code, grant_type_refresh_token) VALUES ('01890000-0000-0000-0000-000000000002', TRUE, TRUE)".to_owned(),
        "INSERT INTO oauth2_sessions (oauth2_session_id, oauth2_client_id, scope_list, created_at) VALUES ('01890000-0000-0000-0000-000000000003', '01890000-0000-0000-0000-000000000002', '{openid}', now())".to_owned(),
        format!(
            "INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, created_at, expires_at, revoked_at) \
             SELECT ('0190' || lpad(to_hex(n), 8, '0') || '0000' || md5(n::text))::varchar(32)::uuid, '01890000-0000-0000-0000-000000000003', md5(n::text) || n, \
             now() - interval '3 days', now() - interval '2 days', \
             CASE WHEN n > 1000 THEN now() - interval '1 day' - (n || ' milliseconds')::interval END \
             FROM generate_series(1, {rows} + 1000) AS n"
        ),
        "VACUUM ANALYZE".to_owned(),
    ] {
        run(connection, &sql).await;
    }
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error} in {sql}"));
}
