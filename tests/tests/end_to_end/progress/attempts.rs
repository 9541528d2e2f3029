//! Between the attempts at one batch: a run that is to stop does so there, and what a timeout has shown is kept.

use std::time::Duration;

use besom::catalog::Dialect;
use besom::request::{Request, Step, Suspension};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both};

use super::dead;
use super::heavy::impatient;

/// So many rows are done within it and no hundred.
const LIMIT: Duration = Duration::from_millis(300);

/// Each delete of a row takes some 20 ms, and on PostgreSQL is counted whatever becomes of it.
async fn slow(count: u64) -> Vec<Lab> {
    let items = format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         INSERT INTO item SELECT n, TRUE FROM {};",
        super::numbers(count)
    );
    let postgres = format!(
        "{items} CREATE SEQUENCE tries;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM nextval('tries'), pg_sleep(0.02); RETURN OLD; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION slow();"
    );
    let sqlite = format!(
        "{items} CREATE TABLE number (n INTEGER PRIMARY KEY);
         INSERT INTO number SELECT n FROM {};
         CREATE TRIGGER slow BEFORE DELETE ON item BEGIN
             SELECT count(*) FROM number AS a, number AS b WHERE a.n + b.n < OLD.id - 5000; END;",
        super::numbers(600)
    );
    let mut labs = both(&postgres, &sqlite).await;
    for lab in &mut labs {
        impatient(lab, LIMIT).await;
        lab.options.batch_size = 100;
    }
    labs
}

fn request() -> Request {
    Request::delete("item", dead())
}

#[tokio::test]
async fn a_deadline_that_passes_during_an_attempt_is_heard_before_the_next_one() {
    for mut lab in slow(100).await {
        lab.options.deadline = LIMIT * 2 / 3;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, request()).await.unwrap();

        let step = sweep.next().await.unwrap();

        assert_eq!(step, Step::Suspended(Suspension::Deadline));
        assert_eq!(sweep.next().await.unwrap(), step);
        let progress = context.settle().await;
        assert_eq!(progress.suspended, Some(Suspension::Deadline));
        assert_eq!((progress.batches, progress.totals.affected), (0, 0));
        lab.end_as(&context, "suspended").await;
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 100);
    }
}

#[tokio::test]
async fn somebody_who_stops_the_run_during_an_attempt_is_heard_before_the_next_one() {
    let mut labs = slow(100).await;
    let lab = labs.remove(0);
    assert_eq!(lab.dialect(), Dialect::Postgres);
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, request()).await.unwrap();
    let stops = async {
        let works = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while lab.count(works).await == 0 {
            tokio::task::yield_now().await;
        }
        lab.options.stop.cancel();
    };

    let (step, ()) = tokio::join!(sweep.next(), stops);

    assert_eq!(step.unwrap(), Step::Suspended(Suspension::ShuttingDown));
    let progress = context.settle().await;
    assert_eq!((progress.batches, progress.totals.affected), (0, 0));
}

/// The first attempt of every batch takes longer than a run may.
#[tokio::test]
async fn runs_that_are_shorter_than_an_attempt_that_times_out_get_on_all_the_same() {
    for mut lab in slow(40).await {
        lab.options.deadline = LIMIT * 5 / 6;
        let mut suspended = 0;

        while let (_, Step::Suspended(why)) = lab.run_as_it_ends(request()).await {
            assert_eq!(why, Suspension::Deadline);
            suspended += 1;
            assert!(suspended < 30, "{:?}", lab.dialect());
        }

        // On SQLite a fast machine may need no more than one.
        assert!(suspended > 0 || lab.dialect() == Dialect::Sqlite);
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
    }
}

#[tokio::test]
async fn each_window_after_a_timeout_does_not_meet_it_anew() {
    let mut labs = slow(40).await;
    let lab = labs.remove(0);

    let (batch, step) = lab.run(request()).await.unwrap();

    assert_eq!((batch.affected, step), (40, Step::Drained));
    // Two attempts are in vain, of some 15 rows each.
    let tries = lab.count("SELECT last_value FROM tries").await;
    assert!(tries < 100, "{tries} rows were tried");
}

#[tokio::test]
async fn one_row_that_takes_too_long_is_passed_over_though_the_deadline_is_over() {
    let mut labs = slow(1).await;
    let mut lab = labs.remove(0);
    lab.script(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(CASE OLD.id WHEN 1 THEN 5 ELSE 0 END); RETURN OLD; END $$;
         INSERT INTO item SELECT n, TRUE FROM generate_series(2, 50) AS n",
    )
    .await;
    lab.options.deadline = LIMIT / 2;
    let mut runs = 0;

    while lab.count("SELECT count(*) FROM item").await > 1 {
        lab.run_as_it_ends(request()).await;
        runs += 1;
        assert!(runs < 30);
    }

    assert_eq!(lab.ids("SELECT id FROM item").await, [1]);
}

/// Each piece is quick, and their locks last until the end of the batch.
#[tokio::test]
async fn pieces_of_a_batch_have_together_no_more_time_than_a_statement() {
    let mut labs = slow(40).await;
    let lab = labs.remove(0);
    lab.script(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(0.02); IF OLD.id % 4 = 0 THEN RAISE 'on hold'; END IF; RETURN OLD; END $$",
    )
    .await;

    let (batch, step) = lab.run(request()).await.unwrap();

    assert_eq!((batch.affected, batch.blocked), (30, 10));
    assert_eq!(step, Step::Drained);
    let most = lab.count("SELECT max(examined) FROM besom_batch").await;
    assert!(most < 30, "{most} rows in one batch");
}
