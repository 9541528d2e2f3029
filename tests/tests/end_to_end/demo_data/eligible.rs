//! Kinds of rows that the demo must have work for.

/// Rows that a job with default settings takes, by job. The moments of [`super::MOMENTS`] are replaced by
/// each database's form.
pub const ELIGIBLE: [(&str, &str); 47] = [
    ("revoked-access", "oauth2_access_tokens WHERE revoked_at < {hour}"),
    (
        "expired-access",
        "oauth2_access_tokens AS a WHERE expires_at < {month} AND NOT EXISTS (SELECT 1
         FROM oauth2_refresh_tokens AS r WHERE r.oauth2_access_token_id = a.oauth2_access_token_id
         AND r.consumed_at IS NULL AND r.revoked_at IS NULL)",
    ),
    ("revoked-refresh", "oauth2_refresh_tokens WHERE revoked_at < {hour}"),
    (
        "consumed-refresh, the next one gone",
        "oauth2_refresh_tokens WHERE consumed_at < {hour} AND next_oauth2_refresh_token_id IS NULL",
    ),
    (
        "consumed-refresh, the next one consumed",
        "oauth2_refresh_tokens AS r JOIN oauth2_refresh_tokens AS n
         ON n.oauth2_refresh_token_id = r.next_oauth2_refresh_token_id
         WHERE r.consumed_at < {hour} AND n.consumed_at IS NOT NULL",
    ),
    ("authorization-grants", "oauth2_authorization_grants WHERE created_at < {week}"),
    ("device-code-grants", "oauth2_device_code_grant WHERE created_at < {week}"),
    (
        "compat-tokens",
        "compat_access_tokens AS a JOIN compat_sessions AS s USING (compat_session_id)
         WHERE s.finished_at IS NULL AND a.expires_at < {month} AND NOT EXISTS (SELECT 1
         FROM compat_refresh_tokens AS r WHERE r.compat_access_token_id = a.compat_access_token_id)",
    ),
    (
        "compat-tokens, refresh",
        "compat_refresh_tokens AS r JOIN compat_sessions AS s USING (compat_session_id)
         WHERE s.finished_at IS NULL AND r.consumed_at < {month}",
    ),
    (
        "refresh-tokens",
        "refresh_tokens AS t WHERE expires_at < {now} OR (revoked AND NOT EXISTS (SELECT 1
         FROM refresh_tokens AS l WHERE l.family_id = t.family_id AND NOT l.revoked
         AND l.expires_at > {now}))",
    ),
    ("finished-compat", "compat_sessions WHERE finished_at < {month}"),
    (
        "finished-oauth2, held by a young grant",
        "oauth2_sessions AS s JOIN oauth2_authorization_grants AS g USING (oauth2_session_id)
         WHERE s.finished_at < {month} AND g.created_at > {week}",
    ),
    (
        "finished-oauth2, with a live refresh token",
        "oauth2_sessions AS s JOIN oauth2_refresh_tokens AS r USING (oauth2_session_id)
         WHERE s.finished_at < {month} AND r.consumed_at IS NULL AND r.revoked_at IS NULL",
    ),
    (
        "finished-browser, with a compatibility session that goes",
        "user_sessions AS u JOIN compat_sessions AS s USING (user_session_id)
         WHERE u.finished_at < {month} AND s.finished_at < {month} AND NOT EXISTS (SELECT 1
         FROM oauth2_sessions AS o WHERE o.user_session_id = u.user_session_id)",
    ),
    (
        "finished-browser, with an upstream login",
        "user_sessions AS u JOIN upstream_oauth_authorization_sessions AS l USING (user_session_id)
         WHERE u.finished_at < {month} AND NOT EXISTS (SELECT 1
         FROM oauth2_sessions AS o WHERE o.user_session_id = u.user_session_id)",
    ),
    (
        "finished-browser, with an SSO login that goes along",
        "user_sessions AS u JOIN compat_sso_logins AS l USING (user_session_id)
         WHERE u.finished_at < {month} AND l.compat_session_id IS NULL AND NOT EXISTS (SELECT 1
         FROM compat_sessions AS s WHERE s.user_session_id = u.user_session_id)",
    ),
    (
        "finished-browser, with a young grant that forgets it",
        "user_sessions AS u JOIN oauth2_authorization_grants AS g USING (user_session_id)
         WHERE u.finished_at < {month} AND g.created_at > {week} AND g.oauth2_session_id IS NULL",
    ),
    (
        "finished-oauth2, with a young device code that goes along",
        "oauth2_sessions AS s JOIN oauth2_device_code_grant AS d USING (oauth2_session_id)
         WHERE s.finished_at < {month} AND d.created_at > {week} AND NOT EXISTS (SELECT 1
         FROM oauth2_authorization_grants AS g WHERE g.oauth2_session_id = s.oauth2_session_id
         AND g.created_at > {week})",
    ),
    ("pre-login", "sessions WHERE is_pre_login AND created_at < {minutes}"),
    ("expired", "sessions WHERE absolute_expires_at < {now}"),
    ("idle", "sessions WHERE idle_expires_at < {day} AND absolute_expires_at > {now}"),
    ("revoked", "sessions WHERE revoked_at < {day}"),
    (
        "signing-keys, of both tenants",
        "session_signing_keys AS k WHERE retired_at < {day} AND NOT EXISTS (SELECT 1
         FROM sessions AS s WHERE s.signing_key_id = k.id AND s.absolute_expires_at > {now}
         AND s.idle_expires_at > {day})",
    ),
    (
        "expire-inactive",
        "oauth2_sessions JOIN oauth2_clients USING (oauth2_client_id) WHERE finished_at IS NULL
         AND last_active_at < {two-months} AND user_id IS NOT NULL AND NOT is_static",
    ),
    (
        "expire-inactive, compatibility",
        "compat_sessions WHERE finished_at IS NULL AND last_active_at < {two-months}",
    ),
    (
        "expire-inactive, browser",
        "user_sessions WHERE finished_at IS NULL AND last_active_at < {two-months}",
    ),
    (
        "inactive-oauth2, open",
        "oauth2_sessions WHERE finished_at IS NULL AND last_active_at < {month}
         AND last_active_at > {two-months} AND last_active_ip IS NOT NULL",
    ),
    (
        "inactive-compat, open",
        "compat_sessions WHERE finished_at IS NULL AND last_active_at < {month}
         AND last_active_at > {two-months} AND last_active_ip IS NOT NULL",
    ),
    (
        "inactive-browser, open",
        "user_sessions WHERE finished_at IS NULL AND last_active_at < {month}
         AND last_active_at > {two-months} AND last_active_ip IS NOT NULL",
    ),
    (
        "inactive-personal",
        "personal_sessions WHERE last_active_at < {month} AND last_active_ip IS NOT NULL",
    ),
    (
        "server-sessions, in use",
        "sessions WHERE last_seen_at < {month} AND ip_address <> '' AND idle_expires_at > {now}
         AND absolute_expires_at > {now} AND revoked_at IS NULL",
    ),
    ("finished, completed", "queue_jobs WHERE completed_at < {month}"),
    (
        "finished, the last job of a schedule",
        "queue_jobs AS j JOIN queue_schedules AS s ON s.last_scheduled_job_id = j.queue_job_id
         WHERE j.completed_at < {month}",
    ),
    (
        "finished, failed three times in a chain",
        "queue_jobs AS a JOIN queue_jobs AS b ON b.queue_job_id = a.next_attempt_id
         JOIN queue_jobs AS c ON c.queue_job_id = b.next_attempt_id WHERE c.completed_at < {month}",
    ),
    (
        "finished, behind a lost attempt that stays",
        "queue_jobs AS a JOIN queue_jobs AS b ON b.queue_job_id = a.next_attempt_id
         WHERE a.status = 'lost' AND b.completed_at < {month}",
    ),
    (
        "workers, shut down or not",
        "queue_workers AS w WHERE last_seen_at < {month} AND NOT EXISTS (SELECT 1
         FROM queue_jobs AS j WHERE j.started_by = w.queue_worker_id AND j.status = 'lost')",
    ),
    (
        "backfill-user-session",
        "upstream_oauth_authorization_sessions AS l JOIN user_session_authentications AS a
         USING (upstream_oauth_authorization_session_id)
         JOIN user_sessions AS u ON u.user_session_id = a.user_session_id
         WHERE l.user_session_id IS NULL AND u.finished_at IS NULL",
    ),
    (
        "authorization-sessions, never completed",
        "upstream_oauth_authorization_sessions WHERE created_at < {month} AND completed_at IS NULL",
    ),
    (
        "authorization-sessions, through which somebody registers still",
        "upstream_oauth_authorization_sessions AS l JOIN user_registrations AS r
         USING (upstream_oauth_authorization_session_id) WHERE l.created_at < {month}
         AND l.completed_at IS NULL AND r.created_at > {month}",
    ),
    (
        "orphaned-links, through which somebody registers still",
        "upstream_oauth_links AS k JOIN upstream_oauth_authorization_sessions AS l
         USING (upstream_oauth_link_id) JOIN user_registrations AS r
         USING (upstream_oauth_authorization_session_id) WHERE k.user_id IS NULL
         AND k.created_at < {week} AND r.created_at > {month}",
    ),
    (
        "orphaned-links, with an old login",
        "upstream_oauth_links AS l JOIN upstream_oauth_authorization_sessions AS s
         USING (upstream_oauth_link_id) WHERE l.user_id IS NULL AND s.created_at < {month}",
    ),
    (
        "orphaned-links, with a young login",
        "upstream_oauth_links AS l JOIN upstream_oauth_authorization_sessions AS s
         USING (upstream_oauth_link_id)
         WHERE l.user_id IS NULL AND l.created_at < {week} AND s.created_at > {month}",
    ),
    (
        "recovery-sessions, with their tickets",
        "user_recovery_sessions JOIN user_recovery_tickets AS t USING (user_recovery_session_id)
         WHERE t.created_at < {week}",
    ),
    (
        "registrations, completed and not",
        "user_registrations WHERE created_at < {month}",
    ),
    (
        "registrations, with the proof of their address and its code",
        "user_registrations AS r JOIN user_email_authentications AS e USING (user_registration_id)
         JOIN user_email_authentication_codes AS c USING (user_email_authentication_id)
         WHERE r.created_at < {month}",
    ),
    (
        "email-authentications of registrations that stay, with their codes",
        "user_email_authentications AS e JOIN user_email_authentication_codes AS c
         USING (user_email_authentication_id)
         JOIN user_registrations AS r USING (user_registration_id)
         WHERE e.created_at < {week} AND r.created_at > {month}
         AND r.email_authentication_id = e.user_email_authentication_id",
    ),
    (
        "password-resets, used or expired",
        "password_resets WHERE expires_at < {now} OR used_at IS NOT NULL",
    ),
];
