//! Jobs of several sweeps, of which the first does not come to its end within a run.

use std::time::Duration;

use besom::request::{Request, Step};
use besom::sweep::Sweep;
use besom_tests::lab::{Lab, both};

use super::{dead, numbers};

const SCHEMA: &str = "CREATE TABLE first (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL);
     CREATE TABLE second (id INTEGER PRIMARY KEY, dead BOOLEAN NOT NULL);";

async fn run(lab: &Lab) -> [u64; 2] {
    run_of(lab, ["first", "second"]).await
}

/// A run as a plugin does it that opens its sweeps one after the other: rows that went of each table.
async fn run_of<const N: usize>(lab: &Lab, tables: [&str; N]) -> [u64; N] {
    let (context, _) = lab.begin().await;
    let mut gone = [0; N];
    'run: for (gone, table) in gone.iter_mut().zip(tables) {
        let request = Request::delete(table, dead());
        let sweep = Sweep::open(&context, request).await.unwrap();
        loop {
            match sweep.next().await.unwrap() {
                Step::Batch(batch) => *gone += batch.affected,
                Step::Drained => break,
                Step::Suspended(_) => break 'run,
            }
        }
    }
    let state = match context.settle().await.suspended {
        Some(_) => "suspended",
        None => "drained",
    };
    lab.end_as(&context, state).await;
    gone
}

#[tokio::test]
async fn rows_that_come_as_fast_as_a_budget_lets_them_go_do_not_keep_the_next_table_from_its_turn()
{
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.script(&format!(
            "INSERT INTO first SELECT n, TRUE FROM {}; INSERT INTO second SELECT n, TRUE FROM {}",
            numbers(250),
            numbers(120)
        ))
        .await;
        lab.options.batch_size = 40;
        lab.options.max_rows = 100;

        let mut runs = Vec::new();
        while lab.count("SELECT count(*) FROM second").await > 0 {
            let case = format!("{:?}: {runs:?}", lab.dialect());
            assert!(runs.len() < 12, "{case}");
            let come = 1_000 + runs.len() * 150;
            lab.script(&format!(
                "INSERT INTO first SELECT -n - {come}, TRUE FROM {}",
                numbers(150)
            ))
            .await;
            runs.push(run(&lab).await);
        }

        let case = format!("{:?}: {runs:?}", lab.dialect());
        assert!(runs.iter().all(|[first, _]| *first >= 50), "{case}");
        assert!(runs.iter().all(|[first, second]| first + second <= 100));
        // Once those behind it are found to be done it has the runs for itself again.
        lab.script(&format!(
            "INSERT INTO first SELECT n, TRUE FROM {}",
            numbers(250)
        ))
        .await;
        run(&lab).await;
        assert_eq!(run(&lab).await, [100, 0], "{case}");
    }
}

#[tokio::test]
async fn a_table_that_takes_longer_than_a_run_has_does_not_keep_the_next_from_its_turn() {
    let mut lab = Lab::sqlite(SCHEMA).await;
    lab.script(&format!(
        "INSERT INTO first SELECT n, FALSE FROM {}; INSERT INTO second VALUES (1, TRUE)",
        numbers(600)
    ))
    .await;
    lab.options.batch_size = 5;
    lab.options.deadline = Duration::from_millis(100);

    let mut runs = Vec::new();
    while lab.count("SELECT count(*) FROM second").await > 0 {
        assert!(runs.len() < 100, "{runs:?}");
        // Where it began there is always something left.
        let come = runs.len() + 1;
        lab.script(&format!("INSERT INTO first VALUES (-{come}, TRUE)"))
            .await;
        runs.push(run(&lab).await);
    }

    assert!(runs.iter().any(|[first, _]| *first > 0), "{runs:?}");
}

#[tokio::test]
async fn the_last_sweep_of_a_job_has_the_whole_run() {
    for mut lab in both(SCHEMA, SCHEMA).await {
        lab.script(&format!(
            "INSERT INTO first SELECT n, TRUE FROM {}",
            numbers(250)
        ))
        .await;
        lab.options.batch_size = 40;
        lab.options.max_rows = 100;

        let mut runs = Vec::new();
        for come in 1..=12 {
            lab.script(&format!(
                "INSERT INTO first SELECT -n - {come}000, TRUE FROM {}",
                numbers(150)
            ))
            .await;
            runs.push(run_of(&lab, ["first"]).await);
        }

        // Once it has looked whether any stands behind it.
        let shared = runs.iter().filter(|[gone]| *gone < 100).count();
        let case = format!("{:?}: {runs:?}", lab.dialect());
        assert!(shared <= 1, "{case}");
    }
}
