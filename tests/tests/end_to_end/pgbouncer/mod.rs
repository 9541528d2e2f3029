//! Behind a real PgBouncer in transaction mode: every transaction may be on another connection of the
//! server, and whoever is lent it next finds what the last one left.

mod detection;
mod killed;
mod plugins;
mod stopped;
mod sweeps;

use besom_tests::TestDatabase;
use besom_tests::pgbouncer::{PgBouncerOptions, Program};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

/// One server connection, which everybody shares: what one leaves the next one finds, and a host that
/// waits for a second one while it holds the first waits in vain.
fn one_connection() -> PgBouncerOptions {
    PgBouncerOptions {
        pool_size: 1,
        ..PgBouncerOptions::default()
    }
}

/// The same without, and where this PgBouncer can, with prepared statements that it follows.
fn with_and_without_prepared() -> Vec<PgBouncerOptions> {
    let follows = Program::find().is_some_and(|program| program.follows_prepared());
    let kinds: &[bool] = if follows { &[false, true] } else { &[false] };
    let of = |&prepared: &bool| PgBouncerOptions {
        prepared,
        ..one_connection()
    };
    kinds.iter().map(of).collect()
}

/// The application beside besom, with nothing of its own in the start packet that PgBouncer refuses.
async fn application(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    options.extra_float_digits(None).connect().await.unwrap()
}

/// What a session may say to a server of all that besom says to it, and the statements that somebody
/// left prepared there.
async fn found_by(connection: &mut PgConnection) -> String {
    sqlx::query_scalar(
        "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name)
             || (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')::text
         FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'row_security', 'jit',
             'enable_seqscan', 'enable_mergejoin', 'bytea_output', 'IntervalStyle', 'extra_float_digits',
             'idle_in_transaction_session_timeout', 'transaction_read_only', 'TimeZone', 'DateStyle')",
    )
    .persistent(false)
    .fetch_one(connection)
    .await
    .unwrap()
}

/// What a client finds on a connection that nobody had before.
async fn untouched(database: &TestDatabase) -> String {
    let mut direct = application(&database.direct()).await;
    let found = found_by(&mut direct).await;
    direct.close().await.unwrap();
    found
}

/// What a client finds that comes after besom.
async fn left(database: &TestDatabase) -> String {
    let mut client = application(&database.url).await;
    let mut transaction = client.begin().await.unwrap();
    let found = found_by(&mut transaction).await;
    transaction.rollback().await.unwrap();
    client.close().await.unwrap();
    found
}
