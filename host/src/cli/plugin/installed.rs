//! What `besom plugin list` says of installed versions.

use anyhow::Result;
use serde::Serialize;

use super::super::output::many_lines;
use super::PluginEntry;
use crate::config::{Config, Origin};
use crate::plugin::{Digest, Plugin};
use crate::runner::Host;
use crate::store::{self, AuditRecord, Component, Deployment, Generation};

/// The installed versions of a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InstalledEntry {
    /// The version that the ledger says is in use.
    pub active: Option<VersionEntry>,
    /// The one before it.
    pub previous: Option<VersionEntry>,
    /// The one that the hosts make ready.
    pub staged: Option<VersionEntry>,
    /// The one that waits for the operator; why.
    pub pending: Option<VersionEntry>,
    /// The one that is counted beside the active one.
    pub shadow: Option<VersionEntry>,
    /// Runs of the shadow that are left.
    pub shadow_runs: u32,
    /// What the shadow would have done, run by run beside the active one, the newest first.
    pub shadow_found: Vec<FoundEntry>,
    /// The active one stays, whatever is installed.
    pub pinned: bool,
    /// Why the active one is not what runs.
    pub passed_over: Vec<VersionEntry>,
    /// The last that was refused.
    pub refused: Option<RefusedEntry>,
    /// Jobs that are suspended on a version.
    pub suspended: Vec<SuspendedEntry>,
    /// What each host that serves runs, or has ready.
    pub hosts: Vec<HostEntry>,
    /// The binary's own version, where it is newer than the one in use.
    pub bundled_is_newer: Option<String>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionEntry {
    /// The version; `None` where its component is not in the ledger any more.
    pub version: Option<String>,
    /// The component.
    pub digest: String,
    /// Who put it there.
    pub by: Option<String>,
    /// From where.
    pub from: Option<String>,
    /// Who signed it.
    pub signed_by: Option<String>,
    /// Why it waits, or does not run.
    pub why: Option<String>,
}

/// One run of the active version, compared with what the shadow would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundEntry {
    /// When.
    pub at: String,
    /// Which host looked.
    pub host: String,
    /// The difference in words.
    pub what: String,
}

/// Something that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedEntry {
    /// What was tried.
    pub action: String,
    /// The version, where it is known.
    pub version: Option<String>,
    /// The component, where there is one.
    pub digest: Option<String>,
    /// Who tried it.
    pub by: String,
    /// From where.
    pub from: String,
    /// When.
    pub at: String,
    /// Why it was refused.
    pub why: String,
}

/// A job that is suspended on a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuspendedEntry {
    /// As `plugin/job`.
    pub job: String,
    /// The component.
    pub digest: String,
    /// How it ended last.
    pub why: String,
}

/// What a host makes of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostEntry {
    /// The host.
    pub host: String,
    /// The component.
    pub digest: String,
    /// `running`, `ready` or `failed`.
    pub state: String,
    /// Why it failed.
    pub why: Option<String>,
}

struct Ledger {
    host: Host,
    deployments: Vec<Deployment>,
    components: Vec<Component>,
    refusals: Vec<AuditRecord>,
    comparisons: Vec<AuditRecord>,
    generations: Vec<Generation>,
}

