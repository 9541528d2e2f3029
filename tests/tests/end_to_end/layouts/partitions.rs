//! A partitioned table is swept leaf by leaf.

use std::time::Duration;

use besom::catalog::Catalog;
use besom::request::{Condition, Mode, Request, Step, Suspension, Timestamp};
use besom::scope::MinAge;
use besom::sweep::{Sweep, Verification};
use besom_tests::lab::{Lab, drain, everything};

use super::{below, one, rest, verified};

/// By range of age, the oldest range by list of kind, and a default on both levels. A hundred rows
/// of each age from 0 to 49.
const EVENT: &str = "
CREATE TABLE event (id bigint, age int, kind text, at timestamptz DEFAULT '2020-01-01', PRIMARY KEY (id, age, kind))
    PARTITION BY RANGE (age);
CREATE TABLE event_old PARTITION OF event FOR VALUES FROM (0) TO (10) PARTITION BY LIST (kind);
CREATE TABLE event_old_a PARTITION OF event_old FOR VALUES IN ('a');
CREATE TABLE event_old_other PARTITION OF event_old DEFAULT;
CREATE TABLE event_mid PARTITION OF event FOR VALUES FROM (10) TO (30);
CREATE TABLE event_rest PARTITION OF event DEFAULT;
INSERT INTO event SELECT n, n % 50, chr(97 + (n / 50 % 3)::int) FROM generate_series(0, 4999) AS n;";

async fn events() -> Lab {
    Lab::postgres(EVENT).await
}

fn old(age: i64) -> Request {
    Request::delete("event", below("age", age))
}

async fn left(lab: &Lab, table: &str) -> i64 {
    lab.count(&format!("SELECT count(*) FROM ONLY {table}"))
        .await
}

#[tokio::test]
async fn every_leaf_is_swept_however_deep_it_lies() {
    for size in [7, 300, 10_000] {
        let mut lab = events().await;
        lab.options.batch_size = size;

        let (context, _) = lab.begin().await;
        let (total, end) = drain(&context, old(20)).await.unwrap();

        assert_eq!(
            (total.affected, total.examined, end),
            (2_000, 5_000, Step::Drained),
            "size {size}"
        );
        let progress = context.settle().await;
        assert!(!progress.unfinished);
        let tables = progress.drained.iter().map(|p| p.table().id.name.clone());
        let tables = tables.collect::<Vec<_>>();
        assert_eq!(
            tables,
            ["event_mid", "event_old_a", "event_old_other", "event_rest"]
        );
        assert_eq!(verified(&lab, &context).await, Verification::Verified);
        assert_eq!(left(&lab, "event_mid").await, 1_000);
        assert_eq!(left(&lab, "event_rest").await, 2_000);
        assert_eq!(lab.count("SELECT count(*) FROM event").await, 3_000);
    }
}

#[tokio::test]
async fn rows_with_one_place_on_disk_in_two_leaves_are_not_taken_for_each_other() {
    let lab = Lab::postgres(
        "CREATE TABLE heap (age int) PARTITION BY LIST (age);
         CREATE TABLE heap_1 PARTITION OF heap FOR VALUES IN (1);
         CREATE TABLE heap_2 PARTITION OF heap FOR VALUES IN (2);
         CREATE TABLE heap_none PARTITION OF heap DEFAULT;
         INSERT INTO heap SELECT 1 + n % 2 FROM generate_series(1, 100) AS n;
         INSERT INTO heap SELECT NULL FROM generate_series(1, 5) AS n;",
    )
    .await;
    let mut application = lab.session().await;
    // With a held row the statement joins what it locked to what it deletes.
    application
        .begin("BEGIN; SELECT FROM heap_1 WHERE ctid IN ('(0,3)', '(0,4)') FOR UPDATE")
        .await
        .unwrap();

    let (total, _) = lab
        .run(Request::delete("heap", below("age", 2)))
        .await
        .unwrap();

    assert_eq!((total.affected, total.locked, total.examined), (48, 2, 105));
    assert_eq!(left(&lab, "heap_2").await, 50);
    assert_eq!(left(&lab, "heap_none").await, 5);
}

#[tokio::test]
async fn what_remains_in_a_leaf_behind_is_found_by_the_verification() {
    let lab = events().await;
    let mut application = lab.session().await;
    application
        .begin("BEGIN; SELECT FROM event_old_a WHERE id IN (0, 1, 2) FOR UPDATE")
        .await
        .unwrap();

    let (context, _) = lab.begin().await;
    let (total, _) = drain(&context, old(20)).await.unwrap();

    assert_eq!((total.affected, total.locked), (1_997, 3));
    assert_eq!(verified(&lab, &context).await, Verification::Left(3));
}

