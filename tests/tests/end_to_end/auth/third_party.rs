//! A bundled plugin's component as anybody else's: it may do what the file grants it.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

/// The component as a file of the operator's.
pub fn component_file(plugin: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::with_prefix("besom-test-").unwrap();
    let path = folder.path().join(format!("{plugin}.wasm"));
    let bundled = besom_bundle::PLUGINS.iter().find(|p| p.name == plugin);
    std::fs::write(&path, bundled.unwrap().component).unwrap();
    (folder, path)
}

/// A host that has no bundled plugin, and the component under these grants.
pub async fn third_party_host(auth: &Auth, component: &Path, grants: &toml::Table) -> Host {
    let table = |key: &str, value: toml::Value| toml::Table::from_iter([(key.to_owned(), value)]);
    let mut plugin = table("component", component.display().to_string().into());
    plugin.insert("grant".to_owned(), grants.clone().into());
    let plugins = table(
        "plugins",
        table(&auth.plugin.manifest().name, plugin.into()).into(),
    );
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
async fn refusal(host: &Host, job: &JobName, set: &[(&str, &str)]) -> Option<String> {
    let catalog = host.catalog().await.unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let set: Vec<_> = set.iter().map(owned).collect();
    let refused = host.prepare(job, &set, &catalog).await.err()?;
    Some(refused.to_string())
}

/// The grants that the refusals of all jobs print, each of which lets its job begin.
pub async fn printed_grants(auth: &Auth, component: &Path, set: &[(&str, &str)]) -> toml::Table {
    let manifest = auth.plugin.manifest();
    let mut grants = toml::Table::new();
    for job in &manifest.jobs {
        let job = JobName::new(&manifest.name, &job.name);
        let before = third_party_host(auth, component, &grants).await;
        let Some(text) = refusal(&before, &job, set).await else {
            continue;
        };
        assert!(
            text.contains(&format!("plugin `{}`, job `{job}`:", manifest.name)),
            "{text}"
        );
        let (_, words) = text.split_once("write in besom.toml:\n").unwrap();
        let printed: toml::Table = words.parse().unwrap();
        let printed = printed["plugins"][manifest.name.as_str()]["grant"].as_table();
        grants.extend(printed.unwrap().clone());
        let after = third_party_host(auth, component, &grants).await;
        assert_eq!(refusal(&after, &job, set).await, None);
    }
    grants
}
