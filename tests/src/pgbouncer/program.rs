//! Where PgBouncer is, or how it is had without any right to install it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The environment variable that names a PgBouncer to use. Where it is set there must be one.
pub const PROGRAM_VARIABLE: &str = "BESOM_TEST_PGBOUNCER";

/// The first version that follows prepared statements from one server connection to the next.
const FOLLOWS_PREPARED: (u32, u32) = (1, 21);

const HOW_TO_INSTALL: &str = "Install it (Debian, Ubuntu: apt-get install pgbouncer; Fedora: dnf \
     install pgbouncer; Alpine: apk add pgbouncer; macOS: brew install pgbouncer)";

/// A PgBouncer that runs on this machine.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    /// The libraries that were unpacked with it; `None` where it is installed.
    libraries: Option<Vec<PathBuf>>,
    version: (u32, u32),
}

impl Program {
    /// The one that [`PROGRAM_VARIABLE`] names, the one on `PATH` or where the systems put it, or
    /// Debian's package, unpacked into the build's folder. `None` where there is none to be had,
    /// which it says on standard error, past the test runner's capture.
    ///
    /// # Panics
    ///
    /// Where the variable names one that does not run.
    pub fn find() -> Option<Self> {
        static FOUND: OnceLock<Option<Program>> = OnceLock::new();
        FOUND.get_or_init(Self::look).clone()
    }

    /// The file to run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Libraries that it needs from beside it, where it is not installed.
    pub fn libraries(&self) -> Option<&[PathBuf]> {
        self.libraries.as_deref()
    }

    /// Whether this version can follow prepared statements.
    pub fn follows_prepared(&self) -> bool {
        self.version >= FOLLOWS_PREPARED
    }

    fn look() -> Option<Self> {
        if let Some(named) = std::env::var_os(PROGRAM_VARIABLE) {
            let named = PathBuf::from(named);
            let found = Self::at(named.clone(), None);
            return Some(found.unwrap_or_else(|| {
                panic!(
                    "{PROGRAM_VARIABLE} names {}, which does not run. {HOW_TO_INSTALL}",
                    named.display()
                )
            }));
        }
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let usual = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
        let installed = std::env::split_paths(&on_path)
            .chain(usual)
            .map(|folder| folder.join("pgbouncer"))
            .find_map(|path| Self::at(path, None));
        installed.or_else(Self::unpacked).or_else(|| {
            // Not `eprintln!`: a test that passes would swallow it.
            let _ = writeln!(
                std::io::stderr(),
                "\nNOT TESTED behind PgBouncer: it is neither on PATH nor in a usual place, and apt-get \
                 does not download it. {HOW_TO_INSTALL}, or name it in {PROGRAM_VARIABLE}.\n"
            );
            None
        })
    }

    /// The program at a path, if it runs and says its version ("PgBouncer 1.18.0").
    fn at(path: PathBuf, libraries: Option<Vec<PathBuf>>) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let mut command = Command::new(&path);
        if let Some(folder) = libraries.as_ref().and_then(|all| all.first()?.parent()) {
            command.env("LD_LIBRARY_PATH", folder);
        }
        let output = command.arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers = said.split_whitespace().nth(1)?.split('.');
        let mut number = || numbers.next()?.parse().ok();
        let version = (number()?, number()?);
        Some(Self {
            path,
            libraries,
            version,
        })
    }

    /// Debian's package and the libraries that it asks for, in a folder of the build's that outlives
    /// this process. Nothing is installed.
    fn unpacked() -> Option<Self> {
        let target = std::env::current_exe().ok()?;
        // Cargo marks the folder that it builds in.
        let target = target
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
        let folder = target.join("pgbouncer");
        if !folder.exists() {
            let fresh = TempDir::with_prefix_in("pgbouncer-", target).ok()?;
            download(fresh.path())?;
            // Another process may have been quicker; its copy is as good.
            let _ = std::fs::rename(fresh.path(), &folder);
        }
        let libraries = std::fs::read_dir(folder.join("lib")).ok()?;
        let libraries = libraries.flatten().map(|entry| entry.path()).collect();
        Self::at(folder.join("pgbouncer"), Some(libraries))
    }
}

/// Puts `pgbouncer` and `lib/*.so*` into the folder.
fn download(folder: &Path) -> Option<()> {
    fetch(folder, &["pgbouncer"])?;
    let packages = files(folder, ".deb");
    let depends = Command::new("dpkg-deb")
        .args(["--field", packages.first()?.to_str()?, "Depends"])
        .output()
        .ok()?;
    let depends = String::from_utf8_lossy(&depends.stdout).into_owned();
    let libraries: Vec<&str> = depends
        .split(',')
        .filter_map(|package| package.split_whitespace().next())
        // The C library must be the system's own.
        .filter(|package| package.starts_with("lib") && !package.starts_with("libc6"))
        .collect();
    fetch(folder, &libraries)?;
    let root = folder.join("root");
    for package in files(folder, ".deb") {
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .args([&package, &root]))?;
    }
    std::fs::create_dir(folder.join("lib")).ok()?;
    for library in files(&root, "").iter().filter(|path| is_library(path)) {
        std::fs::copy(library, folder.join("lib").join(library.file_name()?)).ok()?;
    }
    std::fs::rename(root.join("usr/sbin/pgbouncer"), folder.join("pgbouncer")).ok()
}

fn fetch(folder: &Path, packages: &[&str]) -> Option<()> {
    let mut command = Command::new("apt-get");
    run(command.arg("download").args(packages).current_dir(folder))
}

fn run(command: &mut Command) -> Option<()> {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().ok()?.success().then_some(())
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("lib") && name.contains(".so")
}

/// The files below a folder whose names end so.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| match path.is_dir() {
            true => files(&path, end),
            false => vec![path],
        })
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect()
}
