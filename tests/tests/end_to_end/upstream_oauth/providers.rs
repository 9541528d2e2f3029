//! Rows of a provider that nobody knows stop the jobs, until that is tolerated.

use besom::request::{JobName, Mode};
use besom::runner::Host;

use super::*;

const HERE: &str = "[plugins.upstream-oauth]\n";

/// The codes and severities that stand in the jobs' way or beside it.
async fn found(host: &Host, tolerate: &[&str]) -> Result<Vec<String>, String> {
    let catalog = host.catalog().await.unwrap();
    let job = JobName::new("upstream-oauth", "authorization-sessions");
    let examined = host.examine(&job, &[], &catalog).await.unwrap();
    let tolerate: Vec<_> = tolerate.iter().map(|&code| code.to_owned()).collect();
    let prepared = examined
        .tolerating(&tolerate)
        .map_err(|stopped| stopped.to_string())?;
    let shown =
        |finding: &besom::preflight::Finding| format!("{} {}", finding.code, finding.tolerated);
    Ok(prepared
        .findings
        .iter()
        .map(shown)
        .filter(|text| text.starts_with("unknown"))
        .collect())
}

/// A provider that is gone without its rows, as after a repair by hand.
async fn lose_the_provider(auth: &Auth) {
    use besom::catalog::Dialect;
    let gone = auth.key("provider");
    let delete =
        format!("DELETE FROM upstream_oauth_providers WHERE upstream_oauth_provider_id = {gone}");
    auth.lab
        .script(&match auth.dialect() {
            Dialect::Postgres => {
                format!("BEGIN; SET LOCAL session_replication_role = replica; {delete}; COMMIT")
            }
            Dialect::Sqlite => {
                format!("PRAGMA foreign_keys = OFF; {delete}; PRAGMA foreign_keys = ON")
            }
        })
        .await;
}

#[tokio::test]
async fn rows_of_a_provider_that_is_gone_stop_every_job_until_it_is_tolerated() {
    for auth in both().await {
        trip(&auth, "one", OLD, Trip::default()).await;
        trip(&auth, "two", OLD, Trip::default()).await;
        link(&auth, "orphan", OLD, None).await;
        let host = auth.host(HERE).await;
        assert_eq!(found(&host, &[]).await, Ok(vec![]), "all is well");

        lose_the_provider(&auth).await;
        let stopped = found(&host, &[]).await.unwrap_err();
        for words in [
            "unknown-provider",
            "2 rows of `upstream_oauth_authorization_sessions`",
            "1 row of `upstream_oauth_links`",
            "tolerate",
        ] {
            assert!(stopped.contains(words), "{words} is not in {stopped}");
        }
        let tolerated = ["unknown-provider true", "unknown-provider true"];
        assert_eq!(
            found(&host, &["unknown-provider"]).await.unwrap(),
            tolerated
        );

        let in_the_file = format!("{HERE}tolerate = [\"unknown-provider\"]\n");
        let host = auth.host(&in_the_file).await;
        assert_eq!(found(&host, &[]).await.unwrap(), tolerated);
        run_plugins(&host, &["upstream-oauth"], Mode::Apply).await;
        assert_eq!(auth.names(TRIPS).await, [""; 0]);
        assert_eq!(auth.names(LINKS).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_provider_that_the_operator_does_not_name_is_unknown() {
    for auth in both().await {
        provider(&auth, "other").await;
        trip(&auth, "one", OLD, Trip::default()).await;
        let id = |name: &str| {
            let mut bytes = [0; 16];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let groups = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            format!("\"{}\"", groups.join("-"))
        };
        let naming = |names: &[&str]| {
            let ids: Vec<_> = names.iter().map(|name| id(name)).collect();
            format!("{HERE}settings = {{ providers = [{}] }}\n", ids.join(", "))
        };

        let host = auth.host(&naming(&["provider", "other"])).await;
        assert_eq!(found(&host, &[]).await, Ok(vec![]));
        let host = auth.host(&naming(&["other"])).await;
        let stopped = found(&host, &[]).await.unwrap_err();
        assert!(stopped.contains("1 row of"), "{stopped}");
        assert!(stopped.contains("in the setting `providers`"), "{stopped}");
    }
}
