//! ON DELETE CASCADE of a table to itself: what hangs below a row goes with it, is counted and is
//! covered by the grant.

use std::time::Duration;

use besom::catalog::{Dialect, TimeForm};
use besom::request::Value;
use besom::scope::MinAge;
use besom_tests::lab::{Lab, both, everything};

use super::{chain, dead, foretold_and_done, labs, left, no, yes};

const CASCADE: &str = "ON DELETE CASCADE";

/// Root 1 with 2 and 3 below it, 4 below 2; root 10 with 11; 20 by itself. The roots are due.
async fn trees(lab: &Lab) {
    let (no, yes) = (no(lab), yes(lab));
    lab.script(&format!(
        "INSERT INTO link VALUES (1, NULL, {no}), (2, 1, {yes}), (3, 1, {yes}), (4, 2, {yes}),
            (10, NULL, {no}), (11, 10, {yes}), (20, NULL, {yes})"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_below_a_root_goes_with_it_and_is_counted() {
    for mut lab in labs(CASCADE).await {
        trees(&lab).await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!((batch.affected, batch.cascaded, batch.blocked), (2, 4, 0));
        assert_eq!(left(&lab).await, [20]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_below_that_is_due_itself_counts_as_affected_wherever_its_window_is() {
    for size in [1, 2, 1000] {
        for mut lab in labs(CASCADE).await {
            trees(&lab).await;
            let no = no(&lab);
            lab.script(&format!("UPDATE link SET live = {no} WHERE id IN (4, 11)"))
                .await;
            lab.options.batch_size = size;

            let batch = foretold_and_done(&mut lab, dead()).await;

            let case = format!("{size} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.cascaded), (4, 2), "{case}");
            assert_eq!(left(&lab).await, [20], "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_below_that_the_grant_does_not_cover_holds_its_root() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link ON DELETE CASCADE,
                live {boolean} NOT NULL, org {integer} NOT NULL DEFAULT 1);
             CREATE INDEX link_next ON link (next);"
        )
    };
    for mut lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
        let (no, yes) = (no(&lab), yes(&lab));
        lab.script(&format!(
            "INSERT INTO link VALUES (1, NULL, {no}, 1), (2, 1, {yes}, 1), (3, 2, {yes}, 1), (4, 3, {yes}, 2),
                (5, 1, {no}, 1), (10, NULL, {no}, 1), (11, 10, {yes}, 1)"
        ))
        .await;
        let mut grants = everything(&*lab.catalog().await);
        for grant in grants.tables.values_mut() {
            grant.filter.insert("org".to_owned(), Value::Integer(1));
        }
        lab.grants = Some(grants);

        let batch = foretold_and_done(&mut lab, dead()).await;

        // 4 is another's, and three rows above it is 1; 5 is due itself.
        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (2, 1, 1),
            "{case}"
        );
        assert_eq!(left(&lab).await, [1, 2, 3, 4], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_below_that_is_too_young_or_of_no_age_holds_its_root() {
    let table = |boolean: &str, integer: &str, time: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link ON DELETE CASCADE,
                live {boolean} NOT NULL, made {time});
             CREATE INDEX link_next ON link (next);"
        )
    };
    let labs = both(
        &table("boolean", "bigint", "timestamptz"),
        &table("INTEGER", "INTEGER", "INTEGER"),
    )
    .await;
    for mut lab in labs {
        let (no, yes) = (no(&lab), yes(&lab));
        let (old, young) = match lab.dialect() {
            Dialect::Postgres => ("now() - interval '90 days'", "now() - interval '20 days'"),
            Dialect::Sqlite => ("unixepoch() - 90 * 86400", "unixepoch() - 20 * 86400"),
        };
        lab.script(&format!(
            "INSERT INTO link VALUES (1, NULL, {no}, {old}), (2, 1, {yes}, {old}), (3, 2, {yes}, {young}),
                (10, NULL, {no}, {old}), (11, 10, {yes}, {old}), (12, 11, {yes}, {old}),
                (20, NULL, {no}, {old}), (21, 20, {yes}, NULL), (30, NULL, {no}, {young}), (31, 30, {yes}, {old})"
        ))
        .await;
        if lab.dialect() == Dialect::Sqlite {
            lab.say("link", "made", TimeForm::UnixS);
        }
        let mut grants = everything(&*lab.catalog().await);
        for grant in grants.tables.values_mut() {
            grant.min_age = Some(MinAge {
                column: "made".to_owned(),
                age: Duration::from_secs(30 * 86_400),
            });
        }
        lab.grants = Some(grants);

        let batch = foretold_and_done(&mut lab, dead()).await;

        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (1, 2, 2),
            "{case}"
        );
        assert_eq!(left(&lab).await, [1, 2, 3, 20, 21, 30, 31], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_other_tables_go_with_what_hangs_below_or_hold_it() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} REFERENCES link ON DELETE CASCADE,
                live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);
             CREATE TABLE note (id {integer} PRIMARY KEY, link {integer} REFERENCES link ON DELETE CASCADE);
             CREATE INDEX note_link ON note (link);
             CREATE TABLE mark (id {integer} PRIMARY KEY, link {integer} REFERENCES link ON DELETE SET NULL);
             CREATE INDEX mark_link ON mark (link);
             CREATE TABLE lock (id {integer} PRIMARY KEY, link {integer} REFERENCES link);
             CREATE INDEX lock_link ON lock (link);"
        )
    };
    for mut lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
        trees(&lab).await;
        lab.script(
            "INSERT INTO note VALUES (1, 4), (2, 4), (3, 11), (4, 20);
             INSERT INTO mark VALUES (1, 3), (2, 11);
             INSERT INTO lock VALUES (1, 11)",
        )
        .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        // With 1 go 2, 3 and 4, two notes of 4, and the mark of 3 lets go; 11 holds 10.
        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (1, 6, 1),
            "{case}"
        );
        assert_eq!(left(&lab).await, [10, 11, 20], "{case}");
        assert_eq!(lab.ids("SELECT id FROM note").await, [3, 4], "{case}");
        assert_eq!(
            lab.ids("SELECT id FROM mark WHERE link IS NULL").await,
            [1],
            "{case}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_rows_below_each_other_go_with_one_root() {
    // SQLite follows CASCADE a thousand rows deep at most.
    for mut lab in labs(CASCADE).await {
        let yes = yes(&lab);
        chain(&lab, 3_000, -1).await;
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id > 1"))
            .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!(
            (batch.affected, batch.cascaded),
            (1, 2_999),
            "{:?}",
            lab.dialect()
        );
        assert!(left(&lab).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_below_each_other_in_a_circle_go_and_it_ends() {
    for mut lab in labs(CASCADE).await {
        let (no, yes) = (no(&lab), yes(&lab));
        lab.script(&format!(
            "INSERT INTO link VALUES (1, NULL, {no}), (2, 1, {yes}), (3, 2, {yes}), (4, NULL, {no}), (5, 5, {no});
             INSERT INTO link VALUES (6, NULL, {yes}), (7, 6, {yes}); UPDATE link SET next = 7 WHERE id = 6;
             UPDATE link SET next = 3 WHERE id = 1"
        ))
        .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (3, 2, 0),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(left(&lab).await, [6, 7]);
    }
}

/// SQLite follows CASCADE a thousand rows deep at most, round a circle and further below it.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_circle_goes_with_a_long_chain_below_it() {
    for mut lab in labs(CASCADE).await {
        let yes = yes(&lab);
        chain(&lab, 1_000, -1).await;
        lab.script(&format!(
            "UPDATE link SET next = 850 WHERE id = 1; UPDATE link SET live = {yes} WHERE id > 1"
        ))
        .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!(
            (batch.affected, batch.cascaded),
            (1, 999),
            "{:?}",
            lab.dialect()
        );
        assert!(left(&lab).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_lets_go_is_followed_and_counted() {
    for size in [1, 1000] {
        for mut lab in labs("ON DELETE SET NULL").await {
            chain(&lab, 10, -1).await;
            let yes = yes(&lab);
            lab.script(&format!("UPDATE link SET live = {yes} WHERE id IN (4, 10)"))
                .await;
            lab.options.batch_size = size;

            let batch = foretold_and_done(&mut lab, dead()).await;

            assert_eq!((batch.affected, batch.blocked), (8, 0));
            // In windows of one row each lets go before it goes itself.
            let let_go = if size == 1 { 8 } else { 2 };
            assert_eq!(batch.cascaded, let_go, "{size} {:?}", lab.dialect());
            assert_eq!(left(&lab).await, [4, 10]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_row_that_goes_with_another_only_what_hangs_on_that_as_well_goes() {
    let schema = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, live {boolean} NOT NULL);
             CREATE TABLE post (id {integer} PRIMARY KEY, link {integer} NOT NULL REFERENCES link ON DELETE CASCADE,
                answers {integer} REFERENCES post ON DELETE CASCADE);
             CREATE INDEX post_link ON post (link); CREATE INDEX post_answers ON post (answers);"
        )
    };
    for mut lab in both(&schema("boolean", "bigint"), &schema("INTEGER", "INTEGER")).await {
        let (no, yes) = (no(&lab), yes(&lab));
        lab.script(&format!(
            "INSERT INTO link VALUES (1, {no}), (2, {no}), (3, {yes});
             INSERT INTO post VALUES (10, 1, NULL), (11, 1, 10), (12, 1, 11), (20, 2, NULL), (21, 3, 20), (30, 3, 21)"
        ))
        .await;

        let batch = foretold_and_done(&mut lab, dead()).await;

        // A post of 3, which stays, answers one of 2.
        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            (batch.affected, batch.cascaded, batch.blocked),
            (1, 3, 1),
            "{case}"
        );
        assert_eq!(left(&lab).await, [2, 3], "{case}");
        assert_eq!(lab.ids("SELECT id FROM post").await, [20, 21, 30], "{case}");
    }
}
