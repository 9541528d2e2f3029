//! Chains of thousands of links by keys that forbid the delete: one pass, whatever their direction.

use std::time::{Duration, Instant};

use besom::catalog::Dialect;
use besom::request::{Join, Mode, Step};
use besom_tests::lab::{Lab, both, drain};

use super::{chain, dead, foretold_and_done, labs, left, no, yes};

const RULES: [&str; 3] = ["", "ON DELETE RESTRICT", "DEFERRABLE INITIALLY DEFERRED"];

/// What a run of ten thousand rows may take where each is looked at a few times. When every row was
/// asked for all that refer to it, four hundred took half a minute.
const LINEAR: Duration = Duration::from_secs(60);

/// Free rows beside a chain, with ids behind its own.
async fn free_rows(lab: &Lab, after: i64, count: i64) {
    let no = no(lab);
    let rows: Vec<_> = (1..=count)
        .map(|n| format!("({}, NULL, {no})", after + n))
        .collect();
    lab.script(&format!("INSERT INTO link VALUES {}", rows.join(", ")))
        .await;
}

/// Each row refers to the one before it.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_row_alive_holds_all_before_it_which_is_found_in_one_pass() {
    for rule in RULES {
        for mut lab in labs(rule).await {
            chain(&lab, 500, -1).await;
            free_rows(&lab, 500, 100).await;
            let yes = yes(&lab);
            lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 500"))
                .await;

            let began = Instant::now();
            let batch = foretold_and_done(&mut lab, dead()).await;

            let case = format!("{rule} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.blocked), (100, 499), "{case}");
            assert_eq!(left(&lab).await, (1..=500).collect::<Vec<_>>(), "{case}");
            assert!(began.elapsed() < Duration::from_secs(20), "{case}");
        }
    }
}

/// A dry run knows as much as the run that it foretells.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_rows_hold_each_other_is_named_also_by_a_dry_run() {
    for mode in [Mode::DryRun, Mode::Apply] {
        for mut lab in labs("").await {
            chain(&lab, 50, -1).await;
            let yes = yes(&lab);
            lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 50"))
                .await;
            lab.options.mode = mode;

            let (context, _) = lab.begin().await;
            let (batch, _) = drain(&context, dead()).await.unwrap();
            let told = context.settle().await;
            lab.end(&context).await;

            let case = format!("{mode:?} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.blocked), (0, 49), "{case}");
            let own: Vec<_> = told.hold_each_other.iter().collect();
            assert_eq!(own, told.blocked_by.keys().collect::<Vec<_>>(), "{case}");
            assert!(own[0].ends_with("link"), "{case}: {own:?}");

            // Where all may go there is nothing to say.
            lab.script(&format!(
                "UPDATE link SET live = {} WHERE id = 50",
                no(&lab)
            ))
            .await;
            let (context, _) = lab.begin().await;
            drain(&context, dead()).await.unwrap();
            let told = context.settle().await;
            lab.end(&context).await;
            assert!(told.hold_each_other.is_empty(), "{case}");
        }
    }
}

/// The cure that the report names.
#[tokio::test(flavor = "multi_thread")]
async fn unlinked_first_each_predecessor_goes_by_itself() {
    for mut lab in labs("").await {
        chain(&lab, 500, -1).await;
        let yes = yes(&lab);
        lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 500"))
            .await;
        let request = dead().unlink_first("link", vec![Join::new("next", "id")], None);

        lab.options.batch_size = 50;
        let (batch, end) = lab.run(request).await.unwrap();

        assert_eq!((batch.affected, batch.blocked), (499, 0));
        assert_eq!(end, Step::Drained);
        assert_eq!(left(&lab).await, [500]);
    }
}

