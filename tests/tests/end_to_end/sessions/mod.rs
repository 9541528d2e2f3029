//! The bundled sessions plugin, through its component, on the reference schema of both databases.

mod boundary;
mod by_anyone;
mod dry_run;
mod inactive;
mod indexes;
mod kept;
mod narrowed;
mod order;
mod profiles;
mod signing_keys;

use besom::catalog::Dialect;
use besom::request::{JobName, Mode};
use besom::runner::{Host, RunReport};
use besom_tests::lab::Lab;

use crate::auth::*;

/// Older than every retention.
const OLD: Option<i64> = Some(NOW - 60 * DAY);
/// Before everything else here.
const BORN: i64 = NOW - 400 * DAY;

/// A value of a planted row.
enum Cell<'a> {
    Key(&'a str),
    /// A key that holds the time [`BORN`].
    Ulid(&'a str),
    Text(&'a str),
    Time(Option<i64>),
    Flag(bool),
    Nothing,
}
use Cell::{Flag, Key, Nothing, Text, Time, Ulid};

/// A session of a browser, a client or a compatibility client, when it matters what it looks like.
#[derive(Default, Clone, Copy)]
struct Session<'a> {
    /// The browser session that it was begun from, which must be there already.
    below: Option<&'a str>,
    finished_at: Option<i64>,
    last_active_at: Option<i64>,
}

/// A session of the server-sessions schema: live, unless a time says otherwise.
struct Opaque<'a> {
    tenant: &'a str,
    key: &'a str,
    pre_login: bool,
    created_at: i64,
    absolute_expires_at: i64,
    idle_expires_at: i64,
    revoked_at: Option<i64>,
}

impl Default for Opaque<'_> {
    fn default() -> Self {
        Self {
            tenant: "one",
            key: "key",
            pre_login: false,
            created_at: BORN,
            absolute_expires_at: NOW + DAY,
            idle_expires_at: NOW + HOUR,
            revoked_at: None,
        }
    }
}

/// Finished long enough ago.
fn finished() -> Session<'static> {
    Session {
        finished_at: OLD,
        ..Session::default()
    }
}

/// Both databases, with the user `user`, the client `client`, the provider `provider` and the
/// active key `key`, and no session.
async fn both() -> [Auth; 2] {
    [
        on(Lab::postgres("").await).await,
        on(Lab::sqlite("").await).await,
    ]
}

async fn on(lab: Lab) -> Auth {
    let auth = Auth::with("sessions", lab).await;
    let user = [
        ("user_id", Key("user")),
        ("username", Text("user")),
        ("created_at", Time(Some(BORN))),
    ];
    auth.plant("users", &user).await;
    let client = [("oauth2_client_id", Key("client"))];
    auth.plant("oauth2_clients", &client).await;
    let provider = [
        ("upstream_oauth_provider_id", Key("provider")),
        ("created_at", Time(Some(BORN))),
    ];
    auth.plant("upstream_oauth_providers", &provider).await;
    auth.signing_key("key", "one", None).await;
    auth
}

