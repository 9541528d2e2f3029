//! What the jobs on finished sessions take along, what they must keep, and why.

use super::*;

#[tokio::test]
async fn a_finished_compat_session_goes_with_everything_that_hangs_on_it_and_with_no_more() {
    for mut auth in both().await {
        for (session, of) in [("over", finished()), ("live", Session::default())] {
            auth.compat_session(session, of).await;
            for number in ["1", "2"] {
                let access = format!("{session} a{number}");
                auth.compat_access_of(session, &access).await;
                auth.compat_refresh_of(session, &format!("{session} r{number}"), &access)
                    .await;
            }
            auth.compat_access_of(session, &format!("{session} bare"))
                .await;
            auth.sso_login(Some(session), &format!("{session} login"))
                .await;
        }
        auth.sso_login(None, "never completed").await;

        let done = auth.run("finished-compat", &[]).await;

        assert_eq!(auth.names("compat_sessions").await, ["live"]);
        assert_eq!(
            auth.names("compat_access_tokens").await,
            ["live a1", "live a2", "live bare"]
        );
        assert_eq!(
            auth.names("compat_refresh_tokens").await,
            ["live r1", "live r2"]
        );
        let logins = auth.names("compat_sso_logins").await;
        assert_eq!(logins, ["live login", "never completed"]);
        assert_eq!((done.affected, done.dependents), (1, 6));
        assert_eq!((done.cascaded, done.blocked), (0, 0));
    }
}

#[tokio::test]
async fn a_compat_session_whose_token_another_session_holds_stays_whole() {
    for mut auth in both().await {
        for (session, of) in [
            ("held", finished()),
            ("free", finished()),
            ("live", Session::default()),
        ] {
            auth.compat_session(session, of).await;
            auth.sso_login(Some(session), &format!("{session} login"))
                .await;
        }
        auth.compat_access_of("held", "held access").await;
        auth.compat_refresh_of("live", "live refresh", "held access")
            .await;

        let done = auth.run("finished-compat", &[]).await;

        assert_eq!(auth.names("compat_sessions").await, ["held", "live"]);
        assert_eq!(auth.names("compat_access_tokens").await, ["held access"]);
        assert_eq!(
            auth.names("compat_sso_logins").await,
            ["held login", "live login"]
        );
        assert_eq!((done.affected, done.dependents, done.blocked), (1, 1, 1));
    }
}

#[tokio::test]
async fn a_finished_oauth2_session_goes_with_its_tokens_and_strangers_forget_them() {
    for mut auth in both().await {
        for (session, of) in [("over", finished()), ("live", Session::default())] {
            auth.oauth2_session(session, of).await;
            let (access, last) = (format!("{session} a"), format!("{session} last"));
            auth.access_of(session, &access).await;
            auth.refresh_of(session, &last, Some(&access), Nothing)
                .await;
            auth.refresh_of(session, &format!("{session} first"), None, Key(&last))
                .await;
        }
        auth.refresh_of("live", "stray a", Some("over a"), Nothing)
            .await;
        auth.refresh_of("live", "stray n", None, Key("over last"))
            .await;

        let done = auth.run("finished-oauth2", &[]).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["live"]);
        assert_eq!(auth.names("oauth2_access_tokens").await, ["live a"]);
        assert_eq!(
            auth.names("oauth2_refresh_tokens").await,
            ["live first", "live last", "stray a", "stray n"]
        );
        let points = "SELECT count(*) FROM oauth2_refresh_tokens \
             WHERE refresh_token LIKE 'stray%' AND (oauth2_access_token_id IS NOT NULL \
             OR next_oauth2_refresh_token_id IS NOT NULL)";
        assert_eq!(auth.lab.count(points).await, 0);
        assert_eq!((done.affected, done.dependents), (1, 3));
        assert_eq!((done.cascaded, done.blocked), (2, 0));
    }
}

