//! The harness itself: no PgBouncer is left behind.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use besom_tests::pgbouncer::{PgBouncer, PgBouncerOptions, Program};

/// Killing takes some milliseconds; a loaded machine gets half a minute.
const GONE_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn a_dropped_pgbouncer_leaves_nothing() {
    let Some(program) = Program::find() else {
        return;
    };
    let nowhere = "postgres://nobody@localhost/nothing?host=/tmp";
    let bouncer = PgBouncer::start(&program, nowhere, &PgBouncerOptions::default());
    let folder = bouncer.folder().to_owned();
    assert!(folder.join("pgbouncer.ini").exists());

    drop(bouncer);

    assert!(!folder.exists());
}

#[test]
fn pgbouncer_is_gone_after_its_process_was_killed() {
    if Program::find().is_none() {
        return;
    }
    let mut holder = Command::new(env!("CARGO_BIN_EXE_hold_pgbouncer"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(holder.stdout.take().unwrap());
    let folder = PathBuf::from(stdout.lines().next().unwrap().unwrap());
    let socket = folder.join(".s.PGSQL.5432");
    assert!(socket.exists());

    // On Unix this is SIGKILL: no destructor and no exit handler runs.
    holder.kill().unwrap();
    holder.wait().unwrap();

    let killed_at = Instant::now();
    while folder.exists() {
        assert!(killed_at.elapsed() < GONE_WITHIN, "{}", folder.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
