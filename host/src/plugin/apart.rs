//! Compiling what others wrote, in a process of its own.
//!
//! A component can make a compiler slow, greedy or, at worst, do what it should not. The host stays out
//! of it: the same program, started anew without this process's environment, compiles one component
//! under limits of the operating system, and leaves its code in the cache.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::engine::{Engine, EngineOptions};
use super::error::LoadError;
use super::limits::Limits;

/// The hidden command of the program that compiles.
pub const COMMAND: &str = "compile-component";

/// Many times what a component of 13 MB takes (370 MiB), and what a host can spare for a moment.
const MEMORY: u64 = 2 << 30;

/// Many times what such a component takes (ten seconds), also on a slow machine.
const PROCESSOR: Duration = Duration::from_secs(120);

/// A machine under load gives the compiler a part of its time only.
const WALL: Duration = Duration::from_secs(300);

/// How often the compiler looks whether somebody still waits for it: soon to a human, nothing to a machine.
const LOOK: Duration = Duration::from_millis(100);

/// What of the compiler's words is read: a message, not a flood.
const WORDS: usize = 2000;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program compiles apart: the one that understands [`COMMAND`]. Without it components are
/// compiled in this process, as a library has it.
pub fn compile_apart_by(program: PathBuf) {
    // The first word stands: the program does not change while it runs.
    let _ = PROGRAM.set(program);
}

/// The program, if one was named.
pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// Has the program compile a component into the folder.
pub(super) async fn compile(
    program: &Path,
    folder: &Path,
    component: &[u8],
) -> Result<(), LoadError> {
    let failed = |error: std::io::Error| LoadError::Host(format!("{}: {error}", program.display()));
    let mut child = Command::new(program)
        .arg(COMMAND)
        .arg(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // One that ends early says why by itself.
            let _ = stdin.write_all(component).await;
        }
    };
    let run = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = match tokio::time::timeout(WALL, run).await {
        Ok(output) => output.map_err(failed)?,
        Err(_) => return Err(exhausted(format!("more than {} s", WALL.as_secs()))),
    };
    if output.status.success() {
        return Ok(());
    }
    let words = output.stderr.get(..WORDS).unwrap_or(&output.stderr);
    let words = String::from_utf8_lossy(words).trim().to_owned();
    Err(match output.status.code() {
        Some(1) => LoadError::Damaged(words),
        _ => exhausted(ended(output.status)),
    })
}

fn exhausted(what: String) -> LoadError {
    LoadError::Compiler(what)
}

fn ended(status: ExitStatus) -> String {
    format!(
        "{status}; it may use {} MiB of memory and {} s of processor time",
        MEMORY >> 20,
        PROCESSOR.as_secs()
    )
}

/// The compiling process itself: the component from stdin, its code into the folder.
///
/// # Errors
/// What is wrong with the component, in words.
pub fn compile_here(folder: PathBuf) -> Result<(), String> {
    limit().map_err(|error| format!("limits cannot be set: {error}"))?;
    end_with_parent().map_err(|error| format!("no thread could be started: {error}"))?;
    let limits = Limits::default();
    let most = u64::try_from(limits.component_bytes).unwrap_or(u64::MAX);
    let mut component = Vec::new();
    let read = std::io::stdin()
        .take(most.saturating_add(1))
        .read_to_end(&mut component);
    read.map_err(|error| error.to_string())?;
    let cache = Some(folder);
    let engine = Engine::new(EngineOptions { limits, cache }).map_err(|error| error.to_string())?;
    engine.precompile(&component)
}

#[cfg(unix)]
fn limit() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let to = |limit: u64| Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    // Not the address space, of which the allocator reserves far more than it uses.
    setrlimit(Resource::Data, to(MEMORY))?;
    setrlimit(Resource::Cpu, to(PROCESSOR.as_secs()))?;
    // A crash here is expected of some components, and of no interest to anybody.
    setrlimit(Resource::Core, to(0))?;
    Ok(())
}

#[cfg(not(unix))]
fn limit() -> std::io::Result<()> {
    Ok(())
}

/// Ends this process soon after the one that wants the code is gone, however that ended. The system's own
/// signal for this follows the thread that started us, which may end long before its process.
#[cfg(unix)]
fn end_with_parent() -> std::io::Result<()> {
    use rustix::process::getppid;

    let parent = getppid();
    let watch = move || {
        while getppid() == parent {
            std::thread::sleep(LOOK);
        }
        std::process::abort()
    };
    let thread = std::thread::Builder::new().name("parent".to_owned());
    thread.spawn(watch).map(drop)
}

#[cfg(not(unix))]
fn end_with_parent() -> std::io::Result<()> {
    Ok(())
}