impl Auth {
    /// One row.
    async fn plant(&self, table: &str, row: &[(&str, Cell<'_>)]) {
        let columns: Vec<_> = row.iter().map(|(column, _)| *column).collect();
        let values: Vec<_> = row
            .iter()
            .map(|(_, cell)| match cell {
                Key(name) => self.key(name),
                Ulid(name) => {
                    let mut rest = [0; 10];
                    rest[..name.len()].copy_from_slice(name.as_bytes());
                    self.ulid(BORN / 1000, rest)
                }
                Text(text) => format!("'{text}'"),
                Time(at) => self.time(*at),
                Flag(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
                Nothing => "NULL".to_owned(),
            })
            .collect();
        let into = format!("{table} ({})", columns.join(", "));
        self.insert(&into, &[values.join(", ")]).await;
    }

    async fn browser_session(&self, name: &str, session: Session<'_>) {
        let row = [
            ("user_session_id", Key(name)),
            ("user_id", Key("user")),
            ("user_agent", Text(name)),
            ("created_at", Time(Some(BORN))),
            ("finished_at", Time(session.finished_at)),
            ("last_active_at", Time(session.last_active_at)),
        ];
        self.plant("user_sessions", &row).await;
    }

    async fn oauth2_session(&self, name: &str, session: Session<'_>) {
        let row = [
            ("oauth2_session_id", Key(name)),
            ("user_session_id", session.below.map_or(Nothing, Key)),
            ("user_id", Key("user")),
            ("oauth2_client_id", Key("client")),
            ("human_name", Text(name)),
            ("created_at", Time(Some(BORN))),
            ("finished_at", Time(session.finished_at)),
            ("last_active_at", Time(session.last_active_at)),
        ];
        self.plant("oauth2_sessions", &row).await;
    }

    async fn compat_session(&self, name: &str, session: Session<'_>) {
        let row = [
            ("compat_session_id", Key(name)),
            ("user_id", Key("user")),
            ("user_session_id", session.below.map_or(Nothing, Key)),
            ("human_name", Text(name)),
            ("created_at", Time(Some(BORN))),
            ("finished_at", Time(session.finished_at)),
            ("last_active_at", Time(session.last_active_at)),
        ];
        self.plant("compat_sessions", &row).await;
    }

    /// An access token of an OAuth 2.0 session.
    async fn access_of(&self, session: &str, name: &str) {
        let row = [
            ("oauth2_access_token_id", Key(name)),
            ("oauth2_session_id", Key(session)),
            ("access_token", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("oauth2_access_tokens", &row).await;
    }

    /// A refresh token of an OAuth 2.0 session, with the access token and the successor that it
    /// points at.
    async fn refresh_of(&self, session: &str, name: &str, access: Option<&str>, next: Cell<'_>) {
        let row = [
            ("oauth2_refresh_token_id", Key(name)),
            ("oauth2_session_id", Key(session)),
            ("refresh_token", Text(name)),
            ("created_at", Time(Some(BORN))),
            ("oauth2_access_token_id", access.map_or(Nothing, Key)),
            ("next_oauth2_refresh_token_id", next),
        ];
        self.plant("oauth2_refresh_tokens", &row).await;
    }

    async fn compat_access_of(&self, session: &str, name: &str) {
        let row = [
            ("compat_access_token_id", Key(name)),
            ("compat_session_id", Key(session)),
            ("access_token", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("compat_access_tokens", &row).await;
    }

    async fn compat_refresh_of(&self, session: &str, name: &str, access: &str) {
        let row = [
            ("compat_refresh_token_id", Key(name)),
            ("compat_session_id", Key(session)),
            ("compat_access_token_id", Key(access)),
            ("refresh_token", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("compat_refresh_tokens", &row).await;
    }

    /// A login; without a session, one that nobody has completed.
    async fn sso_login(&self, session: Option<&str>, name: &str) {
        let row = [
            ("compat_sso_login_id", Key(name)),
            ("compat_session_id", session.map_or(Nothing, Key)),
            ("login_token", Text(name)),
            ("redirect_uri", Text("https://app.example")),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("compat_sso_logins", &row).await;
    }

    async fn grant_for(&self, session: &str, name: &str) {
        let row = [
            ("oauth2_authorization_grant_id", Ulid(name)),
            ("oauth2_client_id", Key("client")),
            ("oauth2_session_id", Key(session)),
            ("authorization_code", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("oauth2_authorization_grants", &row).await;
    }

    /// A device code grant, fulfilled in a browser session or for an OAuth 2.0 session.
    async fn device_code_for(&self, column: &str, session: &str, name: &str) {
        let row = [
            ("oauth2_device_code_grant_id", Ulid(name)),
            ("oauth2_client_id", Key("client")),
            (column, Key(session)),
            ("device_code", Text(name)),
            ("user_code", Text(name)),
            ("created_at", Time(Some(BORN))),
            ("expires_at", Time(Some(BORN + HOUR))),
        ];
        self.plant("oauth2_device_code_grant", &row).await;
    }

    async fn authentication(&self, session: &str, name: &str) {
        let row = [
            ("user_session_authentication_id", Key(name)),
            ("user_session_id", Key(session)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("user_session_authentications", &row).await;
    }

    /// An upstream authorization session and an e-mail authentication that know the browser session.
    async fn known_elsewhere(&self, session: &str, name: &str) {
        let row = [
            ("upstream_oauth_authorization_session_id", Key(name)),
            ("upstream_oauth_provider_id", Key("provider")),
            ("user_session_id", Key(session)),
            ("state", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("upstream_oauth_authorization_sessions", &row)
            .await;
        let row = [
            ("user_email_authentication_id", Key(name)),
            ("user_session_id", Key(session)),
            ("email", Text(name)),
            ("created_at", Time(Some(BORN))),
        ];
        self.plant("user_email_authentications", &row).await;
    }

    async fn tenant(&self, tenant: &str) {
        let there = format!("INSERT INTO tenants (id) VALUES ('{tenant}') ON CONFLICT DO NOTHING");
        self.lab.script(&there).await;
    }

    async fn signing_key(&self, name: &str, tenant: &str, retired_at: Option<i64>) {
        self.tenant(tenant).await;
        let row = [
            ("id", Text(name)),
            ("tenant_id", Text(tenant)),
            ("created_at", Time(Some(BORN))),
            ("retired_at", Time(retired_at)),
        ];
        self.plant("session_signing_keys", &row).await;
    }

    /// Its idle end comes before its absolute one, as a CHECK of the table has it.
    async fn opaque_session(&self, name: &str, session: Opaque<'_>) {
        self.tenant(session.tenant).await;
        let idle = session.idle_expires_at.min(session.absolute_expires_at - 1);
        let row = [
            ("id", Text(name)),
            ("tenant_id", Text(session.tenant)),
            ("signing_key_id", Text(session.key)),
            ("is_pre_login", Flag(session.pre_login)),
            ("created_at", Time(Some(session.created_at))),
            ("last_seen_at", Time(Some(session.created_at))),
            ("idle_expires_at", Time(Some(idle))),
            (
                "absolute_expires_at",
                Time(Some(session.absolute_expires_at)),
            ),
            ("revoked_at", Time(session.revoked_at)),
        ];
        self.plant("sessions", &row).await;
    }
}

/// `besom run sessions`: every job but the opt-in one, in order.
async fn besom_run(host: &Host, mode: Mode) -> Vec<RunReport> {
    let reports = run_plugins(host, &["sessions"], mode).await;
    assert_eq!(reports.len(), 8);
    reports
}
