//! The same component as anybody else's plugin: it may do nothing until the file says so, and the
//! refusals say what to write.

use super::*;

use crate::auth::third_party::*;

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component_file("tokens");
    for auth in both().await {
        let now = auth.lab.database.now().await.unwrap().0;
        let old = Some(now - 60 * DAY);
        auth.access_token("expired", old, None).await;
        let token = Refresh {
            access: Some("expired"),
            consumed_at: old,
            ..Refresh::default()
        };
        auth.refresh_token("consumed", token).await;
        auth.rotating_token("revoked", "family", true, now + DAY)
            .await;

        let grants = printed_grants(&auth, &component, &[]).await;

        let host = third_party_host(&auth, &component, &grants).await;
        for report in besom_run(&host, Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        assert!(auth.names("oauth2_access_tokens").await.is_empty());
        assert!(auth.names("oauth2_refresh_tokens").await.is_empty());
        assert!(auth.names("refresh_tokens").await.is_empty());
    }
}

#[tokio::test]
async fn without_a_grant_no_job_begins() {
    let (_folder, component) = component_file("tokens");
    for auth in both().await {
        auth.rotating_token("revoked", "family", true, NOW).await;
        let host = third_party_host(&auth, &component, &toml::Table::new()).await;
        for job in &auth.plugin.manifest().jobs {
            let job = JobName::new("tokens", &job.name);

            let ran = run::run_all(&host, &[job], &options(Mode::Apply), &terminal()).await;

            let ran = ran.unwrap();
            assert!(ran.reports.is_empty());
            assert_eq!(ran.exit(), Exit::Refused);
        }
        assert_eq!(auth.names("refresh_tokens").await, ["revoked"]);
        assert_eq!(auth.lab.count("SELECT count(*) FROM besom_run").await, 0);
    }
}
