//! `besom check`: would everything run? Changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;

use super::Terminal;
use super::exit::Exit;
use super::output::{Align, Table, Tone, many_lines};
use crate::catalog::Catalog;
use crate::config::{Config, ConfigError};
use crate::ledger;
use crate::plugin::Plugin;
use crate::request::JobName;
use crate::runner::{Host, RunnerError};

/// Load every plugin, check grants and settings against the database, and change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 every job could run, 1 a job's data stands in its way, 2 a configuration at fault or
denied.

Examples:
  besom check
  besom -c staging.toml check --json")]
pub struct CheckArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The database, without password.
    pub database: String,
    /// Every job of every plugin that the file names, but no opt-in job that it does not name.
    pub jobs: Vec<JobCheck>,
}

/// What a check found about one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCheck {
    /// The job.
    #[serde(serialize_with = "displayed")]
    pub job: JobName,
    /// Its plugin's version.
    pub version: String,
    /// The tables that it touches.
    pub tables: Vec<String>,
    /// Why it may not run: a grant that does not cover it, a setting at fault.
    pub refusal: Option<String>,
    /// What preflight noticed, the host's and the plugin's.
    pub findings: Vec<Finding>,
}

/// Something that preflight noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A code that the documentation lists.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, and what to do about it.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// The job runs, perhaps not as meant.
    Warning,
    /// The job does not run.
    Error,
}

fn displayed<S: serde::Serializer>(job: &JobName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(job)
}

impl JobCheck {
    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    fn exit(&self) -> Exit {
        match (&self.refusal, self.worst()) {
            (Some(_), _) => Exit::Refused,
            (None, Some(Severity::Error)) => Exit::Failed,
            (None, _) => Exit::Done,
        }
    }

    fn verdict(&self) -> (&'static str, Tone) {
        match (self.exit(), self.worst()) {
            (Exit::Refused, _) => ("refused", Tone::Bad),
            (Exit::Failed, _) => ("error", Tone::Bad),
            (_, Some(Severity::Warning)) => ("warning", Tone::Warning),
            _ => ("ok", Tone::Plain),
        }
    }
}

impl CheckReport {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        Exit::worst(self.jobs.iter().map(JobCheck::exit))
    }

    /// Each refusal once, with the jobs that it meets: a setting at fault meets a whole plugin.
    fn refusals(&self) -> Vec<(&str, Vec<String>)> {
        let mut grouped: Vec<(&str, Vec<String>)> = Vec::new();
        for job in &self.jobs {
            let Some(refusal) = &job.refusal else {
                continue;
            };
            match grouped.iter_mut().find(|(text, _)| text == refusal) {
                Some((_, jobs)) => jobs.push(job.job.to_string()),
                None => grouped.push((refusal, vec![job.job.to_string()])),
            }
        }
        grouped
    }

    /// The report as text.
    pub fn text(&self, color: bool) -> String {
        let mut table = Table::new([
            ("job", Align::Left),
            ("version", Align::Left),
            ("check", Align::Left),
            ("tables", Align::Left),
        ]);
        for job in &self.jobs {
            let (verdict, tone) = job.verdict();
            let tables = job.tables.join(", ");
            table.row(
                [
                    job.job.to_string(),
                    job.version.clone(),
                    verdict.to_owned(),
                    tables,
                ],
                tone,
            );
        }
        let mut text = format!("database  {}\n\n", many_lines(&self.database));
        text.push_str(&table.render(color));
        for (refusal, jobs) in self.refusals() {
            let line = format!("{}: {refusal}", jobs.join(", "));
            text.push_str(&format!(
                "\n{}\n",
                Tone::Bad.paint(&many_lines(&line), color)
            ));
        }
        for job in &self.jobs {
            for finding in &job.findings {
                let (severity, tone) = match finding.severity {
                    Severity::Info => ("info", Tone::Plain),
                    Severity::Warning => ("warning", Tone::Warning),
                    Severity::Error => ("error", Tone::Bad),
                };
                let line = format!(
                    "{}: {severity} {}: {}",
                    job.job, finding.code, finding.message
                );
                text.push_str(&format!("\n{}\n", tone.paint(&many_lines(&line), color)));
            }
        }
        text
    }
}

/// Prints the report and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(report: &CheckReport, json: bool, terminal: &Terminal) -> Result<Exit> {
    if json {
        terminal.output.json(report)?;
    } else {
        terminal
            .output
            .print(&report.text(terminal.output.color()))?;
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
    for (name, plugin) in host.plugins() {
        let first = jobs.len();
        let mut used = BTreeSet::new();
        let named = host.config().plugins.get(name);
        for job in &plugin.manifest().jobs {
            if job.opt_in && !named.is_some_and(|named| named.jobs.contains_key(&job.name)) {
                continue; // it does not run, and may lack a setting that only the operator knows
            }
            let job = JobName::new(name, &job.name);
            jobs.push(check(&host, &job, plugin, &catalog, &mut used).await);
        }
        let granted = named.map(|plugin| &plugin.grants.tables);
        let checked = jobs.iter().skip(first).all(|job| job.refusal.is_none());
        for table in granted.into_iter().flat_map(|tables| tables.keys()) {
            if checked
                && !used.contains(table)
                && let Some(job) = jobs.get_mut(first)
            {
                job.findings.push(Finding {
                    code: "unused-grant".to_owned(),
                    severity: Severity::Warning,
                    message: format!("the file grants `{table}`, which no job of `{name}` touches"),
                });
            }
        }
    }
    jobs.extend(stray_jobs(&host));
    host.in_order(
        jobs.iter()
            .filter(|job| job.refusal.is_none())
            .map(|job| job.job.clone())
            .collect(),
    )?;
    // A ledger that is not there is found now rather than at the first run.
    ledger::list(host.database(), 1).await?;
    host.database().close().await;
    present(&CheckReport { database, jobs }, args.json, terminal)
}

