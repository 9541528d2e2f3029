//! The inner cargo.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::error::Error;
use crate::target::TARGET;

/// The profile in the workspace's `Cargo.toml` that plugins ship in.
const PROFILE: &str = "plugin";

/// Of the outer build, and harmful to a wasm build: a linker flag there breaks the link here, a
/// wrapper such as clippy's checks instead of building, a target or folder leads elsewhere.
const NOT_FOR_PLUGINS: [&str; 9] = [
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_TARGET_DIR",
];

/// Builds the packages and answers the folder that holds them.
pub(crate) fn build(workspace: &Path, out: &Path, packages: &[String]) -> Result<PathBuf, Error> {
    let folder = target_folder(out);
    // Whether the outer cargo is offline is not told to a build script. What it has downloaded is
    // nearly always enough, so the network is asked only where it is not.
    let mut output = run(workspace, &folder, packages, true)?;
    let lacks_a_crate = String::from_utf8_lossy(&output.stderr).contains("--offline");
    if !output.status.success() && lacks_a_crate {
        output = run(workspace, &folder, packages, false)?;
    }
    if !output.status.success() {
        return Err(Error::Build {
            command: format!(
                "To see it alone: cargo build --target {TARGET} --profile {PROFILE} -p {}",
                packages.join(" -p ")
            ),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(folder.join(TARGET).join(PROFILE))
}

fn run(
    workspace: &Path,
    folder: &Path,
    packages: &[String],
    offline: bool,
) -> Result<Output, Error> {
    let tool = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut cargo = Command::new(&tool);
    cargo
        .current_dir(workspace)
        .args([
            "build",
            "--lib",
            "--locked",
            "--target",
            TARGET,
            "--profile",
            PROFILE,
        ])
        .arg("--target-dir")
        .arg(folder)
        .args(packages.iter().flat_map(|package| ["-p", package]))
        .args(offline.then_some("--offline"));
    for name in NOT_FOR_PLUGINS {
        cargo.env_remove(name);
    }
    // Set rather than removed, so that flags in a configuration file do not count either.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", same_paths_everywhere(workspace));
    cargo
        .output()
        .map_err(|source| Error::NoTool { tool, source })
}

/// Panic messages name source files: by the same names on every machine, so that the same source
/// gives the same component.
fn same_paths_everywhere(workspace: &Path) -> String {
    let mut flags = vec![format!("--remap-path-prefix={}=besom", workspace.display())];
    if let Ok(home) = env::var("CARGO_HOME") {
        flags.push(format!("--remap-path-prefix={home}=cargo"));
    }
    flags.join("\u{1f}")
}

/// A folder beside the outer target folder: in the same one, the inner cargo would wait for a lock
/// that the outer one holds until the inner one has ended.
fn target_folder(out: &Path) -> PathBuf {
    let beside = outer_target_folder(out).and_then(|root| {
        let mut name = root.file_name()?.to_owned();
        name.push("-plugins");
        Some(root.with_file_name(name))
    });
    beside.unwrap_or_else(|| out.join("target-plugins"))
}

/// `OUT_DIR` is `ROOT/PROFILE/build/…`, or `ROOT/TRIPLE/PROFILE/build/…` where the outer build names
/// a target.
fn outer_target_folder(out: &Path) -> Option<&Path> {
    let build = out.ancestors().find(|folder| folder.ends_with("build"))?;
    let above_profile = build.parent()?.parent()?;
    match env::var("TARGET") {
        Ok(triple) if above_profile.ends_with(&triple) => above_profile.parent(),
        _ => Some(above_profile),
    }
}
