//! A run that another host goes on with is still one run, under the guard rails of one.

use std::time::Duration;

use besom::config::Fraction;
use besom::ledger::{self, Claim, LedgerError};
use besom::request::{Condition, JobName, Mode, Request, Step, Suspension};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, drain};

/// Longer than the short lease of these tests.
const PAST_THE_LEASE: Duration = Duration::from_millis(300);

const SHORT: Duration = Duration::from_millis(200);

const ITEMS: &str = "CREATE TABLE item (id bigint PRIMARY KEY, keep bigint);
    INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000)
    SELECT n, CASE WHEN n > 1000 THEN 1 END FROM s;";

fn of(lab: &Lab, job: &str, relations: &[&str]) -> Claim {
    Claim {
        job: JobName::new("lab", job),
        relations: relations.iter().map(ToString::to_string).collect(),
        ..lab.claim()
    }
}

#[tokio::test]
async fn the_part_of_a_table_that_a_run_may_change_is_not_drawn_anew_by_the_host_that_goes_on() {
    for mut lab in both(ITEMS, ITEMS).await {
        let unkept = Request::delete(
            "item",
            Condition::IsNull {
                column: "keep".into(),
            },
        );
        lab.options.max_fraction = Fraction::new(0.3);
        lab.options.batch_size = 250;
        lab.lease = SHORT;
        let (first, _) = lab.begin().await;
        let sweep = Sweep::open(&first, unkept.clone()).await.unwrap();
        for _ in 0..3 {
            assert!(matches!(sweep.next().await.unwrap(), Step::Batch(_)));
        }
        let before = 5000 - lab.count("SELECT count(*) FROM item").await;
        assert!(before > 0);
        tokio::time::sleep(PAST_THE_LEASE).await;

        // Far more than 1500 rows of 5000 are eligible by now.
        lab.script("UPDATE item SET keep = NULL").await;
        let (second, claimed) = lab.begin().await;
        assert!(claimed.resumed);
        let (_, end) = drain(&second, unkept).await.unwrap();

        assert_eq!(end, Step::Suspended(Suspension::MaxFraction));
        let gone = 5000 - lab.count("SELECT count(*) FROM item").await;
        // What the first host's last batch did is known to the ledger alone.
        assert!((1500..=1750).contains(&gone), "{gone}");
    }
}

#[tokio::test]
async fn a_run_whose_beginning_lies_ahead_of_the_clock_does_not_bring_young_rows_under_its_cut_off()
{
    let mut lab = Lab::postgres(ITEMS).await;
    lab.lease = SHORT;
    lab.begin().await;
    tokio::time::sleep(PAST_THE_LEASE).await;
    // The clock was wrong, or somebody has changed the ledger.
    lab.script("UPDATE besom_run SET started_at = started_at + interval '1 year'")
        .await;

    let (_, claimed) = lab.begin().await;

    assert!(claimed.resumed);
    let now = lab.database.now().await.unwrap();
    assert!(claimed.now <= now, "{:?} is after {now:?}", claimed.now);
}

#[tokio::test]
async fn a_table_that_another_run_takes_while_a_claim_waits_for_a_dead_hosts_batch_stays_taken() {
    let mut lab = Lab::postgres(ITEMS).await;
    lab.lease = SHORT;
    let (dead, _) = of(&lab, "dead", &["public.x"])
        .take(&lab.database)
        .await
        .unwrap();
    tokio::time::sleep(PAST_THE_LEASE).await;
    lab.lease = Duration::from_secs(15);
    // The dead host's last batch has not committed yet.
    let mut batch = lab.session().await;
    batch
        .begin(&format!(
            "BEGIN; UPDATE besom_run SET seq = seq WHERE id = '{}'",
            dead.fence.run
        ))
        .await
        .unwrap();
    let both = of(&lab, "both", &["public.x", "public.y"]);
    let database = lab.database.clone();
    let waits = tokio::spawn(async move { both.take(&database).await });
    tokio::time::sleep(Duration::from_millis(150)).await;

    let (taken, _lease) = of(&lab, "one", &["public.y"])
        .take(&lab.database)
        .await
        .unwrap();
    batch.rollback().await.unwrap();

    let refused = waits.await.unwrap().unwrap_err();
    assert!(
        matches!(refused, LedgerError::TableBusy { .. }),
        "{refused}"
    );
    let held = format!(
        "SELECT count(*) FROM besom_slot WHERE relation = 'public.y' AND run = '{}'",
        taken.fence.run
    );
    assert_eq!(lab.count(&held).await, 1);
}

