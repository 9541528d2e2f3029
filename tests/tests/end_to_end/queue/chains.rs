//! Retries: a failed job points at its next attempt, and a chain clears without breaking.

use super::*;

/// Which jobs point at which, as `name: next`.
async fn chain(auth: &Auth) -> Vec<String> {
    let sql = "SELECT job.queue_name || ': ' || coalesce(next.queue_name, '-') \
         FROM queue_jobs AS job LEFT JOIN queue_jobs AS next \
         ON next.queue_job_id = job.next_attempt_id ORDER BY 1";
    auth.texts(sql).await
}

#[tokio::test]
async fn the_old_attempts_of_a_chain_go_and_the_rest_of_it_holds() {
    for mut auth in both().await {
        job(&auth, "fourth", Job::default()).await;
        for (name, next, age) in [
            ("third", "fourth", 10),
            ("second", "third", 40),
            ("first", "second", 60),
        ] {
            let attempt = Job {
                next: Some(next),
                ..failed(Some(NOW - age * DAY))
            };
            job(&auth, name, attempt).await;
        }

        let done = auth.run("finished", &[]).await;

        assert_eq!(chain(&auth).await, ["fourth: -", "third: fourth"]);
        assert_eq!((done.affected, done.blocked), (2, 0));
    }
}

#[tokio::test]
async fn an_attempt_that_stays_forgets_the_next_one_that_goes() {
    for mut auth in both().await {
        job(&auth, "second", completed(OLD)).await;
        for status in ["lost", "running"] {
            let first = Job {
                status,
                next: Some("second"),
                ..Job::default()
            };
            job(&auth, status, first).await;
        }

        let done = auth.run("finished", &[]).await;

        assert_eq!(chain(&auth).await, ["lost: -", "running: -"]);
        assert_eq!((done.affected, done.cascaded, done.blocked), (1, 2, 0));
    }
}

#[tokio::test]
async fn a_long_chain_goes_in_one_run_however_small_the_windows() {
    for mut auth in both().await {
        auth.lab.options.batch_size = 7;
        for number in 0..40 {
            let (name, next) = (format!("n{number}"), format!("n{}", number - 1));
            let attempt = Job {
                next: (number > 0).then_some(next.as_str()),
                ..failed(OLD)
            };
            job(&auth, &name, attempt).await;
        }

        let done = auth.run("finished", &[]).await;

        assert_eq!(chain(&auth).await, [""; 0]);
        assert_eq!((done.affected, done.blocked), (40, 0));
    }
}
