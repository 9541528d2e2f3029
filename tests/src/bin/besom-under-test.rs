//! The `besom` binary itself, under a name that the tests of this crate can find.

fn main() -> std::process::ExitCode {
    besom::cli::main()
}