#[tokio::test]
async fn a_host_that_slept_does_not_renew_or_give_up_the_lease_of_another_of_the_same_name() {
    for mut lab in both(ITEMS, ITEMS).await {
        lab.lease = SHORT;
        let (_, slept) = lab.claim().take(&lab.database).await.unwrap();
        tokio::time::sleep(PAST_THE_LEASE).await;
        lab.lease = Duration::from_secs(15);
        let (claimed, has) = lab.claim().take(&lab.database).await.unwrap();
        assert!(claimed.resumed);

        assert!(!slept.renew().await.unwrap(), "it believes to have the run");
        slept.give_up().await.unwrap();

        assert!(has.renew().await.unwrap(), "the lease is gone");
        assert_eq!(lab.options.mode, Mode::Apply);
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_for_a_later_version_keeps_what_its_batches_did_on_record() {
    for mut lab in both(ITEMS, ITEMS).await {
        lab.lease = SHORT;
        let (context, old) = lab.begin().await;
        let everything = Request::delete("item", Condition::Everything);
        let sweep = Sweep::open(&context, everything).await.unwrap();
        sweep.next().await.unwrap();
        tokio::time::sleep(PAST_THE_LEASE).await;
        let later = Claim {
            digest: "11".to_owned(),
            relations: vec!["public.item".to_owned()],
            ..lab.claim()
        };

        later.take(&lab.database).await.unwrap();

        let record = ledger::show(&lab.database, old.fence.run).await.unwrap();
        assert_eq!(record.state, "cancelled");
        assert_eq!((record.totals.affected, record.batches), (1000, 1));
        let leases = "SELECT count(*) FROM besom_lease";
        assert_eq!(lab.count(leases).await, 1, "the new run's");
    }
}

#[tokio::test]
async fn a_run_that_no_host_brings_as_far_as_a_batch_fails_in_the_end() {
    for mut lab in both(ITEMS, ITEMS).await {
        lab.lease = Duration::ZERO;
        let (first, _) = lab.claim().take(&lab.database).await.unwrap();
        let refused = loop {
            match lab.claim().take(&lab.database).await {
                Ok((again, _)) => assert!(again.fence.token < 50, "it goes on for ever"),
                Err(refused) => break refused,
            }
        };

        let LedgerError::InVain(run) = refused else {
            panic!("{refused}")
        };
        assert_eq!(run, first.fence.run);
        let record = ledger::show(&lab.database, run).await.unwrap();
        assert_eq!(record.state, "failed");
        assert!(record.error.unwrap().contains("again and again"));
        let (anew, _) = lab.claim().take(&lab.database).await.unwrap();
        assert!(!anew.resumed);
    }
}

#[tokio::test]
async fn a_batch_that_commits_while_the_outcome_is_recorded_is_in_the_totals() {
    let lab = Lab::postgres(ITEMS).await;
    let (context, claimed) = lab.begin().await;
    let run = claimed.fence.run;
    // The answer was lost, and the server still works at it.
    let mut batch = lab.session().await;
    batch
        .begin(&format!(
            "BEGIN; UPDATE besom_run SET seq = seq + 1 WHERE id = '{run}'; \
             INSERT INTO besom_batch (run, seq, examined, affected, dependents, cascaded, locked, blocked, \
             revived) VALUES ('{run}', 1, 7, 7, 0, 0, 0, 0, 0)"
        ))
        .await
        .unwrap();
    let ends = async { lab.end(&context).await };
    let commits = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        batch.commit().await.unwrap();
    };

    tokio::join!(ends, commits);

    let record = ledger::show(&lab.database, run).await.unwrap();
    assert_eq!(
        (record.state.as_str(), record.totals.affected),
        ("drained", 7)
    );
}

#[tokio::test]
async fn rows_that_were_refused_on_another_host_do_not_end_the_run_of_the_host_that_goes_on() {
    for mut lab in both(ITEMS, ITEMS).await {
        lab.lease = SHORT;
        lab.options.batch_size = 100;
        let everything = Request::delete("item", Condition::Everything);
        let (first, _) = lab.begin().await;
        let sweep = Sweep::open(&first, everything.clone()).await.unwrap();
        for _ in 0..2 {
            sweep.next().await.unwrap();
        }
        // As if many before these had been refused.
        lab.script(
            "UPDATE besom_run SET checkpoint = replace(checkpoint, '\"refused\":0', '\"refused\":50000')",
        )
        .await;
        tokio::time::sleep(PAST_THE_LEASE).await;

        let (second, claimed) = lab.begin().await;
        assert!(claimed.resumed && claimed.checkpoint.contains("50000"));
        let (_, end) = drain(&second, everything).await.unwrap();

        assert_eq!(end, Step::Drained, "{:?}", lab.dialect());
        let passed = second.settle().await.ended[0].passed;
        assert_eq!(passed.refused, 50_000, "the record has them");
    }
}
