//! The bundled ips plugin, through its component, on the reference schema of both databases.

mod boundary;
mod by_anyone;
mod coarse;
mod indexes;
mod kept;

use besom::catalog::Dialect;
use besom_tests::lab::Lab;

use crate::auth::*;

/// Inactive for longer than every retention.
const OLD: Option<i64> = Some(NOW - 60 * DAY);
/// Before everything else here.
const BORN: i64 = NOW - 400 * DAY;
/// What most sessions here were last used from.
const HOME: Option<&str> = Some("192.0.2.7");

/// The jobs, and the table of each.
const JOBS: [(&str, &str); 5] = [
    ("inactive-oauth2", "oauth2_sessions"),
    ("inactive-compat", "compat_sessions"),
    ("inactive-browser", "user_sessions"),
    ("inactive-personal", "personal_sessions"),
    ("server-sessions", "sessions"),
];

/// Both databases with a user, a client and a signing key, and no session.
async fn both() -> [Auth; 2] {
    [
        on(Lab::postgres("").await).await,
        on(Lab::sqlite("").await).await,
    ]
}

async fn on(lab: Lab) -> Auth {
    let auth = Auth::with("ips", lab).await;
    let (user, client, born) = (auth.key("user"), auth.key("client"), auth.time(Some(BORN)));
    let users = "users (user_id, username, created_at)";
    auth.insert(users, &[format!("{user}, 'user', {born}")])
        .await;
    auth.insert("oauth2_clients (oauth2_client_id)", &[client])
        .await;
    auth.insert("tenants (id)", &["'one'".to_owned()]).await;
    let keys = "session_signing_keys (id, tenant_id, created_at)";
    auth.insert(keys, &[format!("'key', 'one', {born}")]).await;
    auth
}

/// A session in the table, last active then and from there. In `sessions` no address is `''` and
/// every session has been active.
async fn session(auth: &Auth, table: &str, name: &str, ip: Option<&str>, at: Option<i64>) {
    let (key, user, client) = (auth.key(name), auth.key("user"), auth.key("client"));
    let born = auth.time(Some(BORN));
    let (idle, end) = (auth.time(Some(NOW + HOUR)), auth.time(Some(NOW + DAY)));
    let at = auth.time(at);
    let ip = match (ip, table) {
        (None, "sessions") => "''".to_owned(),
        (None, _) => "NULL".to_owned(),
        (Some(ip), _) => format!("'{ip}'"),
    };
    let (columns, values) = match table {
        "oauth2_sessions" => (
            "oauth2_session_id, oauth2_client_id, human_name",
            format!("{key}, {client}, '{name}'"),
        ),
        "compat_sessions" => (
            "compat_session_id, user_id, human_name",
            format!("{key}, {user}, '{name}'"),
        ),
        "user_sessions" => (
            "user_session_id, user_id, user_agent",
            format!("{key}, {user}, '{name}'"),
        ),
        "personal_sessions" => (
            "personal_session_id, owner_user_id, actor_user_id, human_name",
            format!("{key}, {user}, {user}, '{name}'"),
        ),
        _ => (
            "id, tenant_id, signing_key_id, idle_expires_at, absolute_expires_at",
            format!("'{name}', 'one', 'key', {idle}, {end}"),
        ),
    };
    let into = format!(
        "{table} ({columns}, created_at, {}, {})",
        used_of(table),
        ip_of(table)
    );
    auth.insert(&into, &[format!("{values}, {born}, {at}, {ip}")])
        .await;
}

fn used_of(table: &str) -> &'static str {
    match table {
        "sessions" => "last_seen_at",
        _ => "last_active_at",
    }
}

fn ip_of(table: &str) -> &'static str {
    match table {
        "sessions" => "ip_address",
        _ => "last_active_ip",
    }
}

/// Every session with its address, as `name: address`, in the order of names.
async fn addresses(auth: &Auth, table: &str) -> Vec<String> {
    let (name, ip) = (name_of(table), ip_of(table));
    let ip = match (auth.dialect(), table) {
        (Dialect::Postgres, "oauth2_sessions" | "compat_sessions" | "user_sessions")
        | (Dialect::Postgres, "personal_sessions") => format!("abbrev({ip})"),
        _ => ip.to_owned(),
    };
    let sql = format!("SELECT {name} || ': ' || coalesce({ip}, 'NULL') FROM {table}");
    let mut known = auth.texts(&sql).await;
    known.sort_unstable();
    known
}

/// What is written in place of an address.
fn nothing(table: &str) -> &'static str {
    match table {
        "sessions" => "",
        _ => "NULL",
    }
}
