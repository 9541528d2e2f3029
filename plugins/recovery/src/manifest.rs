//! The manifest: the jobs and their defaults, and a setting for every number, table and column.

use besom_plugin::prelude::*;

/// What the plugin says about itself.
pub(crate) fn manifest() -> Manifest {
    Manifest::new(
        "recovery",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_DESCRIPTION"),
    )
    .settings(choices())
    .settings(names())
    .jobs(jobs())
}

/// The jobs.
pub(crate) fn jobs() -> [Job; 4] {
    [
        Job::new(
            "recovery-sessions",
            "Recovery sessions begun longer ago than the retention, with their tickets",
        )
        .profile("mas")
        .schedule("50 * * * *")
        .default("retention", "7d"),
        Job::new(
            "registrations",
            "Registrations begun longer ago than the retention, completed or not",
        )
        .profile("mas")
        .schedule("45 * * * *")
        .default("retention", "30d"),
        Job::new(
            "email-authentications",
            "E-mail authentications begun longer ago than the retention, with their codes",
        )
        .profile("mas")
        .schedule("50 * * * *")
        .default("retention", "7d"),
        Job::new(
            "password-resets",
            "Password resets used, or expired, longer ago than the retention",
        )
        .profile("refresh-tokens")
        .schedule("0 3 * * *")
        .default("retention", "0s"),
    ]
}

fn choices() -> [Setting; 2] {
    [
        Setting::profile(["mas", "refresh-tokens"]),
        Setting::retention(
            "retention",
            "How long a row is kept; every job has its own default",
        ),
    ]
}

fn names() -> [Setting; 15] {
    [
        table("recovery-sessions-table", "user_recovery_sessions"),
        column("recovery-sessions-id-column", "user_recovery_session_id"),
        table("recovery-tickets-table", "user_recovery_tickets"),
        column(
            "recovery-tickets-session-column",
            "user_recovery_session_id",
        ),
        table("registrations-table", "user_registrations"),
        column("registrations-id-column", "user_registration_id"),
        column(
            "registrations-email-authentication-column",
            "email_authentication_id",
        ),
        table("email-authentications-table", "user_email_authentications"),
        column(
            "email-authentications-id-column",
            "user_email_authentication_id",
        ),
        column(
            "email-authentications-registration-column",
            "user_registration_id",
        ),
        table(
            "email-authentication-codes-table",
            "user_email_authentication_codes",
        ),
        column(
            "email-authentication-codes-authentication-column",
            "user_email_authentication_id",
        ),
        table("password-resets-table", "password_resets"),
        column("password-resets-used-at-column", "used_at"),
        column("password-resets-expires-at-column", "expires_at"),
    ]
}

fn table(name: &str, default: &str) -> Setting {
    Setting::table(name, format!("The table, where it is not `{default}`")).default(default)
}

fn column(name: &str, default: &str) -> Setting {
    Setting::column(name, format!("The column, where it is not `{default}`")).default(default)
}
