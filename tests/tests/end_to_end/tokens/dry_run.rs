//! `besom run tokens --dry-run` says what `besom run tokens` then does, number for number, on a
//! database at rest.

use super::*;

use besom::cli::demo::data;

const ROWS: u64 = 20_000;

/// What the demo fills in, and beside it what the demo does not have: chains and families in which
/// one job decides what another finds.
async fn fill(auth: &Auth, now: i64) {
    let mut session = auth.lab.session().await;
    let filled = match session.as_postgres() {
        Some(connection) => data::fill_postgres(connection, ROWS, now).await,
        None => data::fill_sqlite(session.as_sqlite().unwrap(), ROWS, now).await,
    };
    assert!(filled.unwrap());
    drop(session);
    let old = Some(now - 60 * DAY);
    for number in 0..40 {
        // The revoked token at the end goes first, and then the consumed one before it.
        let (access, last, first) = (
            format!("a{number}"),
            format!("l{number}"),
            format!("f{number}"),
        );
        auth.access_token(&access, old, (number % 3 == 0).then_some(now - 2 * HOUR))
            .await;
        let token = Refresh {
            access: (number % 2 == 0).then_some(&access),
            revoked_at: (number % 4 != 0).then_some(now - 2 * HOUR),
            ..Refresh::default()
        };
        auth.refresh_token(&last, token).await;
        let token = Refresh {
            access: (number % 5 == 0).then_some(&access),
            consumed_at: old,
            revoked_at: (number % 7 == 0).then_some(now - 3 * HOUR),
            next: Some(&last),
        };
        auth.refresh_token(&first, token).await;
    }
}

/// A run's numbers, `examined` included. A run that looks ahead, or takes rows apart, takes other batches.
fn numbers(report: &RunReport) -> (String, &str, Batch) {
    let job = report.job.to_string();
    (job, report.outcome.as_str(), report.totals)
}

async fn dry_run_equals_run(configuration: &str) {
    for auth in both().await {
        let host = auth.host(configuration).await;
        let now = host.database().now().await.unwrap().0;
        fill(&auth, now).await;
        let before = rows(&auth).await;

        let told = besom_run(&host, Mode::DryRun).await;
        assert_eq!(rows(&auth).await, before);
        let done = besom_run(&host, Mode::Apply).await;
        let after = rows(&auth).await;

        for (told, done) in told.iter().zip(&done) {
            assert_eq!(numbers(told), numbers(done), "on {:?}", auth.dialect());
            assert!(done.totals.affected > 0, "{}: nothing to do", done.job);
            assert!(!told.estimated, "{}", told.job);
        }
        let affected: u64 = done.iter().map(|run| run.totals.affected).sum();
        assert_eq!(before - after, affected);
        let cascaded: u64 = done.iter().map(|run| run.totals.cascaded).sum();
        let blocked: u64 = done.iter().map(|run| run.totals.blocked).sum();
        assert!(cascaded > 0 && blocked > 0);

        // Nothing is left to do, and both say so.
        for mode in [Mode::DryRun, Mode::Apply] {
            for report in besom_run(&host, mode).await {
                let totals = report.totals;
                assert_eq!((totals.affected, totals.cascaded), (0, 0), "{}", report.job);
                assert_eq!(report.outcome.as_str(), "drained");
            }
        }
        assert_eq!(rows(&auth).await, after);
    }
}

/// The rows of all tables that the plugin cleans.
async fn rows(auth: &Auth) -> u64 {
    let mut rows = 0;
    for table in TABLES {
        rows += auth
            .lab
            .count(&format!("SELECT count(*) FROM {table}"))
            .await;
    }
    rows.unsigned_abs()
}

const TABLES: [&str; 7] = [
    "oauth2_access_tokens",
    "oauth2_refresh_tokens",
    "oauth2_authorization_grants",
    "oauth2_device_code_grant",
    "compat_access_tokens",
    "compat_refresh_tokens",
    "refresh_tokens",
];

#[tokio::test]
async fn a_dry_run_tells_every_number_of_the_run() {
    dry_run_equals_run("[plugins.tokens]\nsettings = { family-column = \"family_id\" }\n").await;
}

#[tokio::test]
async fn in_small_windows_too() {
    dry_run_equals_run(
        "[plugins.tokens]\nbatch-size = 97\n\
         settings = { family-column = \"family_id\", protect-refresh = false }\n",
    )
    .await;
}
