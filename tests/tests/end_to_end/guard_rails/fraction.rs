//! `max-fraction`: no more than a part of a table goes in one run.

use besom::config::Fraction;
use besom::request::{Fault, Mode, Step, Suspension};
use besom::sweep::{Change, Reader, Sweep};
use besom_tests::lab::{Lab, both};

use super::*;

const ROW: &str = "CREATE TABLE row (id BIGINT NOT NULL PRIMARY KEY)";

async fn filled(n: u32) -> Vec<Lab> {
    let mut labs = both(ROW, ROW).await;
    for lab in &mut labs {
        let numbers = numbers(lab.dialect(), n);
        lab.script(&format!("INSERT INTO row {numbers}")).await;
        lab.options.max_fraction = Fraction::new(0.2);
        lab.options.batch_size = 100;
    }
    labs
}

#[tokio::test]
async fn a_sweep_of_more_than_the_fraction_is_refused_before_the_first_batch() {
    for mut lab in filled(1000).await {
        let refused = lab.run(delete_up_to(201)).await.unwrap_err();

        assert!(matches!(refused, Fault::Other(_)), "{refused:?}");
        assert_eq!(refused.problem().code, "max-fraction");
        for words in ["more than 200 rows", "20 % of 1000 rows", "--dry-run"] {
            assert!(refused.to_string().contains(words), "{refused}");
        }
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 1000);
        assert_eq!(lab.count("SELECT count(*) FROM besom_batch").await, 0);

        lab.options.mode = Mode::DryRun;
        let (dry, end) = lab.run(delete_up_to(201)).await.unwrap();
        assert_eq!(
            (dry.affected, end),
            (201, Step::Drained),
            "a dry run counts"
        );
    }
}

#[tokio::test]
async fn a_sweep_of_just_the_fraction_is_drained() {
    for lab in filled(1000).await {
        let (batch, end) = lab.run(delete_up_to(200)).await.unwrap();

        assert_eq!((batch.affected, end), (200, Step::Drained));
    }
}

#[tokio::test]
async fn rows_that_become_eligible_on_the_way_meet_the_line() {
    for lab in filled(1000).await {
        lab.script(
            "ALTER TABLE row ADD COLUMN n BIGINT NOT NULL DEFAULT 0;
             UPDATE row SET n = 1 WHERE id <= 150",
        )
        .await;
        let marked = Condition::Compare {
            column: "n".into(),
            operator: Comparison::Equal,
            to: Value::Integer(1),
        };
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, Request::delete("row", marked)).await;
        let sweep = sweep.unwrap();
        let mut affected = 0;
        let end = loop {
            match sweep.next().await.unwrap() {
                Step::Batch(batch) => affected += batch.affected,
                end => break end,
            }
            lab.script("UPDATE row SET n = 1").await;
        };
        lab.end(&context).await;

        assert_eq!(
            (affected, end),
            (200, Step::Suspended(Suspension::MaxFraction))
        );
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 800);
    }
}

#[tokio::test]
async fn the_line_holds_for_all_sweeps_of_a_table_together() {
    for lab in filled(1000).await {
        let (context, _) = lab.begin().await;
        let (first, _) = besom_tests::lab::drain(&context, delete_up_to(150))
            .await
            .unwrap();
        let second = besom_tests::lab::drain(&context, delete_up_to(250))
            .await
            .unwrap_err();
        let third = besom_tests::lab::drain(&context, delete_up_to(200))
            .await
            .unwrap();
        context.settle().await;
        lab.end(&context).await;

        assert_eq!((first.affected, third.0.affected), (150, 50));
        assert!(
            second
                .to_string()
                .contains("150 of which this run has changed already"),
            "{second}"
        );
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 800);
    }
}

#[tokio::test]
async fn a_reader_stops_at_the_line() {
    for lab in filled(100).await {
        let (context, _) = lab.begin().await;
        let request = Request::read("row", vec!["id".into()], Condition::Everything);
        let reader = Reader::open(&context, request).await.unwrap();
        reader.next().await.unwrap();

        let batch = reader.act(Change::Delete((0..50).collect())).await.unwrap();
        let progress = context.settle().await;
        lab.end(&context).await;

        assert_eq!(batch.affected, 20);
        assert_eq!(progress.suspended, Some(Suspension::MaxFraction));
        assert_eq!(lab.count("SELECT count(*) FROM row").await, 80);
    }
}

#[tokio::test]
async fn statistics_that_are_far_too_low_keep_no_job_from_running() {
    let lab = Lab::postgres(&format!(
        "{ROW}; INSERT INTO row SELECT generate_series(1, 10); ANALYZE row;
         ALTER TABLE row SET (autovacuum_enabled = off);
         INSERT INTO row SELECT generate_series(11, 1000);
         UPDATE pg_class SET relpages = 100 WHERE relname = 'row';"
    ))
    .await;
    let mut lab = lab;
    lab.options.max_fraction = Fraction::new(0.2);

    let (batch, _) = lab.run(delete_up_to(200)).await.unwrap();
    assert_eq!(batch.affected, 200);
}

#[tokio::test]
async fn a_partitioned_table_counts_as_a_whole() {
    let mut lab = Lab::postgres(
        "CREATE TABLE row (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE one PARTITION OF row FOR VALUES FROM (1) TO (51);
         CREATE TABLE two PARTITION OF row FOR VALUES FROM (51) TO (1001);
         INSERT INTO row SELECT generate_series(1, 1000)",
    )
    .await;
    lab.options.max_fraction = Fraction::new(0.1);

    let (batch, _) = lab.run(delete_up_to(100)).await.unwrap();
    assert_eq!(
        batch.affected, 100,
        "all of one partition and a part of the other"
    );
    let refused = lab.run(delete_up_to(400)).await.unwrap_err();
    assert!(refused.to_string().contains("of 900 rows"), "{refused}");
}

#[tokio::test]
async fn statistics_of_rows_that_are_gone_let_no_run_empty_the_table() {
    let mut lab = Lab::postgres(&format!(
        "{ROW}; ALTER TABLE row SET (autovacuum_enabled = off);
         INSERT INTO row SELECT generate_series(1, 10000); ANALYZE row;
         DELETE FROM row WHERE id > 1000"
    ))
    .await;
    lab.options.max_fraction = Fraction::new(0.2);

    let refused = lab.run(delete_up_to(1000)).await.unwrap_err();
    assert_eq!(refused.problem().code, "max-fraction");
    assert!(
        refused.to_string().contains("20 % of 1000 rows"),
        "{refused}"
    );
    let (batch, _) = lab.run(delete_up_to(200)).await.unwrap();
    assert_eq!(batch.affected, 200);
}
