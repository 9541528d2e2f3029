//! Which workers stay, and why.

use besom::preflight::Severity;
use besom::request::Mode;

use super::*;

const LONG_AGO: i64 = NOW - 60 * DAY;

#[tokio::test]
async fn a_worker_with_a_job_left_stays_until_the_job_has_gone_and_is_not_counted_as_blocked() {
    for mut auth in both().await {
        let names = ["ran", "running", "idle"];
        for name in names {
            worker(&auth, name, LONG_AGO, OLD).await;
        }
        for (name, of) in [("ran", failed(OLD)), ("running", Job::default())] {
            let started = Job {
                started_by: Some(name),
                ..of
            };
            job(&auth, name, started).await;
        }

        let done = auth.run("workers", &[]).await;
        assert_eq!(workers(&auth, &names).await, ["ran", "running"]);
        assert_eq!((done.affected, done.blocked), (1, 0));

        auth.run("finished", &[]).await;
        let done = auth.run("workers", &[]).await;
        assert_eq!(workers(&auth, &names).await, ["running"]);
        assert_eq!((done.affected, done.blocked), (1, 0));
    }
}

#[tokio::test]
async fn the_leaders_row_keeps_its_worker() {
    for auth in both().await {
        for name in ["leader", "follower"] {
            worker(&auth, name, LONG_AGO, None).await;
        }
        let row = format!("{old}, {old}, {}", auth.key("leader"), old = auth.time(OLD));
        auth.insert(
            "queue_leader (elected_at, expires_at, queue_worker_id)",
            &[row],
        )
        .await;
        let host = auth.host("[plugins.queue]\n").await;

        let reports = run_plugins(&host, &["queue"], Mode::Apply).await;

        assert_eq!(workers(&auth, &["leader", "follower"]).await, ["leader"]);
        let report = reports.last().unwrap();
        assert_eq!((report.outcome.as_str(), &report.error), ("drained", &None));
        assert_eq!((report.totals.affected, report.totals.blocked), (1, 0));
        let errors = report
            .findings
            .iter()
            .filter(|of| of.severity == Severity::Error);
        assert_eq!(errors.count(), 0);
    }
}

#[tokio::test]
async fn a_retention_that_could_delete_a_live_worker_is_refused() {
    for mut auth in both().await {
        worker(&auth, "live", NOW - MINUTE, None).await;
        let settings = auth.settings("workers", &[("retention", "59m")]);

        let refused = auth
            .plugin
            .access("workers", &settings)
            .await
            .err()
            .unwrap();

        let refused = refused.to_string();
        assert!(refused.contains("`retention`"), "{refused}");
        assert_eq!(
            auth.run("workers", &[("retention", "1h")]).await.affected,
            0
        );
        assert_eq!(workers(&auth, &["live"]).await, ["live"]);
    }
}
