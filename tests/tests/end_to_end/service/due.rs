//! Due times, each taken once however many hosts there are.

use std::path::Path;
use std::time::Duration;

use besom::cli::bundled_names;
use besom::config::{Config, Environment, Rules};
use besom::request::Timestamp;
use besom::runner::Host;
use besom::service;

use super::super::cli::Desk;
use super::{Server, servers, until};

const MINUTE: i64 = 60_000_000;

/// Every minute, and nothing else runs by itself.
pub(super) const EACH_MINUTE: &str = "[plugins.tokens]\nenabled = false\n\
    [plugins.tokens.jobs.revoked-access]\nenabled = true\nschedule = \"* * * * *\"\n";

pub(super) async fn host(desk: &Desk, name: &str) -> Host {
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rules = Rules {
        environment: Environment::of([("BESOM_HOST__NAME", name)]),
        bundled: &bundled_names(),
    };
    Host::open(Config::parse(&text, Path::new("besom.toml"), &rules).unwrap())
        .await
        .unwrap()
}

/// Three hosts run what three schedulers find due, whose clocks show a minute each second: sixty due
/// times in a minute, of which rows become eligible in between.
#[tokio::test]
async fn with_three_hosts_and_a_due_time_each_second_every_due_time_runs_once() {
    for (round, database) in servers().await.into_iter().enumerate() {
        // A minute direct, and half of one behind a pooler.
        let times = if round == 0 { 60 } else { 30 };
        let desk = Desk::filled(database, 2_000, EACH_MINUTE).await;
        super::super::cli::killed::fill(&desk, 0).await;
        let live = desk
            .count("SELECT count(*) FROM oauth2_access_tokens")
            .await;
        // The hosts' own clocks find nothing due meanwhile: what is considered lies ahead of them.
        let start = desk
            .count(
                "SELECT floor(extract(epoch FROM date_trunc('minute', now())) * 1000000)::bigint",
            )
            .await
            + 24 * 60 * MINUTE;
        desk.script(&format!(
        "INSERT INTO besom_schedule (plugin, job, considered) VALUES ('tokens', 'revoked-access', \
         to_timestamp({start} / 1000000))"
    ))
    .await;
        let servers = ["a", "b", "c"].map(|name| Server::start(&desk, name));
        let schedulers = [
            host(&desk, "x").await,
            host(&desk, "y").await,
            host(&desk, "z").await,
        ];

        let mut made = 0;
        for minute in 1..=times {
            let now = Timestamp(start + minute * MINUTE + 1_000_000);
            let [x, y, z] = &schedulers;
            let (x, y, z) = tokio::join!(
                service::consider(x, &[], now),
                service::consider(y, &[], now),
                service::consider(z, &[], now)
            );
            // Two may have asked for the same row's lock at once; the third has it.
            let found = [x, y, z].into_iter().flatten().sum::<usize>();
            assert_eq!(found, 1, "minute {minute}");
            // `not_before` is the due time, which these clocks have reached.
            desk.script(&format!(
            "UPDATE besom_queue SET not_before = clock_timestamp() WHERE done_at IS NULL; \
             INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, \
             created_at, expires_at, revoked_at) SELECT gen_random_uuid(), (SELECT oauth2_session_id FROM \
             oauth2_sessions LIMIT 1), 'n{minute}-' || n, now() - interval '2 days', now(), \
             now() - interval '1 day' FROM generate_series(1, {minute}) AS n"
        ))
        .await;
            made += minute;
            tokio::time::sleep(Duration::from_millis(800)).await;
        }
        until("the queue to be empty", async || {
            desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
                .await
                == 0
        })
        .await;

        assert_eq!(desk.count("SELECT count(*) FROM besom_queue").await, times);
        let ran = "SELECT count(*) FROM besom_run WHERE state = 'drained' AND cause = 'schedule'";
        assert_eq!(desk.count(ran).await, times, "a run for each");
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, times);
        let distinct = "SELECT count(DISTINCT due_at) FROM besom_run";
        assert_eq!(desk.count(distinct).await, times);
        let hosts = desk
            .count("SELECT count(DISTINCT host) FROM besom_run")
            .await;
        assert!(hosts > 1, "the work was shared: {hosts}");
        let left = desk
            .count("SELECT count(*) FROM oauth2_access_tokens")
            .await;
        let gone = live + made - left;
        let recorded = "SELECT coalesce(sum(affected), 0)::bigint FROM besom_batch";
        assert_eq!(
            desk.count(recorded).await,
            gone,
            "the ledger equals what is gone"
        );
        let revoked = "SELECT count(*) FROM oauth2_access_tokens WHERE revoked_at IS NOT NULL";
        assert!(
            gone > 0 && desk.count(revoked).await <= times,
            "all but the last runs' arrivals"
        );
        drop(servers);
    }
}
