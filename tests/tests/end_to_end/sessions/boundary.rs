//! The cut-off of each job that deletes, to the microsecond: what lies before it goes, what lies on
//! it or behind it stays. A row whose time is NULL has no age and stays.

use super::*;

async fn only_the_older_goes(
    job: &str,
    table: &str,
    retention: i64,
    plant: impl AsyncFnMut(&Auth, &str, Option<i64>),
) {
    crate::auth::only_the_older_goes(both().await, job, table, (retention, 1), plant).await;
}

fn finished(finished_at: Option<i64>) -> Session<'static> {
    Session {
        finished_at,
        ..Session::default()
    }
}

#[tokio::test]
async fn finished_compat_sessions_go_after_thirty_days() {
    let (job, table) = ("finished-compat", "compat_sessions");
    only_the_older_goes(job, table, 30 * DAY, async |auth, name, at| {
        auth.compat_session(name, finished(at)).await;
    })
    .await;
}

#[tokio::test]
async fn finished_oauth2_sessions_go_after_thirty_days() {
    let (job, table) = ("finished-oauth2", "oauth2_sessions");
    only_the_older_goes(job, table, 30 * DAY, async |auth, name, at| {
        auth.oauth2_session(name, finished(at)).await;
    })
    .await;
}

#[tokio::test]
async fn finished_browser_sessions_go_after_thirty_days() {
    let (job, table) = ("finished-browser", "user_sessions");
    only_the_older_goes(job, table, 30 * DAY, async |auth, name, at| {
        auth.browser_session(name, finished(at)).await;
    })
    .await;
}

#[tokio::test]
async fn abandoned_logins_go_after_ten_minutes() {
    only_the_older_goes(
        "pre-login",
        "sessions",
        10 * MINUTE,
        async |auth, name, at| {
            if let Some(created_at) = at {
                let session = Opaque {
                    pre_login: true,
                    created_at,
                    ..Opaque::default()
                };
                auth.opaque_session(name, session).await;
            }
        },
    )
    .await;
}

#[tokio::test]
async fn sessions_go_when_their_absolute_end_has_passed() {
    only_the_older_goes("expired", "sessions", 0, async |auth, name, at| {
        if let Some(absolute_expires_at) = at {
            let session = Opaque {
                absolute_expires_at,
                ..Opaque::default()
            };
            auth.opaque_session(name, session).await;
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_go_a_day_after_their_idle_end() {
    only_the_older_goes("idle", "sessions", DAY, async |auth, name, at| {
        if let Some(idle_expires_at) = at {
            let session = Opaque {
                idle_expires_at,
                ..Opaque::default()
            };
            auth.opaque_session(name, session).await;
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_go_a_day_after_they_were_revoked() {
    only_the_older_goes(
        "revoked",
        "sessions",
        DAY,
        async |auth, name, revoked_at| {
            let session = Opaque {
                revoked_at,
                ..Opaque::default()
            };
            auth.opaque_session(name, session).await;
        },
    )
    .await;
}

#[tokio::test]
async fn signing_keys_go_a_day_after_they_were_retired() {
    let (job, table) = ("signing-keys", "session_signing_keys");
    only_the_older_goes(job, table, DAY, async |auth, name, retired_at| {
        auth.signing_key(name, "one", retired_at).await;
    })
    .await;
}

#[tokio::test]
async fn the_operators_retention_moves_the_cut_off() {
    for mut auth in both().await {
        for (name, age) in [
            ("a week", 7 * DAY),
            ("a week and more", 7 * DAY + 1),
            ("a month", 30 * DAY),
        ] {
            auth.oauth2_session(name, finished(Some(NOW - age))).await;
        }

        let done = auth.run("finished-oauth2", &[("retention", "7d")]).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["a week"]);
        assert_eq!(done.affected, 2);
    }
}
