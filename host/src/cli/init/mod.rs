//! `besom init`: writes a configuration file with every default as a comment.

mod general;
mod section;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Terminal;
use super::exit::{Exit, Refusal};
use super::plugin::{self, Inspection};
use crate::config::DEFAULT_FILE;

/// Write a commented besom.toml that names every bundled plugin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An existing file is never overwritten.

Examples:
  besom init
  besom init /etc/besom/besom.toml")]
pub struct InitArgs {
    /// The file to write; without it the one that -c names, or besom.toml
    pub file: Option<PathBuf>,
}

/// Writes the file.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub async fn execute(args: InitArgs, named: Option<PathBuf>, terminal: &Terminal) -> Result<Exit> {
    let file = args
        .file
        .or(named)
        .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    if file.exists() {
        return Err(in_the_way(&file).into()); // before plugins are compiled to no end
    }
    let plugins = plugin::describe_bundled().await?;
    create(&file, &contents(&plugins))?;
    terminal.output.print(&format!(
        "wrote {0}\nnext: set the database in it, then `besom -c {0} migrate` and \
         `besom -c {0} check`\n",
        file.display()
    ))?;
    Ok(Exit::Done)
}

fn in_the_way(file: &Path) -> Refusal {
    Refusal(format!(
        "{} is there already and is left as it is: name another file, or move it away",
        file.display()
    ))
}

fn create(file: &Path, contents: &str) -> Result<()> {
    let mut open = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(in_the_way(file).into());
        }
        opened => opened.with_context(|| format!("cannot write {}", file.display()))?,
    };
    open.write_all(contents.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The text of the file. A `#` before a key, with no blank between, switches off a default;
/// prose has a blank after its `#`.
pub fn contents(plugins: &[Inspection]) -> String {
    let mut text = general::head();
    for plugin in plugins {
        text.push('\n');
        text.push_str(&section::section(plugin));
    }
    text.push_str(general::THIRD_PARTY);
    text
}