#[tokio::test]
async fn an_oauth2_session_that_a_grant_refers_to_stays_with_its_tokens_until_the_grant_is_gone() {
    for mut auth in both().await {
        for session in ["granted", "free"] {
            auth.oauth2_session(session, finished()).await;
            auth.access_of(session, session).await;
        }
        auth.grant_for("granted", "grant").await;
        auth.device_code_for("oauth2_session_id", "granted", "code")
            .await;

        let done = auth.run("finished-oauth2", &[]).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["granted"]);
        assert_eq!(auth.names("oauth2_access_tokens").await, ["granted"]);
        assert_eq!(auth.names("oauth2_device_code_grant").await, ["code"]);
        assert_eq!((done.affected, done.dependents, done.blocked), (1, 1, 1));

        auth.lab
            .script("DELETE FROM oauth2_authorization_grants")
            .await;
        let done = auth.run("finished-oauth2", &[]).await;

        assert!(auth.names("oauth2_access_tokens").await.is_empty());
        assert_eq!((done.affected, done.dependents, done.blocked), (1, 1, 0));
    }
}

#[tokio::test]
async fn an_oauth2_session_takes_its_device_codes_along_and_no_others() {
    for mut auth in both().await {
        for (session, of) in [("over", finished()), ("live", Session::default())] {
            auth.oauth2_session(session, of).await;
            auth.device_code_for("oauth2_session_id", session, session)
                .await;
        }

        let done = auth.run("finished-oauth2", &[]).await;

        assert_eq!(auth.names("oauth2_sessions").await, ["live"]);
        assert_eq!(auth.names("oauth2_device_code_grant").await, ["live"]);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 1, 0));
    }
}

/// Sessions below `browser`, one a kind and a state.
async fn one_below_each(auth: &Auth) {
    let below = |browser| Session {
        below: Some(browser),
        ..Session::default()
    };
    let over = |browser| Session {
        below: Some(browser),
        ..finished()
    };
    for (browser, session) in [("o live", below("o live")), ("o over", over("o over"))] {
        auth.browser_session(browser, finished()).await;
        auth.oauth2_session(browser, session).await;
    }
    for (browser, session) in [("c live", below("c live")), ("c over", over("c over"))] {
        auth.browser_session(browser, finished()).await;
        auth.compat_session(browser, session).await;
    }
}

#[tokio::test]
async fn a_browser_session_stays_while_any_session_is_below_it_and_is_not_counted_as_blocked() {
    for mut auth in both().await {
        one_below_each(&auth).await;
        auth.browser_session("alone", finished()).await;
        auth.browser_session("live", Session::default()).await;

        let done = auth.run("finished-browser", &[]).await;

        let stay = ["c live", "c over", "live", "o live", "o over"];
        assert_eq!(auth.names("user_sessions").await, stay);
        assert_eq!((done.affected, done.blocked), (1, 0));

        // Those whose children are over go behind them.
        assert_eq!(auth.run("finished-compat", &[]).await.affected, 1);
        assert_eq!(auth.run("finished-oauth2", &[]).await.affected, 1);
        assert_eq!(auth.run("finished-browser", &[]).await.affected, 2);
        assert_eq!(
            auth.names("user_sessions").await,
            ["c live", "live", "o live"]
        );
    }
}

#[tokio::test]
async fn a_browser_session_goes_with_its_authentications_and_is_forgotten_elsewhere() {
    for mut auth in both().await {
        for (session, of) in [("over", finished()), ("live", Session::default())] {
            auth.browser_session(session, of).await;
            for number in ["1", "2", "3"] {
                auth.authentication(session, &format!("{session} {number}"))
                    .await;
            }
            auth.known_elsewhere(session, &format!("of {session}"))
                .await;
        }

        let done = auth.run("finished-browser", &[]).await;

        assert_eq!(auth.names("user_sessions").await, ["live"]);
        let left = "SELECT count(*) FROM user_session_authentications";
        assert_eq!(auth.lab.count(left).await, 3);
        for table in [
            "upstream_oauth_authorization_sessions",
            "user_email_authentications",
        ] {
            assert_eq!(auth.names(table).await, ["of live", "of over"]);
            let known = format!("SELECT count(*) FROM {table} WHERE user_session_id IS NOT NULL");
            assert_eq!(auth.lab.count(&known).await, 1, "{table}");
        }
        assert_eq!((done.affected, done.dependents), (1, 3));
        assert_eq!((done.cascaded, done.blocked), (2, 0));
    }
}