#[tokio::test]
async fn the_grant_is_the_partitioned_tables_and_so_is_its_narrowing() {
    let mut lab = events().await;
    let catalog = lab.catalog().await;
    let only = |names: &[&str]| {
        let mut grants = everything(&catalog);
        grants
            .tables
            .retain(|name, _| names.contains(&name.as_str()));
        grants
    };

    // Every partition is granted, and that does not open the whole.
    lab.grants = Some(only(&[
        "event_mid",
        "event_old",
        "event_old_a",
        "event_rest",
    ]));
    let refused = lab.run(old(20)).await.unwrap_err();
    assert_eq!(refused.problem().code, "denied", "{refused}");
    assert!(
        refused.to_string().contains("[plugins.lab.grant.event]"),
        "{refused}"
    );
    assert_eq!(lab.count("SELECT count(*) FROM event").await, 5_000);

    // The whole is granted, narrowed; what a partition is granted under its own name is no help.
    let mut grants = only(&["event", "event_mid"]);
    let event = grants.tables.get_mut("event").unwrap();
    event.filter = [("kind".to_owned(), besom::request::Value::Text("a".into()))].into();
    event.min_age = Some(MinAge {
        column: "at".into(),
        age: Duration::from_secs(24 * 3600),
    });
    lab.grants = Some(grants);
    lab.script("UPDATE event SET at = now() WHERE age = 15")
        .await;
    let expected = lab
        .count("SELECT count(*) FROM event WHERE age < 20 AND age <> 15 AND kind = 'a'")
        .await;
    let (total, _) = lab.run(old(20)).await.unwrap();
    assert_eq!(total.affected, expected as u64);
}

#[tokio::test]
async fn the_row_budget_ends_in_mid_leaf_and_the_next_run_does_the_rest() {
    let mut lab = events().await;
    lab.options.batch_size = 300;
    lab.options.max_rows = 1_234;

    let (first, end) = lab.run(old(20)).await.unwrap();
    assert_eq!(
        (first.affected, end),
        (1_234, Step::Suspended(Suspension::RowBudget))
    );
    // All that is left fits, exactly: that is drained.
    lab.options.max_rows = 766;
    let (second, end) = lab.run(old(20)).await.unwrap();
    assert_eq!((second.affected, end), (766, Step::Drained));
}

#[tokio::test]
async fn a_budget_used_up_at_the_end_of_a_leaf_is_not_the_end_of_the_sweep() {
    let mut lab = events().await;
    // Just the rows of the first leaf.
    lab.options.max_rows = 1_000;

    let (total, end) = lab.run(old(20)).await.unwrap();

    assert_eq!(
        (total.affected, end),
        (1_000, Step::Suspended(Suspension::RowBudget))
    );
}

#[tokio::test]
async fn a_dry_run_counts_what_the_run_then_does_and_the_same_sweep_again_nothing() {
    let mut lab = events().await;
    lab.options.mode = Mode::DryRun;
    let (context, _) = lab.begin().await;
    let (dry, _) = drain(&context, old(20)).await.unwrap();
    let again = drain(&context, old(20)).await.unwrap();
    lab.end(&context).await;
    assert_eq!(again, (Default::default(), Step::Drained));

    // A later job's sweep of the same table, and one that asks whether its rows are there.
    let history = context.settle().await.history;
    lab.script("CREATE TABLE note (id bigint PRIMARY KEY, event_id bigint); INSERT INTO note SELECT n, n FROM generate_series(0, 99) AS n")
        .await;
    let (context, _) = lab.begin_after(history).await;
    let (further, _) = drain(&context, old(30)).await.unwrap();
    let alone = Condition::NotExists {
        table: "event".into(),
        on: vec![besom::request::Join::new("id", "event_id")],
        matching: None,
    };
    let (notes, _) = drain(&context, Request::delete("note", alone))
        .await
        .unwrap();
    lab.end(&context).await;

    assert_eq!((dry.affected, further.affected), (2_000, 1_000));
    assert_eq!(notes.affected, 60, "ages below 30 of 0 to 49, twice");
    lab.options.mode = Mode::Apply;
    assert_eq!(lab.run(old(20)).await.unwrap().0, dry);
}

#[tokio::test]
async fn the_newest_are_those_of_the_whole_table() {
    let lab = events().await;
    let beyond = Condition::BeyondNewest {
        group_by: vec![],
        order_by: "id".into(),
        keep: 10,
    };

    let (total, _) = lab.run(Request::delete("event", beyond)).await.unwrap();

    assert_eq!(total.affected, 4_990);
    let ids: Vec<i64> = (4_990..5_000).collect();
    assert_eq!(lab.ids("SELECT id FROM event").await, ids);
}

