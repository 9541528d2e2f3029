//! What each job must keep, and why.

use super::*;

const OLD: Option<i64> = Some(NOW - 60 * DAY);
/// Younger than every retention.
const JUST_NOW: Option<i64> = Some(NOW - 10 * MINUTE);

fn live(access: &str) -> Refresh<'_> {
    Refresh {
        access: Some(access),
        ..Refresh::default()
    }
}

fn consumed(at: Option<i64>) -> Refresh<'static> {
    Refresh {
        consumed_at: at,
        ..Refresh::default()
    }
}

/// Five expired access tokens, by the refresh tokens that point at each.
async fn expired_access_tokens(auth: &Auth) {
    for name in ["bare", "live", "consumed", "revoked", "both"] {
        auth.access_token(name, OLD, None).await;
    }
    auth.refresh_token("of live", live("live")).await;
    let token = Refresh {
        consumed_at: OLD,
        ..live("consumed")
    };
    auth.refresh_token("of consumed", token).await;
    let token = Refresh {
        revoked_at: OLD,
        ..live("revoked")
    };
    auth.refresh_token("of revoked", token).await;
    auth.refresh_token("of both, live", live("both")).await;
    let token = Refresh {
        consumed_at: OLD,
        ..live("both")
    };
    auth.refresh_token("of both, used", token).await;
}

/// What every refresh token points at, by its name.
async fn refers_to(auth: &Auth) -> Vec<String> {
    auth.texts(
        "SELECT a.access_token FROM oauth2_refresh_tokens AS r
         LEFT JOIN oauth2_access_tokens AS a USING (oauth2_access_token_id)
         ORDER BY r.refresh_token",
    )
    .await
}

#[tokio::test]
async fn a_live_refresh_token_protects_its_expired_access_token() {
    for mut auth in both().await {
        expired_access_tokens(&auth).await;

        let done = auth.run("expired-access", &[]).await;

        assert_eq!(auth.names("oauth2_access_tokens").await, ["both", "live"]);
        assert_eq!((done.affected, done.cascaded, done.blocked), (3, 2, 0));
        // The refresh tokens stay, and those of the tokens that went have forgotten them.
        assert_eq!(refers_to(&auth).await, ["both", "both", "-", "live", "-"]);
    }
}

