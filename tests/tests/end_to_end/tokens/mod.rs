//! The bundled tokens plugin, through its component, on the reference schema of both databases.

mod ahead;
mod boundary;
mod by_anyone;
mod by_state;
mod clock;
mod double_refresh;
mod dry_run;
mod kept;
mod narrowed;
mod profiles;

use besom::catalog::Dialect;
use besom::cli::{Exit, run};
use besom::request::{Batch, JobName, Mode};
use besom::runner::{Host, RunReport};
use besom_tests::lab::Lab;

use crate::auth::*;

/// A refresh token of an OAuth 2.0 session, when it matters what it looks like.
#[derive(Default)]
struct Refresh<'a> {
    /// The access token that it refers to.
    access: Option<&'a str>,
    consumed_at: Option<i64>,
    revoked_at: Option<i64>,
    /// The refresh token that it was exchanged for, which must be there already.
    next: Option<&'a str>,
}

/// Both databases, with the rows that tokens hang on and no tokens.
async fn both() -> [Auth; 2] {
    [
        Auth::on(Lab::postgres("").await).await,
        Auth::on(Lab::sqlite("").await).await,
    ]
}

impl Auth {
    async fn on(lab: Lab) -> Self {
        let auth = Self::with("tokens", lab).await;
        auth.parents().await;
        auth
    }

    /// The user `user`, the client `client`, its session `session`, and two compatibility sessions,
    /// one `active` and one `finished`.
    async fn parents(&self) {
        let (user, client) = (self.key("user"), self.key("client"));
        let born = self.time(Some(NOW - 400 * DAY));
        let into = "users (user_id, username, created_at)";
        self.insert(into, &[format!("{user}, 'user', {born}")])
            .await;
        self.insert(
            "oauth2_clients (oauth2_client_id)",
            std::slice::from_ref(&client),
        )
        .await;
        let into = "oauth2_sessions (oauth2_session_id, oauth2_client_id, created_at)";
        let session = format!("{}, {client}, {born}", self.key("session"));
        self.insert(into, &[session]).await;
        let into = "compat_sessions (compat_session_id, user_id, created_at, finished_at)";
        let active = format!("{}, {user}, {born}, NULL", self.key("active"));
        let finished = format!("{}, {user}, {born}, {born}", self.key("finished"));
        self.insert(into, &[active, finished]).await;
    }

    async fn access_token(&self, name: &str, expires_at: Option<i64>, revoked_at: Option<i64>) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}",
            self.key(name),
            self.key("session"),
            self.time(Some(NOW - 300 * DAY)),
            self.time(expires_at),
            self.time(revoked_at),
        );
        let into = "oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, \
             created_at, expires_at, revoked_at)";
        self.insert(into, &[row]).await;
    }

    async fn refresh_token(&self, name: &str, token: Refresh<'_>) {
        let reference = |to: Option<&str>| to.map_or("NULL".to_owned(), |name| self.key(name));
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}, {}, {}",
            self.key(name),
            self.key("session"),
            self.time(Some(NOW - 300 * DAY)),
            reference(token.access),
            self.time(token.consumed_at),
            self.time(token.revoked_at),
            reference(token.next),
        );
        let into = "oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, \
             refresh_token, created_at, oauth2_access_token_id, consumed_at, revoked_at, \
             next_oauth2_refresh_token_id)";
        self.insert(into, &[row]).await;
    }

    async fn compat_access_token(&self, session: &str, name: &str, expires_at: Option<i64>) {
        let row = format!(
            "{}, {}, '{name}', {}, {}",
            self.key(name),
            self.key(session),
            self.time(Some(NOW - 300 * DAY)),
            self.time(expires_at),
        );
        let into = "compat_access_tokens (compat_access_token_id, compat_session_id, access_token, \
             created_at, expires_at)";
        self.insert(into, &[row]).await;
    }

    async fn compat_refresh_token(
        &self,
        session: &str,
        name: &str,
        access: &str,
        consumed_at: Option<i64>,
    ) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}",
            self.key(name),
            self.key(session),
            self.key(access),
            self.time(Some(NOW - 300 * DAY)),
            self.time(consumed_at),
        );
        let into = "compat_refresh_tokens (compat_refresh_token_id, compat_session_id, \
             refresh_token, compat_access_token_id, created_at, consumed_at)";
        self.insert(into, &[row]).await;
    }

    async fn authorization_grant(&self, name: &str, key: &str, created_at: i64) {
        let row = format!(
            "{key}, {}, '{name}', {}",
            self.key("client"),
            self.time(Some(created_at)),
        );
        let into = "oauth2_authorization_grants (oauth2_authorization_grant_id, oauth2_client_id, \
             authorization_code, created_at)";
        self.insert(into, &[row]).await;
    }

    async fn device_code(&self, name: &str, key: &str, created_at: i64) {
        let row = format!(
            "{key}, {}, '{name}', '{name}', {}, {}",
            self.key("client"),
            self.time(Some(created_at)),
            self.time(Some(created_at + 20 * MINUTE)),
        );
        let into = "oauth2_device_code_grant (oauth2_device_code_grant_id, oauth2_client_id, \
             device_code, user_code, created_at, expires_at)";
        self.insert(into, &[row]).await;
    }

    async fn rotating_token(&self, name: &str, family: &str, revoked: bool, expires_at: i64) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}, {}",
            self.key(name),
            self.key("user"),
            self.key(family),
            if revoked { "TRUE" } else { "FALSE" },
            self.time(Some(expires_at)),
            self.time(Some(NOW - 300 * DAY)),
        );
        let into =
            "refresh_tokens (id, user_id, token_hash, family_id, revoked, expires_at, created_at)";
        self.insert(into, &[row]).await;
    }
}

/// `besom run tokens`: every job, in order.
async fn besom_run(host: &Host, mode: Mode) -> Vec<RunReport> {
    let reports = run_plugins(host, &["tokens"], mode).await;
    assert_eq!(reports.len(), 8);
    reports
}
