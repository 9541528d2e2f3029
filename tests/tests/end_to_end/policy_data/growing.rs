//! Versions that are published while the job goes on, and runs that are cut short.

use std::time::Duration;

use besom::database::{Cause, Database, DatabaseOptions};

use super::*;

#[tokio::test]
async fn suspended_by_its_row_budget_and_run_again_on_a_table_that_grew_the_newest_ten_are_there() {
    for database in both().await {
        let desk = desk(database, "batch-size = 8", GRANT).await;
        publish(&desk, 1..=60).await;
        let mut newest = 60;
        let mut suspended = 0;
        loop {
            let said = desk.run(&["run", "policy-data", "--max-rows", "17"]);
            assert_eq!(there(&desk, newest - 9).await.1, 10, "the newest ten");
            match said.code {
                0 => break,
                3 => suspended += 1,
                _ => panic!("{}", said.stderr),
            }
            publish(&desk, newest + 1..=newest + 5).await;
            newest += 5;
        }

        assert!(suspended >= 3, "{suspended}");
        assert_eq!(there(&desk, newest - 9).await, (10, 10));
    }
}

#[tokio::test]
async fn what_is_published_while_it_runs_stays_and_the_next_run_counts_anew() {
    for database in both().await {
        let desk = desk(database, "batch-size = 5", GRANT).await;
        let postgres = on_postgres(&desk);
        publish(&desk, 1..=1_500).await;
        let url = desk.database.url.clone();
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let writer = tokio::spawn(async move {
            let database = Database::connect(&url, DatabaseOptions::default())
                .await
                .unwrap();
            let mut newest = 1_500;
            while stopped.try_recv().is_err() {
                let mut session = database.session().await.unwrap();
                let published = session.run_script(&insert(postgres, [newest + 1])).await;
                // SQLite has one writer at a time, and may have kept this one waiting for too long.
                match published {
                    Ok(()) => newest += 1,
                    Err(busy) => assert_eq!(busy.cause, Cause::LockTimeout, "{busy}"),
                }
                drop(session);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            database.close().await;
            newest
        });

        let mut run = desk.command(&["run", "policy-data"]);
        let said = tokio::task::spawn_blocking(move || run.output())
            .await
            .unwrap()
            .unwrap();
        stop.send(()).unwrap();
        let newest = writer.await.unwrap();

        assert!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        let (all, newest_ten) = there(&desk, newest - 9).await;
        assert!(newest > 1_505, "published meanwhile: {newest}");
        assert_eq!(newest_ten, 10);
        assert!(all < 1_000, "the job has run: {all}");
        desk.says(&["run", "policy-data"]);
        assert_eq!(there(&desk, newest - 9).await, (10, 10));
    }
}
