//! The jobs as somebody would write them in plain SQL, for a database that nobody else uses: what each must
//! come to. What ON DELETE rules do is left to the database.

use sqlx::PgConnection;

use super::fill::run;

/// A table, and its column that refers to the row that goes.
type Child = (&'static str, &'static str);

#[derive(Clone, Copy)]
struct Delete {
    table: &'static str,
    key: &'static str,
    /// On the alias `t`.
    eligible: &'static str,
    /// Deleted ahead of the row.
    dependents: &'static [Child],
    /// They keep the row that they refer to, by a key with NO ACTION.
    held_by: &'static [Child],
    /// The column by which a row of the table keeps another one of it, by a key with NO ACTION.
    chain: Option<&'static str>,
}

const fn delete(table: &'static str, key: &'static str, eligible: &'static str) -> Delete {
    Delete {
        table,
        key,
        eligible,
        dependents: &[],
        held_by: &[],
        chain: None,
    }
}

impl Delete {
    fn statements(&self) -> String {
        let Self {
            table,
            key,
            eligible,
            ..
        } = self;
        let held: String = self
            .held_by
            .iter()
            .map(|(child, column)| {
                format!(" AND NOT EXISTS (SELECT FROM {child} AS h WHERE h.{column} = t.{key})")
            })
            .collect();
        let going = format!("({eligible}){held}");
        let kept = match self.chain {
            None => String::new(),
            Some(next) => format!(
                "WITH RECURSIVE kept AS (
                     SELECT t.{key} AS id, t.{next} AS next FROM {table} AS t WHERE ({going}) IS NOT TRUE
                     UNION SELECT t.{key}, t.{next} FROM {table} AS t JOIN kept AS k ON t.{key} = k.next)
                 DELETE FROM going WHERE id IN (SELECT id FROM kept);"
            ),
        };
        let dependents: String = self
            .dependents
            .iter()
            .map(|(child, column)| {
                format!("DELETE FROM {child} WHERE {column} IN (SELECT id FROM going);\n")
            })
            .collect();
        format!(
            "CREATE TEMP TABLE going AS SELECT t.{key} AS id FROM {table} AS t WHERE {going};
             {kept}
             {dependents}
             DELETE FROM {table} WHERE {key} IN (SELECT id FROM going);
             DROP TABLE going;"
        )
    }
}

