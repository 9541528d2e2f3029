//! The run after a suspended one.

use besom::catalog::Dialect;
use besom::ledger::Claim;
use besom::request::{Mode, Request, Step, Suspension};
use besom_tests::lab::{Lab, both, drain};

use super::{dead, numbers};

fn items(key: &str, count: u64) -> String {
    format!(
        "CREATE TABLE item (id {key}, dead BOOLEAN NOT NULL);
         INSERT INTO item SELECT n, TRUE FROM {};",
        numbers(count)
    )
}

fn request() -> Request {
    Request::delete("item", dead())
}

async fn labs(count: u64) -> Vec<Lab> {
    let schema = items("BIGINT PRIMARY KEY", count);
    let mut labs = both(&schema, &items("INTEGER PRIMARY KEY", count)).await;
    // Its rowid is no column, and VACUUM may give other ones.
    labs.push(Lab::sqlite(&items("TEXT PRIMARY KEY", count)).await);
    for lab in &mut labs {
        lab.options.batch_size = 100;
    }
    labs
}

/// Rows before the first one, in the order of the sweep.
async fn behind(lab: &Lab, count: u64) {
    let keyed = lab.dialect() == Dialect::Postgres
        || lab
            .count("SELECT count(*) FROM item WHERE typeof(id) = 'text'")
            .await
            == 0;
    let columns = match keyed {
        true => ("id", "-n"),
        false => ("rowid, id", "-n, -n"),
    };
    lab.script(&format!(
        "INSERT INTO item ({}, dead) SELECT {}, TRUE FROM {}",
        columns.0,
        columns.1,
        numbers(count)
    ))
    .await;
}

#[tokio::test]
async fn the_next_run_goes_on_where_the_last_one_was_suspended_and_comes_round() {
    for mut lab in labs(3_000).await {
        lab.options.max_rows = 1_000;
        let (first, step) = lab.run_as_it_ends(request()).await;
        assert_eq!(step, Step::Suspended(Suspension::RowBudget));
        assert_eq!(first.affected, 1_000);

        // These come under the cut-off behind the sweep.
        behind(&lab, 500).await;
        let (second, step) = lab.run_as_it_ends(request()).await;
        assert_eq!(step, Step::Suspended(Suspension::RowBudget));
        assert_eq!(second.affected, 1_000);
        let there = lab.count("SELECT count(*) FROM item WHERE CAST(id AS BIGINT) < 1");
        assert_eq!(there.await, 500, "it goes on, and does not begin anew");

        // The rest ahead first, then those behind.
        lab.options.max_rows = 10_000;
        let (third, step) = lab.run_as_it_ends(request()).await;
        assert_eq!(step, Step::Drained);
        assert_eq!(third.affected, 1_500);
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
    }
}

#[tokio::test]
async fn a_run_that_finds_nothing_left_at_the_end_does_not_go_round() {
    for mut lab in labs(3_000).await {
        lab.options.max_rows = 1_500;
        lab.script("UPDATE item SET dead = FALSE WHERE CAST(id AS BIGINT) <= 1000")
            .await;
        let (first, _) = lab.run_as_it_ends(request()).await;
        assert_eq!(first.affected, 1_500);

        let (second, step) = lab.run_as_it_ends(request()).await;

        assert_eq!((second.affected, step), (500, Step::Drained));
        assert!(second.examined < 1_500, "{second:?}");
        let (third, step) = lab.run_as_it_ends(request()).await;
        assert_eq!((third.affected, step), (0, Step::Drained));
        assert_eq!(
            third.examined, 1_000,
            "after a drained run: from the first row"
        );
    }
}

#[tokio::test]
async fn other_settings_another_component_and_a_failure_begin_anew() {
    for mut lab in labs(1_000).await {
        lab.options.max_rows = 300;
        let claimed = |claim: Claim| {
            let database = lab.database.clone();
            async move {
                let (claimed, lease) = claim.take(&database).await.unwrap();
                drop(lease);
                let mut w = besom::database::Statement::new(database.dialect());
                w.push("DELETE FROM besom_run WHERE state = 'running'");
                database.session().await.unwrap().execute(&w).await.unwrap();
                claimed.suspended.is_some()
            }
        };
        lab.run_as_it_ends(request()).await;

        assert!(claimed(lab.claim()).await);
        let retention = Claim {
            settings: r#"{"retention":"1d"}"#.to_owned(),
            ..lab.claim()
        };
        assert!(!claimed(retention).await);
        let version = Claim {
            digest: "11".to_owned(),
            ..lab.claim()
        };
        assert!(!claimed(version).await);
        let elsewhere = Claim {
            host: "another".to_owned(),
            ..lab.claim()
        };
        assert!(claimed(elsewhere).await, "any host goes on");
        let (context, _) = lab.begin().await;
        lab.end_as(&context, "failed").await;
        assert!(!claimed(lab.claim()).await);
    }
}

