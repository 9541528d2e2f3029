//! A tree of rows below the swept ones, in a table of its own: comments below posts.

use std::time::{Duration, Instant};

use besom::request::Value;
use besom_tests::lab::{Lab, both, everything};

use super::{dead, foretold_and_done, left, no, series, yes};

/// `link (id, live)`, `post (id, link, answers, org)` with CASCADE by both keys.
async fn labs() -> Vec<Lab> {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, live {boolean} NOT NULL);
             CREATE TABLE post (id {integer} PRIMARY KEY, link {integer} REFERENCES link ON DELETE CASCADE,
                answers {integer} REFERENCES post ON DELETE CASCADE, org {integer} NOT NULL DEFAULT 1);
             CREATE INDEX post_link ON post (link); CREATE INDEX post_answers ON post (answers);"
        )
    };
    both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_hang_on_the_root_as_well_go_however_deep_they_are() {
    for depth in [900, 3_000, 10_000] {
        for mut lab in labs().await {
            let (no, yes) = (no(&lab), yes(&lab));
            let from = series(&lab, depth);
            lab.script(&format!(
                "INSERT INTO link VALUES (1, {no}), (2, {yes}), (3, {no});
                 INSERT INTO post SELECT n, 1, NULL, 1 FROM {from}; UPDATE post SET answers = id - 1 WHERE id > 1;
                 INSERT INTO post VALUES (20001, 2, NULL, 1), (20002, 2, 20001, 1)"
            ))
            .await;
            let began = Instant::now();

            let batch = foretold_and_done(&mut lab, dead()).await;

            let case = format!("{depth} {:?} {:?}", lab.dialect(), began.elapsed());
            eprintln!("{case}");
            let depth = u64::try_from(depth).unwrap();
            assert_eq!(
                (batch.affected, batch.cascaded, batch.blocked),
                (2, depth, 0),
                "{case}"
            );
            assert_eq!(left(&lab).await, [2], "{case}");
            assert_eq!(
                lab.ids("SELECT id FROM post").await,
                [20_001, 20_002],
                "{case}"
            );
            assert!(began.elapsed() < Duration::from_secs(60), "{case}");
        }
    }
}

/// A key compares by the collation of the column that it refers to.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_write_their_parent_in_another_case_are_as_deep() {
    let schema = "CREATE TABLE link (id INTEGER PRIMARY KEY, live INTEGER NOT NULL);
         CREATE TABLE post (id TEXT COLLATE NOCASE PRIMARY KEY, link INTEGER REFERENCES link ON DELETE CASCADE,
            answers TEXT REFERENCES post ON DELETE CASCADE);
         CREATE INDEX post_link ON post (link); CREATE INDEX post_answers ON post (answers COLLATE NOCASE);";
    let mut lab = Lab::sqlite(schema).await;
    let from = series(&lab, 3_000);
    lab.script(&format!(
        "INSERT INTO link VALUES (1, 0), (2, 1);
         INSERT INTO post SELECT 'p' || n, 1, CASE WHEN n > 1 THEN 'P' || (n - 1) END FROM {from};
         INSERT INTO post VALUES ('q', 2, NULL)"
    ))
    .await;

    let batch = foretold_and_done(&mut lab, dead()).await;

    assert_eq!(
        (batch.affected, batch.cascaded, batch.blocked),
        (1, 3_000, 0)
    );
    assert_eq!(left(&lab).await, [2]);
    assert_eq!(lab.count("SELECT count(*) FROM post").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_grant_does_not_cover_holds_the_root_however_deep_it_is() {
    for mut lab in labs().await {
        let no = no(&lab);
        let from = series(&lab, 500);
        lab.script(&format!(
            "INSERT INTO link VALUES (1, {no}), (2, {no});
             INSERT INTO post SELECT n, 1 + n / 300, NULL, 1 FROM {from};
             UPDATE post SET answers = id - 1 WHERE id > 1 AND id <> 300; UPDATE post SET org = 2 WHERE id = 299"
        ))
        .await;
        let mut grants = everything(&*lab.catalog().await);
        let post = grants
            .tables
            .iter_mut()
            .find(|(name, _)| name.to_string().contains("post"));
        post.unwrap()
            .1
            .filter
            .insert("org".to_owned(), Value::Integer(1));
        lab.grants = Some(grants);

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (1, 201, 1),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(left(&lab).await, [1]);
        assert_eq!(lab.count("SELECT count(*) FROM post").await, 299);
    }
}

/// More than one batch bears: the root is taken apart, and each batch counts what has gone by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_root_with_very_many_answers_is_taken_apart_and_each_is_counted_once() {
    for mut lab in labs().await {
        let no = no(&lab);
        let from = series(&lab, 25_000);
        lab.script(&format!(
            "INSERT INTO link VALUES (1, {no}), (2, {no});
             INSERT INTO post SELECT n, 1, NULL, 1 FROM {from};
             UPDATE post SET answers = CASE WHEN id <= 100 THEN id - 1 ELSE 1 + id % 100 END WHERE id > 1;
             INSERT INTO post VALUES (30001, 2, NULL, 1)"
        ))
        .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (2, 25_001, 0),
            "{case}"
        );
        assert_eq!(lab.count("SELECT count(*) FROM post").await, 0, "{case}");
    }
}

/// SQLite follows CASCADE a thousand rows deep at most: a circle below a root has no first row.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_circle_below_a_root_holds_that_and_no_other() {
    for lab in labs().await {
        let no = no(&lab);
        let from = series(&lab, 3_000);
        lab.script(&format!(
            "INSERT INTO link VALUES (1, {no}), (2, {no});
             INSERT INTO post SELECT n, 1, NULL, 1 FROM {from}; UPDATE post SET answers = 1 + id % 3000;
             INSERT INTO post VALUES (3001, 2, NULL, 1)"
        ))
        .await;

        let (batch, _) = lab.run(dead()).await.unwrap();

        let gone = match lab.dialect() {
            besom::catalog::Dialect::Postgres => (2, 3_001, 0),
            besom::catalog::Dialect::Sqlite => (1, 1, 1),
        };
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            gone,
            "{:?}",
            lab.dialect()
        );
    }
}
