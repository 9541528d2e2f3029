//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "tokens",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(oauth2_names())
    .settings(compat_names())
    .settings(rotating_names())
    .jobs(jobs())
}

/// The jobs, in the order in which they do best when run one after the other.
pub(crate) fn jobs() -> [Job; 8] {
    [
        mas("revoked-access", "Access tokens revoked longer ago than the retention")
            .schedule("0 * * * *")
            .default("retention", "1h"),
        mas(
            "expired-access",
            "Access tokens expired longer ago than the retention that no live refresh token needs",
        )
        .schedule("5 */4 * * *")
        .default("retention", "30d"),
        mas("revoked-refresh", "Refresh tokens revoked longer ago than the retention")
            .schedule("5 * * * *")
            .default("retention", "1h"),
        mas(
            "consumed-refresh",
            "Refresh tokens consumed longer ago than the retention whose successor is consumed or gone",
        )
        .schedule("5 * * * *")
        .default("retention", "1h")
        // Each empties columns of the rows that another deletes: run together they deadlock.
        .after(["tokens/expired-access", "tokens/revoked-refresh"]),
        mas("authorization-grants", "Authorization grants created longer ago than the retention")
            .schedule("30 * * * *")
            .default("retention", "7d"),
        mas("device-code-grants", "Device code grants created longer ago than the retention")
            .schedule("35 * * * *")
            .default("retention", "7d"),
        mas(
            "compat-tokens",
            "Consumed refresh tokens, then expired access tokens, of compatibility sessions still active",
        )
        .schedule("40 * * * *")
        .default("retention", "30d"),
        Job::new("refresh-tokens", "Rotating refresh tokens that are revoked or expired")
            .profile("refresh-tokens")
            .schedule("0 3 * * *")
            .schedule_variable("REFRESH_TOKEN_CLEANUP_CRON")
            .default("retention", "0s"),
    ]
}

fn mas(name: &str, about: &str) -> Job {
    Job::new(name, about).profile("mas")
}

fn choices() -> [Setting; 4] {
    [
        Setting::profile(["mas", "refresh-tokens"]),
        Setting::retention(
            "retention",
            "How long a row is kept after its purpose ended; every job has its own default",
        ),
        Setting::boolean(
            "protect-refresh",
            "expired-access keeps a token that a live refresh token points at",
        )
        .default(true),
        Setting::boolean(
            "keep-live-families",
            "refresh-tokens keeps revoked tokens of a family that has a live one; needs family-column",
        )
        .default(true),
    ]
}

fn oauth2_names() -> [Setting; 14] {
    [
        table("oauth2-access-tokens-table", "oauth2_access_tokens"),
        column("oauth2-access-tokens-id-column", "oauth2_access_token_id"),
        column("oauth2-access-tokens-expires-at-column", "expires_at"),
        column("oauth2-access-tokens-revoked-at-column", "revoked_at"),
        table("oauth2-refresh-tokens-table", "oauth2_refresh_tokens"),
        column("oauth2-refresh-tokens-id-column", "oauth2_refresh_token_id"),
        column(
            "oauth2-refresh-tokens-access-token-column",
            "oauth2_access_token_id",
        ),
        column(
            "oauth2-refresh-tokens-next-column",
            "next_oauth2_refresh_token_id",
        ),
        column("oauth2-refresh-tokens-consumed-at-column", "consumed_at"),
        column("oauth2-refresh-tokens-revoked-at-column", "revoked_at"),
        table("authorization-grants-table", "oauth2_authorization_grants"),
        column(
            "authorization-grants-id-column",
            "oauth2_authorization_grant_id",
        ),
        table("device-code-grants-table", "oauth2_device_code_grant"),
        column(
            "device-code-grants-id-column",
            "oauth2_device_code_grant_id",
        ),
    ]
}

fn compat_names() -> [Setting; 9] {
    [
        table("compat-refresh-tokens-table", "compat_refresh_tokens"),
        column("compat-refresh-tokens-session-column", "compat_session_id"),
        column("compat-refresh-tokens-consumed-at-column", "consumed_at"),
        table("compat-access-tokens-table", "compat_access_tokens"),
        column("compat-access-tokens-session-column", "compat_session_id"),
        column("compat-access-tokens-expires-at-column", "expires_at"),
        table("compat-sessions-table", "compat_sessions"),
        column("compat-sessions-id-column", "compat_session_id"),
        column("compat-sessions-finished-at-column", "finished_at"),
    ]
}

fn rotating_names() -> [Setting; 4] {
    [
        table("refresh-tokens-table", "refresh_tokens"),
        column("revoked-column", "revoked"),
        column("expires-at-column", "expires_at"),
        Setting::column(
            "family-column",
            "The column of refresh-tokens-table that ties a token to those it was rotated from",
        ),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
