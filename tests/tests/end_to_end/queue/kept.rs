//! Which jobs stay, and why.

use besom::request::Mode;
use besom::sweep::Verification;

use super::*;

const BY_CREATION: [(&str, &str); 1] = [("age-by", "created")];

/// A job created 40 days ago that finished an hour ago.
fn waited_for_weeks() -> Job<'static> {
    Job {
        created_at: NOW - 40 * DAY,
        ..completed(Some(NOW - HOUR))
    }
}

#[tokio::test]
async fn a_job_that_waited_for_weeks_and_finished_today_survives_unless_its_creation_counts() {
    for mut auth in both().await {
        job(&auth, "waited", waited_for_weeks()).await;

        assert_eq!(auth.run("finished", &[]).await.affected, 0);
        assert_eq!(auth.names("queue_jobs").await, ["waited"]);

        assert_eq!(auth.run("finished", &BY_CREATION).await.affected, 1);
        assert_eq!(auth.names("queue_jobs").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_job_that_has_not_ended_stays_whatever_its_age_and_its_times() {
    for mut auth in both().await {
        for status in ["available", "scheduled", "running", "lost"] {
            let left_over = Job {
                status,
                completed_at: OLD,
                failed_at: OLD,
                ..Job::default()
            };
            job(&auth, status, left_over).await;
        }
        // The time that counts is the one of the status.
        let failed_long_ago = Job {
            failed_at: OLD,
            ..completed(Some(NOW - DAY))
        };
        job(&auth, "well now", failed_long_ago).await;

        assert_eq!(auth.run("finished", &[]).await.affected, 0);
        assert_eq!(auth.run("finished", &BY_CREATION).await.affected, 1);

        assert_eq!(
            auth.names("queue_jobs").await,
            ["available", "lost", "running", "scheduled"]
        );
    }
}

#[tokio::test]
async fn an_ended_job_without_its_time_goes_by_creation_only() {
    for mut auth in both().await {
        job(&auth, "completed", completed(None)).await;
        job(&auth, "failed", failed(None)).await;

        assert_eq!(auth.run("finished", &[]).await.affected, 0);
        assert_eq!(auth.run("finished", &BY_CREATION).await.affected, 2);
    }
}

#[tokio::test]
async fn more_jobs_than_a_window_holds_go_in_one_run_and_a_second_finds_none() {
    for mut auth in both().await {
        auth.lab.options.batch_size = 7;
        for number in 0..60 {
            let at = Some(NOW - 60 * DAY + number);
            let ended = match number % 3 {
                0 => completed(at),
                1 => failed(at),
                _ => Job::default(),
            };
            job(&auth, &format!("n{number}"), ended).await;
        }

        assert_eq!(auth.run("finished", &[]).await.affected, 40);

        assert_eq!(auth.names("queue_jobs").await.len(), 20);
        assert_eq!(auth.run("finished", &[]).await.affected, 0);
    }
}

#[tokio::test]
async fn statuses_of_another_name_are_those_that_count() {
    for mut auth in both().await {
        let lost = Job {
            status: "lost",
            failed_at: OLD,
            ..Job::default()
        };
        job(&auth, "lost", lost).await;
        job(&auth, "failed", failed(OLD)).await;

        let done = auth.run("finished", &[("failed-status", "lost")]).await;

        assert_eq!(auth.names("queue_jobs").await, ["failed"]);
        assert_eq!(done.affected, 1);
    }
}

#[tokio::test]
async fn a_dry_run_tells_every_number_of_the_run_and_the_run_is_verified() {
    for auth in both().await {
        worker(&auth, "unseen", NOW - 60 * DAY, None).await;
        worker(&auth, "both", NOW - 60 * DAY, OLD).await;
        worker(&auth, "busy", NOW - 60 * DAY, OLD).await;
        let busy = Job {
            started_by: Some("busy"),
            ..Job::default()
        };
        job(&auth, "running", busy).await;
        let ran = Job {
            started_by: Some("both"),
            ..completed(OLD)
        };
        job(&auth, "ran", ran).await;
        let host = auth.host("[plugins.queue]\n").await;

        let told = run_plugins(&host, &["queue"], Mode::DryRun).await;
        let done = run_plugins(&host, &["queue"], Mode::Apply).await;

        let order: Vec<_> = done.iter().map(|of| of.job.to_string()).collect();
        assert_eq!(order, ["queue/finished", "queue/workers"]);
        for (told, done) in told.iter().zip(&done) {
            assert_eq!((done.outcome.as_str(), &done.error), ("drained", &None));
            assert_eq!(told.totals.affected, done.totals.affected, "{}", done.job);
            assert_eq!(done.verification, Verification::Verified);
        }
        assert_eq!(auth.names("queue_jobs").await, ["running"]);
        assert_eq!(workers(&auth, &["both", "busy", "unseen"]).await, ["busy"]);
    }
}
