//! A time at which something has happened, and that lies ahead: it has not happened yet.

use super::*;

const OLD: Option<i64> = Some(NOW - 60 * DAY);

fn consumed(at: Option<i64>) -> Refresh<'static> {
    Refresh {
        consumed_at: at,
        ..Refresh::default()
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_to_end_in_the_future_is_live_and_keeps_its_access_token() {
    for mut auth in both().await {
        for (name, at) in [
            ("ahead", NOW + MINUTE),
            ("now", NOW),
            ("over", NOW - MINUTE),
        ] {
            for how in ["consumed", "revoked"] {
                let name = format!("{how} {name}");
                auth.access_token(&name, OLD, None).await;
                let refresh = Refresh {
                    access: Some(&name),
                    consumed_at: Some(at).filter(|_| how == "consumed"),
                    revoked_at: Some(at).filter(|_| how == "revoked"),
                    ..Refresh::default()
                };
                auth.refresh_token(&format!("r {name}"), refresh).await;
            }
        }

        auth.run("expired-access", &[]).await;

        let left = auth.names("oauth2_access_tokens").await;
        let live = [
            "consumed ahead",
            "consumed now",
            "revoked ahead",
            "revoked now",
        ];
        assert_eq!(left, live);
    }
}

#[tokio::test]
async fn a_column_that_has_held_no_time_yet_needs_no_word() {
    for mut auth in both().await {
        auth.access_token("held", OLD, None).await;
        let live = Refresh {
            access: Some("held"),
            ..Refresh::default()
        };
        auth.refresh_token("live", live).await;
        auth.access_token("free", OLD, None).await;

        auth.run("expired-access", &[]).await;

        assert_eq!(auth.names("oauth2_access_tokens").await, ["held"]);
    }
}

#[tokio::test]
async fn a_successor_that_is_consumed_in_the_future_is_not_consumed_yet() {
    for mut auth in both().await {
        for (name, at) in [("now", NOW), ("soon", NOW + MINUTE), ("once", NOW - MINUTE)] {
            let next = format!("after {name}");
            auth.refresh_token(&next, consumed(Some(at))).await;
            let first = Refresh {
                next: Some(&next),
                ..consumed(OLD)
            };
            auth.refresh_token(name, first).await;
        }

        auth.run("consumed-refresh", &[]).await;

        let left = auth.names("oauth2_refresh_tokens").await;
        assert_eq!(
            left,
            ["after now", "after once", "after soon", "now", "soon"]
        );
    }
}
