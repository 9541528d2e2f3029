//! `besom grants`: what rights the jobs need, for a role of besom's own. Changes nothing.

mod report;

pub use report::{GrantsReport, Needed};

use anyhow::{Context, Result};

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::output::many_lines;
use super::refused;
use super::targets::{Target, jobs_of};
use crate::catalog::{Dialect, quote_ident};
use crate::config::Config;
use crate::ledger;
use crate::preflight;
use crate::runner::{Host, RunnerError};

/// Show the rights that the jobs need on PostgreSQL, least privilege, and change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Run it as a role that sees every table, such as the owner. It needs a migrated ledger.

A job that is refused is told on stderr with the way out, and what the others need is shown.

Exit codes: 0 shown, 1 not everything that a job needs is known, 2 wrong usage, a configuration at fault,
or not PostgreSQL.

Examples:
  besom grants
  besom grants --sql besom | psql           give the role `besom` what every job needs
  besom grants --sql besom tokens           what the jobs of one plugin need
  besom grants --sql besom --revoke         the same, and take back what no job needs")]
pub struct GrantsArgs {
    /// `plugin/job`, or a plugin for all its jobs; without any, every job that the file has run
    #[arg(value_name = "JOB")]
    pub targets: Vec<Target>,
    /// Print the statements that give this role the rights, and nothing else
    #[arg(long, value_name = "ROLE", value_parser = role, conflicts_with = "json")]
    pub sql: Option<String>,
    /// Before them, take back what the role holds and no job needs
    #[arg(long, requires = "sql", conflicts_with = "targets")]
    pub revoke: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// PostgreSQL cuts names after 63 bytes, and a NUL ends one.
fn role(text: &str) -> Result<String, String> {
    match text.len() {
        1..=63 if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err("name a role, of at most 63 bytes".to_owned()),
    }
}

/// Rehearses the jobs and prints the rights.
///
/// # Errors
/// When the database has no rights or does not answer, or a role whose rights are to be taken back is
/// not there.
pub async fn execute(args: GrantsArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    if host.database().dialect() == Dialect::Sqlite {
        let text = "SQLite has no roles and no rights: who may open the file may do everything. \
                    `besom grants` is for PostgreSQL";
        return Err(Refusal(text.to_owned()).into());
    }
    let jobs = jobs_of(&host, &args.targets)?;
    ledger::list(host.database(), 1)
        .await
        .context("the rights on the ledger are among those that a job needs")?;
    let catalog = host.catalog().await?;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    let mut refused = Vec::new();
    for job in jobs {
        match host.examine(&job, &[], &catalog).await {
            Ok(examined) => match examined.rights() {
                Some(rights) => known.push((job, rights)),
                None => unknown.push(job),
            },
            Err(RunnerError::Absent { missing, .. }) => {
                tracing::info!("`{job}` needs nothing here: {missing}");
            }
            Err(error) => {
                // Without the database each of the others would wait for it in vain.
                if error.passes() {
                    ledger::list(host.database(), 1).await?;
                }
                refused.push((job, error));
            }
        }
    }
    for (job, error) in &refused {
        tracing::error!("{}", many_lines(&refused::in_words(job, error)));
    }
    if let Some(lines) = refused::lines(refused.iter().map(|(_, error)| error)) {
        tracing::error!("{}", many_lines(&lines));
    }
    let unknown: Vec<_> = unknown
        .iter()
        .chain(refused.iter().map(|(job, _)| job))
        .map(ToString::to_string)
        .collect();
    let exit = match unknown.is_empty() {
        true => Exit::Done,
        false => {
            let text = format!(
                "not everything that these need is known: {} (`besom check` says why)",
                unknown.join(", ")
            );
            if args.revoke {
                // It would take away what they need.
                return Err(anyhow::anyhow!(text));
            }
            tracing::error!("{text}");
            Exit::Failed
        }
    };
    let database = host.config().database.url.to_string();
    let report = GrantsReport::of(&database, &known, unknown);
    let revokes = match args.sql.as_deref().filter(|_| args.revoke) {
        None => Vec::new(),
        Some(name) => {
            let role = host.role(Some(name)).await?.with_context(|| {
                format!("there is no role `{name}`, from which to take anything back")
            })?;
            preflight::revokes(&role, report.rights())
        }
    };
    host.database().close().await;
    match &args.sql {
        Some(role) => {
            let script = report.script(&quote_ident(role), &revokes);
            terminal.output.print(&script)?;
        }
        None if args.json => terminal.output.json(&report)?,
        None => terminal
            .output
            .print(&report.text(terminal.output.color()))?,
    }
    Ok(exit)
}
