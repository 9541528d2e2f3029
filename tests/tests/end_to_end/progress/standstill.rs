//! Runs that change nothing, one after the other, are a state of their job.

use std::time::Duration;

use besom::ledger;
use besom::request::Request;
use besom_tests::lab::{Lab, both, job};

use super::{dead, numbers};

fn schema() -> String {
    format!(
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL);
         INSERT INTO item SELECT n, TRUE FROM {};",
        numbers(500)
    )
}

/// By run, the newest first.
async fn told(lab: &Lab) -> Vec<u64> {
    let runs = ledger::list(&lab.database, 10).await.unwrap();
    runs.iter().map(|run| run.without_progress).collect()
}

#[tokio::test]
async fn runs_that_change_nothing_are_counted_until_one_gets_on() {
    for mut lab in both(&schema(), &schema()).await {
        let request = || Request::delete("item", dead());
        lab.options.deadline = Duration::ZERO;
        for _ in 0..2 {
            lab.run_as_it_ends(request()).await;
        }
        let (context, _) = lab.begin().await;
        lab.end_as(&context, "failed").await;
        assert_eq!(told(&lab).await, [3, 2, 1]);
        let all = ledger::without_progress(&lab.database).await.unwrap();
        assert_eq!(all, [(job(), 3)]);

        lab.options.deadline = Duration::from_secs(60);
        lab.options.max_rows = 100;
        lab.run_as_it_ends(request()).await;
        assert_eq!(told(&lab).await[0], 0, "suspended, but rows have gone");
        lab.options.deadline = Duration::ZERO;
        lab.run_as_it_ends(request()).await;
        lab.options.mode = besom::request::Mode::DryRun;
        lab.run_as_it_ends(request()).await;
        assert_eq!(
            told(&lab).await[..3],
            [0, 1, 0],
            "a dry run is none of them"
        );
        let all = ledger::without_progress(&lab.database).await.unwrap();
        assert_eq!(all, [(job(), 1)]);

        lab.options.mode = besom::request::Mode::Apply;
        lab.options.deadline = Duration::from_secs(60);
        lab.options.max_rows = 1_000;
        lab.run_as_it_ends(request()).await;
        let all = ledger::without_progress(&lab.database).await.unwrap();
        assert_eq!(all, [(job(), 0)]);
    }
}