/// Puts what the ledger says into the list, and the version that really runs into each line.
///
/// # Errors
/// When the database or the ledger does not answer.
pub async fn complete(entries: &mut Vec<PluginEntry>, config: Config) -> Result<()> {
    let stored = config.plugins.iter();
    let stored = stored.filter(|(_, plugin)| plugin.origin == Origin::Store);
    let stored: Vec<_> = stored.map(|(name, _)| name.clone()).collect();
    let host = Host::open(config).await?;
    let database = host.database().clone();
    let ledger = Ledger {
        deployments: store::deployments(&database).await?,
        components: store::components(&database).await?,
        refusals: store::refusals(&database).await?,
        comparisons: store::comparisons(&database).await?,
        generations: store::generations(&database).await?,
        host,
    };
    for name in stored {
        entries.retain(|entry| entry.name != name || entry.source != "bundled");
        entries.push(PluginEntry {
            name,
            version: None,
            source: "store".to_owned(),
            configured: true,
            jobs: Vec::new(),
            digest: None,
            problem: None,
            installed: None,
        });
    }
    for entry in entries {
        let bundled = entry.version.clone();
        if let Some(plugin) = ledger.host.plugins().get(&entry.name)
            && entry.configured
        {
            put(entry, plugin);
        }
        if let Some(why) = ledger.host.versions().unavailable().get(&entry.name) {
            entry.problem = Some(why.clone());
        }
        entry.installed = ledger.of(entry, bundled);
    }
    database.close().await;
    Ok(())
}

fn put(entry: &mut PluginEntry, plugin: &Plugin) {
    let digest = plugin.digest().to_string();
    if entry.digest.as_ref() == Some(&digest) {
        return;
    }
    let manifest = plugin.described();
    entry.source = "installed".to_owned();
    entry.version = Some(manifest.version.to_string());
    entry.jobs = manifest.jobs.iter().map(|job| job.name.clone()).collect();
    entry.digest = Some(digest);
}

impl Ledger {
    fn of(&self, entry: &PluginEntry, bundled: Option<String>) -> Option<InstalledEntry> {
        let name = &entry.name;
        let mut deployments = self.deployments.iter();
        let deployment = deployments.find(|one| one.plugin == *name);
        let mut refusals = self.refusals.iter().filter(|one| one.plugin == *name);
        let refused = refusals.next().map(refused);
        let versions = self.host.versions();
        let passed = versions.passed_over().iter();
        let passed = passed.filter(|passed| passed.plugin == *name);
        let suspended = versions.suspended().iter();
        let suspended = suspended.filter(|one| one.job.plugin == *name);
        if deployment.is_none() && refused.is_none() {
            return None;
        }
        let none = Deployment::none(name);
        let deployment = deployment.unwrap_or(&none);
        let version = |digest: Option<Digest>| digest.map(|digest| self.version(&digest, None));
        Some(InstalledEntry {
            active: version(deployment.active),
            previous: version(deployment.previous),
            staged: version(deployment.staged),
            pending: deployment
                .pending
                .as_ref()
                .map(|(digest, why)| self.version(digest, Some(why))),
            shadow: version(deployment.shadow.map(|shadow| shadow.digest)),
            shadow_runs: deployment.shadow.map_or(0, |shadow| shadow.runs_left),
            shadow_found: self.found(name),
            pinned: deployment.pinned,
            passed_over: passed
                .map(|passed| self.version(&passed.digest, Some(&passed.why)))
                .collect(),
            refused,
            suspended: suspended
                .map(|one| SuspendedEntry {
                    job: one.job.to_string(),
                    digest: one.digest.to_string(),
                    why: one.why.clone(),
                })
                .collect(),
            hosts: self.hosts(name),
            bundled_is_newer: bundled.filter(|bundled| newer(bundled, entry.version.as_deref())),
        })
    }

    fn version(&self, digest: &Digest, why: Option<&str>) -> VersionEntry {
        let mut components = self.components.iter();
        let found = components.find(|component| component.digest == *digest);
        let signature = found.and_then(|found| found.signature.as_ref());
        VersionEntry {
            version: found.map(|found| found.version.clone()),
            digest: digest.to_string(),
            by: found.map(|found| found.by.clone()),
            from: found.map(|found| found.origin.clone()),
            signed_by: signature.map(|signature| signature.key().to_string()),
            why: why.map(str::to_owned),
        }
    }

    fn found(&self, name: &str) -> Vec<FoundEntry> {
        let compared = self.comparisons.iter().filter(|one| one.plugin == *name);
        compared
            .map(|one| FoundEntry {
                at: one.at.to_string(),
                host: one.who.name.clone(),
                what: one.why.clone().unwrap_or_default(),
            })
            .collect()
    }

