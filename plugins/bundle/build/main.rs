//! Builds the bundled plugins as components and leaves them, with a list of them, in `OUT_DIR`.

mod cargo;
mod error;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use error::Error;

/// The bundled plugins, by name: the folder under `plugins/`, the crate `besom-NAME`, and the name
/// in the operator's file. To bundle one more, add its name.
const PLUGINS: &[&str] = &[
    "tokens",
    "sessions",
    "ips",
    "queue",
    "upstream-oauth",
    "recovery",
];

/// A folder of ready-made components, `NAME.wasm`, instead of building them: for packagers, and for
/// machines without the wasm target.
const READY_MADE: &str = "BESOM_PLUGINS_DIR";

fn main() -> ExitCode {
    match bundle() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bundle() -> Result<(), Error> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed={READY_MADE}");
    let components = match env::var_os(READY_MADE) {
        Some(folder) if !folder.is_empty() => ready_made(Path::new(&folder)),
        _ => built(&out)?,
    };
    let mut list = String::from("&[\n");
    for (name, from) in components {
        println!("cargo::rerun-if-changed={}", from.display());
        let to = out.join(format!("{name}.wasm"));
        fs::copy(&from, &to).map_err(|source| Error::Copy { from, source })?;
        list += &format!(
            "    Bundled {{ name: {name:?}, component: include_bytes!({:?}) }},\n",
            to.display().to_string()
        );
    }
    list += "]\n";
    let to = out.join("plugins.rs");
    fs::write(&to, list).map_err(|source| Error::Write { to, source })
}

fn ready_made(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let file = |name: &&'static str| (*name, folder.join(format!("{name}.wasm")));
    PLUGINS.iter().map(file).collect()
}

fn built(out: &Path) -> Result<Vec<(&'static str, PathBuf)>, Error> {
    let workspace = workspace()?;
    watch(&workspace);
    target::ensure()?;
    let packages: Vec<String> = PLUGINS.iter().map(|name| format!("besom-{name}")).collect();
    let built = cargo::build(&workspace, out, &packages)?;
    let file = |name: &&'static str| {
        let file = format!("besom_{}.wasm", name.replace('-', "_"));
        (*name, built.join(file))
    };
    Ok(PLUGINS.iter().map(file).collect())
}

fn workspace() -> Result<PathBuf, Error> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = here.ancestors().nth(2);
    root.map(Path::to_owned).ok_or(Error::NoWorkspace { here })
}

/// What a plugin is made of.
fn watch(workspace: &Path) {
    let common = [
        "wit",
        "plugins/sdk",
        "Cargo.lock",
        "Cargo.toml",
        "rust-toolchain.toml",
    ];
    let own = PLUGINS.iter().map(|name| format!("plugins/{name}"));
    for path in common.into_iter().map(str::to_owned).chain(own) {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
}

fn variable(name: &'static str) -> Result<String, Error> {
    env::var(name).map_err(|source| Error::Variable { name, source })
}
