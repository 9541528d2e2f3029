//! `besom explain`: what a job would do, and how, without doing it.

mod sweep;
mod text;

pub use sweep::{ForeignKeyUse, SweepPlan};

use anyhow::Result;
use serde::Serialize;

use super::Terminal;
use super::exit::Exit;
use crate::config::Config;
use crate::preflight::Finding;
use crate::request::JobName;
use crate::runner::Host;
use crate::sweep::indexes_used;

/// Show how a job would go about its work, with its SQL and its findings, and change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 explained, 1 a finding keeps the job from running, 2 wrong usage, a configuration at fault
or denied.

Examples:
  besom explain tokens/expired-access
  besom explain tokens/expired-access --json | jq '.sweeps[].technique'")]
pub struct ExplainArgs {
    /// The job, as `plugin/job`
    #[arg(value_name = "JOB")]
    pub job: JobName,
    /// A setting of the plugin for this look only; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::run::setting)]
    pub settings: Vec<(String, String)>,
    /// Also print the database's own plan of each statement; the look for where a window ends is run for it
    #[arg(long)]
    pub analyze: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How a job would go about its work.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The job, as `plugin/job`.
    pub job: String,
    /// Its sweeps, in the order in which it opens them.
    pub sweeps: Vec<SweepPlan>,
    /// Sweeps that were refused, and why.
    pub refused: Vec<Refused>,
    /// What preflight noticed.
    pub findings: Vec<Finding>,
}

/// A sweep that cannot be opened.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// The table.
    pub table: String,
    /// A code that the documentation lists.
    pub code: String,
    /// What is at fault.
    pub message: String,
}

/// Prints the explanation and says how the command ends.
///
/// # Errors
/// When stdout cannot be written.
pub fn present(explanation: &Explanation, json: bool, terminal: &Terminal) -> Result<Exit> {
    let output = terminal.output;
    if json {
        output.json(explanation)?;
    } else {
        output.print(&text::text(explanation, output.color()))?;
    }
    let stopped = explanation.findings.iter().any(Finding::stops);
    Ok(if stopped { Exit::Failed } else { Exit::Done })
}

/// Rehearses the job and explains what it asked for.
///
/// # Errors
/// When there is no such job, or it may not run at all.
pub async fn execute(args: ExplainArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let catalog = host.catalog().await?;
    let job = host.present_name(args.job);
    // The same refusal, with the names that there are, as for a run.
    host.in_order(vec![job.clone()])?;
    let examined = host.examine(&job, &args.settings, &catalog).await?;
    let mut sweeps = Vec::new();
    for plan in &examined.rehearsed.plans {
        let size = examined.batch_size();
        let used = indexes_used(host.database(), plan, size, args.analyze).await?;
        sweeps.push(SweepPlan::of(plan, size, used, args.analyze));
    }
    host.database().close().await;
    let refused = examined.rehearsed.refused.iter();
    let explanation = Explanation {
        job: job.to_string(),
        sweeps,
        refused: refused
            .map(|(request, fault)| Refused {
                table: request.table.clone(),
                code: fault.problem().code.clone(),
                message: fault.problem().message.clone(),
            })
            .collect(),
        findings: examined.findings().to_vec(),
    };
    present(&explanation, args.json, terminal)
}
