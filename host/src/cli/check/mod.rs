//! `besom check`: would everything run? Changes nothing.

mod report;
mod same_tables;
mod sql;
#[cfg(test)]
mod tests;

pub use report::{CheckReport, JobCheck, told};

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use super::Terminal;
use super::exit::Exit;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::ledger::{self, LedgerError};
use crate::plugin::{Plugin, TableAccess};
use crate::preflight::{Finding, Rights, Severity, about_the_role, merged};
use crate::request::JobName;
use crate::runner::{Host, RunnerError, Stray, unused_grants};
use crate::scope::{Grants, Refusal, lines};

/// Load every plugin, look for what stands in each job's way, and change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A job is absent where the database lacks a table or a column that the plugin knows and the configuration does
not name: it has nothing to do here.

Exit codes: 0 every job could run or is absent, 1 a finding keeps a job from running, or every job is absent,
2 a configuration at fault or denied.

Examples:
  besom check
  besom check --sql | psql                what mends the findings, run
  besom -c staging.toml check --json")]
pub struct CheckArgs {
    /// Print one JSON object
    #[arg(long, conflicts_with = "sql")]
    pub json: bool,
    /// Print the statements that mend the findings, and nothing else
    #[arg(long)]
    pub sql: bool,
}

/// Prints the report and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(report: &CheckReport, args: &CheckArgs, terminal: &Terminal) -> Result<Exit> {
    let output = terminal.output;
    if args.json {
        output.json(report)?;
    } else if args.sql {
        for (refusal, jobs) in report.refusals() {
            tracing::error!("{}: {refusal}", jobs.join(", "));
        }
        if let Some(lines) = report.way_out() {
            tracing::error!("{lines}");
        }
        output.print(&sql::script(&report.findings()))?;
    } else {
        output.print(&report.text(output.color()))?;
    }
    Ok(report.exit())
}

/// Loads everything and checks it against the database.
///
/// # Errors
/// When the database does not answer; what is wrong with a job is in its report.
pub async fn execute(args: CheckArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let database = config.database.url.to_string();
    let host = Host::open(config).await?;
    let catalog = host.catalog().await?;
    let mut jobs = Vec::new();
    // What they need all together, as long as it is known.
    let mut needed = Some(Vec::new());
    let mut denied = Vec::new();
    for (name, plugin) in host.plugins() {
        let first = jobs.len();
        // What all of its jobs need of their grant, as long as it is known.
        let mut makes_use_of = Some(Grants::default());
        let named = host.config().plugins.get(name);
        for job in &plugin.manifest().jobs {
            if job.opt_in && !named.is_some_and(|named| named.jobs.contains_key(&job.name)) {
                continue; // it does not run, and may lack a setting that only the operator knows
            }
            let job = JobName::new(name, &job.name);
            if host.config().job(&job).is_some_and(|job| !job.enabled) {
                continue;
            }
            let checked = check(&host, &job, plugin, &catalog, &mut needed).await;
            makes_use_of = makes_use_of
                .zip(checked.needs)
                .map(|(all, more)| joined(all, &more));
            denied.extend(checked.denied);
            jobs.push(checked.told);
        }
        if let Some(own) = jobs.get_mut(first..) {
            same_tables::note(plugin, own);
        }
        if let (Some(named), Some(needed), Some(job)) = (named, makes_use_of, jobs.get_mut(first)) {
            job.findings
                .extend(unused_grants(name, named, &needed, &catalog));
        }
    }
    host.in_order(
        jobs.iter()
            .filter(|job| job.refusal.is_none())
            .map(|job| job.job.clone())
            .collect(),
    )?;
    jobs.extend(stray_jobs(&host));
    jobs.extend(unavailable(&host));
    let needed = needed.map(merged);
    let role = host.role(None).await?;
    let role = role.map_or_else(Vec::new, |role| about_the_role(&role, needed.as_deref()));
    let report = CheckReport {
        database,
        jobs,
        allowed_by: by_plugin(&denied),
        role,
    };
    // A ledger that is not there is found now rather than at the first run. One that the role may not
    // read is in the report, with its GRANT.
    if let Err(error) = ledger::list(host.database(), 1).await
        && !(matches!(error, LedgerError::Denied(_)) && report.lacks_rights())
    {
        return Err(error.into());
    }
    host.database().close().await;
    present(&report, &args, terminal)
}

/// What a check found about one job, and what it tells about its plugin.
struct Checked {
    told: JobCheck,
    /// What the job needs of its grant, where that is known.
    needs: Option<Grants>,
    denied: Option<Refusal>,
}

