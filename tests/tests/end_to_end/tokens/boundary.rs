//! The cut-off of each job, to the microsecond: what lies before it goes, what lies on it or
//! behind it stays. For keys that hold a time: to the millisecond.

use super::*;

/// The same on both databases, with the rows that tokens hang on.
async fn only_the_older_goes(
    job: &str,
    table: &str,
    retention: i64,
    step: i64,
    plant: impl AsyncFnMut(&Auth, &str, Option<i64>),
) {
    crate::auth::only_the_older_goes(both().await, job, table, (retention, step), plant).await;
}

#[tokio::test]
async fn revoked_access_goes_after_an_hour() {
    let table = "oauth2_access_tokens";
    only_the_older_goes("revoked-access", table, HOUR, 1, async |auth, name, at| {
        auth.access_token(name, None, at).await;
    })
    .await;
}

#[tokio::test]
async fn expired_access_goes_after_thirty_days() {
    let table = "oauth2_access_tokens";
    only_the_older_goes(
        "expired-access",
        table,
        30 * DAY,
        1,
        async |auth, name, at| {
            auth.access_token(name, at, None).await;
        },
    )
    .await;
}

#[tokio::test]
async fn revoked_refresh_goes_after_an_hour() {
    let table = "oauth2_refresh_tokens";
    only_the_older_goes("revoked-refresh", table, HOUR, 1, async |auth, name, at| {
        let token = Refresh {
            revoked_at: at,
            ..Refresh::default()
        };
        auth.refresh_token(name, token).await;
    })
    .await;
}

#[tokio::test]
async fn consumed_refresh_goes_after_an_hour() {
    let table = "oauth2_refresh_tokens";
    only_the_older_goes(
        "consumed-refresh",
        table,
        HOUR,
        1,
        async |auth, name, at| {
            let token = Refresh {
                consumed_at: at,
                ..Refresh::default()
            };
            auth.refresh_token(name, token).await;
        },
    )
    .await;
}

/// The row's own column says otherwise, and does not count.
const LONG_AGO: i64 = NOW - 300 * DAY;

/// The sharpest keys there are: all ones in the last millisecond before the cut-off, all zeros in
/// the cut-off's own.
fn sharpest(auth: &Auth, name: &str, at: Option<i64>) -> Option<String> {
    let rest = if name == "older" { [0xff; 10] } else { [0; 10] };
    at.map(|at| auth.ulid(at.div_euclid(1000), rest))
}

#[tokio::test]
async fn authorization_grants_go_after_seven_days_by_their_ulid() {
    let table = "oauth2_authorization_grants";
    only_the_older_goes(
        "authorization-grants",
        table,
        7 * DAY,
        1000,
        async |auth, name, at| {
            if let Some(key) = sharpest(auth, name, at) {
                auth.authorization_grant(name, &key, LONG_AGO).await;
            }
        },
    )
    .await;
}

#[tokio::test]
async fn device_codes_go_after_seven_days_by_their_ulid() {
    let table = "oauth2_device_code_grant";
    only_the_older_goes(
        "device-code-grants",
        table,
        7 * DAY,
        1000,
        async |auth, name, at| {
            if let Some(key) = sharpest(auth, name, at) {
                auth.device_code(name, &key, LONG_AGO).await;
            }
        },
    )
    .await;
}

#[tokio::test]
async fn consumed_compat_refresh_tokens_go_after_thirty_days() {
    let table = "compat_refresh_tokens";
    only_the_older_goes(
        "compat-tokens",
        table,
        30 * DAY,
        1,
        async |auth, name, at| {
            // Each has an access token of its own, that never expires.
            let access = format!("{name} access");
            auth.compat_access_token("active", &access, None).await;
            auth.compat_refresh_token("active", name, &access, at).await;
        },
    )
    .await;
}

#[tokio::test]
async fn expired_compat_access_tokens_go_after_thirty_days() {
    let table = "compat_access_tokens";
    only_the_older_goes(
        "compat-tokens",
        table,
        30 * DAY,
        1,
        async |auth, name, at| {
            auth.compat_access_token("active", name, at).await;
        },
    )
    .await;
}

#[tokio::test]
async fn rotating_tokens_go_when_they_have_expired() {
    let table = "refresh_tokens";
    only_the_older_goes("refresh-tokens", table, 0, 1, async |auth, name, at| {
        if let Some(at) = at {
            auth.rotating_token(name, name, false, at).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_family_lives_until_the_instant_at_which_its_last_token_expires() {
    for mut auth in both().await {
        for (family, expires_at) in [("dead", NOW - 1), ("exact", NOW), ("live", NOW + 1)] {
            let revoked = format!("{family}, revoked");
            auth.rotating_token(family, family, false, expires_at).await;
            auth.rotating_token(&revoked, family, true, NOW + DAY).await;
        }

        auth.run("refresh-tokens", &[("family-column", "family_id")])
            .await;

        assert_eq!(
            auth.names("refresh_tokens").await,
            ["exact", "exact, revoked", "live", "live, revoked"]
        );
    }
}

#[tokio::test]
async fn the_operators_retention_moves_the_cut_off() {
    for mut auth in both().await {
        for (name, age) in [
            ("a day", DAY),
            ("a day and more", DAY + 1),
            ("an hour", HOUR + 1),
        ] {
            auth.access_token(name, None, Some(NOW - age)).await;
        }

        auth.run("revoked-access", &[("retention", "1d")]).await;

        assert_eq!(
            auth.names("oauth2_access_tokens").await,
            ["a day", "an hour"]
        );
    }
}
