//! What the service tells systemd, read from the socket that systemd would have.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use besom_tests::sqlite;

use super::super::cli::Desk;
use super::reload::rewrite;
use super::{FILE, Server};

/// The end of `Type=notify` that systemd holds.
struct Told(UnixDatagram);

impl Told {
    /// Until the service says so; what it said before is passed over.
    fn waits_for(&self, words: &str) -> String {
        let began = Instant::now();
        let mut passed = Vec::new();
        let mut bytes = [0; 4096];
        while began.elapsed() < Duration::from_secs(60) {
            let read = self.0.recv(&mut bytes).unwrap();
            let said = String::from_utf8_lossy(&bytes[..read]).into_owned();
            if said.lines().any(|line| line == words) {
                return said;
            }
            passed.push(said);
        }
        panic!("no {words} among {passed:?}");
    }
}

#[tokio::test]
async fn systemd_is_told_when_the_service_is_ready_alive_reloading_and_stopping() {
    let desk = Desk::filled(sqlite(), 2_000, FILE).await;
    let socket = desk.folder.path().join("notify");
    let told = Told(UnixDatagram::bind(&socket).unwrap());
    told.0
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let environment = [
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
        // Half a second.
        ("WATCHDOG_USEC", "500000"),
    ];
    let mut host = Server::start_in(&desk, "only", &[], &environment);

    told.waits_for("READY=1");
    for _ in 0..3 {
        told.waits_for("WATCHDOG=1");
    }

    rewrite(&desk, |text| {
        text.replace("batch-size = 10", "batch-size = 20")
    });
    // With `Type=notify-reload` systemd wants the moment beside it.
    let said = told.waits_for("RELOADING=1");
    assert!(said.contains("MONOTONIC_USEC="), "{said}");
    told.waits_for("READY=1");

    host.signal("TERM");
    told.waits_for("STOPPING=1");
    assert_eq!(host.ended().await, Some(0), "{}", host.log());
}
