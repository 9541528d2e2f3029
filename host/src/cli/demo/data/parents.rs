//! Users and clients: what the sessions belong to.

use super::dialect::{Dialect, Kind};
use super::{Counts, DAY, HOUR, spread};

/// The first ten act for users, the others for themselves.
pub(super) const USER_CLIENTS: i64 = 10;
pub(super) const CLIENTS: i64 = 12;

/// From the server's configuration: one that acts for users, and those that act for themselves.
const FIRST_STATIC: i64 = USER_CLIENTS - 1;

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
    dialect.ulid(&client_created(number, now), Kind::Client, number)
}

fn client_created(number: &str, now: i64) -> String {
    format!("{now} - {} + ({number}) * {HOUR}", 1000 * DAY)
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
        "INSERT INTO oauth2_clients (oauth2_client_id, client_name, redirect_uris, created_at, \
             token_endpoint_auth_method, grant_type_authorization_code, grant_type_refresh_token, \
             grant_type_client_credentials, grant_type_device_code, metadata_digest, is_static) \
         SELECT {id}, 'Client ' || n, {redirects}, {created}, \
                CASE WHEN n < {USER_CLIENTS} THEN 'none' ELSE 'client_secret_basic' END, \
                n < {USER_CLIENTS}, n < {USER_CLIENTS}, n >= {USER_CLIENTS}, n % 2 = 0, \
                CASE WHEN n < {FIRST_STATIC} THEN {digest} END, n >= {FIRST_STATIC} \
         FROM demo_numbers WHERE n < {CLIENTS}",
        id = client_id(dialect, "n", now),
        redirects = dialect.list(&["'https://app-' || n || '.example/callback'"]),
        created = dialect.time(&client_created("n", now)),
        digest = dialect.secret("", Kind::Client, "n"),
    )
}
