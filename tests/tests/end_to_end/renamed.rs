//! A job under another name than before: its runs stay its own, and still only one is active.

use std::time::Duration;

use besom::ledger::{Claim, Ending, LedgerError, finish, list_of};
use besom::request::{Condition, JobName, Mode, Request, Step};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both, job};

const SCHEMA: &str = "CREATE TABLE item (id bigint PRIMARY KEY);
    INSERT INTO item WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2500)
    SELECT n FROM s;";

/// The claim of a host whose plugin calls `lab/sweep` by another name.
fn renamed(lab: &Lab) -> Claim {
    Claim {
        job: JobName::new("lab", "broom"),
        formerly: vec!["brush".to_owned(), job().job],
        ..lab.claim()
    }
}

async fn runs(lab: &Lab, what: &str) -> i64 {
    lab.count(&format!("SELECT count(*) FROM besom_run WHERE {what}"))
        .await
}

#[tokio::test]
async fn a_run_under_the_old_name_that_is_alive_keeps_the_job() {
    for lab in both(SCHEMA, SCHEMA).await {
        let (_context, old) = lab.begin().await;

        let refused = renamed(&lab).take(&lab.database).await.unwrap_err();

        let LedgerError::Busy { job, run, .. } = &refused else {
            panic!("{refused}")
        };
        assert_eq!((job.to_string(), *run), ("lab/broom".into(), old.fence.run));
        assert_eq!(runs(&lab, "job = 'sweep' AND state = 'running'").await, 1);
        assert_eq!(runs(&lab, "job = 'broom'").await, 0);
    }
}

#[tokio::test]
async fn a_run_under_the_old_name_whose_host_is_gone_goes_on_under_the_new_one() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.lease = Duration::from_millis(200);
        let (context, old) = lab.begin().await;
        let all = Request::delete("item", Condition::Everything);
        let stale = Sweep::open(&context, all).await.unwrap();
        let Step::Batch(_) = stale.next().await.unwrap() else {
            panic!("a batch")
        };
        tokio::time::sleep(Duration::from_millis(300)).await;

        let (claimed, _lease) = renamed(&lab).take(&lab.database).await.unwrap();

        assert_eq!(claimed.fence.run, old.fence.run);
        assert!(claimed.resumed && claimed.checkpoint != "{}");
        assert_eq!(runs(&lab, "job = 'broom' AND state = 'running'").await, 1);
        let refused = stale.next().await.unwrap_err();
        assert_eq!(refused.problem().code, "lease-lost", "{refused}");
    }
}

#[tokio::test]
async fn a_run_of_another_version_whose_host_is_gone_is_cancelled_and_a_new_one_begins() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.lease = Duration::from_millis(200);
        lab.begin().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let later = Claim {
            digest: "11".to_owned(),
            ..renamed(&lab)
        };

        let (claimed, _lease) = later.take(&lab.database).await.unwrap();

        assert!(!claimed.resumed);
        assert_eq!(runs(&lab, "job = 'broom' AND state = 'cancelled'").await, 1);
        assert_eq!(runs(&lab, "job = 'broom' AND state = 'running'").await, 1);
        assert_eq!(runs(&lab, "job = 'sweep'").await, 0);
    }
}

#[tokio::test]
async fn a_run_under_each_name_whose_hosts_are_gone_leaves_one() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.lease = Duration::from_millis(200);
        // A host that knows the new name only, and one that knows the old one only.
        let alone = Claim {
            formerly: Vec::new(),
            ..renamed(&lab)
        };
        alone.take(&lab.database).await.unwrap();
        lab.begin().await;
        tokio::time::sleep(Duration::from_millis(300)).await;

        let (claimed, _lease) = renamed(&lab).take(&lab.database).await.unwrap();

        assert!(claimed.resumed);
        assert_eq!(runs(&lab, "job = 'broom' AND state = 'running'").await, 1);
        assert_eq!(runs(&lab, "job = 'broom' AND state = 'cancelled'").await, 1);
    }
}

#[tokio::test]
async fn the_history_of_every_name_is_the_jobs_before_and_after_it_runs_and_a_dry_run_renames_nothing()
 {
    for lab in both(SCHEMA, SCHEMA).await {
        let (claimed, _lease) = lab.claim().take(&lab.database).await.unwrap();
        let drained = Ending {
            state: "drained",
            reason: None,
            error: None,
            verification: None,
            remains: "[]",
            throttled: "{}",
            again: besom::ledger::Again::No,
            dry_run: None,
            findings: "[]",
            blocked_by: "{}",
        };
        finish(&lab.database, &claimed.fence, Mode::Apply, &drained)
            .await
            .unwrap();
        let other = JobName::new("other", "sweep");
        let new = renamed(&lab);
        let listed = async |job: &JobName| {
            let runs = list_of(&lab.database, job, &new.formerly, 10).await;
            runs.unwrap().len()
        };
        assert_eq!((listed(&new.job).await, listed(&other).await), (1, 0));

        let looking = Claim {
            mode: Mode::DryRun,
            ..new.clone()
        };
        looking.take(&lab.database).await.unwrap();
        assert_eq!(runs(&lab, "job = 'sweep'").await, 1);

        new.take(&lab.database).await.unwrap();
        assert_eq!(runs(&lab, "job = 'sweep'").await, 0);
        assert_eq!(listed(&new.job).await, 3);
    }
}
