//! The bundled recovery plugin, through its component, on the reference schema of both databases.

mod boundary;
mod by_anyone;
mod kept;

use besom_tests::lab::Lab;

use crate::auth::*;

/// Before everything else here.
const BORN: i64 = NOW - 400 * DAY;
/// Older than every retention.
const OLD: i64 = NOW - 60 * DAY;

/// Both databases, with the user `user` and their address `email`.
async fn both() -> [Auth; 2] {
    let all = [
        Auth::with("recovery", Lab::postgres("").await).await,
        Auth::with("recovery", Lab::sqlite("").await).await,
    ];
    for auth in &all {
        let (user, born) = (auth.key("user"), auth.time(Some(BORN)));
        let into = "users (user_id, username, created_at)";
        auth.insert(into, &[format!("{user}, 'user', {born}")])
            .await;
        let into = "user_emails (user_email_id, user_id, email, created_at)";
        let email = format!("{}, {user}, 'a@b.c', {born}", auth.key("email"));
        auth.insert(into, &[email]).await;
    }
    all
}

/// A ULID of that time, with the name in it.
fn key_of(auth: &Auth, name: &str, at: i64) -> String {
    let mut rest = [0; 10];
    rest[..name.len()].copy_from_slice(name.as_bytes());
    auth.ulid(at.div_euclid(1000), rest)
}

async fn recovery_session(auth: &Auth, name: &str, key: &str, consumed_at: Option<i64>) {
    let into = "user_recovery_sessions (user_recovery_session_id, email, user_agent, locale, created_at, \
                consumed_at)";
    let (born, consumed) = (auth.time(Some(BORN)), auth.time(consumed_at));
    auth.insert(
        into,
        &[format!("{key}, '{name}', 'ua', 'en', {born}, {consumed}")],
    )
    .await;
}

async fn ticket(auth: &Auth, name: &str, session: &str) {
    let into = "user_recovery_tickets (user_recovery_ticket_id, user_recovery_session_id, user_email_id, \
                ticket, created_at, expires_at)";
    let (key, email) = (auth.key(name), auth.key("email"));
    let (born, live) = (auth.time(Some(BORN)), auth.time(Some(NOW + DAY)));
    auth.insert(
        into,
        &[format!(
            "{key}, {session}, {email}, '{name}', {born}, {live}"
        )],
    )
    .await;
}

async fn registration(auth: &Auth, name: &str, key: &str, authentication: Option<&str>) {
    let into =
        "user_registrations (user_registration_id, username, email_authentication_id, created_at)";
    let (born, of) = (auth.time(Some(BORN)), authentication.unwrap_or("NULL"));
    auth.insert(into, &[format!("{key}, '{name}', {of}, {born}")])
        .await;
}

async fn authentication(auth: &Auth, name: &str, key: &str, registration: Option<&str>) {
    let into = "user_email_authentications (user_email_authentication_id, email, user_registration_id, \
                created_at)";
    let (born, of) = (auth.time(Some(BORN)), registration.unwrap_or("NULL"));
    auth.insert(into, &[format!("{key}, '{name}', {of}, {born}")])
        .await;
}

async fn code(auth: &Auth, name: &str, authentication: &str) {
    let into = "user_email_authentication_codes (user_email_authentication_code_id, \
                user_email_authentication_id, code, created_at, expires_at)";
    let (key, born, live) = (
        auth.key(name),
        auth.time(Some(BORN)),
        auth.time(Some(NOW + DAY)),
    );
    auth.insert(
        into,
        &[format!("{key}, {authentication}, '{name}', {born}, {live}")],
    )
    .await;
}

async fn reset(auth: &Auth, name: &str, expires_at: i64, used_at: Option<i64>) {
    let into = "password_resets (id, user_id, token_hash, expires_at, used_at, created_at)";
    let row = format!(
        "{}, {}, '{name}', {}, {}, {}",
        auth.key(name),
        auth.key("user"),
        auth.time(Some(expires_at)),
        auth.time(used_at),
        auth.time(Some(BORN)),
    );
    auth.insert(into, &[row]).await;
}
