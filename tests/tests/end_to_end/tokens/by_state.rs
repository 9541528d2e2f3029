//! A job takes the tokens that are in its own state, and leaves those in every other to theirs.

use super::*;

const OLD: Option<i64> = Some(NOW - 60 * DAY);
const AHEAD: Option<i64> = Some(NOW + DAY);

#[tokio::test]
async fn each_access_token_job_takes_its_own_state_and_no_other() {
    for (job, left) in [
        ("revoked-access", ["endless", "expired", "live"]),
        ("expired-access", ["endless", "live", "revoked"]),
    ] {
        for mut auth in both().await {
            auth.access_token("live", AHEAD, None).await;
            auth.access_token("endless", None, None).await;
            auth.access_token("expired", OLD, None).await;
            auth.access_token("revoked", AHEAD, OLD).await;

            assert_eq!(auth.run(job, &[]).await.affected, 1, "{job}");

            assert_eq!(auth.names("oauth2_access_tokens").await, left, "{job}");
        }
    }
}

#[tokio::test]
async fn each_refresh_token_job_takes_its_own_state_and_no_other() {
    for (job, left) in [
        ("revoked-refresh", ["consumed", "live"]),
        ("consumed-refresh", ["live", "revoked"]),
    ] {
        for mut auth in both().await {
            for (name, consumed_at, revoked_at) in [
                ("live", None, None),
                ("consumed", OLD, None),
                ("revoked", None, OLD),
            ] {
                let token = Refresh {
                    consumed_at,
                    revoked_at,
                    ..Refresh::default()
                };
                auth.refresh_token(name, token).await;
            }

            assert_eq!(auth.run(job, &[]).await.affected, 1, "{job}");

            assert_eq!(auth.names("oauth2_refresh_tokens").await, left, "{job}");
        }
    }
}
