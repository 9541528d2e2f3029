//! Maintenance windows, around the minute in which the test runs.

use std::time::Duration;

use besom::request::Timestamp;
use besom::service;
use besom_tests::postgres;

use super::super::cli::Desk;
use super::reload::rewrite;
use super::{
    FILE, JOB, ROWS, Server, everywhere, finished, gone, in_mid_run, recorded, revoked, until,
};

/// Nothing else runs by itself, and this is due once a year.
const YEARLY: &str = "[plugins.tokens]\nbatch-size = 10\nenabled = false\n\
    [plugins.tokens.jobs.revoked-access]\nenabled = true\nschedule = \"0 0 1 1 *\"\n";

/// 2031-01-06 in UTC, in seconds.
const MIDNIGHT: i64 = 1_925_424_000;

/// A job with a missed due time to catch up with.
async fn desk() -> Desk {
    let desk = Desk::filled(postgres().await, 2_000, YEARLY).await;
    revoked(&desk).await;
    desk.script(
        "INSERT INTO besom_schedule (plugin, job, considered) VALUES ('tokens', 'revoked-access', \
         now() - interval '2 years')",
    )
    .await;
    desk
}

/// The database's time of the day in UTC, in minutes.
async fn minute(desk: &Desk) -> i64 {
    desk.count("SELECT floor(extract(epoch FROM clock_timestamp()) / 60)::bigint % 1440")
        .await
}

/// The file with a window of the job from one minute of the day to another.
fn set_window(desk: &Desk, from: i64, until: i64) {
    let clock = |at: i64| format!("{:02}:{:02}", at % 1440 / 60, at % 60);
    let line = format!("window = \"{}-{}\"\n", clock(from), clock(until));
    rewrite(desk, |text| {
        let kept = text.lines().filter(|line| !line.starts_with("window"));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        kept + &line
    });
}

async fn waiting(desk: &Desk) -> i64 {
    desk.count("SELECT count(*) FROM besom_queue WHERE done_at IS NULL")
        .await
}