async fn check(
    host: &Host,
    job: &JobName,
    plugin: &Plugin,
    catalog: &Arc<Catalog>,
    needed: &mut Option<Vec<Rights>>,
) -> Checked {
    let mut told = JobCheck {
        job: job.clone(),
        version: plugin.manifest().version.to_string(),
        tables: Vec::new(),
        absent: None,
        refusal: None,
        findings: Vec::new(),
    };
    let examined = match host.examine(job, &[], catalog).await {
        Ok(examined) => examined,
        Err(error) => {
            if let RunnerError::Absent { missing, .. } = error {
                told.absent = Some(missing);
                return Checked {
                    told,
                    needs: Some(Grants::default()),
                    denied: None,
                };
            }
            *needed = None;
            let mut denied = None;
            told.refusal = Some(match error {
                // The job stands beside it.
                RunnerError::Settings { source, .. } => source.to_string(),
                // The lines that allow it stand together with those for the plugin's other jobs.
                RunnerError::Denied(refusal) => denied.insert(*refusal).needs(),
                other => other.to_string(),
            });
            let needs = None;
            return Checked {
                told,
                needs,
                denied,
            };
        }
    };
    match examined.rights() {
        Some(more) => needed
            .iter_mut()
            .for_each(|known| known.extend(more.clone())),
        None => *needed = None,
    }
    let tolerated = host.config().job(job).map(|limits| limits.tolerate);
    told.findings = examined.findings().to_vec();
    for access in examined.access() {
        if !told.tables.contains(&access.table) {
            told.tables.push(access.table.clone());
        }
        if let Some(finding) = unknown_name(access, catalog)
            && !told.findings.iter().any(|f| f.code == finding.code)
        {
            let finding = finding.under(&tolerated.clone().unwrap_or_default());
            told.findings.push(finding);
        }
    }
    Checked {
        told,
        needs: examined.needed().cloned(),
        denied: None,
    }
}

fn joined(mut all: Grants, more: &Grants) -> Grants {
    for (table, grant) in &more.tables {
        let one = all.tables.entry(table.clone()).or_default();
        one.add_rights(grant);
    }
    all
}

/// The lines of the file that allow what was denied, one block a plugin.
fn by_plugin(denied: &[Refusal]) -> BTreeMap<String, String> {
    let mut by_plugin: BTreeMap<&str, Vec<&Refusal>> = BTreeMap::new();
    for refusal in denied {
        let plugin = refusal.subject.job.plugin.as_str();
        by_plugin.entry(plugin).or_default().push(refusal);
    }
    let blocks = by_plugin
        .into_iter()
        .map(|(plugin, refusals)| (plugin.to_owned(), lines(refusals)));
    blocks.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// What the job names and the database does not have.
fn unknown_name(access: &TableAccess, catalog: &Catalog) -> Option<Finding> {
    let (code, message) = match catalog.table(&access.table) {
        Err(unknown) => ("unknown-table", unknown.to_string()),
        Ok(table) => {
            let mut named = access.read.iter().chain(&access.update);
            let column = named.find(|column| table.column(column).is_none())?;
            let text = format!("table `{}` has no column `{column}`", table.id);
            ("unknown-column", text)
        }
    };
    Some(Finding::new(code, Severity::Error, message))
}

/// Plugins that the file names, and of which no version runs.
fn unavailable(host: &Host) -> impl Iterator<Item = JobCheck> {
    let all = host.versions().unavailable().iter();
    all.map(|(name, why)| JobCheck {
        job: JobName::new(name, "*"),
        version: "–".to_owned(),
        tables: Vec::new(),
        absent: None,
        refusal: Some(format!("plugin `{name}` does not run: {why}")),
        findings: Vec::new(),
    })
}

/// Jobs that the file names and their plugin does not have: a misspelt name would leave the real one on
/// its defaults. One that another profile has is no mistake: a file may serve several databases.
fn stray_jobs(host: &Host) -> Vec<JobCheck> {
    let checked = |stray: Stray| {
        let plugin = host.plugins().get(&stray.job.plugin);
        let version = plugin.map(|plugin| plugin.manifest().version.to_string());
        let (refusal, findings) = match stray.other_profile {
            true => {
                let text = stray.to_string();
                let finding = Finding::new("other-profile", Severity::Warning, text);
                (None, vec![finding])
            }
            false => (Some(stray.to_string()), Vec::new()),
        };
        JobCheck {
            job: stray.job,
            version: version.unwrap_or_default(),
            tables: Vec::new(),
            absent: None,
            refusal,
            findings,
        }
    };
    host.strays().into_iter().map(checked).collect()
}
