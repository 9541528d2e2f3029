//! A throw-away PgBouncer in transaction mode, on a Unix socket, before one test database.
//!
//! A shell supervises it as one does the PostgreSQL cluster, so it is gone after an abort or a
//! kill -9 of the test as well.

mod program;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

pub use program::{PROGRAM_VARIABLE, Program};

use crate::cluster::ends_of_logs;
use crate::place::SHORT_TEMPORARY_FOLDER;
use crate::programs::Account;

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// A connection that is wanted while all are lent, or never given back, is an error after so many
/// seconds, and not a test that hangs.
const PATIENCE: u32 = 20;

/// How it is set up.
#[derive(Debug, Clone)]
pub struct PgBouncerOptions {
    /// Server connections at most. One makes every client share it, and shows a host that waits for a
    /// second connection while it holds the first.
    pub pool_size: u32,
    /// Start parameters that it drops without a word, as many operators tell it to.
    pub ignored: &'static str,
    /// Follows prepared statements, where its version can ([`Program::follows_prepared`]).
    pub prepared: bool,
}

impl Default for PgBouncerOptions {
    fn default() -> Self {
        Self {
            pool_size: 2,
            ignored: "",
            prepared: false,
        }
    }
}

/// A running PgBouncer of this process's own.
#[derive(Debug)]
pub struct PgBouncer {
    url: String,
    folder: PathBuf,
    supervisor: Child,
}

impl PgBouncer {
    /// Starts one before the database that `url` leads to.
    ///
    /// # Panics
    ///
    /// When it is there and does not start, with the end of its log.
    pub fn start(program: &Program, url: &str, options: &PgBouncerOptions) -> Self {
        let folder = TempDir::with_prefix_in("besom-pool-", SHORT_TEMPORARY_FOLDER)
            .unwrap_or_else(|error| panic!("making a folder for PgBouncer: {error}"));
        let account =
            Account::to_become(folder.path()).unwrap_or_else(|error| panic!("PgBouncer: {error}"));
        let settings = settings(program, url, options, folder.path());
        let executable = prepare(program, &settings, folder.path(), account)
            .unwrap_or_else(|error| panic!("preparing {}: {error}", folder.path().display()));

        let mut supervisor = supervise(program, &executable, folder.path(), account)
            .unwrap_or_else(|error| panic!("starting sh for PgBouncer: {error}"));
        // From here on the supervisor removes the folder.
        let folder = folder.keep();
        let mut answer = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            // An unreadable answer is no answer: the log below says why.
            let _ = BufReader::new(stdout).read_line(&mut answer);
        }
        let log = ends_of_logs(&folder, &["pgbouncer.log"]);
        let name = database_of(url);
        let bouncer = Self {
            url: format!(
                "postgres://besom@localhost/{name}?host={}",
                folder.display()
            ),
            folder,
            supervisor,
        };
        assert_eq!(
            answer.trim_end(),
            "ready",
            "PgBouncer did not start:\n{log}"
        );
        bouncer
    }

    /// The URL of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Holds its settings, its socket and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for PgBouncer {
    /// Stops it and waits until its folder is gone.
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // It ends by itself; a failure to wait changes nothing.
        let _ = self.supervisor.wait();
    }
}

fn parsed(url: &str) -> PgConnectOptions {
    url.parse()
        .unwrap_or_else(|error| panic!("the URL of the test's server: {error}"))
}

fn database_of(url: &str) -> String {
    let name = parsed(url).get_database().map(str::to_owned);
    name.unwrap_or_else(|| panic!("the URL of the test's database names none"))
}

/// Whoever comes is the one user that the test's URL names.
fn settings(program: &Program, url: &str, options: &PgBouncerOptions, folder: &Path) -> String {
    let server = parsed(url);
    let host = match server.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => server.get_host().to_owned(),
    };
    let credentials = url.split_once("://").map_or("", |(_, rest)| rest);
    let credentials = credentials.split_once('@').map_or("", |(before, _)| before);
    let password = match credentials.split_once(':') {
        Some((_, password)) if !password.is_empty() => format!(" password='{password}'"),
        _ => String::new(),
    };
    let prepared = match (program.follows_prepared(), options.prepared) {
        (false, _) => String::new(),
        (true, follow) => format!(
            "max_prepared_statements = {}\n",
            if follow { 100 } else { 0 }
        ),
    };
    format!(
        "[databases]\n\
         {name} = host={host} port={port} dbname={name} user={user}{password}\n\
         [pgbouncer]\n\
         listen_port = 5432\n\
         unix_socket_dir = {folder}\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = {size}\n\
         max_client_conn = 500\n\
         query_wait_timeout = {PATIENCE}\n\
         ignore_startup_parameters = {ignored}\n\
         {prepared}",
        name = database_of(url),
        port = server.get_port(),
        user = server.get_username(),
        folder = folder.display(),
        size = options.pool_size,
        ignored = options.ignored,
    )
}

/// Writes the settings, and answers the program's path: a copy where it is not installed, since
/// whoever it runs as may not enter the folder that it was unpacked in.
fn prepare(
    program: &Program,
    settings: &str,
    folder: &Path,
    account: Option<Account>,
) -> std::io::Result<PathBuf> {
    let ini = folder.join("pgbouncer.ini");
    std::fs::write(&ini, settings)?;
    let executable = match program.libraries() {
        None => program.path().to_owned(),
        Some(libraries) => {
            for library in libraries {
                let name = library.file_name().unwrap_or_default();
                std::fs::copy(library, folder.join(name))?;
            }
            let copy = folder.join("pgbouncer");
            // By a process of its own: what another thread starts while this one writes would have the
            // file open for writing for a moment, too, and nothing that is being written can be run.
            let copied = Command::new("cp").arg(program.path()).arg(&copy).status()?;
            if !copied.success() {
                return Err(std::io::Error::other(format!("cp: {copied}")));
            }
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755))?;
            copy
        }
    };
    if let Some(Account { user, group }) = account {
        chown(&ini, Some(user), Some(group))?;
        chown(folder, Some(user), Some(group))?;
    }
    Ok(executable)
}

fn supervise(
    program: &Program,
    executable: &Path,
    folder: &Path,
    account: Option<Account>,
) -> std::io::Result<Child> {
    let mut command = Command::new("sh");
    command
        .args(["-c", SUPERVISOR, "besom-test-pgbouncer"])
        .args([folder, executable])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that neither Ctrl-C nor a runner that kills the test's group
        // takes the supervisor before it has cleaned up.
        .process_group(0);
    if program.libraries().is_some() {
        command.env("LD_LIBRARY_PATH", folder);
    }
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
    command.spawn()
}