/// As tokens of a family that each name the one that took their place.
#[tokio::test(flavor = "multi_thread")]
async fn expired_rows_that_refer_to_their_successor_go_up_to_the_one_alive() {
    for rule in RULES {
        for mut lab in labs(rule).await {
            chain(&lab, 401, 1).await;
            let yes = yes(&lab);
            lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 401"))
                .await;

            let began = Instant::now();
            let batch = foretold_and_done(&mut lab, dead()).await;

            let case = format!("{rule} {:?}", lab.dialect());
            assert_eq!((batch.affected, batch.blocked), (400, 0), "{case}");
            assert_eq!(left(&lab).await, [401], "{case}");
            assert!(began.elapsed() < Duration::from_secs(20), "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_links_take_about_as_long_as_ten_thousand_rows() {
    const LONG: i64 = 10_000;
    // Each row to its successor, to its predecessor, and to one that lies anywhere.
    let all = [
        (1, None),
        (-1, None),
        (-1, Some(LONG)),
        (1, Some(1)),
        (3_331, None),
        (1, Some(LONG)),
    ];
    let mut cases = Vec::new();
    for lab in labs("").await {
        cases.push((lab, "", all.as_slice()));
    }
    for lab in labs("ON DELETE RESTRICT").await {
        cases.push((lab, "ON DELETE RESTRICT", &all[2..]));
    }
    for (mut lab, rule, cases) in cases {
        for &(step, alive) in cases {
            let all = format!("1 AND {LONG}");
            lab.script(&format!(
                "UPDATE link SET next = NULL WHERE id BETWEEN {all}; DELETE FROM link"
            ))
            .await;
            chain(&lab, LONG, step).await;
            if let Some(alive) = alive {
                let yes = yes(&lab);
                lab.script(&format!("UPDATE link SET live = {yes} WHERE id = {alive}"))
                    .await;
            }
            lab.script("ANALYZE").await;

            let began = Instant::now();
            let batch = foretold_and_done(&mut lab, dead()).await;

            let case = format!("{rule} {step} {alive:?} {:?}", lab.dialect());
            let expected = match (step, alive) {
                (_, None) => (LONG as u64, 0),
                (1, Some(LONG)) => (LONG as u64 - 1, 0),
                (_, Some(_)) => (0, LONG as u64 - 1),
            };
            assert_eq!((batch.affected, batch.blocked), expected, "{case}");
            assert!(began.elapsed() < LINEAR, "{case}: {:?}", began.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_whose_keys_say_nothing_of_its_order_goes_in_one_run() {
    let table = |boolean: &str, id: &str| {
        format!(
            "CREATE TABLE link (id {id} PRIMARY KEY, n integer NOT NULL UNIQUE,
                next {id} REFERENCES link ON DELETE RESTRICT, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);"
        )
    };
    for mut lab in both(&table("boolean", "uuid"), &table("INTEGER", "TEXT")).await {
        let (key, no) = match lab.dialect() {
            Dialect::Postgres => ("md5(n::text)::uuid", "false"),
            Dialect::Sqlite => ("printf('%08x', (n * 7919) % 104729)", "0"),
        };
        let from = super::series(&lab, 600);
        lab.script(&format!(
            "INSERT INTO link SELECT {key}, n, NULL, {no} FROM {from};
             UPDATE link SET next = (SELECT o.id FROM link AS o WHERE o.n = link.n + 1)"
        ))
        .await;
        lab.options.batch_size = 20;

        let batch = foretold_and_done(&mut lab, dead()).await;

        assert_eq!(
            (batch.affected, batch.blocked),
            (600, 0),
            "{:?}",
            lab.dialect()
        );
        assert_eq!(lab.count("SELECT count(*) FROM link").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_two_rows_take_a_chain_in_either_direction() {
    for mut lab in labs("ON DELETE RESTRICT").await {
        lab.options.batch_size = 2;
        for step in [1, -1, 7] {
            chain(&lab, 60, step).await;
            let batch = foretold_and_done(&mut lab, dead()).await;
            assert_eq!((batch.affected, batch.blocked), (60, 0));
            assert_eq!(
                batch.examined, 60,
                "rows that are picked are not examined again"
            );
            assert!(left(&lab).await.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_several_columns_and_two_keys_on_one_table_hold_alike() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (org {integer} NOT NULL, id {integer} NOT NULL, next {integer}, origin {integer},
                live {boolean} NOT NULL, PRIMARY KEY (org, id),
                FOREIGN KEY (org, next) REFERENCES link (org, id),
                FOREIGN KEY (org, origin) REFERENCES link (org, id) ON DELETE RESTRICT);
             CREATE INDEX link_next ON link (org, next);
             CREATE INDEX link_origin ON link (org, origin);"
        )
    };
    for mut lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
        let (no, yes) = (no(&lab), yes(&lab));
        let from = super::series(&lab, 100);
        // In each organisation a chain, and every row also refers to the first of ten.
        lab.script(&format!(
            "INSERT INTO link SELECT 1, n, NULL, NULL, {no} FROM {from};
             INSERT INTO link SELECT 2, n, NULL, NULL, {no} FROM {from};
             UPDATE link SET next = id + 1 WHERE id < 100;
             UPDATE link SET origin = id - id % 10 WHERE id > 10;
             UPDATE link SET live = {yes} WHERE org = 2 AND id = 45"
        ))
        .await;
        lab.options.batch_size = 7;

        let batch = foretold_and_done(&mut lab, dead()).await;

        // The live row holds 40, by its origin, and 46 and all behind that by `next`; 40 holds 41 to 44.
        let case = format!("{:?}", lab.dialect());
        assert_eq!(
            lab.ids("SELECT id FROM link WHERE org = 1").await,
            [0_i64; 0]
        );
        let stays: Vec<i64> = lab.ids("SELECT id FROM link WHERE org = 2").await;
        assert_eq!(stays, held_by(45), "{case}");
        assert_eq!(batch.affected, 200 - stays.len() as u64, "{case}");
        assert_eq!(batch.blocked, stays.len() as u64 - 1, "{case}");
    }
}

/// What a row keeps there that lives.
fn held_by(live: i64) -> Vec<i64> {
    let mut stays = std::collections::BTreeSet::from([live]);
    let mut next = vec![live];
    while let Some(id) = next.pop() {
        let above = [
            (id < 100).then_some(id + 1),
            (id > 10).then_some(id - id % 10),
        ];
        for id in above.into_iter().flatten() {
            if stays.insert(id) {
                next.push(id);
            }
        }
    }
    stays.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_budget_cuts_a_chain_where_nothing_hangs_on_what_goes() {
    for step in [1, -1] {
        for mut lab in labs("").await {
            chain(&lab, 100, step).await;
            lab.options.max_rows = 30;
            let mut runs = 0;
            loop {
                let (batch, end) = lab.run(dead()).await.unwrap();
                runs += 1;
                if end == Step::Drained {
                    break;
                }
                assert_eq!(batch.affected, 30);
            }
            assert_eq!(runs, 4, "{step} {:?}", lab.dialect());
            assert!(left(&lab).await.is_empty());
        }
    }
}