enum Work {
    Delete(Delete),
    Update(&'static str),
}

/// The jobs of the profile `mas`, in the order in which they run. `old`: April 2025.
fn mas(old: bool) -> Vec<Work> {
    let kept_by_next = |next| if old { Some(next) } else { None };
    let mut work = vec![
        Work::Delete(delete(
            "oauth2_access_tokens",
            "oauth2_access_token_id",
            "t.revoked_at < now() - interval '1 hour'",
        )),
        Work::Delete(delete(
            "oauth2_access_tokens",
            "oauth2_access_token_id",
            "t.expires_at < now() - interval '30 days' AND NOT EXISTS (
                 SELECT FROM oauth2_refresh_tokens AS r
                 WHERE r.oauth2_access_token_id = t.oauth2_access_token_id
                   AND r.consumed_at IS NULL AND r.revoked_at IS NULL)",
        )),
        Work::Delete(Delete {
            chain: kept_by_next("next_oauth2_refresh_token_id"),
            ..delete(
                "oauth2_refresh_tokens",
                "oauth2_refresh_token_id",
                "t.revoked_at < now() - interval '1 hour'",
            )
        }),
        Work::Delete(Delete {
            chain: kept_by_next("next_oauth2_refresh_token_id"),
            ..delete(
                "oauth2_refresh_tokens",
                "oauth2_refresh_token_id",
                "t.consumed_at < now() - interval '1 hour' AND (
                     t.next_oauth2_refresh_token_id IS NULL OR EXISTS (
                         SELECT FROM oauth2_refresh_tokens AS n
                         WHERE n.oauth2_refresh_token_id = t.next_oauth2_refresh_token_id
                           AND n.consumed_at IS NOT NULL))",
            )
        }),
        Work::Delete(delete(
            "oauth2_authorization_grants",
            "oauth2_authorization_grant_id",
            "t.created_at < now() - interval '7 days'",
        )),
        Work::Delete(delete(
            "oauth2_device_code_grant",
            "oauth2_device_code_grant_id",
            "t.created_at < now() - interval '7 days'",
        )),
        Work::Delete(delete(
            "compat_refresh_tokens",
            "compat_refresh_token_id",
            "t.consumed_at < now() - interval '30 days' AND t.compat_session_id IN (
                 SELECT compat_session_id FROM compat_sessions WHERE finished_at IS NULL)",
        )),
        Work::Delete(Delete {
            held_by: &[("compat_refresh_tokens", "compat_access_token_id")],
            ..delete(
                "compat_access_tokens",
                "compat_access_token_id",
                "t.expires_at < now() - interval '30 days' AND t.compat_session_id IN (
                     SELECT compat_session_id FROM compat_sessions WHERE finished_at IS NULL)",
            )
        }),
        Work::Delete(Delete {
            dependents: &[
                ("compat_refresh_tokens", "compat_session_id"),
                ("compat_access_tokens", "compat_session_id"),
                ("compat_sso_logins", "compat_session_id"),
            ],
            ..delete(
                "compat_sessions",
                "compat_session_id",
                "t.finished_at < now() - interval '30 days'",
            )
        }),
        Work::Delete(Delete {
            dependents: &[
                ("oauth2_refresh_tokens", "oauth2_session_id"),
                ("oauth2_access_tokens", "oauth2_session_id"),
            ],
            held_by: &[("oauth2_authorization_grants", "oauth2_session_id")],
            ..delete(
                "oauth2_sessions",
                "oauth2_session_id",
                "t.finished_at < now() - interval '30 days'",
            )
        }),
        Work::Delete(Delete {
            dependents: &[("user_session_authentications", "user_session_id")],
            held_by: &[
                ("oauth2_sessions", "user_session_id"),
                ("compat_sessions", "user_session_id"),
                ("oauth2_device_code_grant", "user_session_id"),
            ],
            ..delete(
                "user_sessions",
                "user_session_id",
                "t.finished_at < now() - interval '30 days'",
            )
        }),
        Work::Update(
            "UPDATE oauth2_sessions SET last_active_ip = NULL
             WHERE last_active_at < now() - interval '30 days'",
        ),
        Work::Update(
            "UPDATE compat_sessions SET last_active_ip = NULL
             WHERE last_active_at < now() - interval '30 days'",
        ),
        Work::Update(
            "UPDATE user_sessions SET last_active_ip = NULL
             WHERE last_active_at < now() - interval '30 days'",
        ),
        Work::Delete(Delete {
            chain: kept_by_next("next_attempt_id"),
            held_by: match old {
                true => &[("queue_schedules", "last_scheduled_job_id")],
                false => &[],
            },
            ..delete(
                "queue_jobs",
                "queue_job_id",
                "(t.status = 'completed' AND t.completed_at < now() - interval '30 days')
                 OR (t.status = 'failed' AND t.failed_at < now() - interval '30 days')",
            )
        }),
        Work::Delete(Delete {
            held_by: &[
                ("queue_jobs", "started_by"),
                ("queue_leader", "queue_worker_id"),
            ],
            ..delete(
                "queue_workers",
                "queue_worker_id",
                "t.shutdown_at < now() - interval '30 days'
                 OR t.last_seen_at < now() - interval '30 days'",
            )
        }),
        Work::Delete(delete(
            "user_recovery_sessions",
            "user_recovery_session_id",
            "t.created_at < now() - interval '7 days'",
        )),
        Work::Delete(delete(
            "user_registrations",
            "user_registration_id",
            "t.created_at < now() - interval '30 days'",
        )),
        Work::Delete(delete(
            "user_email_authentications",
            "user_email_authentication_id",
            "t.created_at < now() - interval '7 days'",
        )),
    ];
    if !old {
        work.extend([
            Work::Update(
                "UPDATE personal_sessions SET last_active_ip = NULL
                 WHERE last_active_at < now() - interval '30 days'",
            ),
            Work::Delete(delete(
                "upstream_oauth_authorization_sessions",
                "upstream_oauth_authorization_session_id",
                "t.user_session_id IS NULL AND t.created_at < now() - interval '30 days' AND NOT EXISTS (
                     SELECT FROM user_session_authentications AS a
                     WHERE a.upstream_oauth_authorization_session_id =
                           t.upstream_oauth_authorization_session_id)",
            )),
            Work::Delete(Delete {
                dependents: &[(
                    "upstream_oauth_authorization_sessions",
                    "upstream_oauth_link_id",
                )],
                ..delete(
                    "upstream_oauth_links",
                    "upstream_oauth_link_id",
                    "t.user_id IS NULL AND t.created_at < now() - interval '7 days' AND NOT EXISTS (
                         SELECT FROM upstream_oauth_authorization_sessions AS s
                         LEFT JOIN user_session_authentications AS a
                             USING (upstream_oauth_authorization_session_id)
                         WHERE s.upstream_oauth_link_id = t.upstream_oauth_link_id
                           AND (s.user_session_id IS NOT NULL OR a.user_session_id IS NOT NULL))",
                )
            }),
        ]);
    }
    work
}

/// The jobs of the profile `server-sessions`, in the order in which they run.
fn server_sessions() -> Vec<Work> {
    vec![
        Work::Delete(delete(
            "sessions",
            "id",
            "t.is_pre_login AND t.created_at < now() - interval '10 minutes'",
        )),
        Work::Delete(delete("sessions", "id", "t.absolute_expires_at < now()")),
        Work::Delete(delete(
            "sessions",
            "id",
            "t.idle_expires_at < now() - interval '24 hours'",
        )),
        Work::Delete(delete(
            "sessions",
            "id",
            "t.revoked_at < now() - interval '24 hours'",
        )),
        Work::Delete(Delete {
            held_by: &[("sessions", "signing_key_id")],
            ..delete(
                "session_signing_keys",
                "id",
                "t.retired_at < now() - interval '24 hours'",
            )
        }),
        Work::Update(
            "UPDATE sessions SET ip_address = ''
             WHERE last_seen_at < now() - interval '30 days'",
        ),
    ]
}

/// Does the work of every job of a product's profile.
pub async fn clean(connection: &mut PgConnection, product: &str) {
    let work = match product {
        "mas" => mas(false),
        "mas-2025-04" => mas(true),
        _ => server_sessions(),
    };
    for one in work {
        match one {
            Work::Delete(delete) => run(connection, &delete.statements()).await,
            Work::Update(update) => run(connection, update).await,
        }
    }
}
