//! `besom plugin keygen` and `besom plugin sign`: who vouches for a version.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::super::Terminal;
use super::super::exit::{Exit, Refusal};
use crate::plugin::SecretKey;

/// Make a key to sign versions of plugins with.
///
/// The secret key goes into a file that only this user may read; the public one is printed, for
/// `trusted-keys` in the configuration of whoever is to trust it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No configuration and no database is needed. A file that is there is never overwritten.

Example:
  besom plugin keygen release.key")]
pub struct KeygenArgs {
    /// The file to write the secret key to
    pub file: PathBuf,
}

/// Sign a version of a plugin: its digest, name and version.
///
/// The component is loaded to ask it for its name and version.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No configuration and no database is needed.

Example:
  besom plugin sign tokens.wasm --key release.key")]
pub struct SignArgs {
    /// The component file
    pub file: PathBuf,
    /// The file with the secret key, as `besom plugin keygen` makes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The file to write the signature to; without it FILE.sig
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Makes a key.
///
/// # Errors
/// When the file is there already or cannot be written.
pub fn keygen(args: &KeygenArgs, terminal: &Terminal) -> Result<Exit> {
    let key = SecretKey::generate()?;
    let public = key.public()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let named = || args.file.display().to_string();
    let mut file = options.open(&args.file).map_err(|error| {
        Refusal(match error.kind() {
            ErrorKind::AlreadyExists => format!(
                "{} is there already and is left as it is: name another file",
                named()
            ),
            _ => format!("{} cannot be written: {error}", named()),
        })
    })?;
    writeln!(file, "{}", key.expose()).with_context(named)?;
    terminal.output.print(&format!(
        "wrote the secret key to {}; keep it to yourself\nto trust it, write in besom.toml:\n\n\
         [store]\ntrusted-keys = [\"{public}\"]\n",
        args.file.display()
    ))?;
    Ok(Exit::Done)
}

/// Signs.
///
/// # Errors
/// When a file cannot be read or written, or the component is no plugin.
pub async fn sign(args: &SignArgs, terminal: &Terminal) -> Result<Exit> {
    let read = |file: &Path| {
        std::fs::read(file)
            .map_err(|error| Refusal(format!("{} cannot be read: {error}", file.display())))
    };
    let text = String::from_utf8_lossy(&read(&args.key)?).into_owned();
    let key: SecretKey = text
        .parse()
        .map_err(|error| Refusal(format!("{}: {error}", args.key.display())))?;
    let component = read(&args.file)?;
    let plugin = super::engine(None)?
        .load_apart(&component)
        .await
        .with_context(|| args.file.display().to_string())?;
    let manifest = plugin.manifest();
    let version = manifest.version.to_string();
    let signature = key.sign(plugin.digest(), &manifest.name, &version)?;
    let beside = PathBuf::from(format!("{}.sig", args.file.display()));
    let out = args.out.as_ref().unwrap_or(&beside);
    std::fs::write(out, format!("{signature}\n"))
        .map_err(|error| Refusal(format!("{} cannot be written: {error}", out.display())))?;
    terminal.output.print(&format!(
        "signed {} {version} ({}) by {}\nwrote {}\n",
        manifest.name,
        plugin.digest(),
        signature.key(),
        out.display()
    ))?;
    Ok(Exit::Done)
}
