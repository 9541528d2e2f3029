//! A database's clock that was far ahead for a while, and what hosts wrote by it.

use besom::ledger::{self, Due};
use besom::request::JobName;
use besom::service;
use besom_tests::postgres;

use super::super::cli::Desk;
use super::due::{EACH_MINUTE, host};
use super::{FILE, JOB, Server, finished, in_mid_run};

#[tokio::test]
async fn a_lease_that_was_written_ahead_of_time_does_not_keep_a_dead_hosts_run_for_a_year() {
    let (desk, mut first) = in_mid_run(postgres().await, FILE, "first").await;
    first.kill();

    // And one that it was about to look at.
    desk.script(
        "UPDATE besom_lease SET expires = expires + interval '1 year'; \
         INSERT INTO besom_queue (id, plugin, job, mode, cause, not_before, host, expires) VALUES \
         (gen_random_uuid(), 'tokens', 'expired-access', 'dry-run', 'request', now(), 'first', \
         now() + interval '1 year')",
    )
    .await;
    let _second = Server::start(&desk, "second");

    finished(&desk).await;
}

#[tokio::test]
async fn a_host_that_was_last_seen_in_the_future_is_not_waited_for() {
    let desk = Desk::filled(postgres().await, 2_000, FILE).await;
    let host = host(&desk, "here").await;
    let database = host.database();
    for name in ["gone", "here"] {
        ledger::announce(database, name, "1.0.0").await.unwrap();
    }
    desk.script("UPDATE besom_host SET seen_at = seen_at + interval '1 year' WHERE name = 'gone'")
        .await;

    let alive = async || {
        let hosts = ledger::hosts(database).await.unwrap();
        let alive = hosts.into_iter().filter(|host| host.alive);
        alive.map(|host| host.name).collect::<Vec<_>>()
    };
    assert_eq!(alive().await, ["here"]);
    ledger::announce(database, "here", "1.0.0").await.unwrap();
    assert_eq!(
        ledger::hosts(database).await.unwrap().len(),
        1,
        "it is forgotten"
    );
}

#[tokio::test]
async fn due_times_that_were_considered_ahead_of_time_are_considered_again() {
    let desk = Desk::filled(postgres().await, 2_000, EACH_MINUTE).await;
    let host = host(&desk, "x").await;
    let database = host.database();
    desk.script(
        "INSERT INTO besom_schedule (plugin, job, considered) VALUES ('tokens', 'revoked-access', \
         now() + interval '1 year')",
    )
    .await;
    let job: JobName = JOB.parse().unwrap();
    let now = database.now().await.unwrap();

    assert_eq!(service::consider(&host, &[], now).await.unwrap(), 0);

    let considered = Due::considered(database).await.unwrap();
    assert_eq!(considered.get(&job), Some(&now));
    let later = besom::request::Timestamp(now.0 + 60_000_000);
    assert_eq!(service::consider(&host, &[], later).await.unwrap(), 1);
}
