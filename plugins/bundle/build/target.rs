//! The standard library for the plugins' target.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::error::Error;

pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Makes sure that the toolchain of this build can build for [`TARGET`], and asks rustup where it
/// cannot. `rust-toolchain.toml` names the target, so this is for toolchains chosen otherwise.
pub(crate) fn ensure() -> Result<(), Error> {
    if is_there()? {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    let asked = rustup.args(["target", "add", TARGET]).output();
    if is_there()? {
        return Ok(());
    }
    Err(Error::NoWasmTarget {
        output: match asked {
            Ok(answer) => String::from_utf8_lossy(&answer.stderr).into_owned(),
            Err(error) => format!("rustup: {error}"),
        },
    })
}

fn is_there() -> Result<bool, Error> {
    let tool = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let answer = Command::new(&tool)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|source| Error::NoTool { tool, source })?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    Ok(answer.status.success() && Path::new(folder.trim()).is_dir())
}
