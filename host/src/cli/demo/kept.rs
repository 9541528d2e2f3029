//! Rows of the demo that no job may touch: counted before and after, and compared.
//!
//! The same moment is bound both times, the one that the data was made for. The data leaves nine
//! minutes or more around every retention, so a demo that takes a few minutes changes no count.

use sqlx::{PgConnection, SqliteConnection};

/// One group of rows that must survive, under the default retentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The plugin that could take them; none: any.
    pub plugin: Option<&'static str>,
    /// Which rows, for the demo's report.
    pub what: &'static str,
    /// Counts them on PostgreSQL; `$1` is the moment, in microseconds since the Unix epoch.
    pub sql_postgres: &'static str,
    /// Counts them on SQLite; `?1` is the moment, in microseconds since the Unix epoch.
    pub sql_sqlite: &'static str,
}

/// The condition is the same text for both databases; only `moment`, the times that it compares
/// with, is computed in each one's way.
macro_rules! kept {
    ($plugin:expr, $what:literal, $from:literal) => {
        Kept {
            plugin: $plugin,
            what: $what,
            sql_postgres: concat!(
                "WITH moment AS (SELECT t AS now, t - interval '10 minutes' AS minutes_ago, \
                     t - interval '1 hour' AS hour_ago, t - interval '24 hours' AS day_ago, \
                     t - interval '168 hours' AS week_ago, t - interval '720 hours' AS month_ago, \
                     t - interval '1440 hours' AS two_months_ago \
                 FROM (SELECT 'epoch'::timestamptz + $1::bigint * interval '1 microsecond' AS t) \
                     AS bound) \
                 SELECT count(*) FROM moment, ",
                $from
            ),
            sql_sqlite: concat!(
                "WITH moment AS (SELECT ?1 AS now, ?1 - 600000000 AS minutes_ago, \
                     ?1 - 3600000000 AS hour_ago, ?1 - 86400000000 AS day_ago, \
                     ?1 - 604800000000 AS week_ago, ?1 - 2592000000000 AS month_ago, \
                     ?1 - 5184000000000 AS two_months_ago) \
                 SELECT count(*) FROM moment, ",
                $from
            ),
        }
    };
}

