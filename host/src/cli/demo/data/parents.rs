//! Users and clients: what the sessions belong to.

use super::dialect::{Dialect, Kind};
use super::{Counts, DAY, HOUR, spread};

/// The first ten act for users, the others for themselves.
pub(super) const USER_CLIENTS: i64 = 10;
pub(super) const CLIENTS: i64 = 12;

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![users(dialect, counts, now), clients(dialect, now)]
}

/// The key of the user with this number.
pub(super) fn user_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&user_created(number, now), Kind::User, number)
}

/// Accounts are older than anything that is done with them.
fn user_created(number: &str, now: i64) -> String {
    format!("{now} - {}", spread(number, 300 * DAY, 900 * DAY))
}

/// The key of the client with this number.
pub(super) fn client_id(dialect: Dialect, number: &str, now: i64) -> String {
    let created = format!("{now} - {} + ({number}) * {HOUR}", 1000 * DAY);
    dialect.ulid(&created, Kind::Client, number)
}

fn users(dialect: Dialect, counts: &Counts, now: i64) -> String {
    format!(
        "INSERT INTO users (user_id, username, created_at, locked_at, can_request_admin) \
         SELECT {id}, 'user-' || n, {created}, \
                CASE WHEN n % 97 = 96 THEN {locked} END, n % 250 = 0 \
         FROM demo_numbers WHERE n < {count}",
        id = user_id(dialect, "n", now),
        created = dialect.time(&user_created("n", now)),
        locked = dialect.time(&format!("{now} - {}", spread("n", 2 * DAY, 200 * DAY))),
        count = counts.users,
    )
}

fn clients(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO oauth2_clients (oauth2_client_id, client_name, redirect_uris, \
             token_endpoint_auth_method, grant_type_client_credentials, grant_type_device_code, \
             metadata_digest, is_static) \
         SELECT {id}, 'Client ' || n, {redirects}, \
                CASE WHEN n < {USER_CLIENTS} THEN 'none' ELSE 'client_secret_basic' END, \
                n >= {USER_CLIENTS}, n % 2 = 0, \
                CASE WHEN n < {USER_CLIENTS} THEN {digest} END, n >= {USER_CLIENTS} \
         FROM demo_numbers WHERE n < {CLIENTS}",
        id = client_id(dialect, "n", now),
        redirects = json(dialect, "'[\"https://app-' || n || '.example/callback\"]'"),
        digest = dialect.bytes(Kind::Client, "n"),
    )
}

fn json(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Postgres => format!("({text})::jsonb"),
        Dialect::Sqlite => text.to_owned(),
    }
}
