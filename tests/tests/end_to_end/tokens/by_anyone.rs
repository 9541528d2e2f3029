//! The same component as anybody else's plugin: it may do nothing until the file says so, and the
//! refusals say what to write.

use super::*;

use std::path::PathBuf;

use tempfile::TempDir;

/// The component as a file of the operator's.
fn component() -> (TempDir, PathBuf) {
    let folder = TempDir::with_prefix("besom-test-").unwrap();
    let path = folder.path().join("tokens.wasm");
    let bundled = besom_bundle::PLUGINS.iter().find(|p| p.name == "tokens");
    std::fs::write(&path, bundled.unwrap().component).unwrap();
    (folder, path)
}

/// A host that has no bundled plugin, and the component under these grants.
async fn host(auth: &Auth, component: &Path, grants: &toml::Table) -> Host {
    let table = |key: &str, value: toml::Value| toml::Table::from_iter([(key.to_owned(), value)]);
    let mut plugin = table("component", component.display().to_string().into());
    plugin.insert("grant".to_owned(), grants.clone().into());
    let plugins = table("plugins", table("tokens", plugin.into()).into());
    let text = format!(
        "[database]\nurl = \"{}\"\n[host]\ncache = \"{}\"\n{plugins}",
        auth.lab.home.url,
        fixtures::code_cache().display(),
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &[],
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
    Host::open(config).await.unwrap()
}

/// The refusal of a job, if it is refused.
async fn refusal(host: &Host, job: &JobName) -> Option<String> {
    let catalog = host.catalog().await.unwrap();
    let refused = host.prepare(job, &[], &catalog).await.err()?;
    Some(refused.to_string())
}

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component();
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
        let mut grants = toml::Table::new();
        let manifest = auth.plugin.manifest().clone();

        for job in &manifest.jobs {
            let job = JobName::new("tokens", &job.name);
            let before = host(&auth, &component, &grants).await;
            let Some(text) = refusal(&before, &job).await else {
                continue;
            };
            assert!(
                text.contains(&format!("plugin `tokens`, job `{job}`:")),
                "{text}"
            );
            let (_, words) = text.split_once("write in besom.toml:\n").unwrap();
            let printed: toml::Table = words.parse().unwrap();
            let printed = printed["plugins"]["tokens"]["grant"]
                .as_table()
                .unwrap()
                .clone();
            grants.extend(printed);
            let after = host(&auth, &component, &grants).await;
            assert_eq!(refusal(&after, &job).await, None);
        }

        let host = host(&auth, &component, &grants).await;
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
    let (_folder, component) = component();
    for auth in both().await {
        auth.rotating_token("revoked", "family", true, NOW).await;
        let host = host(&auth, &component, &toml::Table::new()).await;
        for job in &auth.plugin.manifest().jobs {
            let job = JobName::new("tokens", &job.name);

            let refused = run::run_all(&host, &[job], &options(Mode::Apply), &terminal()).await;

            assert_eq!(Exit::of_error(&refused.unwrap_err()), Exit::Refused);
        }
        assert_eq!(auth.names("refresh_tokens").await, ["revoked"]);
        assert_eq!(auth.lab.count("SELECT count(*) FROM besom_run").await, 0);
    }
}
