//! The cut-off of each job, to the microsecond: an address last used before it is forgotten, one
//! last used on it or behind it stays.

use besom::request::Mode;

use super::*;

#[tokio::test]
async fn addresses_are_forgotten_thirty_days_after_their_last_use() {
    let cutoff = NOW - 30 * DAY;
    for mut auth in both().await {
        for (job, table) in JOBS {
            session(&auth, table, "exact", HOME, Some(cutoff)).await;
            session(&auth, table, "older", HOME, Some(cutoff - 1)).await;
            session(&auth, table, "younger", HOME, Some(cutoff + 1)).await;
            let before = addresses(&auth, table).await;

            auth.lab.options.mode = Mode::DryRun;
            let told = auth.run(job, &[]).await;
            assert_eq!(addresses(&auth, table).await, before, "{job}");
            auth.lab.options.mode = Mode::Apply;
            let done = auth.run(job, &[]).await;

            let older = format!("older: {}", nothing(table));
            assert_eq!(
                addresses(&auth, table).await,
                ["exact: 192.0.2.7", &older, "younger: 192.0.2.7"],
                "{job}"
            );
            assert_eq!((told.affected, done.affected), (1, 1), "{job}");
            assert_eq!(auth.run(job, &[]).await.affected, 0, "{job}");
        }
    }
}

#[tokio::test]
async fn the_operators_retention_moves_the_cut_off() {
    for mut auth in both().await {
        for (job, table) in JOBS {
            session(&auth, table, "a week", HOME, Some(NOW - 7 * DAY)).await;
            session(&auth, table, "more", HOME, Some(NOW - 7 * DAY - 1)).await;

            let done = auth.run(job, &[("retention", "7d")]).await;

            let more = format!("more: {}", nothing(table));
            assert_eq!(
                addresses(&auth, table).await,
                ["a week: 192.0.2.7", &more],
                "{job}"
            );
            assert_eq!(done.affected, 1, "{job}");
        }
    }
}
