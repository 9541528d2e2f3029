//! What can keep the plugins from being built, and the way out.

use std::path::PathBuf;
use std::{env, fmt, io};

pub(crate) enum Error {
    Variable {
        name: &'static str,
        source: env::VarError,
    },
    NoWorkspace {
        here: PathBuf,
    },
    NoTool {
        tool: String,
        source: io::Error,
    },
    NoWasmTarget {
        output: String,
    },
    Build {
        command: String,
        output: String,
    },
    Copy {
        from: PathBuf,
        source: io::Error,
    },
    Write {
        to: PathBuf,
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, source } => {
                write!(f, "{name}: {source}; build this crate with cargo")
            }
            Self::NoWorkspace { here } => write!(
                f,
                "{} is not plugins/bundle of a besom checkout; build it there, or set \
                 BESOM_PLUGINS_DIR to a folder of ready-made components",
                here.display()
            ),
            Self::NoTool { tool, source } => write!(f, "cannot run {tool}: {source}"),
            Self::NoWasmTarget { output } => write!(
                f,
                "the plugins are WebAssembly components, and this toolchain cannot build them yet. \
                 Run\n\n    rustup target add wasm32-wasip2\n\nor set BESOM_PLUGINS_DIR to a folder \
                 of ready-made components.\n{output}"
            ),
            Self::Build { command, output } => {
                write!(f, "the bundled plugins do not build. {command}\n\n{output}")
            }
            Self::Copy { from, source } => write!(
                f,
                "no component at {}: {source}; where BESOM_PLUGINS_DIR is set, it must hold one for \
                 every bundled plugin",
                from.display()
            ),
            Self::Write { to, source } => write!(f, "cannot write {}: {source}", to.display()),
        }
    }
}
