//! `besom plugin install`, `rollback`, `pin`, `promote` and `remove`: which version the hosts run.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::super::Terminal;
use super::super::control::whoever;
use super::super::exit::{Exit, Refusal};
use super::super::output::{Tone, many_lines};
use crate::config::Config;
use crate::plugin::{Digest, DigestError, Signature};
use crate::runner::{Host, Install, Installed, Standing};
use crate::store::{self, Who};

/// How long a command waits for the hosts to have a version ready: a host looks each second, and
/// compiles the largest component in some ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// Put a version of a plugin into the ledger, for every host to run.
///
/// The component is compiled in a process of its own, and its jobs are looked at as before a run. Hosts
/// that serve make it ready first; where one of them cannot, nothing changes. What runs goes on with
/// the version that it began with. A version that asks for more than it is granted waits, and the lines
/// of the file that would allow it are printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A signature is looked for in FILE.sig, where `besom plugin sign` leaves it.

Exit codes: 0 in use, 1 failed, or not ready on every host yet, 2 refused or waiting for a grant.

Examples:
  besom plugin install tokens.wasm --dry-run
  besom plugin install tokens.wasm
  besom plugin install tokens.wasm --shadow=20")]
pub struct InstallArgs {
    /// The component file
    pub file: PathBuf,
    /// Check it, and change nothing
    #[arg(long, conflicts_with = "shadow")]
    pub dry_run: bool,
    /// Count what it would touch beside the version in use, for so many runs
    #[arg(long, value_name = "RUNS", num_args = 0..=1, require_equals = true,
          default_missing_value = "10", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub shadow: Option<u32>,
    /// The file with its signature; without it FILE.sig, if that is there
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Go back to the version of a plugin that was in use before.
///
/// Without one, what the binary embeds runs again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 refused.

Example:
  besom plugin rollback tokens")]
pub struct RollbackArgs {
    /// The plugin
    pub name: String,
}

/// Put a version of a plugin in use and keep it there, whatever is installed later.
///
/// A version that was suspended, because a job crashed on it, gets another try. The file's own `digest`
/// wins over this.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 refused.

Examples:
  besom plugin pin tokens 6f3c… (64 digits, from `besom plugin list`)
  besom plugin pin tokens none")]
pub struct PinArgs {
    /// The plugin
    pub name: String,
    /// The digest of a version in the ledger, or of the binary's own; `none` lifts the pin
    pub digest: PinTo,
}

/// Put the version of a plugin in use that waits: as a shadow, for a grant, or for a pin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 in use, 1 failed, or not ready on every host yet, 2 refused.

Example:
  besom plugin promote tokens")]
pub struct PromoteArgs {
    /// The plugin
    pub name: String,
}

/// Remove the installed versions of a plugin; the binary's own runs again, if there is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 refused.

Example:
  besom plugin remove acme-audit")]
pub struct RemoveArgs {
    /// The plugin
    pub name: String,
}

/// What a plugin is pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinTo {
    /// Nothing.
    Nothing,
    /// One component.
    Digest(Digest),
}

impl FromStr for PinTo {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "none" => Ok(Self::Nothing),
            digest => digest.parse().map(Self::Digest),
        }
    }
}

#[derive(Serialize)]
struct InstalledJson<'a> {
    plugin: &'a str,
    version: &'a str,
    digest: String,
    standing: &'static str,
    why: Option<String>,
    notes: &'a [String],
}

/// Installs.
///
/// # Errors
/// When the file cannot be read, or the version is refused.
pub async fn install(args: InstallArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let component = read(&args.file)?;
    let install = Install {
        component,
        signature: signature(&args)?,
        who: who(Some(&args.file)),
        dry_run: args.dry_run,
        shadow: args.shadow,
        same_version: false,
    };
    let host = Host::open(config).await?;
    let installed = host
        .install(&install)
        .await
        .with_context(|| args.file.display().to_string())?;
    let installed = settled(&host, installed).await?;
    host.database().close().await;
    present(&installed, args.json, terminal)
}

fn read(file: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(file)
        .map_err(|error| Refusal(format!("{} cannot be read: {error}", file.display())))
}

fn signature(args: &InstallArgs) -> Result<Option<Signature>> {
    let beside = PathBuf::from(format!("{}.sig", args.file.display()));
    let file = match &args.signature {
        Some(file) => file,
        None if beside.exists() => &beside,
        None => return Ok(None),
    };
    let text = String::from_utf8_lossy(&read(file)?).into_owned();
    let signature = text.parse();
    let signature = signature.map_err(|error| Refusal(format!("{}: {error}", file.display())))?;
    Ok(Some(signature))
}

