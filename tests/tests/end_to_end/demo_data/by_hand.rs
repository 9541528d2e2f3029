//! The jobs as somebody would write them by hand, one statement each, for a database that nobody
//! else uses: what a demo must come to.

use sqlx::SqliteConnection;

use super::{NOW, with_times};

/// What one job did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub affected: u64,
    pub dependents: u64,
    pub cascaded: u64,
    pub blocked: u64,
}

/// A table, and its column that refers to the swept row.
type Child = (&'static str, &'static str);

struct Sweep {
    table: &'static str,
    key: &'static str,
    /// On the alias `t`.
    eligible: &'static str,
    /// Rows that keep the one that they refer to.
    held_by: &'static [Child],
    /// Rows that go with the one that they refer to; children of children come first.
    dependents: &'static [Child],
    /// Rows that forget the one that they refer to.
    forgotten_by: &'static [Child],
}

const fn sweep(table: &'static str, key: &'static str, eligible: &'static str) -> Sweep {
    Sweep {
        table,
        key,
        eligible,
        held_by: &[],
        dependents: &[],
        forgotten_by: &[],
    }
}

const POINTS_AT_ACCESS: &[Child] = &[("oauth2_refresh_tokens", "oauth2_access_token_id")];

/// Every job of the bundled plugins that is not opt-in, under the demo's settings.
const JOBS: &[(&str, &[Sweep])] = &[
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
            held_by: &[
                ("oauth2_authorization_grants", "oauth2_session_id"),
                ("oauth2_device_code_grant", "oauth2_session_id"),
            ],
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
            forgotten_by: &[("upstream_oauth_authorization_sessions", "user_session_id")],
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
];

/// The names of all jobs.
pub fn jobs() -> impl Iterator<Item = &'static str> {
    JOBS.iter().map(|(name, _)| *name)
}

/// Whether a job's rows refer to one another, so that what of them is `cascaded` and what goes by
/// itself hangs on which batch comes first.
pub fn refers_to_itself(job: &str) -> bool {
    ["tokens/revoked-refresh", "tokens/consumed-refresh"].contains(&job)
}

/// Does the job's work.
pub async fn run(connection: &mut SqliteConnection, job: &str) -> sqlx::Result<Done> {
    let (_, sweeps) = JOBS
        .iter()
        .find(|(name, _)| *name == job)
        .unwrap_or_else(|| panic!("no job {job} is written by hand"));
    let mut done = Done::default();
    for sweep in *sweeps {
        let Sweep { table, key, .. } = sweep;
        let eligible = with_times(sweep.eligible, |ago| format!("{}", NOW - ago));
        execute(
            connection,
            &format!(
                "CREATE TEMP TABLE going AS SELECT t.{key} AS k FROM {table} AS t WHERE {eligible}"
            ),
        )
        .await?;
        let held: Vec<String> = sweep
            .held_by
            .iter()
            .map(|(child, column)| format!("k IN (SELECT {column} FROM {child})"))
            .collect();
        if !held.is_empty() {
            let held = held.join(" OR ");
            done.blocked +=
                execute(connection, &format!("DELETE FROM temp.going WHERE {held}")).await?;
        }
        for (child, column) in sweep.dependents {
            let taken = format!("DELETE FROM {child} WHERE {column} IN (SELECT k FROM going)");
            done.dependents += execute(connection, &taken).await?;
        }
        for (child, column) in sweep.forgotten_by {
            let forgets = format!(
                "UPDATE {child} SET {column} = NULL WHERE {column} IN (SELECT k FROM going)"
            );
            done.cascaded += execute(connection, &forgets).await?;
        }
        let gone = format!("DELETE FROM {table} WHERE {key} IN (SELECT k FROM going)");
        done.affected += execute(connection, &gone).await?;
        execute(connection, "DROP TABLE temp.going").await?;
    }
    Ok(done)
}

async fn execute(connection: &mut SqliteConnection, sql: &str) -> sqlx::Result<u64> {
    let statement = sqlx::AssertSqlSafe(sql.to_owned());
    let done = sqlx::raw_sql(statement).execute(connection).await?;
    Ok(done.rows_affected())
}
