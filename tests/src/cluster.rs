//! A throw-away PostgreSQL cluster on a Unix socket.
//!
//! A shell that holds no more than the read end of a pipe supervises it: when the process that
//! started it ends, in whatever way, the pipe closes, the shell stops the server and removes the
//! folder. An exit handler or a destructor would not run after an abort or a kill -9.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::place;
use crate::programs::{Account, Programs};

const SUPERVISOR: &str = include_str!("supervisor.sh");

/// A running server of this process's own.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    supervisor: Child,
    answers: Option<BufReader<ChildStdout>>,
}

/// Why there is no server for the tests.
#[derive(Debug)]
pub enum ClusterError {
    /// PostgreSQL is not installed.
    NoPrograms,
    /// Root must become somebody else to run PostgreSQL, and that user is missing.
    NoAccount,
    /// The cluster's folder could not be made or prepared.
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// `sh` could not be started.
    Supervisor(std::io::Error),
    /// The server did not start; the ends of its logs.
    Start(String),
}

impl std::fmt::Display for ClusterError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoPrograms => write!(
                out,
                "no PostgreSQL server for the tests: initdb, pg_ctl and postgres are neither on \
                 PATH nor in a usual place. Install the server (Debian, Ubuntu: apt-get install \
                 postgresql; Fedora: dnf install postgresql-server; Alpine: apk add postgresql; \
                 macOS: brew install postgresql), or set {} to the URL of one that runs, with \
                 a role that may create databases",
                crate::SERVER_VARIABLE
            ),
            Self::NoAccount => write!(
                out,
                "PostgreSQL refuses to run as root, and there is no user `postgres` to run it as. \
                 Add one (useradd --system postgres) or run the tests as another user"
            ),
            Self::Folder { folder, source } => {
                write!(
                    out,
                    "preparing the test cluster in {}: {source}",
                    folder.display()
                )
            }
            Self::Supervisor(source) => write!(out, "starting sh for the test cluster: {source}"),
            Self::Start(logs) => write!(out, "the test cluster did not start:\n{logs}"),
        }
    }
}

impl std::error::Error for ClusterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder { source, .. } | Self::Supervisor(source) => Some(source),
            Self::NoPrograms | Self::NoAccount | Self::Start(_) => None,
        }
    }
}

impl Cluster {
    /// Makes and starts a cluster; takes one to three seconds.
    ///
    /// # Errors
    ///
    /// See [`ClusterError`].
    pub fn start() -> Result<Self, ClusterError> {
        let programs = Programs::find()?;
        let folder = TempDir::with_prefix_in("besom-pg-", place::for_servers())
            .map_err(in_folder(place::for_servers()))?;
        let account = Account::to_become(folder.path())?;
        prepare(folder.path(), account).map_err(in_folder(folder.path()))?;

        let mut supervisor =
            supervise(&programs, folder.path(), account).map_err(ClusterError::Supervisor)?;
        // From here on the supervisor removes the folder.
        let cluster_folder = folder.keep();
        let answers = supervisor.stdout.take().map(BufReader::new);
        let mut cluster = Self {
            folder: cluster_folder,
            supervisor,
            answers,
        };
        cluster.answered()?;
        Ok(cluster)
    }

    /// Ends the server as a power failure would; its data stays.
    ///
    /// # Errors
    ///
    /// See [`ClusterError`].
    pub fn stop_immediately(&mut self) -> Result<(), ClusterError> {
        self.order("stop")
    }

    /// Starts a server that was stopped.
    ///
    /// # Errors
    ///
    /// See [`ClusterError`].
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        self.order("start")
    }

    fn order(&mut self, order: &str) -> Result<(), ClusterError> {
        if let Some(stdin) = &mut self.supervisor.stdin {
            writeln!(stdin, "{order}").map_err(ClusterError::Supervisor)?;
        }
        self.answered()
    }

    fn answered(&mut self) -> Result<(), ClusterError> {
        let mut answer = String::new();
        if let Some(answers) = &mut self.answers {
            // An unreadable answer is no answer: the logs below say why.
            let _ = answers.read_line(&mut answer);
        }
        match answer.trim_end() {
            "ready" => Ok(()),
            _ => {
                let logs = ["supervisor.log", "server.log"];
                Err(ClusterError::Start(ends_of_logs(&self.folder, &logs)))
            }
        }
    }

    /// The URL of one of its databases; `postgres` is there from the start.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.folder.display()
        )
    }

    /// Holds the data, the socket and the logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Cluster {
    /// Stops the server and waits until its folder is gone.
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // It ends by itself; a failure to wait changes nothing.
        let _ = self.supervisor.wait();
    }
}

/// The last lines of logs in a folder.
pub(crate) fn ends_of_logs(folder: &Path, logs: &[&str]) -> String {
    logs.iter()
        .filter_map(|name| std::fs::read_to_string(folder.join(name)).ok())
        .flat_map(|log| {
            let lines: Vec<String> = log.lines().map(str::to_owned).collect();
            let from = lines.len().saturating_sub(20);
            lines.into_iter().skip(from)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn in_folder(folder: &Path) -> impl FnOnce(std::io::Error) -> ClusterError {
    let folder = folder.to_owned();
    move |source| ClusterError::Folder { folder, source }
}

fn prepare(folder: &Path, account: Option<Account>) -> std::io::Result<()> {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    std::fs::write(folder.join("settings.conf"), settings(folder))?;
    if let Some(Account { user, group }) = account {
        chown(folder.join("settings.conf"), Some(user), Some(group))?;
        chown(folder, Some(user), Some(group))?;
    }
    Ok(())
}

/// No durability, since nothing outlives the process; connections for every test at once; a
/// checkpoint rarely, because bulk loads cause many, but not more log than there is room for; all else as a
/// real server has it.
fn settings(folder: &Path) -> String {
    let log = if place::in_memory() { "1GB" } else { "4GB" };
    format!(
        "listen_addresses = ''\n\
         unix_socket_directories = '{}'\n\
         max_connections = 200\n\
         fsync = off\n\
         full_page_writes = off\n\
         max_wal_size = {log}\n\
         timezone = 'UTC'\n\
         log_line_prefix = '%m [%p] %d '\n",
        folder.display()
    )
}

fn supervise(
    programs: &Programs,
    folder: &Path,
    account: Option<Account>,
) -> std::io::Result<Child> {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.folder().to_owned()).chain(std::env::split_paths(&others));
    let path = std::env::join_paths(path).map_err(std::io::Error::other)?;

    let mut command = Command::new("sh");
    command
        .args(["-c", SUPERVISOR, "besom-test-cluster"])
        .arg(folder)
        .current_dir(folder)
        .env("PATH", path)
        // PGDATA, PGPORT, PGOPTIONS and their like are about somebody else's server.
        .env_remove("PGDATA")
        .env_remove("PGHOST")
        .env_remove("PGPORT")
        .env_remove("PGOPTIONS")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that neither Ctrl-C nor a runner that kills the test's group
        // takes the supervisor before it has cleaned up.
        .process_group(0);
    if let Some(Account { user, group }) = account {
        command.uid(user).gid(group);
    }
    command.spawn()
}
