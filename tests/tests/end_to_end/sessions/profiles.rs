//! A profile runs the jobs of its own schema and leaves the tables of the other alone.

use super::*;

/// One row for each job that is not opt-in, all of them old enough.
async fn one_row_a_job(auth: &Auth) {
    auth.compat_session("compat", finished()).await;
    auth.oauth2_session("oauth2", finished()).await;
    auth.browser_session("browser", finished()).await;
    let long_ago = NOW - 60 * DAY;
    let abandoned = Opaque {
        pre_login: true,
        ..Opaque::default()
    };
    auth.opaque_session("abandoned", abandoned).await;
    let expired = Opaque {
        absolute_expires_at: long_ago,
        ..Opaque::default()
    };
    auth.opaque_session("expired", expired).await;
    let idle = Opaque {
        idle_expires_at: long_ago,
        ..Opaque::default()
    };
    auth.opaque_session("idle", idle).await;
    let revoked = Opaque {
        revoked_at: OLD,
        ..Opaque::default()
    };
    auth.opaque_session("revoked", revoked).await;
    auth.lab
        .script(&format!(
            "UPDATE session_signing_keys SET retired_at = {}",
            auth.time(OLD)
        ))
        .await;
}

const TABLES: [&str; 5] = [
    "compat_sessions",
    "oauth2_sessions",
    "user_sessions",
    "sessions",
    "session_signing_keys",
];

/// The tables that still hold a row after `besom run sessions`, of so many jobs, under a profile.
async fn untouched(auth: &Auth, profile: &str, jobs: usize) -> Vec<&'static str> {
    one_row_a_job(auth).await;
    let settings = format!("[plugins.sessions]\nsettings = {{ profile = \"{profile}\" }}\n");
    let host = auth.host(&settings).await;
    let reports = run_plugins(&host, &["sessions"], Mode::Apply).await;
    assert_eq!(reports.len(), jobs, "{profile}");
    for report in reports {
        assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
    }
    let mut left = Vec::new();
    for table in TABLES {
        if !auth.names(table).await.is_empty() {
            left.push(table);
        }
    }
    left
}

#[tokio::test]
async fn each_profile_leaves_the_tables_of_the_other_alone() {
    for (profile, jobs, expected) in [
        ("mas", 3, &TABLES[3..]),
        ("server-sessions", 5, &TABLES[..3]),
        ("all", 8, &[]),
    ] {
        for auth in both().await {
            assert_eq!(untouched(&auth, profile, jobs).await, expected, "{profile}");
        }
    }
}

#[tokio::test]
async fn a_profile_asks_for_nothing_in_the_tables_of_the_other() {
    let auth = on(Lab::sqlite("").await).await;
    let of_mas = [
        "finished-compat",
        "finished-oauth2",
        "finished-browser",
        "expire-inactive",
    ];
    for job in &auth.plugin.manifest().jobs {
        let own = if of_mas.contains(&job.name.as_str()) {
            "mas"
        } else {
            "server-sessions"
        };
        for profile in ["mas", "server-sessions"] {
            let settings = auth.settings(&job.name, &[("profile", profile), ("ttl", "30d")]);
            let access = auth.plugin.access(&job.name, &settings).await.unwrap();
            assert_eq!(
                access.is_empty(),
                profile != own,
                "{} under {profile}",
                job.name
            );
        }
    }
}
