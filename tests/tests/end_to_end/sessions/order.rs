//! `besom run` over several jobs: children before parents, and grants before what they hold.

use super::*;

/// The places of jobs in the order in which they run.
fn in_order(host: &Host, plugins: &[&str]) -> Vec<String> {
    let named = plugins.iter().flat_map(|plugin| {
        let jobs = &host.plugins()[*plugin].manifest().jobs;
        jobs.iter().map(|job| JobName::new(*plugin, &job.name))
    });
    let ordered = host.in_order(named.collect()).unwrap();
    ordered.iter().map(ToString::to_string).collect()
}

fn place(order: &[String], job: &str) -> usize {
    order.iter().position(|known| known == job).unwrap()
}

#[tokio::test]
async fn jobs_run_behind_those_that_they_wait_for_however_they_are_named() {
    let auth = on(Lab::sqlite("").await).await;
    let host = auth.host("[plugins.tokens]\n[plugins.sessions]\n").await;

    for plugins in [["sessions", "tokens"], ["tokens", "sessions"]] {
        let order = in_order(&host, &plugins);

        for (first, then) in [
            ("sessions/finished-compat", "sessions/finished-oauth2"),
            ("tokens/authorization-grants", "sessions/finished-oauth2"),
            ("tokens/device-code-grants", "sessions/finished-oauth2"),
            ("sessions/finished-compat", "sessions/finished-browser"),
            ("sessions/finished-oauth2", "sessions/finished-browser"),
            ("sessions/pre-login", "sessions/signing-keys"),
            ("sessions/expired", "sessions/signing-keys"),
            ("sessions/idle", "sessions/signing-keys"),
            ("sessions/revoked", "sessions/signing-keys"),
        ] {
            assert!(
                place(&order, first) < place(&order, then),
                "{first} behind {then} in {order:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_the_plugin_that_clears_grants_the_jobs_run_all_the_same() {
    let auth = on(Lab::sqlite("").await).await;
    let host = auth.host("[plugins.sessions]\n").await;

    assert_eq!(in_order(&host, &["sessions"]).len(), 9);
}

#[tokio::test]
async fn one_run_of_both_plugins_takes_a_whole_login_from_its_grant_to_its_browser_session() {
    for auth in both().await {
        auth.browser_session("b", finished()).await;
        auth.authentication("b", "how").await;
        auth.known_elsewhere("b", "elsewhere").await;
        let below = Session {
            below: Some("b"),
            ..finished()
        };
        auth.oauth2_session("o", below).await;
        auth.access_of("o", "oa").await;
        auth.refresh_of("o", "or", Some("oa"), Nothing).await;
        auth.grant_for("o", "grant").await;
        auth.device_code_for("user_session_id", "b", "code").await;
        auth.compat_session("c", below).await;
        auth.compat_access_of("c", "ca").await;
        auth.compat_refresh_of("c", "cr", "ca").await;
        auth.sso_login(Some("c"), "login").await;
        let host = auth.host("[plugins.tokens]\n[plugins.sessions]\n").await;

        let mut reports = Vec::new();
        for mode in [Mode::DryRun, Mode::Apply] {
            reports = run_plugins(&host, &["sessions", "tokens"], mode).await;
        }

        for report in reports {
            let said = (
                report.outcome.as_str(),
                report.totals.blocked,
                &report.error,
            );
            assert_eq!(said, ("drained", 0, &None), "{}", report.job);
        }
        for table in [
            "user_sessions",
            "oauth2_sessions",
            "compat_sessions",
            "oauth2_access_tokens",
            "oauth2_refresh_tokens",
            "compat_access_tokens",
            "compat_refresh_tokens",
            "compat_sso_logins",
            "oauth2_authorization_grants",
            "oauth2_device_code_grant",
        ] {
            assert_eq!(auth.names(table).await, [""; 0], "{table}");
        }
        let elsewhere = auth.names("user_email_authentications").await;
        assert_eq!(elsewhere, ["elsewhere"]);
    }
}