#[tokio::test]
async fn a_browser_session_takes_the_logins_approved_in_it_along_and_grants_forget_it() {
    for mut auth in both().await {
        let (over, live) = (finished(), Session::default());
        for (browser, of) in [("over", over), ("live", live)] {
            auth.browser_session(browser, of).await;
            auth.oauth2_session(&format!("by {browser}"), live).await;
            auth.grant_for(&format!("by {browser}"), browser).await;
            auth.sso_login(None, browser).await;
            for (table, name) in [
                ("compat_sso_logins", "login_token"),
                ("oauth2_authorization_grants", "authorization_code"),
            ] {
                auth.lab
                    .script(&format!(
                        "UPDATE {table} SET user_session_id = {} WHERE {name} = '{browser}'",
                        auth.key(browser)
                    ))
                    .await;
            }
        }

        let done = auth.run("finished-browser", &[]).await;

        assert_eq!(auth.names("user_sessions").await, ["live"]);
        assert_eq!(auth.names("compat_sso_logins").await, ["live"]);
        let grants = auth.names("oauth2_authorization_grants").await;
        assert_eq!(grants, ["live", "over"]);
        let known = "SELECT authorization_code FROM oauth2_authorization_grants \
             WHERE user_session_id IS NOT NULL";
        assert_eq!(auth.texts(known).await, ["live"]);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 2, 0));
    }
}

#[tokio::test]
async fn a_browser_session_that_a_device_code_refers_to_is_blocked() {
    for mut auth in both().await {
        for session in ["confirmed", "free"] {
            auth.browser_session(session, finished()).await;
            auth.authentication(session, session).await;
        }
        auth.device_code_for("user_session_id", "confirmed", "code")
            .await;

        let done = auth.run("finished-browser", &[]).await;

        assert_eq!(auth.names("user_sessions").await, ["confirmed"]);
        assert_eq!((done.affected, done.dependents, done.blocked), (1, 1, 1));
    }
}

#[tokio::test]
async fn children_are_counted_over_all_windows() {
    for mut auth in both().await {
        auth.lab.options.batch_size = 7;
        for number in 0..40 {
            let session = format!("s{number}");
            let of = if number % 4 == 0 {
                Session::default()
            } else {
                finished()
            };
            auth.oauth2_session(&session, of).await;
            for token in 0..number % 3 {
                auth.access_of(&session, &format!("{session} {token}"))
                    .await;
            }
            if number % 10 == 3 {
                auth.grant_for(&session, &session).await;
            }
        }
        let tokens = |over| {
            let numbers = (0..40).filter(move |number| {
                let gone = number % 4 != 0 && number % 10 != 3;
                gone == over
            });
            numbers.map(|number| number % 3).sum::<i64>()
        };

        let done = auth.run("finished-oauth2", &[]).await;

        assert_eq!(auth.names("oauth2_sessions").await.len(), 14);
        assert_eq!(
            auth.names("oauth2_access_tokens").await.len() as i64,
            tokens(false)
        );
        assert_eq!((done.affected, done.blocked), (26, 4));
        assert_eq!(done.dependents as i64, tokens(true));
    }
}

#[tokio::test]
async fn a_login_that_has_happened_is_not_abandoned_and_an_abandoned_one_is_young_at_first() {
    for mut auth in both().await {
        let young = NOW - 9 * MINUTE;
        for (name, pre_login, created_at) in [
            ("logged in", false, BORN),
            ("abandoned", true, BORN),
            ("under way", true, young),
        ] {
            let session = Opaque {
                pre_login,
                created_at,
                ..Opaque::default()
            };
            auth.opaque_session(name, session).await;
        }

        assert_eq!(auth.run("pre-login", &[]).await.affected, 1);

        assert_eq!(auth.names("sessions").await, ["logged in", "under way"]);
    }
}

#[tokio::test]
async fn idle_and_revoked_sessions_go_long_before_their_absolute_end() {
    for mut auth in both().await {
        let idle = Opaque {
            idle_expires_at: NOW - 2 * DAY,
            ..Opaque::default()
        };
        auth.opaque_session("idle", idle).await;
        let revoked = Opaque {
            revoked_at: Some(NOW - 2 * DAY),
            ..Opaque::default()
        };
        auth.opaque_session("revoked", revoked).await;
        auth.opaque_session("live", Opaque::default()).await;

        assert_eq!(auth.run("expired", &[]).await.affected, 0);
        assert_eq!(auth.run("idle", &[]).await.affected, 1);
        assert_eq!(auth.names("sessions").await, ["live", "revoked"]);
        assert_eq!(auth.run("revoked", &[]).await.affected, 1);
        assert_eq!(auth.names("sessions").await, ["live"]);
    }
}
