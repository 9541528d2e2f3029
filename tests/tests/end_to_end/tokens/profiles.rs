//! A profile runs the jobs of its own schema and leaves the tables of the others alone.

use super::*;

const OLD: Option<i64> = Some(NOW - 60 * DAY);

/// One row for each job, all of them old enough.
async fn one_row_a_job(auth: &Auth) {
    auth.access_token("revoked", None, OLD).await;
    auth.access_token("expired", OLD, None).await;
    auth.refresh_token(
        "consumed",
        Refresh {
            consumed_at: OLD,
            ..Refresh::default()
        },
    )
    .await;
    let token = Refresh {
        revoked_at: OLD,
        ..Refresh::default()
    };
    auth.refresh_token("revoked", token).await;
    let key = auth.ulid((NOW - 60 * DAY) / 1000, [7; 10]);
    auth.authorization_grant("old", &key, NOW).await;
    auth.device_code("old", &key, NOW).await;
    auth.compat_access_token("active", "expired", OLD).await;
    auth.rotating_token("revoked", "family", true, NOW).await;
}

const TABLES: [&str; 6] = [
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "oauth2_authorization_grants",
    "oauth2_device_code_grant",
    "compat_access_tokens",
    "refresh_tokens",
];

/// The tables that still hold a row after `besom run tokens`, of so many jobs, under a profile.
async fn untouched(auth: &Auth, profile: &str, jobs: usize) -> Vec<&'static str> {
    one_row_a_job(auth).await;
    let settings = format!("[plugins.tokens]\nsettings = {{ profile = \"{profile}\" }}\n");
    let host = auth.host(&settings).await;
    let reports = run_plugins(&host, &["tokens"], Mode::Apply).await;
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
        ("mas", 7, &TABLES[5..]),
        ("refresh-tokens", 1, &TABLES[..5]),
        ("all", 8, &[]),
    ] {
        for auth in both().await {
            assert_eq!(untouched(&auth, profile, jobs).await, expected, "{profile}");
        }
    }
}

#[tokio::test]
async fn a_profile_asks_for_nothing_in_the_tables_of_the_other() {
    let auth = Auth::on(Lab::sqlite("").await).await;
    for job in &auth.plugin.manifest().jobs {
        let own = if job.name == "refresh-tokens" {
            "refresh-tokens"
        } else {
            "mas"
        };
        for profile in ["mas", "refresh-tokens"] {
            let settings = auth.settings(&job.name, &[("profile", profile)]);
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