    fn hosts(&self, name: &str) -> Vec<HostEntry> {
        let said = self.generations.iter().filter(|said| said.plugin == *name);
        said.map(|said| HostEntry {
            host: said.host.clone(),
            digest: said.digest.to_string(),
            state: said.state.to_string(),
            why: said.why.clone(),
        })
        .collect()
    }
}

fn refused(record: &AuditRecord) -> RefusedEntry {
    RefusedEntry {
        action: record.action.clone(),
        version: record.version.clone(),
        digest: record.digest.map(|digest| digest.to_string()),
        by: record.who.name.clone(),
        from: record.who.origin.clone(),
        at: record.at.to_string(),
        why: record.why.clone().unwrap_or_default(),
    }
}

fn newer(bundled: &str, running: Option<&str>) -> bool {
    let parse = |text: &str| text.parse::<semver::Version>().ok();
    match (parse(bundled), running.and_then(parse)) {
        (Some(bundled), Some(running)) => bundled > running,
        _ => false,
    }
}

/// The latest comparisons of a shadow that are shown; `--json` has more.
const FOUND_SHOWN: usize = 5;

/// The installed versions as lines below the table.
pub fn text(name: &str, installed: &InstalledEntry) -> String {
    let mut lines = Vec::new();
    let mut line = |label: &str, version: &VersionEntry| {
        let number = version.version.as_deref().unwrap_or("?");
        let mut text = format!("  {label:<9} {number} {}", version.digest);
        if let (Some(by), Some(from)) = (&version.by, &version.from) {
            text.push_str(&format!(", by {by} from {from}"));
        }
        if let Some(key) = &version.signed_by {
            text.push_str(&format!(", signed by {key}"));
        }
        if let Some(why) = &version.why {
            text.push_str(&format!("\n    {}", why.trim_end().replace('\n', "\n    ")));
        }
        lines.push(text);
    };
    for (label, version) in [
        ("active", &installed.active),
        ("previous", &installed.previous),
        ("staged", &installed.staged),
        ("pending", &installed.pending),
        ("shadow", &installed.shadow),
    ] {
        if let Some(version) = version {
            line(label, version);
        }
    }
    for version in &installed.passed_over {
        line("not run", version);
    }
    if installed.pinned {
        lines.push("  pinned    what is installed does not take its place".to_owned());
    }
    match installed.shadow_runs {
        0 if installed.shadow.is_some() => lines.push(format!(
            "  shadow    counted beside all its runs: `besom plugin promote {name}` puts it in use"
        )),
        0 => {}
        1 => lines.push("  shadow    for 1 run more".to_owned()),
        runs => lines.push(format!("  shadow    for {runs} runs more")),
    }
    let found = installed.shadow_found.iter().take(FOUND_SHOWN);
    lines.extend(found.map(|found| format!("    {} on {}: {}", found.at, found.host, found.what)));
    if let Some(refused) = &installed.refused {
        let RefusedEntry {
            action, by, from, ..
        } = refused;
        let version = refused.version.as_deref().unwrap_or("");
        let why = refused.why.trim_end().replace('\n', "\n    ");
        lines.push(format!(
            "  refused   {action} {version} by {by} from {from}\n    {why}"
        ));
    }
    for one in &installed.suspended {
        let SuspendedEntry { job, digest, why } = one;
        lines.push(format!("  suspended {job} on {digest}: {why}"));
    }
    for host in &installed.hosts {
        let why = host.why.as_ref().map(|why| format!(": {why}"));
        let why = why.unwrap_or_default();
        lines.push(format!(
            "  host      {} {} {}{why}",
            host.host, host.state, host.digest
        ));
    }
    if let Some(version) = &installed.bundled_is_newer {
        lines.push(format!("  bundled   the bundled one is newer: {version}"));
    }
    if lines.is_empty() {
        return String::new();
    }
    many_lines(&format!("\n{name}\n{}\n", lines.join("\n")))
}