#[tokio::test]
async fn a_partitioned_table_without_a_partition_is_drained_at_once() {
    let lab =
        Lab::postgres("CREATE TABLE event (id bigint, age int) PARTITION BY LIST (age)").await;

    let (context, _) = lab.begin().await;
    let (total, end) = drain(&context, old(20)).await.unwrap();

    assert_eq!((total.examined, end), (0, Step::Drained));
    assert!(!context.settle().await.unfinished);
    assert_eq!(verified(&lab, &context).await, Verification::Verified);
}

#[tokio::test]
async fn each_leaf_goes_along_the_index_that_it_has() {
    let lab = events().await;
    lab.script(
        "CREATE INDEX ON event_mid (at); UPDATE event SET at = at + make_interval(days => age)",
    )
    .await;
    let old = Condition::OlderThan {
        column: "at".into(),
        cutoff: Timestamp(1_577_836_800_000_000 + 20 * 86_400_000_000),
        offset: 0,
    };
    lab.script("ALTER TABLE event ALTER at SET NOT NULL").await;
    let (context, _) = lab.begin().await;
    let sweep = Sweep::open(&context, Request::delete("event", old).order_by("at"))
        .await
        .unwrap();

    let first = one(&sweep).await;
    let (total, end) = rest(&sweep).await;

    assert_eq!(end, Step::Drained);
    assert_eq!(first.affected + total.affected, 2_000);
    let drained = context.settle().await.drained;
    let along: Vec<_> = drained
        .iter()
        .map(|plan| plan.axis().along.is_some())
        .collect();
    assert_eq!(along, [true, false, false, false]);
}

#[tokio::test]
async fn leaves_are_found_below_each_level_and_not_below_ordinary_parents() {
    let lab = events().await;
    lab.script("CREATE TABLE plain (id int); CREATE TABLE heir () INHERITS (plain)")
        .await;

    let catalog: std::sync::Arc<Catalog> = lab.catalog().await;
    let leaves = |name: &str| {
        let found = catalog.leaves(catalog.table(name).unwrap()).into_iter();
        found
            .map(|leaf| leaf.unwrap().id.name.clone())
            .collect::<Vec<_>>()
    };

    assert_eq!(leaves("event_old"), ["event_old_a", "event_old_other"]);
    assert_eq!(leaves("event_mid"), [""; 0]);
    assert_eq!(leaves("plain"), [""; 0]);
    let id = |name: &str| catalog.table(name).unwrap().id.clone();
    assert!(catalog.holds(&id("event"), &id("event_old_a")));
    assert!(!catalog.holds(&id("event_old"), &id("event_mid")));
    assert!(!catalog.holds(&id("plain"), &id("heir")));
}

#[tokio::test]
async fn times_inside_keys_are_read_in_every_leaf_and_an_empty_one_is_no_hindrance() {
    let mut lab = Lab::postgres(
        "CREATE TABLE login (id uuid PRIMARY KEY, next uuid REFERENCES login ON DELETE SET NULL) PARTITION BY RANGE (id);
         CREATE TABLE login_2023 PARTITION OF login FOR VALUES FROM (MINVALUE) TO ('018cc251-f400-0000-0000-000000000000');
         CREATE TABLE login_2024 PARTITION OF login FOR VALUES FROM ('018cc251-f400-0000-0000-000000000000') TO ('01941f29-7c00-0000-0000-000000000000');
         CREATE TABLE login_late PARTITION OF login DEFAULT;
         INSERT INTO login (id) SELECT ('018bcfe5-6800-0000-0000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series(1, 20) AS n;
         INSERT INTO login (id) SELECT ('0191c6a2-1000-0000-0000-' || lpad(n::text, 12, '0'))::uuid FROM generate_series(1, 20) AS n;
         UPDATE login SET next = '018bcfe5-6800-0000-0000-000000000001' WHERE id = '0191c6a2-1000-0000-0000-000000000007';",
    )
    .await;
    // 2024-06-01: the first leaf is older, the second younger, the third empty.
    let request = || {
        let old = Condition::IdOlderThan {
            column: "id".into(),
            cutoff: Timestamp(1_717_200_000_000_000),
        };
        Request::delete("login", old)
    };
    lab.options.mode = Mode::DryRun;
    let (dry, _) = lab.run(request()).await.unwrap();
    lab.options.mode = Mode::Apply;

    let (total, end) = lab.run(request()).await.unwrap();

    assert_eq!(
        (total.affected, total.cascaded, end),
        (20, 1, Step::Drained)
    );
    assert_eq!(dry, total);
    assert_eq!(lab.count("SELECT count(*) FROM login").await, 20);
}
