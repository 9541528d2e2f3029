//! The cut-off, to the microsecond: what ended before it goes, what ended on it or behind it stays.
//! By creation, which is the time in the key: to the millisecond.

use besom::request::Mode;

use super::*;

#[tokio::test]
async fn completed_jobs_go_after_thirty_days() {
    let times = (30 * DAY, 1);
    let plant = async |auth: &Auth, name: &str, at| job(auth, name, completed(at)).await;
    only_the_older_goes(both().await, "finished", "queue_jobs", times, plant).await;
}

#[tokio::test]
async fn failed_jobs_go_after_thirty_days() {
    let times = (30 * DAY, 1);
    let plant = async |auth: &Auth, name: &str, at| job(auth, name, failed(at)).await;
    only_the_older_goes(both().await, "finished", "queue_jobs", times, plant).await;
}

#[tokio::test]
async fn by_creation_jobs_go_after_thirty_days_by_their_ulid() {
    let by_creation = [("age-by", "created")];
    let cutoff = NOW - 30 * DAY;
    for mut auth in both().await {
        for (name, at, rest) in [
            // The sharpest keys there are: all ones in the last millisecond before the cut-off, all
            // zeros in the cut-off's own. The row's own column says otherwise, and does not count.
            ("older", cutoff - 1000, [0xff; 10]),
            ("exact", cutoff, [0; 10]),
            ("younger", cutoff + 1000, [0; 10]),
        ] {
            let key = auth.ulid(at.div_euclid(1000), rest);
            job_with_key(&auth, name, &key, completed(Some(NOW))).await;
        }

        auth.lab.options.mode = Mode::DryRun;
        let told = auth.run("finished", &by_creation).await;
        assert_eq!(auth.names("queue_jobs").await.len(), 3);
        auth.lab.options.mode = Mode::Apply;
        let done = auth.run("finished", &by_creation).await;

        assert_eq!(auth.names("queue_jobs").await, ["exact", "younger"]);
        assert_eq!((told.affected, done.affected), (1, 1));
    }
}

#[tokio::test]
async fn workers_go_thirty_days_after_they_were_shut_down() {
    let cutoff = NOW - 30 * DAY;
    for mut auth in both().await {
        let names = ["older", "exact", "younger", "running"];
        for (name, shutdown_at) in [
            ("older", Some(cutoff - 1)),
            ("exact", Some(cutoff)),
            ("younger", Some(cutoff + 1)),
            ("running", None),
        ] {
            worker(&auth, name, NOW - DAY, shutdown_at).await;
        }

        auth.lab.options.mode = Mode::DryRun;
        let told = auth.run("workers", &[]).await;
        assert_eq!(workers(&auth, &names).await, names);
        auth.lab.options.mode = Mode::Apply;
        let done = auth.run("workers", &[]).await;

        assert_eq!(workers(&auth, &names).await, names[1..]);
        assert_eq!((told.affected, done.affected), (1, 1));
    }
}

#[tokio::test]
async fn workers_go_thirty_days_after_they_were_last_seen() {
    let cutoff = NOW - 30 * DAY;
    for mut auth in both().await {
        let names = ["older", "exact", "younger"];
        for (name, last_seen_at) in [
            ("older", cutoff - 1),
            ("exact", cutoff),
            ("younger", cutoff + 1),
        ] {
            worker(&auth, name, last_seen_at, None).await;
        }

        auth.lab.options.mode = Mode::DryRun;
        let told = auth.run("workers", &[]).await;
        assert_eq!(workers(&auth, &names).await, names);
        auth.lab.options.mode = Mode::Apply;
        let done = auth.run("workers", &[]).await;

        assert_eq!(workers(&auth, &names).await, names[1..]);
        assert_eq!((told.affected, done.affected), (1, 1));
    }
}

#[tokio::test]
async fn the_operators_retention_moves_the_cut_off() {
    for mut auth in both().await {
        for (name, age) in [
            ("week", 7 * DAY),
            ("more", 7 * DAY + 1),
            ("month", 30 * DAY),
        ] {
            job(&auth, name, failed(Some(NOW - age))).await;
        }

        let done = auth.run("finished", &[("retention", "7d")]).await;

        assert_eq!(auth.names("queue_jobs").await, ["week"]);
        assert_eq!(done.affected, 2);
    }
}