async fn check(
    host: &Host,
    job: &JobName,
    plugin: &Plugin,
    catalog: &Arc<Catalog>,
    used: &mut BTreeSet<String>,
) -> JobCheck {
    let mut checked = JobCheck {
        job: job.clone(),
        version: plugin.manifest().version.to_string(),
        tables: Vec::new(),
        refusal: None,
        findings: Vec::new(),
    };
    let prepared = match host.prepare(job, &[], catalog).await {
        Ok(prepared) => prepared,
        Err(RunnerError::Finding { code, message, .. }) => {
            checked.findings.push(Finding {
                code,
                severity: Severity::Error,
                message,
            });
            return checked;
        }
        Err(error) => {
            // The job stands beside it.
            checked.refusal = Some(match error {
                RunnerError::Settings { source, .. } => source.to_string(),
                other => other.to_string(),
            });
            return checked;
        }
    };
    for access in &prepared.access {
        checked.tables.push(access.table.clone());
        let problem = match catalog.table(&access.table) {
            Err(unknown) => Some(("unknown-table", unknown.to_string())),
            Ok(table) => access
                .read
                .iter()
                .chain(&access.update)
                .find(|column| table.column(column).is_none())
                .map(|column| {
                    (
                        "unknown-column",
                        format!("table `{}` has no column `{column}`", table.id),
                    )
                }),
        };
        if let Some((code, message)) = problem {
            checked.findings.push(Finding {
                code: code.to_owned(),
                severity: Severity::Error,
                message,
            });
        }
    }
    used.extend(prepared.granted_and_used);
    checked
}

/// Jobs that the file names and their plugin does not have: a misspelt name would leave the real
/// one on its defaults.
fn stray_jobs(host: &Host) -> Vec<JobCheck> {
    let mut stray = Vec::new();
    for (name, plugin) in host.plugins() {
        let Some(config) = host.config().plugins.get(name) else {
            continue;
        };
        let known: Vec<_> = plugin
            .manifest()
            .jobs
            .iter()
            .map(|job| job.name.as_str())
            .collect();
        for (job, named) in config
            .jobs
            .iter()
            .filter(|(job, _)| !known.contains(&job.as_str()))
        {
            let text = format!(
                "plugin `{name}` has no such job; it has: {}",
                known.join(", ")
            );
            stray.push(JobCheck {
                job: JobName::new(name, job),
                version: plugin.manifest().version.to_string(),
                tables: Vec::new(),
                refusal: Some(ConfigError::at(&named.place, text).to_string()),
                findings: Vec::new(),
            });
        }
    }
    stray
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn job(name: &str) -> JobCheck {
        JobCheck {
            job: name.parse().unwrap(),
            version: "1.0.0".to_owned(),
            tables: vec![
                "oauth2_access_tokens".to_owned(),
                "oauth2_refresh_tokens".to_owned(),
            ],
            refusal: None,
            findings: Vec::new(),
        }
    }

    fn finding(severity: Severity) -> Finding {
        Finding {
            code: "unindexed-foreign-key".to_owned(),
            severity,
            message: "no index on b.a_id:\nCREATE INDEX …".to_owned(),
        }
    }

    fn report(jobs: Vec<JobCheck>) -> CheckReport {
        CheckReport {
            database: "sqlite://besom.db".to_owned(),
            jobs,
        }
    }

    #[test]
    fn a_check_prints_a_verdict_a_job_and_then_every_finding() {
        let refusal = Some("may not delete `t`".to_owned());
        let warned = JobCheck {
            findings: vec![finding(Severity::Warning)],
            ..job("tokens/b")
        };
        let refused = JobCheck {
            refusal,
            tables: Vec::new(),
            ..job("acme/purge")
        };
        let expected = "\
database  sqlite://besom.db

job         version  check    tables
─────────────────────────────────────────────────────────────────────────
tokens/a    1.0.0    ok       oauth2_access_tokens, oauth2_refresh_tokens
tokens/b    1.0.0    warning  oauth2_access_tokens, oauth2_refresh_tokens
acme/purge  1.0.0    refused

acme/purge: may not delete `t`

tokens/b: warning unindexed-foreign-key: no index on b.a_id:
CREATE INDEX …
";
        assert_eq!(
            report(vec![job("tokens/a"), warned, refused]).text(false),
            expected
        );
    }

    #[test]
    fn a_check_exits_by_what_stands_in_the_way() {
        let with = |severity| JobCheck {
            findings: vec![finding(severity)],
            ..job("a/b")
        };
        assert_eq!(
            report(vec![job("a/b"), with(Severity::Warning)]).exit(),
            Exit::Done
        );
        assert_eq!(report(vec![with(Severity::Error)]).exit(), Exit::Failed);
        let refused = JobCheck {
            refusal: Some("no".to_owned()),
            ..job("a/b")
        };
        assert_eq!(report(vec![job("a/b"), refused]).exit(), Exit::Refused);
    }

    #[test]
    fn a_check_as_json_names_jobs_and_severities() {
        let warned = JobCheck {
            findings: vec![finding(Severity::Warning)],
            ..job("tokens/b")
        };
        let json = serde_json::to_value(report(vec![warned])).unwrap();
        assert_eq!(json["jobs"][0]["job"], "tokens/b");
        assert_eq!(json["jobs"][0]["findings"][0]["severity"], "warning");
        assert_eq!(json["jobs"][0]["refusal"], serde_json::Value::Null);
    }
}
