//! What keeps a link where it is, and with it the rest of its chain: children, locks, the plugin's own
//! dependents, partitions.

use besom::request::{Comparison, Condition, Join, Request, Value};
use besom_tests::lab::{Lab, both};

use super::{chain, dead, foretold_and_done, labs, left, no};

#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_one_link_keeps_what_that_refers_to_and_goes_first_where_it_is_asked_for() {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);
             CREATE TABLE note (id {integer} PRIMARY KEY, link {integer} NOT NULL REFERENCES link);
             CREATE INDEX note_link ON note (link);"
        )
    };
    for mut lab in both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await {
        chain(&lab, 90, 1).await;
        lab.script("INSERT INTO note VALUES (1, 30), (2, 30), (3, 60)")
            .await;
        lab.options.batch_size = 8;

        let batch = foretold_and_done(&mut lab, dead()).await;
        assert_eq!(
            (batch.affected, batch.blocked),
            (29, 61),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(left(&lab).await, (30..=90).collect::<Vec<_>>());

        let request = dead().delete_first("note", vec![Join::new("link", "id")], None);
        let batch = foretold_and_done(&mut lab, request).await;
        assert_eq!(
            (batch.affected, batch.dependents, batch.blocked),
            (61, 3, 0)
        );
        assert!(left(&lab).await.is_empty());
        assert_eq!(lab.count("SELECT count(*) FROM note").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_a_rule_takes_from_a_chain_are_counted_once() {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);
             CREATE TABLE note (id {integer} PRIMARY KEY, link {integer} REFERENCES link ON DELETE CASCADE,
                of {integer} REFERENCES link ON DELETE SET NULL);
             CREATE INDEX note_link ON note (link); CREATE INDEX note_of ON note (of);"
        )
    };
    for mut lab in both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await {
        chain(&lab, 40, -1).await;
        let from = super::series(&lab, 80);
        lab.script(&format!(
            "INSERT INTO note SELECT n, 1 + n % 40, NULL FROM {from} WHERE n <= 40;
             INSERT INTO note SELECT n, NULL, 1 + n % 40 FROM {from} WHERE n > 40"
        ))
        .await;
        lab.options.batch_size = 6;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!((batch.affected, batch.cascaded, batch.blocked), (40, 80, 0));
        assert_eq!(
            lab.count("SELECT count(*) FROM note WHERE of IS NULL")
                .await,
            40
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_link_keeps_what_it_refers_to_and_what_refers_to_it_goes() {
    let lab = labs("").await.remove(0);
    chain(&lab, 100, 1).await;
    let mut other = lab.session().await;
    other.begin("BEGIN").await.unwrap();
    other
        .run_script("SELECT 1 FROM link WHERE id = 40 FOR UPDATE")
        .await
        .unwrap();

    let (batch, _) = lab.run(dead()).await.unwrap();

    assert_eq!(left(&lab).await, (40..=100).collect::<Vec<_>>());
    assert_eq!((batch.affected, batch.locked, batch.blocked), (39, 1, 60));
    other.rollback().await.unwrap();
    let (batch, _) = lab.run(dead()).await.unwrap();
    assert_eq!((batch.affected, batch.locked, batch.blocked), (61, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_refers_to_a_link_by_a_deploy_in_mid_run_keeps_it() {
    use besom::sweep::Sweep;
    for mut lab in labs("").await {
        chain(&lab, 100, -1).await;
        lab.options.batch_size = 10;
        let (context, _) = lab.begin().await;
        let sweep = Sweep::open(&context, dead()).await.unwrap();
        let mut total = besom::request::Batch::default();
        let mut turns = 0;
        loop {
            match sweep.next().await.unwrap() {
                besom::request::Step::Batch(batch) => total += batch,
                _ => break,
            }
            turns += 1;
            if turns == 12 {
                // The windows are done, and the first rows that hang together have gone.
                let yes = super::yes(&lab);
                lab.script(&format!("INSERT INTO link VALUES (1000, 55, {yes})"))
                    .await;
            }
        }
        lab.end(&context).await;

        let case = format!("{:?}", lab.dialect());
        let mut stays: Vec<i64> = (1..=55).collect();
        stays.push(1000);
        assert_eq!(left(&lab).await, stays, "{case}");
        assert_eq!(total.affected, 45, "{case}");
        assert_eq!(total.blocked, 55, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_partitioned_table_that_refer_to_each_other_break_nothing() {
    let lab = Lab::postgres(
        "CREATE TABLE link (id bigint NOT NULL, part int NOT NULL, next bigint, next_part int, live boolean NOT NULL,
            PRIMARY KEY (id, part), FOREIGN KEY (next, next_part) REFERENCES link (id, part))
            PARTITION BY LIST (part);
         CREATE TABLE link_0 PARTITION OF link FOR VALUES IN (0);
         CREATE TABLE link_1 PARTITION OF link FOR VALUES IN (1);
         CREATE INDEX link_next ON link (next, next_part);
         INSERT INTO link SELECT n, n % 2, NULL, NULL, false FROM generate_series(1, 20) AS n;
         UPDATE link SET next = id + 1, next_part = (id + 1) % 2 WHERE id < 20;",
    )
    .await;

    let mut runs = 0;
    while !left(&lab).await.is_empty() {
        let (batch, _) = lab.run(dead()).await.unwrap();
        assert!(batch.affected > 0, "each run gets further");
        runs += 1;
    }
    assert!(runs <= 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_other_rows_is_asked_for_each_link() {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);
             CREATE TABLE use (id {integer} PRIMARY KEY, link {integer} NOT NULL);
             CREATE INDEX use_link ON use (link);"
        )
    };
    let unused = Condition::NotExists {
        table: "use".into(),
        on: vec![Join::new("link", "id")],
        matching: None,
    };
    let dead_and_unused = Condition::All(vec![
        Condition::Compare {
            column: "live".into(),
            operator: Comparison::Equal,
            to: Value::Boolean(false),
        },
        unused,
    ]);
    for mut lab in both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await {
        assert!(!no(&lab).is_empty());
        chain(&lab, 60, 1).await;
        lab.script("INSERT INTO use VALUES (1, 41)").await;
        lab.options.batch_size = 9;

        let request = Request::delete("link", dead_and_unused.clone());
        let batch = foretold_and_done(&mut lab, request).await;

        assert_eq!(
            (batch.affected, batch.blocked),
            (40, 19),
            "{:?}",
            lab.dialect()
        );
    }
}
