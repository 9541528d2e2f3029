//! Installing, broken off: whoever does it is killed, or a host that is to make the version ready.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use besom_tests::fixtures::Versioned;

use super::serving::{done, taken_up};
use super::*;
use crate::cli::{Said, besom};
use crate::service::{Server, until};

const KILLS: u32 = 20;

/// A desk with compiled code of its own, so that each version is compiled; 1.0.0 is in use.
async fn fresh(database: TestDatabase) -> Desk {
    let desk = desk(database, ANY).await;
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let shared = besom_tests::fixtures::code_cache().display().to_string();
    std::fs::write(&file, text.replace(&shared, "code")).unwrap();
    install(&desk, &Versioned::at("1.0.0"));
    desk
}

/// Begins to install a version; its digest.
fn begin(desk: &Desk, version: String) -> (Child, String) {
    let component = Versioned::at(version.leak()).build();
    place(desk.folder.path(), "next.wasm", &component);
    let mut command = desk.command(&["plugin", "install", "next.wasm"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    (child, Digest::of(&component).to_string())
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whether a process compiles into the code of this folder.
fn compiles(folder: &Path) -> bool {
    let folder = std::fs::canonicalize(folder).unwrap();
    let of_ours = |process: std::fs::DirEntry| {
        let said = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let here = std::fs::read_link(process.path().join("cwd"));
        String::from_utf8_lossy(&said).contains("compile-component")
            && here.is_ok_and(|here| here == folder)
    };
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.any(of_ours)
}

async fn in_use(desk: &Desk, digest: &str) -> bool {
    let active = format!("SELECT count(*) FROM besom_deployment WHERE active = '{digest}'");
    desk.count(&active).await == 1
}

#[tokio::test]
async fn an_installation_killed_at_any_moment_leaves_a_whole_version_in_use() {
    for database in both().await {
        let desk = fresh(database).await;
        let began = Instant::now();
        let (child, mut before) = begin(&desk, "1.0.1".to_owned());
        let said = Said::of(child.wait_with_output().unwrap());
        assert_eq!(said.code, 0, "{}", said.stderr);
        let whole = began.elapsed();
        let mut version = "1.0.1".to_owned();
        let (mut compiling, mut too_early) = (0, 0);

        for kills in 0..KILLS {
            let next = format!("2.0.{kills}");
            let (child, digest) = begin(&desk, next.clone());
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let within = f64::from(since.subsec_micros() % 1000) / 1000.0;
            let share = (f64::from(kills) + within) / f64::from(KILLS);
            tokio::time::sleep(whole.mul_f64(share)).await;
            compiling += u32::from(compiles(desk.folder.path()));
            kill(child);

            until("the compiler to be gone", async || {
                !compiles(desk.folder.path())
            })
            .await;
            if in_use(&desk, &digest).await {
                (before, version) = (digest, next);
            } else {
                too_early += 1;
                assert!(in_use(&desk, &before).await, "the one before serves");
            }
            assert_eq!(ran(&desk, JOB).await, version);
        }
        assert!(compiling >= 3, "{compiling} kills met the compiler");
        assert!(too_early >= 5, "{too_early} kills came before the end");

        // What nothing refers to any more goes with the next one, once it has lain for a day.
        let long_ago = match desk.database.url.starts_with("sqlite") {
            true => "0",
            false => "now() - interval '2 days'",
        };
        desk.script(&format!(
            "UPDATE besom_component SET stored_at = {long_ago}"
        ))
        .await;
        install(&desk, &Versioned::at("3.0.0"));
        assert_eq!(ran(&desk, JOB).await, "3.0.0");
        let kept = "SELECT count(*) FROM besom_component";
        assert_eq!(
            desk.count(kept).await,
            2,
            "the one in use and the one before"
        );
    }
}

#[test]
fn a_compiler_ends_when_the_process_that_wants_the_code_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    // In the background, and fed by this test for as long as it likes.
    let mut command = Command::new("sh");
    let mut parent = command
        .args([
            "-c",
            r#"exec 3<&0; "$0" compile-component code <&3 & echo $!; wait"#,
        ])
        .arg(besom().get_program())
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    stdout.read_line(&mut said).unwrap();
    let compiler = Path::new("/proc").join(said.trim());
    // One that has ended may stay in the list until somebody asks for its exit code.
    let goes_on = || std::fs::read(compiler.join("cmdline")).is_ok_and(|said| !said.is_empty());
    let look = Duration::from_millis(100);
    let mut stdin = parent.stdin.take().unwrap();
    stdin.write_all(b"\0asm").unwrap();
    std::thread::sleep(10 * look);
    assert!(goes_on(), "it waits for the rest");

    kill(parent);

    let began = Instant::now();
    while goes_on() {
        assert!(began.elapsed() < 600 * look, "the compiler goes on");
        std::thread::sleep(look);
    }
    drop(stdin);
}

/// Two hosts that serve 1.0.0, the second of which has just been stopped, and a version that waits for it.
async fn staged(desk: &Desk) -> ([Server; 2], Child, String) {
    let first = install(desk, &Versioned::at("1.0.0"));
    let servers = [Server::start(desk, "one"), Server::start(desk, "two")];
    for server in &servers {
        server.says("serving").await;
    }
    taken_up(desk, 2, &first).await;
    servers[1].signal("STOP");
    let (child, digest) = begin(desk, "2.0.0".to_owned());
    let rows = format!(
        "SELECT count(*) FROM besom_deployment WHERE staged = '{digest}' AND active = '{first}'"
    );
    until("the version to be staged", async || {
        desk.count(&rows).await == 1
    })
    .await;
    (servers, child, digest)
}

#[tokio::test]
async fn hosts_finish_what_a_killed_installer_has_staged() {
    let desk = desk(besom_tests::postgres().await, ANY).await;
    let (servers, installer, digest) = staged(&desk).await;

    kill(installer);
    servers[1].signal("CONT");

    taken_up(&desk, 2, &digest).await;
    done(&desk, "2.0.0").await;
}

#[tokio::test]
async fn a_host_killed_while_a_version_is_staged_keeps_the_others_waiting_only_while_it_counts_as_alive()
 {
    let desk = desk(besom_tests::postgres().await, ANY).await;
    let (mut servers, installer, digest) = staged(&desk).await;

    servers[1].kill();

    let said = Said::of(installer.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("is in use"), "{}", said.stdout);
    taken_up(&desk, 1, &digest).await;
    done(&desk, "2.0.0").await;
}
