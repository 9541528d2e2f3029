//! A shadow: before a run of the version in use, a dry run of the new one on the same rows.

use tokio_util::sync::CancellationToken;

use crate::ledger::{Cause, Entry};
use crate::plugin::Digest;
use crate::request::{Batch, JobName, Mode};
use crate::runner::{Host, JobOptions, Outcome, RunReport, RunnerError, thousands};
use crate::store::{self, Action, Audit, Who};

/// What a new version would have done.
pub(super) struct Counted {
    digest: Digest,
    version: String,
    found: Result<Batch, String>,
}

/// Counts what the plugin's shadow would touch; `None` where there is no shadow, or nothing would be
/// changed anyhow.
pub(super) async fn count(host: &Host, entry: &Entry, stop: &CancellationToken) -> Option<Counted> {
    if entry.mode == Mode::DryRun || entry.begun_before {
        return None;
    }
    let shadowed = host.with_shadow(&entry.job.plugin)?;
    let plugin = shadowed.plugins().get(&entry.job.plugin)?;
    // This host may not have noticed yet that the last of its runs was counted.
    let deployment = store::deployment(host.database(), &entry.job.plugin).await;
    let shadow = deployment.ok()?.shadow?;
    if shadow.digest != *plugin.digest() || shadow.runs_left == 0 {
        return None;
    }
    let found = match dry_run(&shadowed, &entry.job, stop).await {
        Ok(report) if report.outcome == Outcome::Drained => Ok(report.totals),
        Ok(report) => {
            let why = report.error.or(report.reason);
            Err(why.unwrap_or_else(|| report.outcome.as_str().to_owned()))
        }
        Err(error) => Err(error.to_string()),
    };
    Some(Counted {
        digest: *plugin.digest(),
        version: plugin.manifest().version.to_string(),
        found,
    })
}

async fn dry_run(
    host: &Host,
    job: &JobName,
    stop: &CancellationToken,
) -> Result<RunReport, RunnerError> {
    let catalog = host.catalog().await?;
    let job = host.present_name(job.clone());
    let prepared = host.prepare(&job, &[], &catalog).await?;
    let options = JobOptions {
        mode: Mode::DryRun,
        set: Vec::new(),
        tolerate: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: stop.clone(),
        queued: None,
        cause: Cause::Shadow,
    };
    host.run(&prepared, &options, &mut Vec::new(), drop).await
}

/// Puts the difference on record, and counts the run; after the last one the shadow ends.
pub(super) async fn compare(host: &Host, counted: &Counted, report: &RunReport) {
    let job = &report.job;
    let active = host.plugins().get(&job.plugin);
    let active = active.map_or_else(String::new, |plugin| plugin.manifest().version.to_string());
    let (version, did) = (&counted.version, report.totals.changed());
    let words = match &counted.found {
        Ok(batch) if batch.changed() == did => {
            format!(
                "{job}: {version} would touch the same {} as {active}",
                rows(did)
            )
        }
        Ok(batch) => {
            let would = batch.changed();
            format!(
                "{job}: {version} would touch {}, {active} touched {}",
                rows(would),
                rows(did)
            )
        }
        Err(why) => format!(
            "{job}: {version} does not come to an end, {active} touched {}: {why}",
            rows(did)
        ),
    };
    tracing::info!(%job, "shadow: {words}");
    let who = Who {
        name: host.config().host.name.clone(),
        origin: "service".to_owned(),
    };
    let audit = Audit {
        who: &who,
        action: Action::Shadow,
        plugin: &job.plugin,
        version: Some(version.clone()),
        digest: Some(counted.digest),
        outcome: match counted.found {
            Ok(_) => store::Outcome::Done,
            Err(_) => store::Outcome::Refused,
        },
        why: Some(words),
    };
    let database = host.database();
    let noted = match store::audit(database, &audit).await {
        Ok(()) => store::shadow_ran(database, &job.plugin, &counted.digest)
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = noted {
        tracing::warn!(%job, %error, "the shadow's run was not recorded");
    }
}

fn rows(count: u64) -> String {
    let rows = if count == 1 { "row" } else { "rows" };
    format!("{} {rows}", thousands(count))
}
