//! A host that goes, in whatever way, and the run that it had.

use std::time::{Duration, Instant};

use super::super::cli::Desk;
use super::{
    FILE, ROWS, Server, everywhere, finished, gone, in_mid_run, recorded, revoked, servers, until,
};

#[tokio::test]
async fn a_run_of_a_host_that_is_told_to_stop_goes_on_elsewhere_from_its_checkpoint() {
    for database in everywhere().await {
        let (desk, mut first) = in_mid_run(database, FILE, "first").await;

        first.signal("TERM");
        assert_eq!(first.ended().await, Some(0), "{}", first.log());

        let done = gone(&desk).await;
        assert!(done < ROWS, "it was stopped in mid run");
        assert_eq!(recorded(&desk).await, done);
        let held = desk.count("SELECT count(*) FROM besom_lease").await;
        assert_eq!(held, 0, "nobody has to wait for its lease");

        let _second = Server::start(&desk, "second");
        finished(&desk).await;
        let runs = desk.json(&["runs", "list", "--json"]);
        assert_eq!(runs.as_array().unwrap().len(), 1, "one run: {runs}");
        assert_eq!(runs[0]["outcome"], "drained");
        assert_eq!(runs[0]["host"], "second");
        assert!(runs[0]["error"].is_null());
    }
}

#[tokio::test]
async fn a_run_of_a_host_that_is_killed_goes_on_elsewhere_once_its_lease_is_over() {
    for database in servers().await {
        let (desk, mut first) = in_mid_run(database, FILE, "first").await;
        let _second = Server::start(&desk, "second");

        first.kill();
        let killed = Instant::now();
        until("the other host to have the run", async || {
            desk.count("SELECT count(*) FROM besom_lease WHERE host = 'second'")
                .await
                == 1
        })
        .await;

        // The lease of this file and two seconds, and as much again for a machine that is busy.
        let took = killed.elapsed();
        assert!(took < Duration::from_secs((2 + 2) * 2), "{took:?}");
        finished(&desk).await;
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 1);
    }
}

#[tokio::test]
async fn a_host_that_slept_past_its_lease_changes_nothing_when_it_wakes() {
    for database in servers().await {
        let (desk, first) = in_mid_run(database, FILE, "first").await;

        first.signal("STOP");
        let _second = Server::start(&desk, "second");
        finished(&desk).await;
        first.signal("CONT");

        first.says("was taken over by another host").await;
        assert_eq!(gone(&desk).await, ROWS);
        assert_eq!(recorded(&desk).await, ROWS);
        let runs = desk.json(&["runs", "list", "--json"]);
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
        assert_eq!(
            runs[0]["outcome"], "drained",
            "the record is the other host's"
        );
    }
}

#[tokio::test]
async fn two_jobs_that_change_one_table_run_one_after_the_other() {
    for database in servers().await {
        let desk = Desk::filled(database, 2_000, FILE).await;
        revoked(&desk).await;
        desk.says(&["trigger", "tokens/revoked-access", "tokens/expired-access"]);
        let _hosts = ["first", "second"].map(|name| Server::start(&desk, name));

        finished(&desk).await;

        let overlapping = "SELECT count(*) FROM besom_run AS a JOIN besom_run AS b ON a.id < b.id \
                       AND a.started_at < b.ended_at AND b.started_at < a.ended_at";
        assert_eq!(desk.count(overlapping).await, 0);
        assert_eq!(desk.count("SELECT count(*) FROM besom_run").await, 2);
    }
}

#[tokio::test]
async fn a_run_that_goes_on_elsewhere_has_the_rest_of_its_rows_and_no_more() {
    for database in [besom_tests::postgres().await, besom_tests::sqlite()] {
        let file = format!("{FILE}max-rows-per-run = 3000\n");
        let (desk, mut first) = in_mid_run(database, &file, "first").await;
        first.signal("TERM");
        first.ended().await;
        assert!(gone(&desk).await < 3_000, "it was stopped in mid run");

        let _second = Server::start(&desk, "second");
        until("the run to be over", async || {
            desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
                .await
                == 0
        })
        .await;

        assert_eq!(gone(&desk).await, 3_000);
        let runs = desk.json(&["runs", "list", "--json"]);
        assert_eq!(runs[0]["reason"], "row-budget", "{runs}");
    }
}
