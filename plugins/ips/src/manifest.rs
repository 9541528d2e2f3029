//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "ips",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(names())
    .jobs(jobs())
}

/// The jobs. No two of them share a table.
pub(crate) fn jobs() -> [Job; 5] {
    [
        job(
            "inactive-oauth2",
            "Addresses of OAuth 2.0 sessions last active longer ago than the retention",
        )
        .profile("mas"),
        job(
            "inactive-compat",
            "Addresses of compatibility sessions last active longer ago than the retention",
        )
        .profile("mas"),
        job(
            "inactive-browser",
            "Addresses of browser sessions last active longer ago than the retention",
        )
        .profile("mas"),
        job(
            "inactive-personal",
            "Addresses of personal sessions last active longer ago than the retention",
        )
        .profile("mas"),
        job(
            "server-sessions",
            "Addresses of the server's sessions last active longer ago than the retention",
        )
        .profile("server-sessions"),
    ]
}

fn job(name: &str, about: &str) -> Job {
    Job::new(name, about).schedule("25 * * * *")
}

fn choices() -> [Setting; 5] {
    [
        Setting::profile(["mas", "server-sessions"]),
        Setting::retention(
            "retention",
            "How long after its last use a session's address is kept",
        )
        .default("30d"),
        Setting::boolean(
            "coarse",
            "Keep the address's network instead of erasing the address",
        )
        .default(false),
        Setting::integer(
            "ipv4-prefix",
            "With coarse: bits of an IPv4 address that stay",
        )
        .default(24),
        Setting::integer(
            "ipv6-prefix",
            "With coarse: bits of an IPv6 address that stay",
        )
        .default(48),
    ]
}

fn names() -> [Setting; 15] {
    [
        table("oauth2-sessions-table", "oauth2_sessions"),
        column("oauth2-sessions-ip-column", "last_active_ip"),
        column("oauth2-sessions-last-active-at-column", "last_active_at"),
        table("compat-sessions-table", "compat_sessions"),
        column("compat-sessions-ip-column", "last_active_ip"),
        column("compat-sessions-last-active-at-column", "last_active_at"),
        table("user-sessions-table", "user_sessions"),
        column("user-sessions-ip-column", "last_active_ip"),
        column("user-sessions-last-active-at-column", "last_active_at"),
        table("personal-sessions-table", "personal_sessions"),
        column("personal-sessions-ip-column", "last_active_ip"),
        column("personal-sessions-last-active-at-column", "last_active_at"),
        table("sessions-table", "sessions"),
        column("sessions-ip-column", "ip_address"),
        column("sessions-last-active-at-column", "last_seen_at"),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