/// Every group; each holds rows from 2000 demo rows on.
pub const KEPT: [Kept; 50] = [
    kept!(
        Some("tokens"),
        "access tokens that are still good",
        "oauth2_access_tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now)"
    ),
    kept!(
        Some("tokens"),
        "access tokens that expired less than 30 days ago",
        "oauth2_access_tokens WHERE revoked_at IS NULL AND expires_at BETWEEN month_ago AND now"
    ),
    kept!(
        Some("tokens"),
        "older expired access tokens that a live refresh token needs",
        "oauth2_access_tokens AS access JOIN oauth2_sessions AS session USING (oauth2_session_id) \
         WHERE access.revoked_at IS NULL AND access.expires_at < month_ago \
         AND (session.finished_at IS NULL OR session.finished_at > month_ago) \
         AND EXISTS (SELECT 1 FROM oauth2_refresh_tokens AS refresh \
                     WHERE refresh.oauth2_access_token_id = access.oauth2_access_token_id \
                       AND refresh.consumed_at IS NULL AND refresh.revoked_at IS NULL)"
    ),
    kept!(
        Some("tokens"),
        "access tokens revoked less than an hour ago",
        "oauth2_access_tokens WHERE revoked_at > hour_ago"
    ),
    kept!(
        Some("tokens"),
        "live refresh tokens",
        "oauth2_refresh_tokens AS refresh JOIN oauth2_sessions AS session USING (oauth2_session_id) \
         WHERE refresh.consumed_at IS NULL AND refresh.revoked_at IS NULL \
         AND (session.finished_at IS NULL OR session.finished_at > month_ago)"
    ),
    kept!(
        Some("tokens"),
        "refresh tokens consumed or revoked less than an hour ago",
        "oauth2_refresh_tokens WHERE consumed_at > hour_ago OR revoked_at > hour_ago"
    ),
    kept!(
        Some("tokens"),
        "refresh tokens consumed before that, with a successor not used yet",
        "oauth2_refresh_tokens AS refresh JOIN oauth2_sessions AS session USING (oauth2_session_id) \
         WHERE refresh.consumed_at < hour_ago \
         AND (session.finished_at IS NULL OR session.finished_at > month_ago) \
         AND EXISTS (SELECT 1 FROM oauth2_refresh_tokens AS successor \
                     WHERE successor.oauth2_refresh_token_id = refresh.next_oauth2_refresh_token_id \
                       AND successor.consumed_at IS NULL AND successor.revoked_at IS NULL)"
    ),
    kept!(
        Some("tokens"),
        "authorization grants of the last 7 days",
        "oauth2_authorization_grants WHERE created_at > week_ago"
    ),
    kept!(
        Some("tokens"),
        "device codes of the last 7 days, of no session that ended long ago",
        "oauth2_device_code_grant AS code WHERE created_at > week_ago \
         AND NOT EXISTS (SELECT 1 FROM oauth2_sessions AS session \
                         WHERE session.oauth2_session_id = code.oauth2_session_id \
                           AND session.finished_at < month_ago)"
    ),
    kept!(
        Some("tokens"),
        "compatibility access tokens that are good, or were less than 30 days ago",
        "compat_access_tokens JOIN compat_sessions USING (compat_session_id) \
         WHERE (finished_at IS NULL OR finished_at > month_ago) \
           AND (expires_at IS NULL OR expires_at > month_ago)"
    ),
    kept!(
        Some("tokens"),
        "older compatibility access tokens that a live refresh token refers to",
        "compat_refresh_tokens AS refresh \
         JOIN compat_access_tokens AS access USING (compat_access_token_id) \
         JOIN compat_sessions AS session ON session.compat_session_id = access.compat_session_id \
         WHERE refresh.consumed_at IS NULL AND access.expires_at < month_ago \
           AND (session.finished_at IS NULL OR session.finished_at > month_ago)"
    ),
    kept!(
        Some("tokens"),
        "compatibility refresh tokens that are live, or were less than 30 days ago",
        "compat_refresh_tokens JOIN compat_sessions USING (compat_session_id) \
         WHERE (finished_at IS NULL OR finished_at > month_ago) \
           AND (consumed_at IS NULL OR consumed_at > month_ago)"
    ),
    kept!(
        Some("tokens"),
        "family refresh tokens that are live",
        "refresh_tokens WHERE NOT revoked AND expires_at > now"
    ),
    kept!(
        Some("tokens"),
        "revoked refresh tokens of families with a live one",
        "refresh_tokens AS token WHERE revoked AND expires_at > now \
         AND EXISTS (SELECT 1 FROM refresh_tokens AS live WHERE live.family_id = token.family_id \
                       AND NOT live.revoked AND live.expires_at > now)"
    ),
    kept!(
        Some("sessions"),
        "compatibility sessions in use, or ended less than 30 days ago",
        "compat_sessions WHERE finished_at IS NULL OR finished_at > month_ago"
    ),
    kept!(
        Some("sessions"),
        "the SSO logins of those",
        "compat_sso_logins JOIN compat_sessions USING (compat_session_id) \
         WHERE finished_at IS NULL OR finished_at > month_ago"
    ),
    kept!(
        Some("sessions"),
        "SSO logins that led to none, of browser sessions open or ended less than 30 days ago",
        "compat_sso_logins AS login JOIN user_sessions AS browser USING (user_session_id) \
         WHERE login.compat_session_id IS NULL \
           AND (browser.finished_at IS NULL OR browser.finished_at > month_ago)"
    ),
    kept!(
        Some("sessions"),
        "OAuth 2.0 sessions in use, or ended less than 30 days ago",
        "oauth2_sessions WHERE finished_at IS NULL OR finished_at > month_ago"
    ),
    kept!(
        Some("sessions"),
        "OAuth 2.0 sessions ended before that, held by a grant of the last 7 days",
        "oauth2_sessions AS session WHERE finished_at < month_ago \
         AND EXISTS (SELECT 1 FROM oauth2_authorization_grants AS held \
                     WHERE held.oauth2_session_id = session.oauth2_session_id \
                       AND held.created_at > week_ago)"
    ),
    kept!(
        Some("sessions"),
        "browser sessions open, or ended less than 30 days ago",
        "user_sessions WHERE finished_at IS NULL OR finished_at > month_ago"
    ),
    kept!(
        Some("sessions"),
        "browser sessions ended before that, whose OAuth 2.0 or compatibility sessions stay",
        "user_sessions AS browser WHERE finished_at < month_ago \
         AND (EXISTS (SELECT 1 FROM oauth2_sessions AS session \
                      WHERE session.user_session_id = browser.user_session_id \
                        AND (session.finished_at IS NULL OR session.finished_at > month_ago)) \
           OR EXISTS (SELECT 1 FROM compat_sessions AS session \
                      WHERE session.user_session_id = browser.user_session_id \
                        AND (session.finished_at IS NULL OR session.finished_at > month_ago)))"
    ),
    kept!(
        Some("sessions"),
        "browser sessions ended before that, held by nothing but a device code of the last 7 days",
        "user_sessions AS browser WHERE finished_at < month_ago \
         AND EXISTS (SELECT 1 FROM oauth2_device_code_grant AS held \
                     WHERE held.user_session_id = browser.user_session_id \
                       AND held.oauth2_session_id IS NULL AND held.created_at > week_ago) \
         AND NOT EXISTS (SELECT 1 FROM oauth2_sessions AS session \
                         WHERE session.user_session_id = browser.user_session_id \
                           AND (session.finished_at IS NULL OR session.finished_at > month_ago \
                             OR EXISTS (SELECT 1 FROM oauth2_authorization_grants AS held \
                                        WHERE held.oauth2_session_id = session.oauth2_session_id \
                                          AND held.created_at > week_ago))) \
         AND NOT EXISTS (SELECT 1 FROM compat_sessions AS session \
                         WHERE session.user_session_id = browser.user_session_id \
                           AND (session.finished_at IS NULL OR session.finished_at > month_ago))"
    ),
    kept!(
        Some("sessions"),
        "sessions of tenants in use",
        "sessions WHERE revoked_at IS NULL AND idle_expires_at > now AND absolute_expires_at > now \
         AND NOT is_pre_login"
    ),
    kept!(
        Some("sessions"),
        "sessions of tenants idle or revoked for less than 24 hours",
        "sessions WHERE absolute_expires_at > now AND NOT is_pre_login \
         AND (idle_expires_at BETWEEN day_ago AND now OR revoked_at > day_ago)"
    ),
    kept!(
        Some("sessions"),
        "sessions before the login, of the last 10 minutes",
        "sessions WHERE is_pre_login AND created_at > minutes_ago"
    ),
    kept!(
        Some("sessions"),
        "signing keys that are active, and the next ones",
        "session_signing_keys WHERE retired_at IS NULL"
    ),
    kept!(
        Some("sessions"),
        "signing keys retired less than 24 hours ago",
        "session_signing_keys WHERE retired_at > day_ago"
    ),
    kept!(
        Some("sessions"),
        "signing keys retired before that, with a session in use",
        "session_signing_keys AS signing WHERE retired_at < day_ago \
         AND EXISTS (SELECT 1 FROM sessions AS session WHERE session.signing_key_id = signing.id \
                       AND session.revoked_at IS NULL AND session.idle_expires_at > now \
                       AND session.absolute_expires_at > now AND NOT session.is_pre_login)"
    ),
    kept!(
        Some("sessions"),
        "open sessions that were used less than 60 days ago",
        "(SELECT last_active_at FROM user_sessions WHERE finished_at IS NULL \
          UNION ALL SELECT last_active_at FROM oauth2_sessions WHERE finished_at IS NULL \
          UNION ALL SELECT last_active_at FROM compat_sessions WHERE finished_at IS NULL) AS open \
         WHERE last_active_at > two_months_ago"
    ),
    kept!(
        Some("sessions"),
        "open sessions of static clients that were not used for longer",
        "oauth2_sessions JOIN oauth2_clients USING (oauth2_client_id) \
         WHERE is_static AND finished_at IS NULL AND last_active_at < two_months_ago"
    ),
    kept!(
        Some("ips"),
        "addresses of sessions that were used less than 30 days ago",
        "(SELECT last_active_at FROM user_sessions WHERE last_active_ip IS NOT NULL \
          UNION ALL SELECT last_active_at FROM oauth2_sessions WHERE last_active_ip IS NOT NULL \
          UNION ALL SELECT last_active_at FROM compat_sessions WHERE last_active_ip IS NOT NULL \
          UNION ALL SELECT last_active_at FROM personal_sessions WHERE last_active_ip IS NOT NULL) \
             AS known \
         WHERE last_active_at > month_ago"
    ),
    kept!(
        Some("ips"),
        "addresses of sessions of tenants in use that were used less than 30 days ago",
        "sessions WHERE ip_address <> '' AND last_seen_at > month_ago AND revoked_at IS NULL \
         AND idle_expires_at > now AND absolute_expires_at > now AND NOT is_pre_login"
    ),
    kept!(
        Some("ips"),
        "personal sessions, with and without an address",
        "personal_sessions"
    ),
    kept!(
        Some("queue"),
        "jobs that completed or failed less than 30 days ago",
        "queue_jobs WHERE completed_at > month_ago OR failed_at > month_ago"
    ),
    kept!(
        Some("queue"),
        "of those, jobs that were made more than 30 days ago",
        "queue_jobs WHERE created_at < month_ago AND completed_at > month_ago"
    ),
    kept!(
        Some("queue"),
        "jobs that wait, run or are lost",
        "queue_jobs WHERE status NOT IN ('completed', 'failed')"
    ),
    kept!(
        Some("queue"),
        "workers seen less than 30 days ago",
        "queue_workers WHERE last_seen_at > month_ago"
    ),
    kept!(
        Some("queue"),
        "workers unseen for longer that a lost job still names",
        "queue_workers AS worker WHERE last_seen_at < month_ago \
         AND EXISTS (SELECT 1 FROM queue_jobs AS job \
                     WHERE job.started_by = worker.queue_worker_id AND job.status = 'lost')"
    ),
    kept!(
        Some("queue"),
        "the worker that leads, unseen for longer with no job left",
        "queue_workers AS worker JOIN queue_leader USING (queue_worker_id) \
         WHERE last_seen_at < month_ago \
         AND NOT EXISTS (SELECT 1 FROM queue_jobs AS job \
                         WHERE job.started_by = worker.queue_worker_id)"
    ),
    kept!(Some("queue"), "schedules", "queue_schedules"),
    kept!(
        Some("queue"),
        "of those, the ones whose last job waits",
        "queue_schedules AS schedule \
         JOIN queue_jobs AS job ON job.queue_job_id = schedule.last_scheduled_job_id \
         WHERE job.status = 'scheduled'"
    ),
    kept!(
        Some("upstream-oauth"),
        "upstream logins behind browser sessions open, or ended less than 30 days ago",
        "upstream_oauth_authorization_sessions JOIN user_session_authentications \
             USING (upstream_oauth_authorization_session_id) \
         JOIN user_sessions AS browser \
             ON browser.user_session_id = user_session_authentications.user_session_id \
         WHERE browser.finished_at IS NULL OR browser.finished_at > month_ago"
    ),
    kept!(
        Some("upstream-oauth"),
        "upstream logins of the last 30 days that were never completed",
        "upstream_oauth_authorization_sessions WHERE completed_at IS NULL AND created_at > month_ago"
    ),
    kept!(
        Some("upstream-oauth"),
        "upstream accounts of users",
        "upstream_oauth_links WHERE user_id IS NOT NULL"
    ),
    kept!(
        Some("upstream-oauth"),
        "upstream accounts without a user of the last 7 days, and their logins",
        "(SELECT created_at FROM upstream_oauth_links WHERE user_id IS NULL \
          UNION ALL SELECT login.created_at FROM upstream_oauth_authorization_sessions AS login \
          JOIN upstream_oauth_links AS link USING (upstream_oauth_link_id) \
          WHERE link.user_id IS NULL) AS orphaned WHERE created_at > week_ago"
    ),
    kept!(
        Some("recovery"),
        "account recoveries of the last 7 days, and their tickets",
        "(SELECT created_at FROM user_recovery_sessions \
          UNION ALL SELECT created_at FROM user_recovery_tickets) AS recovery \
         WHERE created_at > week_ago"
    ),
    kept!(
        Some("recovery"),
        "registrations of the last 30 days",
        "user_registrations WHERE created_at > month_ago"
    ),
    kept!(
        Some("recovery"),
        "proofs of an address of the last 7 days, and their codes",
        "(SELECT created_at FROM user_email_authentications \
          UNION ALL SELECT created_at FROM user_email_authentication_codes) AS proof \
         WHERE created_at > week_ago"
    ),
    kept!(
        Some("recovery"),
        "password resets neither used nor expired",
        "password_resets WHERE used_at IS NULL AND expires_at > now"
    ),
    kept!(
        None,
        "the users, their addresses and clients, and what they registered with",
        "(SELECT user_id FROM users UNION ALL SELECT oauth2_client_id FROM oauth2_clients \
          UNION ALL SELECT user_email_id FROM user_emails \
          UNION ALL SELECT user_registration_token_id FROM user_registration_tokens) AS accounts"
    ),
];

/// Rows of one group on PostgreSQL.
///
/// # Errors
///
/// What the database says.
pub async fn count_postgres(
    connection: &mut PgConnection,
    group: &Kept,
    now_micros: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(group.sql_postgres)
        .bind(now_micros)
        .fetch_one(connection)
        .await
}

/// Rows of one group on SQLite.
///
/// # Errors
///
/// What the database says.
pub async fn count_sqlite(
    connection: &mut SqliteConnection,
    group: &Kept,
    now_micros: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(group.sql_sqlite)
        .bind(now_micros)
        .fetch_one(connection)
        .await
}