#[tokio::test]
async fn without_protect_refresh_every_expired_access_token_goes() {
    for mut auth in both().await {
        expired_access_tokens(&auth).await;

        let done = auth
            .run("expired-access", &[("protect-refresh", "false")])
            .await;

        assert!(auth.names("oauth2_access_tokens").await.is_empty());
        assert_eq!((done.affected, done.cascaded), (5, 5));
        assert_eq!(refers_to(&auth).await, ["-", "-", "-", "-", "-"]);
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_being_issued_protects_its_access_token() {
    let mut auth = Auth::on(Lab::postgres("").await).await;
    auth.access_token("expired", OLD, None).await;
    auth.access_token("expired too", OLD, None).await;

    // The server has inserted it and has not committed yet.
    let mut server = auth.lab.session().await;
    server.begin("BEGIN").await.unwrap();
    let issue = format!(
        "INSERT INTO oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, \
         oauth2_access_token_id, refresh_token, created_at) VALUES ({}, {}, {}, 'new', {})",
        auth.key("new"),
        auth.key("session"),
        auth.key("expired"),
        auth.time(Some(NOW)),
    );
    server.run_script(&issue).await.unwrap();
    let done = auth.run("expired-access", &[]).await;
    server.commit().await.unwrap();

    assert_eq!((done.affected, done.locked), (1, 1));
    assert_eq!(auth.run("expired-access", &[]).await.affected, 0);
    assert_eq!(auth.names("oauth2_access_tokens").await, ["expired"]);
}

#[tokio::test]
async fn a_revoked_access_token_goes_whatever_points_at_it() {
    for mut auth in both().await {
        auth.access_token("revoked", None, OLD).await;
        auth.refresh_token("live", live("revoked")).await;

        let done = auth.run("revoked-access", &[]).await;

        assert!(auth.names("oauth2_access_tokens").await.is_empty());
        assert_eq!((done.affected, done.cascaded), (1, 1));
        assert_eq!(auth.names("oauth2_refresh_tokens").await, ["live"]);
    }
}

#[tokio::test]
async fn a_consumed_refresh_token_stays_until_its_successor_is_used() {
    for mut auth in both().await {
        auth.refresh_token("third", Refresh::default()).await;
        let token = Refresh {
            next: Some("third"),
            ..consumed(OLD)
        };
        auth.refresh_token("second", token).await;
        let token = Refresh {
            next: Some("second"),
            ..consumed(OLD)
        };
        auth.refresh_token("first", token).await;
        auth.refresh_token("abandoned", consumed(OLD)).await;
        auth.refresh_token("abandoned now", consumed(JUST_NOW))
            .await;

        let done = auth.run("consumed-refresh", &[]).await;

        let table = "oauth2_refresh_tokens";
        assert_eq!(
            auth.names(table).await,
            ["abandoned now", "second", "third"]
        );
        assert_eq!((done.affected, done.cascaded), (2, 0));

        // The client uses the third, so it has received it.
        let used = format!(
            "UPDATE oauth2_refresh_tokens SET consumed_at = {} WHERE refresh_token = 'third'",
            auth.time(JUST_NOW)
        );
        auth.lab.script(&used).await;
        let done = auth.run("consumed-refresh", &[]).await;

        assert_eq!(auth.names(table).await, ["abandoned now", "third"]);
        assert_eq!(done.affected, 1);
    }
}

#[tokio::test]
async fn a_whole_chain_of_consumed_refresh_tokens_goes_in_one_run() {
    for mut auth in both().await {
        auth.refresh_token("9", Refresh::default()).await;
        for name in (0..9).rev() {
            let next = (name + 1).to_string();
            let token = Refresh {
                next: Some(&next),
                // The later in the chain, the later consumed.
                ..consumed(Some(NOW - 60 * DAY + name * HOUR))
            };
            auth.refresh_token(&name.to_string(), token).await;
        }
        // Windows that cut the chain between two of its links.
        auth.lab.options.batch_size = 2;

        let done = auth.run("consumed-refresh", &[]).await;

        assert_eq!(auth.names("oauth2_refresh_tokens").await, ["8", "9"]);
        assert_eq!(done.affected, 8);
    }
}

#[tokio::test]
async fn when_its_successor_is_deleted_a_consumed_refresh_token_goes_in_the_next_run() {
    for mut auth in both().await {
        let table = "oauth2_refresh_tokens";
        for (used, stolen, revoked_at) in [("used", "stolen", OLD), ("used too", "fresh", JUST_NOW)]
        {
            let token = Refresh {
                revoked_at,
                ..Refresh::default()
            };
            auth.refresh_token(stolen, token).await;
            let token = Refresh {
                next: Some(stolen),
                ..consumed(OLD)
            };
            auth.refresh_token(used, token).await;
        }

        // A revoked successor has not been used, so its predecessor stays as long as it does.
        assert_eq!(auth.run("consumed-refresh", &[]).await.affected, 0);
        let revoked = auth.run("revoked-refresh", &[]).await;
        assert_eq!((revoked.affected, revoked.cascaded), (1, 1));
        assert_eq!(auth.names(table).await, ["fresh", "used", "used too"]);

        assert_eq!(auth.run("consumed-refresh", &[]).await.affected, 1);
        assert_eq!(auth.names(table).await, ["fresh", "used too"]);
    }
}

/// Families of rotating tokens, by whether they have a live one.
async fn families(auth: &Auth) {
    let (past, future) = (NOW - 5 * DAY, NOW + 5 * DAY);
    auth.rotating_token("live", "alive", false, future).await;
    auth.rotating_token("alive: revoked", "alive", true, future)
        .await;
    auth.rotating_token("alive: expired", "alive", true, past)
        .await;
    // Good until now, and not a microsecond longer.
    auth.rotating_token("last", "at its end", false, NOW).await;
    auth.rotating_token("end: revoked", "at its end", true, future)
        .await;
    // A token that has expired is not live, though nobody revoked it.
    auth.rotating_token("expired", "expired", false, NOW - 1)
        .await;
    auth.rotating_token("exp: revoked", "expired", true, future)
        .await;
    auth.rotating_token("dead: revoked", "dead", true, future)
        .await;
}

const REVOKED_OF_NO_LIVE_FAMILY: [&str; 4] = ["alive: revoked", "end: revoked", "last", "live"];
const NOT_REVOKED: [&str; 2] = ["last", "live"];

#[tokio::test]
async fn revoked_tokens_of_a_live_family_stay_until_they_expire() {
    for mut auth in both().await {
        families(&auth).await;

        let done = auth
            .run("refresh-tokens", &[("family-column", "family_id")])
            .await;

        assert_eq!(
            auth.names("refresh_tokens").await,
            REVOKED_OF_NO_LIVE_FAMILY
        );
        assert_eq!(done.affected, 4);
    }
}

#[tokio::test]
async fn without_keep_live_families_every_revoked_token_goes() {
    for mut auth in both().await {
        families(&auth).await;

        let settings = [
            ("family-column", "family_id"),
            ("keep-live-families", "false"),
        ];
        let done = auth.run("refresh-tokens", &settings).await;

        assert_eq!(auth.names("refresh_tokens").await, NOT_REVOKED);
        assert_eq!(done.affected, 6);
    }
}

#[tokio::test]
async fn without_a_family_column_every_revoked_token_goes() {
    for mut auth in both().await {
        families(&auth).await;

        let done = auth.run("refresh-tokens", &[]).await;

        assert_eq!(auth.names("refresh_tokens").await, NOT_REVOKED);
        assert_eq!(done.affected, 6);
    }
}

#[tokio::test]
async fn revoked_rotating_tokens_go_at_once_and_expired_ones_after_the_retention() {
    for mut auth in both().await {
        auth.rotating_token("revoked", "one", true, NOW + DAY).await;
        auth.rotating_token("expired", "two", false, NOW - 2 * DAY)
            .await;
        auth.rotating_token("expired now", "three", false, NOW - MINUTE)
            .await;
        auth.rotating_token("both", "four", true, NOW - MINUTE)
            .await;

        let done = auth.run("refresh-tokens", &[("retention", "1d")]).await;

        assert_eq!(auth.names("refresh_tokens").await, ["expired now"]);
        assert_eq!(done.affected, 3);
    }
}

#[tokio::test]
async fn compat_tokens_go_only_with_an_active_session_and_from_its_end_in() {
    for mut auth in both().await {
        for (session, of) in [("active", "a"), ("finished", "f")] {
            for (name, consumed_at) in [("old", OLD), ("recent", JUST_NOW), ("live", None)] {
                let (access, refresh) = (format!("{of} {name}"), format!("{of} r {name}"));
                auth.compat_access_token(session, &access, OLD).await;
                auth.compat_refresh_token(session, &refresh, &access, consumed_at)
                    .await;
            }
            for (name, expires_at) in [("bare", OLD), ("young", JUST_NOW), ("ever", None)] {
                let access = format!("{of} {name}");
                auth.compat_access_token(session, &access, expires_at).await;
            }
        }

        let done = auth.run("compat-tokens", &[]).await;

        // The tokens of a finished session go with it, by another job.
        let refresh = auth.names("compat_refresh_tokens").await;
        let expected = [
            "a r live",
            "a r recent",
            "f r live",
            "f r old",
            "f r recent",
        ];
        assert_eq!(refresh, expected);
        // Of the active session's, those that a refresh token holds are blocked.
        let access = auth.names("compat_access_tokens").await;
        let expected = [
            "a ever", "a live", "a recent", "a young", "f bare", "f ever", "f live", "f old",
            "f recent", "f young",
        ];
        assert_eq!(access, expected);
        assert_eq!((done.affected, done.blocked, done.cascaded), (3, 2, 0));
    }
}

#[tokio::test]
async fn grants_go_by_their_ulid_and_not_by_what_became_of_them() {
    for mut auth in both().await {
        let (young, old) = (NOW - 6 * DAY, NOW - 8 * DAY);
        for (name, by_key, by_column) in [("young key", young, old), ("old key", old, young)] {
            let key = auth.ulid(by_key / 1000, [7; 10]);
            auth.authorization_grant(name, &key, by_column).await;
            auth.device_code(name, &key, by_column).await;
        }
        let exchanged = auth.ulid(young / 1000, [9; 10]);
        auth.authorization_grant("exchanged", &exchanged, young)
            .await;
        let exchange = format!(
            "UPDATE oauth2_authorization_grants SET exchanged_at = {now}, fulfilled_at = {now}, \
             oauth2_session_id = {} WHERE authorization_code = 'exchanged'",
            auth.key("session"),
            now = auth.time(Some(young)),
        );
        auth.lab.script(&exchange).await;

        assert_eq!(auth.run("authorization-grants", &[]).await.affected, 1);
        assert_eq!(auth.run("device-code-grants", &[]).await.affected, 1);

        let grants = auth.names("oauth2_authorization_grants").await;
        assert_eq!(grants, ["exchanged", "young key"]);
        assert_eq!(auth.names("oauth2_device_code_grant").await, ["young key"]);
    }
}

#[tokio::test]
async fn random_keys_among_the_ulids_stop_the_job_and_nothing_goes() {
    for mut auth in both().await {
        let old = auth.ulid((NOW - 8 * DAY) / 1000, [7; 10]);
        auth.authorization_grant("old", &old, NOW).await;
        let random =
            auth.uuid(*b"\xf3\x1c\x9a\x07\x11\x22\x4a\x3b\x8c\x4d\x5e\x6f\x70\x81\x92\xa3");
        auth.authorization_grant("random", &random, NOW).await;

        let refused = auth.refused("authorization-grants", &[]).await;

        assert!(refused.contains("not in the order of time"), "{refused}");
        assert_eq!(
            auth.names("oauth2_authorization_grants").await,
            ["old", "random"]
        );
    }
}
