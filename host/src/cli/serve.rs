//! `besom serve`: runs jobs by their schedules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Terminal;
use super::exit::{Exit, Refusal};
use crate::config::{DEFAULT_FILE, ENVIRONMENT_VARIABLE};
use crate::runner::Host;
use crate::service::{self, Loader, Signals};

/// Run jobs by their schedules until told to stop.
///
/// Any number of hosts may serve one database: a due time is taken once, and the runs of a host that
/// is gone go on elsewhere. SIGTERM or SIGINT stops after the batches in hand, a second one at once;
/// SIGHUP, or a change of the file, reads the configuration again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 stopped as asked, 1 failed, 2 a configuration at fault.

Examples:
  besom migrate && besom check && besom serve
  besom serve --config /etc/besom/besom.toml
  besom serve --watch target/wasm32-wasip2/release")]
pub struct ServeArgs {
    /// Install the components of this folder as they appear or change, as `besom plugin install` would
    #[arg(long, value_name = "DIR")]
    pub watch: Option<PathBuf>,
    /// Print the OpenAPI document of the HTTP API, and end
    #[arg(long)]
    pub openapi: bool,
}

/// Serves.
///
/// # Errors
/// When the service cannot begin. Once it serves, the database may come and go.
pub async fn execute(args: ServeArgs, file: Option<PathBuf>, terminal: &Terminal) -> Result<Exit> {
    if args.openapi {
        terminal.output.json(&service::http::document())?;
        return Ok(Exit::Done);
    }
    if let Some(folder) = args.watch.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(Refusal(format!(
            "--watch {}: there is no such folder",
            folder.display()
        ))
        .into());
    }
    let config = super::load(file.as_deref())?;
    let signals = Signals::of_process().context("signals cannot be caught")?;
    if let Some(here) = config.schedule.skipped() {
        tracing::warn!(
            "no job runs here: {ENVIRONMENT_VARIABLE} is `{here}`, which [schedule] skip-in names"
        );
    }
    let host = Host::open(config).await?;
    service::serve(host, loader(file), signals, args.watch).await?;
    Ok(Exit::Done)
}

fn loader(named: Option<PathBuf>) -> Loader {
    let file = named.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    Loader {
        load: Box::new(move || super::load(named.as_deref().map(Path::new))),
        text: Box::new(move || std::fs::read_to_string(&file).ok()),
    }
}
