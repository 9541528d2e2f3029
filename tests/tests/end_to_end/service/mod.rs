//! `besom serve`: many hosts on one database, and what becomes of their runs.

mod absent;
pub mod client;
mod clocks;
mod due;
mod exposition;
mod handover;
mod history;
mod http;
mod http_exposed;
mod leftovers;
mod metrics;
mod outage;
mod paused;
mod refused;
mod reload;
mod soak;
mod standstill;
mod systemd;
mod unread;
mod windows;

use std::fs::File;
use std::future::Future;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use besom_tests::pgbouncer::PgBouncerOptions;
use besom_tests::{TestDatabase, postgres, sqlite};

use super::cli::Desk;
use super::cli::killed::fill;

/// Small batches, so that a run has hundreds of moments to be stopped at; and nothing runs by itself.
const FILE: &str = "[plugins.tokens]\nenabled = false\nbatch-size = 10\n";

/// Revoked tokens: some seconds' work in such batches.
const ROWS: i64 = 5_000;

const JOB: &str = "tokens/revoked-access";

/// PostgreSQL, and behind a pooler that every host shares.
async fn servers() -> Vec<TestDatabase> {
    let pooler = besom_tests::behind_pgbouncer(PgBouncerOptions {
        pool_size: 8,
        ..PgBouncerOptions::default()
    });
    let mut servers = vec![postgres().await];
    servers.extend(pooler.await);
    servers
}

/// The same, and SQLite.
async fn everywhere() -> Vec<TestDatabase> {
    let mut all = servers().await;
    all.push(sqlite());
    all
}

/// A `besom serve` of its own name, ended with the test.
pub struct Server {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Server {
    pub fn start(desk: &Desk, name: &str) -> Self {
        Self::start_with(desk, name, &[])
    }

    pub fn start_with(desk: &Desk, name: &str, arguments: &[&str]) -> Self {
        Self::start_in(desk, name, arguments, &[])
    }

    /// In an environment that has these, too.
    fn start_in(desk: &Desk, name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let log = desk.folder.path().join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut command = desk.command(&["serve", "--log", "warn,besom=debug"]);
        let text = std::fs::read_to_string(desk.folder.path().join("besom.toml")).unwrap();
        if !text.contains("[http]") {
            // Tests run beside each other, and one port is there once.
            command.env("BESOM_HTTP__LISTEN", "off");
        }
        let child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .env("BESOM_HOST__NAME", name)
            .stderr(Stdio::from(file.try_clone().unwrap()))
            .stdout(Stdio::from(file))
            .spawn()
            .unwrap();
        Self {
            child,
            log,
            name: name.to_owned(),
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -s {name}");
    }

    /// As it ends by itself; its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{} goes on:\n{}",
                self.name,
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Until the log has these words.
    pub async fn says(&self, words: &str) {
        until(&format!("{} to say `{words}`", self.name), async || {
            self.log().contains(words)
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.name, self.log());
        }
    }
}

/// Waits for something that a running service brings about.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    /// Many times what it takes on an idle machine.
    const PATIENCE: Duration = Duration::from_secs(180);
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Revoked tokens, and ten live ones.
async fn revoked(desk: &Desk) {
    fill(desk, ROWS).await;
}

/// A host of this name in the midst of the job, which somebody asked for.
async fn in_mid_run(database: TestDatabase, file: &str, name: &str) -> (Desk, Server) {
    let desk = Desk::filled(database, 2_000, file).await;
    revoked(&desk).await;
    desk.says(&["trigger", JOB]);
    let host = Server::start(&desk, name);
    until("rows to go", async || gone(&desk).await > 200).await;
    (desk, host)
}

async fn gone(desk: &Desk) -> i64 {
    let left = desk
        .count("SELECT count(*) FROM oauth2_access_tokens")
        .await;
    ROWS + 10 - left
}

async fn recorded(desk: &Desk) -> i64 {
    desk.count("SELECT CAST(coalesce(sum(affected), 0) AS bigint) FROM besom_batch")
        .await
}

/// The job's rows are gone, and the ledger knows each once.
async fn finished(desk: &Desk) {
    until("the run to be over", async || {
        desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
            .await
            == 0
    })
    .await;
    assert_eq!(
        gone(desk).await,
        ROWS,
        "every revoked token and no live one"
    );
    assert_eq!(recorded(desk).await, ROWS, "the ledger equals what is gone");
    let lying = "SELECT (SELECT count(*) FROM besom_lease) + (SELECT count(*) FROM besom_slot)";
    assert_eq!(desk.count(lying).await, 0, "nothing is held any more");
}
