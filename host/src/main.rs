//! The `besom` binary. Everything is in the library, see [`besom::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    besom::cli::main()
}
