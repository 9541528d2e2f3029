//! The same component as anybody else's plugin: it may do nothing until the file says so, and the
//! refusals say what to write: also for dependents, for what foreign keys empty, and for updates.

use super::*;

use crate::auth::third_party::*;

/// A login that is over, with everything that hangs on it, and a session and a key of the server.
async fn everything_once(auth: &Auth, over: Option<i64>) {
    let browser = Session {
        finished_at: over,
        ..Session::default()
    };
    auth.browser_session("b", browser).await;
    auth.authentication("b", "how").await;
    auth.known_elsewhere("b", "elsewhere").await;
    let below = Session {
        below: Some("b"),
        ..browser
    };
    auth.oauth2_session("o", below).await;
    auth.access_of("o", "oa").await;
    auth.refresh_of("o", "or", Some("oa"), Nothing).await;
    auth.compat_session("c", below).await;
    auth.compat_access_of("c", "ca").await;
    auth.compat_refresh_of("c", "cr", "ca").await;
    auth.sso_login(Some("c"), "login").await;
    auth.signing_key("retired", "one", over).await;
    let revoked = Opaque {
        key: "retired",
        revoked_at: over,
        ..Opaque::default()
    };
    auth.opaque_session("revoked", revoked).await;
}

const CLEANED: [&str; 9] = [
    "user_sessions",
    "oauth2_sessions",
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "compat_sessions",
    "compat_access_tokens",
    "compat_refresh_tokens",
    "compat_sso_logins",
    "sessions",
];

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component_file("sessions");
    for auth in both().await {
        everything_once(&auth, OLD).await;

        let grants = printed_grants(&auth, &component, &[("ttl", "30d")]).await;

        let finished_at = grants["user_sessions"]["update"].to_string();
        assert_eq!(finished_at, "[\"finished_at\"]");
        let host = third_party_host(&auth, &component, &grants).await;
        for report in besom_run(&host, Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        for table in CLEANED {
            assert!(auth.names(table).await.is_empty(), "{table}");
        }
        assert_eq!(auth.names("session_signing_keys").await, ["key"]);
    }
}

#[tokio::test]
async fn a_dependents_grant_that_is_missing_stops_the_job_that_needs_it() {
    let (_folder, component) = component_file("sessions");
    for auth in both().await {
        everything_once(&auth, OLD).await;
        let whole = printed_grants(&auth, &component, &[("ttl", "30d")]).await;
        for (job, table) in [
            ("finished-compat", "compat_sso_logins"),
            ("finished-oauth2", "oauth2_access_tokens"),
            ("finished-browser", "user_email_authentications"),
        ] {
            let mut grants = whole.clone();
            grants.remove(table).unwrap();
            let host = third_party_host(&auth, &component, &grants).await;
            let catalog = host.catalog().await.unwrap();

            let job = JobName::new("sessions", job);
            let refused = host.prepare(&job, &[], &catalog).await.err().unwrap();

            let refused = refused.to_string();
            assert!(refused.contains(table), "{job}: {refused}");
        }
        assert_eq!(auth.names("user_sessions").await, ["b"]);
    }
}