/// Who is at the keyboard, and what file he has in hand.
fn who(file: Option<&Path>) -> Who {
    let path = file.map(|file| std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()));
    let origin = path.map_or("command line".to_owned(), |path| path.display().to_string());
    Who {
        name: whoever(),
        origin,
    }
}

/// Waits for the hosts that have to make it ready.
async fn settled(host: &Host, installed: Installed) -> Result<Installed> {
    let Standing::Staged(hosts) = &installed.place else {
        return Ok(installed);
    };
    tracing::info!("waiting for {} to have it ready", hosts.join(", "));
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let now = store::deployment(host.database(), &installed.plugin).await?;
        if now.active == Some(installed.digest) {
            let place = Standing::Active;
            return Ok(Installed { place, ..installed });
        }
        if now.staged != Some(installed.digest) {
            let refusals = store::refusals(host.database()).await?;
            let mut refusals = refusals.into_iter();
            let last = refusals.find(|one| one.digest == Some(installed.digest));
            let why = last.and_then(|last| last.why);
            let why = why.unwrap_or_else(|| "another version was put in its place".to_owned());
            return Err(Refusal(format!("not in use: {why}")).into());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(installed)
}

fn present(installed: &Installed, json: bool, terminal: &Terminal) -> Result<Exit> {
    let (standing, why) = (installed.place.as_str(), installed.place.why());
    let exit = match &installed.place {
        Standing::Staged(_) => Exit::Failed,
        Standing::Pending(_) => Exit::Refused,
        Standing::Sound | Standing::Active | Standing::Unchanged | Standing::Shadow(_) => {
            Exit::Done
        }
    };
    if json {
        terminal.output.json(&InstalledJson {
            plugin: &installed.plugin,
            version: &installed.version,
            digest: installed.digest.to_string(),
            standing,
            why,
            notes: &installed.notes,
        })?;
        return Ok(exit);
    }
    let words = match standing {
        "sound" => "could be installed; nothing was changed",
        "active" => "is in use",
        "unchanged" => "was in use already",
        "shadow" => "is counted beside the version in use",
        "staged" => "is staged",
        _ => "is stored and waits",
    };
    let Installed {
        plugin,
        version,
        digest,
        ..
    } = installed;
    let mut text = format!("{plugin} {version} ({digest}) {words}");
    if let Some(why) = why {
        text.push_str(&format!(": {why}"));
    }
    let color = terminal.output.color();
    for note in &installed.notes {
        text.push_str(&format!("\n{} {note}", Tone::Warning.paint("note:", color)));
    }
    terminal
        .output
        .print(&format!("{}\n", many_lines(text.trim_end())))?;
    Ok(exit)
}

/// Goes back.
///
/// # Errors
/// When there is nothing to go back to, or it cannot be run any more.
pub async fn rollback(args: RollbackArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let now = host.roll_back(&args.name, &who(None)).await?;
    host.database().close().await;
    let version = now.map_or("the bundled version".to_owned(), |plugin| {
        format!(
            "version {} ({})",
            plugin.manifest().version,
            plugin.digest()
        )
    });
    say(
        terminal,
        &format!("{}: {version} is in use again", args.name),
    )
}

/// Pins.
///
/// # Errors
/// When the version is not there, or cannot be run.
pub async fn pin(args: PinArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let digest = match args.digest {
        PinTo::Nothing => None,
        PinTo::Digest(digest) => Some(digest),
    };
    host.pin(&args.name, digest, &who(None)).await?;
    host.database().close().await;
    let words = match digest {
        Some(digest) => format!("pinned to {digest}"),
        None => "pinned no more".to_owned(),
    };
    say(terminal, &format!("{} is {words}", args.name))
}

/// Promotes.
///
/// # Errors
/// When no version waits, or it cannot be run.
pub async fn promote(args: PromoteArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    let promoted = host.promote(&args.name, &who(None)).await?;
    let promoted = settled(&host, promoted).await?;
    host.database().close().await;
    present(&promoted, false, terminal)
}

/// Removes.
///
/// # Errors
/// When nothing is installed.
pub async fn remove(args: RemoveArgs, config: Config, terminal: &Terminal) -> Result<Exit> {
    let host = Host::open(config).await?;
    host.remove(&args.name, &who(None)).await?;
    host.database().close().await;
    let embedded = super::super::bundled_names().contains(&args.name.as_str());
    let words = match embedded {
        true => "no installed version any more; the binary's own runs",
        false => "no version any more",
    };
    say(terminal, &format!("{} has {words}", args.name))
}

fn say(terminal: &Terminal, line: &str) -> Result<Exit> {
    terminal.output.print(&format!("{line}\n"))?;
    Ok(Exit::Done)
}
