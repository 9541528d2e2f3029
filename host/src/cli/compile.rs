//! The hidden command that compiles one component in a process of its own.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::plugin;

/// Compile a component from stdin into a folder of compiled code.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  besom compile-component code < plugin.wasm")]
pub struct CompileArgs {
    /// The folder
    pub folder: PathBuf,
}

/// Compiles; 1 where the component is at fault.
pub fn execute(args: CompileArgs) -> ExitCode {
    match plugin::compile_here(args.folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}"); // nobody left to tell otherwise
            ExitCode::from(1)
        }
    }
}

/// This very program, also after another has been put in its place.
pub fn this_program() -> io::Result<PathBuf> {
    let itself = PathBuf::from("/proc/self/exe");
    match itself.exists() {
        true => Ok(itself),
        false => std::env::current_exe(),
    }
}
