//! The bundled upstream-oauth plugin, through its component, on the reference schema of both databases.

mod backfill;
mod boundary;
mod by_anyone;
mod kept;
mod providers;

use besom_tests::lab::Lab;

use crate::auth::*;

/// Before everything else here.
const BORN: i64 = NOW - 400 * DAY;
/// Older than every retention.
const OLD: i64 = NOW - 60 * DAY;

/// Both databases, with the user `user`, the provider `provider` and the browser sessions `here` (live)
/// and `over` (finished).
async fn both() -> [Auth; 2] {
    let all = [
        Auth::with("upstream-oauth", Lab::postgres("").await).await,
        Auth::with("upstream-oauth", Lab::sqlite("").await).await,
    ];
    for auth in &all {
        let (user, born) = (auth.key("user"), auth.time(Some(BORN)));
        let into = "users (user_id, username, created_at)";
        auth.insert(into, &[format!("{user}, 'user', {born}")])
            .await;
        provider(auth, "provider").await;
        let into = "user_sessions (user_session_id, user_id, created_at, finished_at)";
        let session = |name: &str, finished| {
            format!(
                "{}, {user}, {born}, {}",
                auth.key(name),
                auth.time(finished)
            )
        };
        auth.insert(into, &[session("here", None), session("over", Some(OLD))])
            .await;
    }
    all
}

async fn provider(auth: &Auth, name: &str) {
    let into = "upstream_oauth_providers (upstream_oauth_provider_id, created_at)";
    let row = format!("{}, {}", auth.key(name), auth.time(Some(BORN)));
    auth.insert(into, &[row]).await;
}

/// A ULID of that time, with the name in it.
fn key_of(auth: &Auth, name: &str, at: i64) -> String {
    let mut rest = [0; 10];
    rest[..name.len()].copy_from_slice(name.as_bytes());
    auth.ulid(at.div_euclid(1000), rest)
}

/// A trip to the provider.
#[derive(Default, Clone, Copy)]
struct Trip<'a> {
    /// The link that it found, made at [`OLD`].
    link: Option<&'a str>,
    /// The browser session that it says it led to.
    session: Option<&'a str>,
    /// A browser session that an authentication says it led to.
    authenticated: Option<&'a str>,
}

async fn trip_with_key(auth: &Auth, name: &str, key: &str, trip: Trip<'_>) {
    let or_null = |key: Option<String>| key.unwrap_or_else(|| "NULL".to_owned());
    let row = format!(
        "{key}, {}, {}, {}, '{name}', {}",
        auth.key("provider"),
        or_null(trip.link.map(|link| key_of(auth, link, OLD))),
        or_null(trip.session.map(|session| auth.key(session))),
        auth.time(Some(BORN)),
    );
    let into = "upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id, \
                upstream_oauth_provider_id, upstream_oauth_link_id, user_session_id, state, created_at)";
    auth.insert(into, &[row]).await;
    if let Some(session) = trip.authenticated {
        authentication(auth, &format!("a{name}"), session, key).await;
        // As in rows from before there was a trigger.
        let unset = "UPDATE upstream_oauth_authorization_sessions SET user_session_id = NULL";
        auth.lab
            .script(&format!(
                "{unset} WHERE upstream_oauth_authorization_session_id = {key}"
            ))
            .await;
    }
}

async fn trip(auth: &Auth, name: &str, at: i64, trip: Trip<'_>) {
    let key = key_of(auth, name, at);
    trip_with_key(auth, name, &key, trip).await;
}

async fn authentication(auth: &Auth, name: &str, session: &str, trip: &str) {
    let row = format!(
        "{}, {}, {trip}, {}",
        auth.key(name),
        auth.key(session),
        auth.time(Some(BORN))
    );
    let into = "user_session_authentications (user_session_authentication_id, user_session_id, \
                upstream_oauth_authorization_session_id, created_at)";
    auth.insert(into, &[row]).await;
}

async fn link_with_key(auth: &Auth, name: &str, key: &str, user: Option<&str>) {
    let row = format!(
        "{key}, {}, {}, '{name}', {}",
        auth.key("provider"),
        user.map_or("NULL".to_owned(), |user| auth.key(user)),
        auth.time(Some(BORN)),
    );
    let into = "upstream_oauth_links (upstream_oauth_link_id, upstream_oauth_provider_id, user_id, \
                subject, created_at)";
    auth.insert(into, &[row]).await;
}

async fn link(auth: &Auth, name: &str, at: i64, user: Option<&str>) {
    let key = key_of(auth, name, at);
    link_with_key(auth, name, &key, user).await;
}

const TRIPS: &str = "upstream_oauth_authorization_sessions";
const LINKS: &str = "upstream_oauth_links";