#[tokio::test]
async fn a_run_that_is_suspended_before_its_first_batch_keeps_the_place() {
    for mut lab in labs(1_000).await {
        lab.options.max_rows = 300;
        lab.run_as_it_ends(request()).await;
        lab.options.deadline = std::time::Duration::ZERO;
        let (nothing, step) = lab.run_as_it_ends(request()).await;
        assert_eq!(step, Step::Suspended(Suspension::Deadline));
        assert_eq!(nothing.examined, 0);
        lab.options.deadline = std::time::Duration::from_secs(60);

        let (context, claimed) = lab.begin().await;
        assert!(claimed.suspended.is_some());
        drain(&context, request()).await.unwrap();

        let gone = "SELECT count(*) FROM item";
        assert_eq!(lab.count(gone).await, 400);
    }
}

#[tokio::test]
async fn a_dry_run_begins_at_the_first_row_and_leaves_the_place_alone() {
    for mut lab in labs(1_000).await {
        lab.options.max_rows = 300;
        lab.run_as_it_ends(request()).await;
        lab.options.max_rows = 10_000;
        behind(&lab, 1).await;

        lab.options.mode = Mode::DryRun;
        let (dry, step) = lab.run(request()).await.unwrap();
        assert_eq!((dry.affected, step), (701, Step::Drained));

        lab.options.mode = Mode::Apply;
        let (_, claimed) = lab.begin().await;
        assert!(claimed.suspended.is_some());
    }
}

#[tokio::test]
async fn a_host_that_dies_in_a_run_that_went_on_leaves_what_is_before_its_beginning_to_the_next() {
    for mut lab in labs(1_000).await {
        lab.options.max_rows = 300;
        lab.run_as_it_ends(request()).await;
        behind(&lab, 1).await;
        lab.options.max_rows = 10_000;
        lab.lease = std::time::Duration::from_millis(100);
        let (dies, _) = lab.begin().await;
        let sweep = besom::sweep::Sweep::open(&dies, request()).await.unwrap();
        sweep.next().await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;

        let (context, claimed) = lab.begin().await;
        assert!(claimed.resumed && claimed.suspended.is_none());
        let (_, step) = drain(&context, request()).await.unwrap();

        assert_eq!(step, Step::Drained);
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0);
    }
}

#[tokio::test]
async fn by_page_and_in_partitions_it_goes_on_as_well_also_where_the_table_was_written_anew() {
    let heap = "CREATE TABLE item (id BIGINT, dead BOOLEAN NOT NULL);
         INSERT INTO item SELECT n, TRUE FROM generate_series(1, 3000) n;";
    let parts =
        "CREATE TABLE item (id BIGINT PRIMARY KEY, dead BOOLEAN NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE item_a PARTITION OF item FOR VALUES FROM (0) TO (700);
         CREATE TABLE item_b PARTITION OF item FOR VALUES FROM (700) TO (2000);
         CREATE TABLE item_c PARTITION OF item FOR VALUES FROM (2000) TO (9000);
         INSERT INTO item SELECT n, TRUE FROM generate_series(1, 3000) n;";
    for (schema, anew) in [
        (heap, "SELECT 1"),
        (heap, "VACUUM FULL item"),
        (parts, "SELECT 1"),
        (parts, "ALTER TABLE item DETACH PARTITION item_b"),
    ] {
        let mut lab = Lab::postgres(schema).await;
        lab.options.batch_size = 100;
        lab.options.max_rows = 1_000;
        lab.run_as_it_ends(request()).await;
        lab.script("INSERT INTO item VALUES (5, TRUE)").await;
        lab.script(anew).await;
        lab.options.max_rows = 500;
        lab.run_as_it_ends(request()).await;
        if anew != "VACUUM FULL item" && schema == parts {
            let behind = lab.count("SELECT count(*) FROM item WHERE id = 5").await;
            assert_eq!(behind, 1, "{anew}");
        }
        lab.options.max_rows = 10_000;

        let (_, step) = lab.run_as_it_ends(request()).await;

        assert_eq!(step, Step::Drained, "{anew}");
        assert_eq!(lab.count("SELECT count(*) FROM item").await, 0, "{anew}");
    }
}
