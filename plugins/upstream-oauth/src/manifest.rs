//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "upstream-oauth",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(names())
    .jobs(jobs())
}

/// The jobs, in the order in which they do best when run one after the other.
pub(crate) fn jobs() -> [Job; 3] {
    [
        Job::new(
            "backfill-user-session",
            "Gives old authorization sessions the browser session that they led to, as new ones have it",
        )
        .profile("mas")
        .opt_in(),
        Job::new(
            "authorization-sessions",
            "Authorization sessions begun longer ago than the retention that led to no browser session, or whose browser session has gone",
        )
        .profile("mas")
        .schedule("40 * * * *")
        .default("retention", "30d")
        // What it leaves is spoken of by a browser session, so those go first; and the back-fill
        // tells which it is.
        .after(["sessions/finished-browser", "upstream-oauth/backfill-user-session"]),
        Job::new(
            "orphaned-links",
            "Links made longer ago than the retention during a login that never became an account, with their authorization sessions",
        )
        .profile("mas")
        .schedule("40 * * * *")
        .default("retention", "7d")
        .after(["upstream-oauth/authorization-sessions"]),
    ]
}

fn choices() -> [Setting; 3] {
    [
        Setting::profile(["mas"]),
        Setting::retention(
            "retention",
            "How long a row is kept after it was made; every job has its own default",
        ),
        Setting::new(
            "providers",
            Kind::Texts,
            "Ids of the providers that there should be: rows of any other stop the jobs",
        ),
    ]
}

fn names() -> [Setting; 16] {
    [
        table(
            "authorization-sessions-table",
            "upstream_oauth_authorization_sessions",
        ),
        column(
            "authorization-sessions-id-column",
            "upstream_oauth_authorization_session_id",
        ),
        column(
            "authorization-sessions-provider-column",
            "upstream_oauth_provider_id",
        ),
        column(
            "authorization-sessions-link-column",
            "upstream_oauth_link_id",
        ),
        column(
            "authorization-sessions-user-session-column",
            "user_session_id",
        ),
        table("links-table", "upstream_oauth_links"),
        column("links-id-column", "upstream_oauth_link_id"),
        column("links-provider-column", "upstream_oauth_provider_id"),
        column("links-user-column", "user_id"),
        table("authentications-table", "user_session_authentications"),
        column(
            "authentications-authorization-session-column",
            "upstream_oauth_authorization_session_id",
        ),
        column("authentications-user-session-column", "user_session_id"),
        table("registrations-table", "user_registrations"),
        column(
            "registrations-authorization-session-column",
            "upstream_oauth_authorization_session_id",
        ),
        table("providers-table", "upstream_oauth_providers"),
        column("providers-id-column", "upstream_oauth_provider_id"),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