#[tokio::test]
async fn a_due_time_outside_of_the_window_waits_until_it_opens() {
    let desk = desk().await;
    let now = minute(&desk).await;
    set_window(&desk, now + 120, now + 180);

    let host = Server::start(&desk, "only");
    until("the due time to be queued", async || {
        waiting(&desk).await == 1
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        (gone(&desk).await, waiting(&desk).await),
        (0, 1),
        "{}",
        host.log()
    );

    set_window(&desk, now + 1380, now + 60);
    finished(&desk).await;
    let runs = "SELECT count(*) FROM besom_run WHERE cause = 'schedule'";
    assert_eq!(desk.count(runs).await, 1);
}

#[tokio::test]
async fn a_run_that_reaches_the_end_of_its_window_is_laid_by_and_goes_on_in_the_next() {
    let desk = desk().await;
    rewrite(&desk, |text| {
        text.replace("batch-size = 10", "batch-size = 1")
    });
    // However fast the machine, five thousand batches take longer than is left of the minute.
    desk.script(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END'; \
         CREATE TRIGGER slow AFTER DELETE ON oauth2_access_tokens EXECUTE FUNCTION slow()",
    )
    .await;
    // The window closes with the minute, in the midst of them.
    until("the end of a minute to be near", async || {
        let second = "SELECT floor(extract(second FROM clock_timestamp()))::bigint";
        (45..50).contains(&desk.count(second).await)
    })
    .await;
    let now = minute(&desk).await;
    set_window(&desk, now + 1380, now + 1);

    let host = Server::start(&desk, "only");
    until("rows to go", async || gone(&desk).await > 0).await;
    until("the run to lie still", async || {
        desk.count("SELECT count(*) FROM besom_lease").await == 0
    })
    .await;
    let done = gone(&desk).await;
    assert!(0 < done && done < ROWS, "{done}");
    assert_eq!(recorded(&desk).await, done);
    let opens = "SELECT count(*) FROM besom_queue WHERE done_at IS NULL AND \
                 not_before BETWEEN now() + interval '22 hours' AND now() + interval '24 hours'";
    assert_eq!(desk.count(opens).await, 1, "it waits for the next opening");

    // Which is now.
    rewrite(&desk, |text| {
        text.replace("batch-size = 1", "batch-size = 500")
    });
    set_window(&desk, now + 1380, now + 60);
    host.says("in force").await;
    desk.script("UPDATE besom_queue SET not_before = clock_timestamp()")
        .await;
    finished(&desk).await;
    assert_eq!(
        desk.count("SELECT count(*) FROM besom_run").await,
        1,
        "the same run"
    );
}

#[tokio::test]
async fn what_is_asked_for_outside_of_the_window_runs_and_the_due_time_goes_on_waiting() {
    let desk = desk().await;
    let now = minute(&desk).await;
    set_window(&desk, now + 120, now + 180);
    let _host = Server::start(&desk, "only");
    until("the due time to be queued", async || {
        waiting(&desk).await == 1
    })
    .await;

    desk.says(&["trigger", "tokens/revoked-access"]);

    until("the rows to go", async || gone(&desk).await == ROWS).await;
    until("the run to be over", async || waiting(&desk).await == 1).await;
    let scheduled = "SELECT count(*) FROM besom_run WHERE cause = 'schedule'";
    assert_eq!(desk.count(scheduled).await, 0);
}

#[tokio::test]
async fn what_becomes_due_while_the_window_is_closed_is_one_run_when_it_opens() {
    for database in everywhere().await {
        let hourly = YEARLY.replace("0 0 1 1 *", "0 * * * *") + "window = \"22:00-06:00\"\n";
        let desk = Desk::filled(database, 2_000, &hourly).await;
        let host = super::due::host(&desk, "only").await;
        // Five seconds after a full hour of a day to come.
        let at = |hour: i64| Timestamp((MIDNIGHT + hour * 3600 + 5) * 1_000_000);

        // Seen for the first time, and then an hour within the window.
        for (hour, queued) in [(4, 0), (5, 1)] {
            service::consider(&host, &[], at(hour)).await.unwrap();
            assert_eq!(waiting(&desk).await, queued, "{hour}");
        }
        desk.script("UPDATE besom_queue SET done_at = queued_at, outcome = 'drained'")
            .await;

        for hour in 6..22 {
            service::consider(&host, &[], at(hour)).await.unwrap();
            assert_eq!(waiting(&desk).await, 1, "{hour}");
        }
        service::consider(&host, &[], at(23)).await.unwrap();
        assert_eq!(
            waiting(&desk).await,
            2,
            "within the window each has its run"
        );
    }
}

#[tokio::test]
async fn who_asks_for_a_job_whose_run_waits_for_its_window_has_that_run_go_on_at_once() {
    for database in everywhere().await {
        let (desk, mut first) = in_mid_run(database, FILE, "first").await;
        first.signal("TERM");
        assert_eq!(first.ended().await, Some(0), "{}", first.log());
        // As at the end of a window that opens in an hour.
        let (now, ahead) = match desk.database.url.starts_with("sqlite") {
            true => ("started_at", "not_before + 3600000000"),
            false => ("started_at", "clock_timestamp() + interval '1 hour'"),
        };
        desk.script(&format!(
            "UPDATE besom_queue SET not_before = {ahead}, due_at = (SELECT {now} FROM besom_run)"
        ))
        .await;
        let _second = Server::start(&desk, "second");
        let still = gone(&desk).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(gone(&desk).await, still, "it is not yet its time");

        let asked = desk.json(&["trigger", JOB, "--json"]);

        finished(&desk).await;
        let runs = desk.json(&["runs", "list", "--json"]);
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
        let asked = asked[0]["run"].as_str().unwrap();
        let shown = desk.json(&["runs", "show", asked, "--json"]);
        assert_eq!(
            shown["run"], runs[0]["run"],
            "what was asked for is that run"
        );
        assert!(!shown["ledger"].as_array().unwrap().is_empty());
    }
}
