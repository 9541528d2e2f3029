//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "sessions",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(compat_names())
    .settings(oauth2_names())
    .settings(browser_names())
    .settings(server_names())
    .jobs(jobs())
}

/// The jobs, in the order in which they do best when run one after the other.
pub(crate) fn jobs() -> [Job; 9] {
    [
        mas(
            "finished-compat",
            "Compatibility sessions finished longer ago than the retention, with their tokens and logins",
        )
        .schedule("10 * * * *")
        .default("retention", "30d"),
        mas(
            "finished-oauth2",
            "OAuth 2.0 sessions finished longer ago than the retention, with their tokens and device codes",
        )
        .schedule("15 * * * *")
        .default("retention", "30d")
        // A grant keeps its session, so the old grants go first.
        .after([
            "sessions/finished-compat",
            "tokens/authorization-grants",
            "tokens/device-code-grants",
        ]),
        mas(
            "finished-browser",
            "Browser sessions finished longer ago than the retention that have no other session below them",
        )
        .schedule("20 * * * *")
        .default("retention", "30d")
        .after(["sessions/finished-compat", "sessions/finished-oauth2"]),
        mas(
            "expire-inactive",
            "Finishes compatibility, OAuth 2.0 and browser sessions inactive for longer than the ttl",
        )
        .schedule("*/15 * * * *")
        .opt_in(),
        server("pre-login", "Sessions begun longer ago than the retention that never became a login")
            .schedule("7 * * * *")
            .default("retention", "10m"),
        server("expired", "Sessions past their absolute end for longer than the retention")
            .schedule("7 * * * *")
            .default("retention", "0s"),
        server("idle", "Sessions past their idle end for longer than the retention")
            .schedule("7 * * * *")
            .default("retention", "24h"),
        server("revoked", "Sessions revoked longer ago than the retention")
            .schedule("7 * * * *")
            .default("retention", "24h"),
        server(
            "signing-keys",
            "Signing keys retired longer ago than the retention that no session refers to",
        )
        .schedule("12 * * * *")
        .default("retention", "24h")
        // A session keeps its key.
        .after([
            "sessions/pre-login",
            "sessions/expired",
            "sessions/idle",
            "sessions/revoked",
        ]),
    ]
}

fn mas(name: &str, about: &str) -> Job {
    Job::new(name, about).profile("mas")
}

fn server(name: &str, about: &str) -> Job {
    Job::new(name, about).profile("server-sessions")
}

fn choices() -> [Setting; 7] {
    [
        Setting::profile(["mas", "server-sessions"]),
        Setting::retention(
            "retention",
            "How long a row is kept after its purpose ended; every job has its own default",
        ),
        Setting::duration(
            "ttl",
            "expire-inactive finishes a session that has been inactive for longer",
        ),
        Setting::boolean(
            "expire-compat-sessions",
            "expire-inactive finishes compatibility sessions",
        )
        .default(true),
        Setting::boolean(
            "expire-oauth2-sessions",
            "expire-inactive finishes OAuth 2.0 sessions that have a user",
        )
        .default(true),
        Setting::boolean(
            "expire-user-sessions",
            "expire-inactive finishes browser sessions",
        )
        .default(true),
        Setting::boolean(
            "keep-static-clients",
            "expire-inactive leaves OAuth 2.0 sessions of clients that the server's configuration names",
        )
        .default(true),
    ]
}

fn compat_names() -> [Setting; 12] {
    [
        table("compat-sessions-table", "compat_sessions"),
        column("compat-sessions-id-column", "compat_session_id"),
        column("compat-sessions-user-session-column", "user_session_id"),
        column("compat-sessions-finished-at-column", "finished_at"),
        column("compat-sessions-last-active-at-column", "last_active_at"),
        table("compat-refresh-tokens-table", "compat_refresh_tokens"),
        column("compat-refresh-tokens-session-column", "compat_session_id"),
        table("compat-access-tokens-table", "compat_access_tokens"),
        column("compat-access-tokens-session-column", "compat_session_id"),
        table("compat-sso-logins-table", "compat_sso_logins"),
        column("compat-sso-logins-session-column", "compat_session_id"),
        column("compat-sso-logins-user-session-column", "user_session_id"),
    ]
}

fn oauth2_names() -> [Setting; 20] {
    [
        table("oauth2-sessions-table", "oauth2_sessions"),
        column("oauth2-sessions-id-column", "oauth2_session_id"),
        column("oauth2-sessions-user-session-column", "user_session_id"),
        column("oauth2-sessions-finished-at-column", "finished_at"),
        column("oauth2-sessions-last-active-at-column", "last_active_at"),
        table("oauth2-refresh-tokens-table", "oauth2_refresh_tokens"),
        column("oauth2-refresh-tokens-session-column", "oauth2_session_id"),
        column(
            "oauth2-refresh-tokens-access-token-column",
            "oauth2_access_token_id",
        ),
        column(
            "oauth2-refresh-tokens-next-column",
            "next_oauth2_refresh_token_id",
        ),
        table("oauth2-access-tokens-table", "oauth2_access_tokens"),
        column("oauth2-access-tokens-session-column", "oauth2_session_id"),
        column("oauth2-sessions-user-column", "user_id"),
        column("oauth2-sessions-client-column", "oauth2_client_id"),
        table("oauth2-clients-table", "oauth2_clients"),
        column("oauth2-clients-id-column", "oauth2_client_id"),
        column("oauth2-clients-static-column", "is_static"),
        table("device-code-grants-table", "oauth2_device_code_grant"),
        column("device-code-grants-session-column", "oauth2_session_id"),
        table("authorization-grants-table", "oauth2_authorization_grants"),
        column(
            "authorization-grants-user-session-column",
            "user_session_id",
        ),
    ]
}

fn browser_names() -> [Setting; 10] {
    [
        table("user-sessions-table", "user_sessions"),
        column("user-sessions-id-column", "user_session_id"),
        column("user-sessions-finished-at-column", "finished_at"),
        column("user-sessions-last-active-at-column", "last_active_at"),
        table(
            "user-session-authentications-table",
            "user_session_authentications",
        ),
        column(
            "user-session-authentications-user-session-column",
            "user_session_id",
        ),
        table(
            "upstream-authorization-sessions-table",
            "upstream_oauth_authorization_sessions",
        ),
        column(
            "upstream-authorization-sessions-user-session-column",
            "user_session_id",
        ),
        table("email-authentications-table", "user_email_authentications"),
        column(
            "email-authentications-user-session-column",
            "user_session_id",
        ),
    ]
}

fn server_names() -> [Setting; 13] {
    [
        table("sessions-table", "sessions"),
        column("sessions-pre-login-column", "is_pre_login"),
        column("sessions-created-at-column", "created_at"),
        column("sessions-absolute-expires-at-column", "absolute_expires_at"),
        column("sessions-idle-expires-at-column", "idle_expires_at"),
        column("sessions-revoked-at-column", "revoked_at"),
        column("sessions-signing-key-column", "signing_key_id"),
        column("sessions-tenant-column", "tenant_id"),
        table("signing-keys-table", "session_signing_keys"),
        column("signing-keys-id-column", "id"),
        Setting::column(
            "signing-keys-activated-at-column",
            "When a key of signing-keys-table was activated, where the schema says so",
        ),
        column("signing-keys-retired-at-column", "retired_at"),
        Setting::column(
            "signing-keys-tenant-column",
            "The tenant's column of signing-keys-table, where an id is unique within its tenant only",
        ),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
