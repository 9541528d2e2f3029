//! `besom run tokens sessions --dry-run` says what the run then does, number for number, on a
//! database at rest; what it cannot foretell it calls an estimate.

use super::*;

/// Logins of every kind: by its number each has some of a grant, children, tokens, and an end.
async fn logins(auth: &Auth) {
    for number in 0..60_i64 {
        let name = format!("n{number}");
        let over = |every: i64| (number % every != 0).then_some(NOW - 60 * DAY - number);
        let browser = Session {
            finished_at: over(7),
            ..Session::default()
        };
        auth.browser_session(&name, browser).await;
        auth.authentication(&name, &name).await;
        if number % 2 == 0 {
            auth.known_elsewhere(&name, &name).await;
        }
        let below = |finished_at| Session {
            below: Some(&name),
            finished_at,
            last_active_at: None,
        };
        if number % 3 != 0 {
            auth.oauth2_session(&name, below(over(5))).await;
            auth.access_of(&name, &name).await;
            auth.refresh_of(&name, &name, Some(&name), Nothing).await;
            if number % 4 == 1 {
                auth.refresh_of(&name, &format!("{name} f"), None, Key(&name))
                    .await;
            }
        }
        if number % 11 == 4 {
            auth.device_code_for("user_session_id", &name, &name).await;
        }
        if number % 4 != 2 {
            auth.compat_session(&name, below(over(6))).await;
            auth.compat_access_of(&name, &name).await;
            auth.compat_refresh_of(&name, &name, &name).await;
            auth.sso_login(Some(&name), &name).await;
        }
    }
    // A token of a session that stays holds one of a session that would go.
    auth.compat_refresh_of("n0", "holds", "n1").await;
}

async fn server_sessions(auth: &Auth) {
    for number in 0..30_i64 {
        let (name, key) = (format!("n{number}"), format!("k{}", number % 6));
        if number < 6 {
            auth.signing_key(&key, "one", OLD).await;
        }
        let at = NOW - 60 * DAY + number;
        let ahead = NOW + 4_000 * DAY;
        let session = Opaque {
            key: &key,
            pre_login: number % 5 == 1,
            absolute_expires_at: if number % 5 == 2 { at } else { ahead },
            idle_expires_at: if number % 5 == 3 { at } else { ahead },
            revoked_at: (number % 5 == 4 || number % 6 == 2).then_some(at),
            ..Opaque::default()
        };
        auth.opaque_session(&name, session).await;
    }
}

/// Rows of all tables, those that no plugin cleans included.
async fn rows(auth: &Auth) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in TABLES {
        let count = format!("SELECT count(*) FROM {table}");
        rows.push(auth.lab.count(&count).await);
    }
    rows
}

const TABLES: [&str; 12] = [
    "user_sessions",
    "user_session_authentications",
    "oauth2_sessions",
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "oauth2_device_code_grant",
    "compat_sessions",
    "compat_access_tokens",
    "compat_refresh_tokens",
    "compat_sso_logins",
    "sessions",
    "session_signing_keys",
];

async fn dry_run_equals_run(plugins: &[&str], configuration: &str) {
    for auth in both().await {
        logins(&auth).await;
        server_sessions(&auth).await;
        let host = auth.host(configuration).await;
        let before = rows(&auth).await;

        let told = run_plugins(&host, plugins, Mode::DryRun).await;
        assert_eq!(rows(&auth).await, before);
        let done = run_plugins(&host, plugins, Mode::Apply).await;
        let after = rows(&auth).await;

        let mut gone = 0;
        for (told, done) in told.iter().zip(&done) {
            assert_eq!((done.outcome.as_str(), &done.error), ("drained", &None));
            if !told.estimated {
                assert_eq!(told.totals, done.totals, "{}", done.job);
            }
            if done.job.plugin == "sessions" {
                assert!(done.totals.affected > 0, "{}: nothing to do", done.job);
            }
            gone += done.totals.affected + done.totals.dependents;
        }
        assert_eq!(
            before.iter().sum::<i64>() - after.iter().sum::<i64>(),
            gone as i64
        );

        for report in run_plugins(&host, plugins, Mode::Apply).await {
            assert_eq!(report.totals.affected, 0, "{}", report.job);
        }
        assert_eq!(rows(&auth).await, after);
    }
}

#[tokio::test]
async fn a_dry_run_tells_every_number_of_the_run() {
    dry_run_equals_run(&["sessions"], "[plugins.sessions]\n").await;
}

#[tokio::test]
async fn in_small_windows_and_with_the_other_plugin_too() {
    let file = "[plugins.tokens]\nbatch-size = 7\n[plugins.sessions]\nbatch-size = 7\n";
    dry_run_equals_run(&["sessions", "tokens"], file).await;
}
