//! What each job does, as somebody would write it by hand.

use super::by_hand::{Child, Sweep, sweep};

const UNUSED: &str = "t.finished_at IS NULL AND t.last_active_at < {two-months}";
const KNOWN_ADDRESS: &str = "t.last_active_ip IS NOT NULL AND t.last_active_at < {month}";
const POINTS_AT_ACCESS: &[Child] = &[("oauth2_refresh_tokens", "oauth2_access_token_id")];

/// Every job of the bundled plugins, under the demo's settings.
pub const JOBS: &[(&str, &[Sweep])] = &[
    (
        "tokens/revoked-access",
        &[Sweep {
            forgotten_by: POINTS_AT_ACCESS,
            ..sweep(
                "oauth2_access_tokens",
                "oauth2_access_token_id",
                "t.revoked_at < {hour}",
            )
        }],
    ),
    (
        "tokens/expired-access",
        &[Sweep {
            forgotten_by: POINTS_AT_ACCESS,
            ..sweep(
                "oauth2_access_tokens",
                "oauth2_access_token_id",
                "t.expires_at < {month} AND NOT EXISTS (SELECT 1 FROM oauth2_refresh_tokens AS r
                 WHERE r.oauth2_access_token_id = t.oauth2_access_token_id
                 AND r.consumed_at IS NULL AND r.revoked_at IS NULL)",
            )
        }],
    ),
    (
        "tokens/revoked-refresh",
        &[sweep(
            "oauth2_refresh_tokens",
            "oauth2_refresh_token_id",
            "t.revoked_at < {hour}",
        )],
    ),
    (
        "tokens/consumed-refresh",
        &[sweep(
            "oauth2_refresh_tokens",
            "oauth2_refresh_token_id",
            "t.consumed_at < {hour} AND (t.next_oauth2_refresh_token_id IS NULL OR EXISTS (SELECT 1
             FROM oauth2_refresh_tokens AS n WHERE n.consumed_at IS NOT NULL
             AND n.oauth2_refresh_token_id = t.next_oauth2_refresh_token_id))",
        )],
    ),
    (
        "tokens/authorization-grants",
        &[sweep(
            "oauth2_authorization_grants",
            "oauth2_authorization_grant_id",
            "t.created_at < {week}",
        )],
    ),
    (
        "tokens/device-code-grants",
        &[sweep(
            "oauth2_device_code_grant",
            "oauth2_device_code_grant_id",
            "t.created_at < {week}",
        )],
    ),
    (
        "tokens/compat-tokens",
        &[
            sweep(
                "compat_refresh_tokens",
                "compat_refresh_token_id",
                "t.consumed_at < {month} AND t.compat_session_id IN
                 (SELECT compat_session_id FROM compat_sessions WHERE finished_at IS NULL)",
            ),
            Sweep {
                held_by: &[("compat_refresh_tokens", "compat_access_token_id")],
                ..sweep(
                    "compat_access_tokens",
                    "compat_access_token_id",
                    "t.expires_at < {month} AND t.compat_session_id IN
                     (SELECT compat_session_id FROM compat_sessions WHERE finished_at IS NULL)",
                )
            },
        ],
    ),
    (
        "tokens/refresh-tokens",
        &[
            sweep(
                "refresh_tokens",
                "id",
                "t.revoked AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS l
                 WHERE l.family_id = t.family_id AND NOT l.revoked AND l.expires_at >= {now})",
            ),
            sweep("refresh_tokens", "id", "t.expires_at < {now}"),
        ],
    ),
    (
        "sessions/finished-compat",
        &[Sweep {
            dependents: &[
                ("compat_refresh_tokens", "compat_session_id"),
                ("compat_access_tokens", "compat_session_id"),
                ("compat_sso_logins", "compat_session_id"),
            ],
            ..sweep(
                "compat_sessions",
                "compat_session_id",
                "t.finished_at < {month}",
            )
        }],
    ),
    (
        "sessions/finished-oauth2",
        &[Sweep {
            held_by: &[("oauth2_authorization_grants", "oauth2_session_id")],
            taken_by_cascade: &[("oauth2_device_code_grant", "oauth2_session_id")],
            dependents: &[
                ("oauth2_refresh_tokens", "oauth2_session_id"),
                ("oauth2_access_tokens", "oauth2_session_id"),
            ],
            ..sweep(
                "oauth2_sessions",
                "oauth2_session_id",
                "t.finished_at < {month}",
            )
        }],
    ),
    (
        "sessions/finished-browser",
        &[Sweep {
            held_by: &[("oauth2_device_code_grant", "user_session_id")],
            dependents: &[("user_session_authentications", "user_session_id")],
            taken_by_cascade: &[("compat_sso_logins", "user_session_id")],
            forgotten_by: &[
                ("oauth2_authorization_grants", "user_session_id"),
                ("upstream_oauth_authorization_sessions", "user_session_id"),
                ("user_email_authentications", "user_session_id"),
            ],
            ..sweep(
                "user_sessions",
                "user_session_id",
                "t.finished_at < {month}
                 AND t.user_session_id NOT IN (SELECT user_session_id FROM oauth2_sessions
                                               WHERE user_session_id IS NOT NULL)
                 AND t.user_session_id NOT IN (SELECT user_session_id FROM compat_sessions
                                               WHERE user_session_id IS NOT NULL)",
            )
        }],
    ),
    (
        "sessions/pre-login",
        &[sweep(
            "sessions",
            "id",
            "t.is_pre_login AND t.created_at < {minutes}",
        )],
    ),
    (
        "sessions/expired",
        &[sweep("sessions", "id", "t.absolute_expires_at < {now}")],
    ),
    (
        "sessions/idle",
        &[sweep("sessions", "id", "t.idle_expires_at < {day}")],
    ),
    (
        "sessions/revoked",
        &[sweep("sessions", "id", "t.revoked_at < {day}")],
    ),
    (
        "sessions/signing-keys",
        &[sweep(
            "session_signing_keys",
            "id",
            "t.retired_at < {day} AND t.id NOT IN (SELECT signing_key_id FROM sessions)",
        )],
    ),
    (
        "sessions/expire-inactive",
        &[
            Sweep {
                set: Some("finished_at = {now}"),
                ..sweep("compat_sessions", "compat_session_id", UNUSED)
            },
            Sweep {
                set: Some("finished_at = {now}"),
                ..sweep(
                    "oauth2_sessions",
                    "oauth2_session_id",
                    "t.finished_at IS NULL AND t.last_active_at < {two-months}
                     AND t.user_id IS NOT NULL AND t.oauth2_client_id NOT IN
                     (SELECT oauth2_client_id FROM oauth2_clients WHERE is_static)",
                )
            },
            Sweep {
                set: Some("finished_at = {now}"),
                ..sweep("user_sessions", "user_session_id", UNUSED)
            },
        ],
    ),
    (
        "ips/inactive-oauth2",
        &[Sweep {
            set: Some("last_active_ip = NULL"),
            ..sweep("oauth2_sessions", "oauth2_session_id", KNOWN_ADDRESS)
        }],
    ),
    (
        "ips/inactive-compat",
        &[Sweep {
            set: Some("last_active_ip = NULL"),
            ..sweep("compat_sessions", "compat_session_id", KNOWN_ADDRESS)
        }],
    ),
    (
        "ips/inactive-browser",
        &[Sweep {
            set: Some("last_active_ip = NULL"),
            ..sweep("user_sessions", "user_session_id", KNOWN_ADDRESS)
        }],
    ),
    (
        "ips/inactive-personal",
        &[Sweep {
            set: Some("last_active_ip = NULL"),
            ..sweep("personal_sessions", "personal_session_id", KNOWN_ADDRESS)
        }],
    ),
    (
        "ips/server-sessions",
        &[Sweep {
            set: Some("ip_address = ''"),
            ..sweep(
                "sessions",
                "id",
                "t.ip_address <> '' AND t.last_seen_at < {month}",
            )
        }],
    ),
    (
        "queue/finished",
        &[Sweep {
            forgotten_by: &[
                ("queue_jobs", "next_attempt_id"),
                ("queue_schedules", "last_scheduled_job_id"),
            ],
            ..sweep(
                "queue_jobs",
                "queue_job_id",
                "t.completed_at < {month} OR t.failed_at < {month}",
            )
        }],
    ),
    (
        "queue/workers",
        &[sweep(
            "queue_workers",
            "queue_worker_id",
            "(t.shutdown_at < {month} OR t.last_seen_at < {month})
             AND t.queue_worker_id NOT IN (SELECT started_by FROM queue_jobs
                                           WHERE started_by IS NOT NULL)
             AND t.queue_worker_id NOT IN (SELECT queue_worker_id FROM queue_leader)",
        )],
    ),
    (
        "upstream-oauth/backfill-user-session",
        &[Sweep {
            set: Some(
                "user_session_id = (SELECT a.user_session_id FROM user_session_authentications AS a
                 WHERE a.upstream_oauth_authorization_session_id =
                       t.upstream_oauth_authorization_session_id)",
            ),
            ..sweep(
                "upstream_oauth_authorization_sessions",
                "upstream_oauth_authorization_session_id",
                "t.user_session_id IS NULL AND t.upstream_oauth_authorization_session_id IN
                 (SELECT upstream_oauth_authorization_session_id FROM user_session_authentications)",
            )
        }],
    ),
    (
        "upstream-oauth/authorization-sessions",
        &[Sweep {
            forgotten_by: &[
                (
                    "user_session_authentications",
                    "upstream_oauth_authorization_session_id",
                ),
                (
                    "user_registrations",
                    "upstream_oauth_authorization_session_id",
                ),
            ],
            ..sweep(
                "upstream_oauth_authorization_sessions",
                "upstream_oauth_authorization_session_id",
                "t.user_session_id IS NULL AND t.created_at < {month}",
            )
        }],
    ),
    (
        "upstream-oauth/orphaned-links",
        &[Sweep {
            dependents: &[(
                "upstream_oauth_authorization_sessions",
                "upstream_oauth_link_id",
            )],
            forgotten_further: &[(
                "user_registrations",
                "upstream_oauth_authorization_session_id",
                "SELECT upstream_oauth_authorization_session_id
                 FROM upstream_oauth_authorization_sessions
                 WHERE upstream_oauth_link_id IN (SELECT k FROM going)",
            )],
            ..sweep(
                "upstream_oauth_links",
                "upstream_oauth_link_id",
                "t.user_id IS NULL AND t.created_at < {week}",
            )
        }],
    ),
    (
        "recovery/recovery-sessions",
        &[Sweep {
            taken_by_cascade: &[("user_recovery_tickets", "user_recovery_session_id")],
            ..sweep(
                "user_recovery_sessions",
                "user_recovery_session_id",
                "t.created_at < {week}",
            )
        }],
    ),
    (
        "recovery/registrations",
        &[Sweep {
            taken_by_cascade: &[("user_email_authentications", "user_registration_id")],
            taken_further: &[(
                "user_email_authentication_codes",
                "user_email_authentication_id",
                "SELECT user_email_authentication_id FROM user_email_authentications
                 WHERE user_registration_id IN (SELECT k FROM going)",
            )],
            ..sweep(
                "user_registrations",
                "user_registration_id",
                "t.created_at < {month}",
            )
        }],
    ),
    (
        "recovery/email-authentications",
        &[Sweep {
            dependents: &[(
                "user_email_authentication_codes",
                "user_email_authentication_id",
            )],
            forgotten_by: &[("user_registrations", "email_authentication_id")],
            ..sweep(
                "user_email_authentications",
                "user_email_authentication_id",
                "t.created_at < {week}",
            )
        }],
    ),
    (
        "recovery/password-resets",
        &[sweep(
            "password_resets",
            "id",
            "t.used_at IS NOT NULL OR t.expires_at < {now}",
        )],
    ),
];
